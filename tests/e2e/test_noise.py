"""One tenant posts a season at once: no other tenant's event waits behind more than two rounds of its batches."""

import unittest

import harness
from noise import Street

MOST_BATCHES = 2


class Noise(unittest.TestCase):
    def test_others_do_not_wait_behind_a_season(self):
        street = Street(harness.main_stack())
        rate = street.capacity() / 2
        noise = 20_000 if harness.FULL else 1_000
        day = street.day(rate, noise, seconds=1)
        harness.say(f"{len(day.seen)} events of others at {rate:.0f} a second beside {noise} at once: lag p99 {day.lag(99):.1f} s, behind at most {day.behind:.1f} rounds of its batches")
        self.assertGreater(len(day.seen), 20)
        self.assertLessEqual(day.behind, MOST_BATCHES)


if __name__ == "__main__":
    unittest.main()
