"""Runs the end-to-end tests: starts the cloud if it is not up, and leaves it as it was found."""

import argparse
import sys
import time
import unittest
from pathlib import Path

import harness

HERE = Path(__file__).resolve().parent


class Result(unittest.TextTestResult):
    """One line a test, with its time, as it ends."""

    def startTest(self, test):
        self.started = time.monotonic()
        super(unittest.TextTestResult, self).startTest(test)
        self.stream.write(f"{harness.clock()} {test.id().removeprefix('test_')} ... ")
        self.stream.flush()

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.stream.write(f"\n      {subtest._subDescription()}: FAIL ")
        super(unittest.TextTestResult, self).addSubTest(test, subtest, error)

    def stopTest(self, test):
        failed = any(test is t or getattr(t, "test_case", None) is test for t, _ in self.failures + self.errors)
        self.stream.writeln(f"{'FAILED' if failed else 'ok'} ({time.monotonic() - self.started:.1f} s)")
        super().stopTest(test)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/e2e/run", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of the acceptance test, not a twentieth")
    parser.add_argument("names", nargs="*", metavar="NAME", help="tests, as poison or chaos.Chaos (default: all)")
    args = parser.parse_args()
    harness.FULL = args.full
    sys.path.insert(0, str(HERE))
    loader = unittest.TestLoader()
    names = args.names or sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))
    suite = loader.loadTestsFromNames([f"test_{name}" for name in names])
    started = time.monotonic()
    with harness.cloud():
        result = None
        try:
            result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Result, verbosity=0).run(suite)
        finally:
            harness.remove_stacks(keep_logs=result is None or not result.wasSuccessful())
    broken = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{result.testsRun - len(broken) - len(result.skipped)} passed, {len(broken)} failed")
    return 0 if result.wasSuccessful() and not loader.errors else 1


if __name__ == "__main__":
    sys.exit(main())
