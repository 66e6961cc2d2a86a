"""What a function says: its structured lines, one a message and run, and the numbers of its batches."""

import contextlib
import json
from pathlib import Path


class Log:
    def __init__(self, file: Path):
        self.file = file
        self._offset, self._lines = 0, []
        self.metrics: list[dict] = []  # one line a batch

    def text(self) -> str:
        return self.file.read_text(errors="replace") if self.file.exists() else ""

    def lines(self) -> list[dict]:
        if self.file.exists():
            with self.file.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.splitlines():
                with contextlib.suppress(ValueError):  # torn by a kill
                    entry = json.loads(line)
                    if isinstance(entry, dict) and entry.get("message") == "message":
                        self._lines.append(entry)
                    elif isinstance(entry, dict) and "_aws" in entry:
                        self.metrics.append(entry)
        return self._lines
