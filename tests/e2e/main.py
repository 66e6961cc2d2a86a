"""Runs the end-to-end tests: starts the cloud if it is not up, and leaves it as it was found."""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
from results import Result

HERE = Path(__file__).resolve().parent
# The longest begin first, so that none of them is alone in the end.
LONG = ("channel_season", "chaos", "automation", "channel_outage", "season_cleanings", "incident", "channels", "timer_due", "feeds", "dashboard", "silo")


def run_here(names: list[str]) -> int:
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames([f"test_{name}" for name in names])
    started = time.monotonic()
    result = None
    try:
        result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Result, verbosity=0).run(suite)
    finally:
        harness.remove_stacks(keep_logs=result is None or not result.wasSuccessful())
    broken = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{result.testsRun - len(broken) - len(result.skipped)} passed, {len(broken)} failed", flush=True)
    return 0 if result.wasSuccessful() and not loader.errors else 1


def run_beside(names: list[str], processes: int, full: bool) -> int:
    """Each file in a process of its own with stacks of its own, so many at a time, each beside the others in another cloud: one
    LocalStack keeps one processor busy, as all Python does."""
    names = sorted(names, key=lambda name: (LONG.index(name) if name in LONG else len(LONG), name))
    started, printing = time.monotonic(), threading.Lock()
    passed, failed, own = [], [], threading.local()

    def run(name: str):
        command = [sys.executable, __file__, *["--full"] * full, name]
        env = os.environ | own.place
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
            for line in child.stdout:
                if counts := re.fullmatch(r"(\d+) passed, (\d+) failed\n", line):
                    passed.append(int(counts[1]))
                elif not re.match(r"took |-+$|Ran |OK$|$", line):
                    with printing:
                        print(f"{harness.clock()} {name}: {line.rstrip()}", file=sys.stderr, flush=True)
        if child.returncode:
            failed.append(name)

    with contextlib.ExitStack() as clouds:
        places = [clouds.enter_context(harness.cloud_beside(number)) for number in range(processes)]

        def settle():  # each thread of the pool stays with one cloud
            own.place = places.pop()

        with ThreadPoolExecutor(processes, initializer=settle) as pool:
            list(pool.map(run, names))
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{sum(passed)} passed, {f'failed: {" ".join(failed)}' if failed else '0 failed'}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/e2e/run", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of the acceptance test, not a twentieth")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="so many files of tests at a time, each in a cloud of its own (default: 1)")
    parser.add_argument("--bench", choices=["noise"], help="instead of tests: what others notice of a noisy neighbour, pool and silo")
    parser.add_argument("names", nargs="*", metavar="NAME", help="tests, as poison or chaos.Chaos (default: all)")
    args = parser.parse_args()
    harness.FULL = args.full
    sys.path.insert(0, str(HERE))
    if args.bench:
        import noise

        return 0 if noise.main() else 1
    names = args.names or sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))
    if args.processes > 1:
        return run_beside(names, args.processes, args.full)
    with harness.cloud():
        return run_here(names)


if __name__ == "__main__":
    sys.exit(main())
