"""A stack that the shipped commands make, and bookings that keep coming while they do."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402
from bellhop_cloud import settings  # noqa: E402
from events import House, again  # noqa: E402

DEPLOY, REMOVE = ROOT / "infra" / "deploy", ROOT / "infra" / "remove"
SMOKE_SECONDS = 10
BOOKINGS = 20  # of each property, each in a unit of its own
OFTEN = 0.05  # seconds between two posts


def command(program: Path, *arguments: str, code: int = 0) -> dict:
    """What a command says in its line of JSON; fails, saying what it said, with another exit code."""
    environment = os.environ | settings.client_environment()
    done = subprocess.run([program, *arguments, "--yes", "--json"], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise AssertionError(f"{program.name} {' '.join(arguments)}: exit code {done.returncode}, expected {code}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Shipped(harness.Stack):
    """As e2e's stacks, but made by infra/deploy, with all functions at work and nothing between them and what they call."""

    def __init__(self, prefix: str, binaries: Path):
        self.binaries = binaries
        super().__init__(prefix, {}, [*harness.WORKERS, "review"])

    def deploy(self):
        told = self.upgrade(self.binaries, *(f"{k}={v}" for k, v in self.parameters.items()))
        self.outputs = told["outputs"]

    def prepare(self):
        """Nothing: this is the stack as people get it."""

    def upgrade(self, binaries: Path, *parameters: str, code: int = 0) -> dict:
        seconds = ("--smoke-seconds", str(SMOKE_SECONDS))
        return command(DEPLOY, "--prefix", self.prefix, "--built", str(binaries), *seconds, *parameters, code=code)

    def remove(self, *arguments: str, code: int = 0) -> dict:
        return command(REMOVE, "--prefix", self.prefix, *arguments, code=code)


class Version:
    """A folder of binaries that differs from the one it was made of: a new version as CloudFormation sees it."""

    def __init__(self, source: Path, folder: Path):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for binary in source.glob("bellhop-*"):
            if binary.is_file() and not binary.suffix:
                shutil.copy2(binary, folder)

    def marked(self, text: str) -> Path:
        """The same programs with some bytes behind their end, which nobody reads."""
        for binary in self.folder.iterdir():
            with binary.open("ab") as file:
                file.write(text.encode())
        return self.folder

    def spoiled(self, function: str) -> Path:
        """One of them ends at its start."""
        (self.folder / f"bellhop-{function}").write_text("#!/bin/sh\nexit 1\n")
        return self.folder


class Traffic:
    """Bookings of some properties, posted one after the other by a thread until it is told to stop; one in ten twice."""

    def __init__(self, stack: Shipped, name: str, properties: int = 5):
        self.stack = stack
        self.houses = [House(name, {f"u{n}": 1 for n in range(BOOKINGS)}) for _ in range(properties)]
        self.newest: dict[tuple[str, str], int] = {}
        self.posted: set[str] = set()
        self._stop, self._failed = threading.Event(), None

    def __enter__(self):
        for house in self.houses:
            house.register(self.stack)
        self._thread = threading.Thread(target=self._flow, daemon=True)
        self._thread.start()
        harness.wait(lambda: len(self.posted) >= 20 or self._failed, 30, "the first bookings")
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._thread.join(30)
        if kind is None and self._failed:
            raise self._failed

    def _flow(self):
        try:
            number = 0
            while not self._stop.wait(OFTEN):
                house, n = self.houses[number % len(self.houses)], number // len(self.houses) % BOOKINGS
                event = house.booking(f"b{n}", 1000 + number, "modified", unit=f"u{n}")
                house.send(self.stack, event, *[again(event)] * (number % 10 == 0))
                self.posted.add(event["id"])
                self.newest[house.group, f"b{n}"] = 1000 + number
                number += 1
        except Exception as error:  # noqa: BLE001: told where the thread is joined
            self._failed = error

    def more(self, count: int = 50):
        """Waits until so many more are posted: what happens next happens among them."""
        wanted = len(self.posted) + count
        harness.wait(lambda: len(self.posted) >= wanted or self._failed, 60, "more bookings")

    def account(self, test):
        """Each event is in the record of its booking, and none was applied twice; each booking is as it was posted last; nobody
        is asked about anything. (A version that is replaced here dies in the middle of its work, perhaps before its line.)"""
        self.stack.drain(120)
        ours = {house.group for house in self.houses}
        applied = Counter(
            line["event"] for line in self.stack.lines(outcome="applied") if f"{line['tenant']}#{line['property']}" in ours
        )
        test.assertEqual({}, {event: n for event, n in applied.items() if n > 1}, "applied twice")
        done = {event for house in self.houses for event in self._seen(house)}
        test.assertEqual(set(), self.posted - done, "lost")
        for house in self.houses:
            for (group, booking), version in self.newest.items():
                if group == house.group:
                    test.assertEqual(house.state(self.stack, booking)["version"], version, f"{group} {booking}")
            test.assertEqual([], house.left_waiting(self.stack))
        harness.say(f"{len(self.posted)} events posted, all done, none twice")

    def _seen(self, house: House) -> set[str]:
        bookings = (item for key, item in self.stack.items(house.group).items() if key.startswith("calendar#booking/"))
        return {event for item in bookings for event in item["seen"]["M"]}
