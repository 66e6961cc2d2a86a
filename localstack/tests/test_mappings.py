"""Functions that leave their queues alone: how long a last poll is waited for, without a cloud."""

import time
import unittest
from unittest import mock

from bellhop_cloud import mappings, settings


class LastPoll(unittest.TestCase):
    def waited(self, *since: float) -> float:
        functions = mock.Mock()
        functions.list_event_source_mappings.return_value = {"EventSourceMappings": [{"UUID": "u"}]}
        functions.get_event_source_mapping.return_value = {"State": "Disabled"}
        with mock.patch.object(settings, "client", return_value=functions), mock.patch.object(time, "sleep") as sleep:
            mappings.stop_consuming(["f"], *since)
        functions.update_event_source_mapping.assert_called_once_with(UUID="u", Enabled=False)
        return sum(call.args[0] for call in sleep.call_args_list)

    def test_a_poll_of_a_mapping_that_may_be_idle_is_waited_for_to_its_end(self):
        self.assertGreater(self.waited(), settings.IDLE_POLL_SECONDS)
        self.assertGreater(self.waited(time.monotonic() - mappings.IDLE_AFTER_SECONDS), settings.IDLE_POLL_SECONDS)

    def test_a_young_mapping_polls_often(self):
        self.assertLess(settings.POLL_SECONDS, self.waited(time.monotonic()))
        self.assertLess(self.waited(time.monotonic()), settings.IDLE_POLL_SECONDS)


if __name__ == "__main__":
    unittest.main()
