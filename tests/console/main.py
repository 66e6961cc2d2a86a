"""Runs the console's tests: starts the cloud if it is not up, and leaves it as it was found."""

import argparse
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import bench  # noqa: E402
import harness  # noqa: E402
import pages  # noqa: E402
from results import Result  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/console/run", description=__doc__)
    parser.add_argument("--screenshots", action="store_true", help="renew docs/images")
    parser.add_argument("--bench", action="store_true", help="instead of tests: how long people wait")
    parser.add_argument("names", nargs="*", help="browser, attacks, schema; or browser.Browser.test_...")
    args = parser.parse_args()
    pages.SCREENSHOTS = args.screenshots
    if args.bench:
        return 0 if bench.main() else 1
    names = args.names or sorted(file.stem.removeprefix("test_") for file in HERE.glob("test_*.py"))
    with harness.cloud():
        result = None
        try:
            suite = unittest.TestLoader().loadTestsFromNames([f"test_{name}" for name in names])
            result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Result, verbosity=0).run(suite)
        finally:
            harness.remove_stacks(keep_logs=result is None or not result.wasSuccessful())
    broken = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    print(f"{result.testsRun - len(broken) - len(result.skipped)} passed, {len(broken)} failed", flush=True)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
