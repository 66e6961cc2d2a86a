"""SECURITY.md names a test for each threat: they exist."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = re.compile(r"`([\w./-]+\.(?:rs|py))` `(\w+)`")


class Security(unittest.TestCase):
    def test_each_test_that_is_named_exists(self):
        text = (ROOT / "SECURITY.md").read_text()
        named = NAMED.findall(text)
        self.assertGreater(len(named), 20)
        for path, test in named:
            with self.subTest(path=path, test=test):
                file = ROOT / path
                self.assertTrue(file.is_file(), f"{path} is not there")
                self.assertRegex(file.read_text(), rf"\b(?:fn|def) {test}\(")

    def test_each_threat_has_its_test_or_says_why_not(self):
        rows = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| **")]
        self.assertGreater(len(rows), 12)
        for row in rows:
            with self.subTest(row[:60]):
                self.assertTrue(NAMED.search(row) or "not part of `make test`" in row)


if __name__ == "__main__":
    unittest.main()
