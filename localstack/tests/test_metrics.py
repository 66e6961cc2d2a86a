"""The age of a queue's oldest message, on LocalStack's own queue class without a server."""

import time
import unittest

from bellhop_cloud.plugins import fifo, metrics
from test_fifo import Received, queue, send


class Oldest(unittest.TestCase):
    def test_it_is_that_of_the_oldest_message_also_in_flight_or_in_another_group(self):
        q = queue()
        self.assertEqual(metrics.oldest(q), 0)
        now = time.time()
        for body, group, age in (("1", "a", 10), ("2", "b", 300), ("3", "b", 20)):
            send(q, body, group)
            q.get_message_group(group).messages[-1].message["Attributes"]["SentTimestamp"] = str(int((now - age) * 1000))
        self.assertAlmostEqual(metrics.oldest(q), 300, delta=5)
        received = Received(q)
        self.assertAlmostEqual(metrics.oldest(q), 300, delta=5)
        q.remove(received.handles["2"])
        self.assertAlmostEqual(metrics.oldest(q), 20, delta=5)


if __name__ == "__main__":
    fifo.apply()
    unittest.main()
