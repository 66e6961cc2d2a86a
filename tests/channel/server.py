#!/usr/bin/env python3
"""The outside world for channel synchronization: an ARI API, a webhook sink and iCalendar feeds, on loopback.

    python3 tests/channel/server.py [--port 0] [--state FILE.json]     prints {"url": ...} when ready, stops on SIGTERM
    python3 tests/channel/server.py summary URL                        calls, values, rate-limited, errors by property"""

import argparse
import json
import signal
import sys
import threading
import urllib.error
import urllib.request

from calls import table
from wire import Server
from world import World, unix_time


class FakeChannel:
    """In this process: `with FakeChannel() as fake: ... fake.url`. Settings are those of `config.py`. `fake.world` has what
    the control API has: `state()`, `history()`, `call_log()`, `summary()`, `config.merge({...})`."""

    def __init__(self, port: int = 0, state: str | None = None, clock=unix_time, **settings):
        self.world = World(clock, **settings)
        self.state_file = state
        self._port, self._server = port, None

    def start(self) -> "FakeChannel":
        if self.state_file:
            self.world.load(self.state_file)
        self._server = Server(self.world, self._port)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault(self, *ordered: dict):
        """Replaces the faults; without any, clears them and lets go what is held."""
        with self.world.lock:
            self.world.faults.order(list(ordered), self.world.clock())
            if not ordered:
                self.world.faults.release()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self.world.faults.release()
        if self.state_file:
            self.world.save(self.state_file)

    def __enter__(self) -> "FakeChannel":
        return self.start()

    def __exit__(self, *_):
        self.stop()


def serve(port: int, state: str | None):
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with FakeChannel(port, state) as fake:
        print(json.dumps({"url": fake.url}), flush=True)
        stopped.wait()


def summary(url: str) -> int:
    try:
        with urllib.request.urlopen(url.rstrip("/") + "/_control/summary", timeout=10) as answer:
            print(table(json.load(answer)))
    except (urllib.error.URLError, ValueError) as problem:
        print(f"no fake channel answers at {url}: {problem}", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["summary"]:
        parser = argparse.ArgumentParser("server.py summary")
        parser.add_argument("url")
        return summary(parser.parse_args(arguments[1:]).url)
    parser = argparse.ArgumentParser("server.py", description="A fake channel; `summary URL` prints what one has seen.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", metavar="FILE.json", help="read at the start if it is there, written at the end")
    options = parser.parse_args(arguments)
    serve(options.port, options.state)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
