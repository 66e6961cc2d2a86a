"""How results are printed: one line a test, with its time, as it ends."""

import time
import unittest

import harness


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
