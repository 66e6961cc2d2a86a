"""Runs the console's tests: starts the cloud if it is not up, and leaves it as it was found."""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent / "e2e"))

import harness  # noqa: E402
from main import run_here  # noqa: E402

import browser  # noqa: E402
import test_pages  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/console/run", description=__doc__)
    parser.add_argument("--screenshots", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    test_pages.KEEP = args.screenshots
    names = args.names or sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))
    with harness.cloud():
        try:
            return run_here(names)
        finally:
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
