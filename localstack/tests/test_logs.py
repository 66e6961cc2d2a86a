"""Log lines on their way to CloudWatch Logs, and which of them a filter pattern finds."""

import json
import unittest
from types import SimpleNamespace

from bellhop_cloud.plugins.logs import Shipper, Unsupported, matcher, place_of


class Patterns(unittest.TestCase):
    def test_a_field_is_compared_by_its_value(self):
        line = json.dumps({"trace": "ab" * 16, "n": 3, "ok": True, "deep": {"er": "x"}})
        for pattern, found in (
            ('{ $.trace = "%s" }' % ("ab" * 16), True),
            ('{$.trace="%s"}' % ("cd" * 16), False),
            ("{ $.n = 3 }", True),
            ("{ $.n = 4 }", False),
            ("{ $.ok = 1 }", False),
            ('{ $.deep.er = "x" }', True),
            ('{ $.deep = "x" }', False),
            ('{ $.none = "x" }', False),
            ('{ $.trace = "abab*" }', True),
            ('{ $.trace = "*ab" }', True),
            ('{ $.trace = "ab" }', False),
            ('{ $.trace = "b*" }', False),
            ('{ $.n = "*" }', False),
        ):
            self.assertEqual(matcher(pattern)(line), found, pattern)
        self.assertFalse(matcher('{ $.trace = "x" }')("no JSON"))

    def test_every_term_must_be_there(self):
        line = 'START RequestId: 7f {"a":"b"}\n'
        for pattern, found in (
            ("START", True),
            ("START 7f", True),
            ("  START   7f ", True),
            ("START END", False),
            ('"RequestId: 7f"', True),
            ('"RequestId: 8f" START', False),
            (r'"\"a\":\"b\""', True),
        ):
            self.assertEqual(matcher(pattern)(line), found, pattern)

    def test_what_is_not_understood_is_refused_and_not_taken_for_all(self):
        for pattern in ("-START", "?a ?b", '{ $.a = "b" && $.c = "d" }', '{ $.a != "b" }', "[a, b]", '"open', "%regex%"):
            with self.assertRaises(Unsupported, msg=pattern):
                matcher(pattern)


class Shipping(unittest.TestCase):
    def test_lines_go_to_the_templates_group_in_order_and_none_twice(self):
        version = SimpleNamespace(
            id=SimpleNamespace(account="1", region="r", function_name="f", qualifier="$LATEST"),
            config=SimpleNamespace(logging_config={"LogGroup": "/g"}),
        )
        place = place_of(version, "e")
        self.assertEqual((place.account, place.region, place.group, place.stream.split("/")[-1]), ("1", "r", "/g", "[$LATEST]e"))
        version.config.logging_config = {}
        self.assertEqual(place_of(version, "e").group, "/aws/lambda/f")
        stored = []
        shipper = Shipper(lambda place, events: stored.append((place, [event["message"] for event in events])))
        shipper._thread = "none: this test ships"
        for line in ("1", "", "2"):
            shipper.add(place, line)
        shipper.ship()
        shipper.ship()
        self.assertEqual(stored, [(place, ["1\n", "2\n"])])


if __name__ == "__main__":
    unittest.main()
