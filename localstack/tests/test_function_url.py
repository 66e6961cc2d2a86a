"""What a function answers by its URL, before LocalStack makes HTTP of it."""

import json
import unittest

from bellhop_cloud.plugins.function_url import with_body


class Answers(unittest.TestCase):
    def test_a_status_without_a_body_has_an_empty_one(self):
        for answer in ({"statusCode": 304, "headers": {"etag": "1"}}, {"statusCode": 304, "headers": {"etag": "1"}, "body": None}):
            expected = {"statusCode": 304, "headers": {"etag": "1"}, "body": ""}
            self.assertEqual(json.loads(with_body(json.dumps(answer).encode())), expected)

    def test_any_other_answer_stays_as_it_is(self):
        for answer in (b'{"statusCode": 200, "body": "b"}', b'{"some": "value"}', b'"text"', b"[1]", b"no JSON", b""):
            self.assertEqual(with_body(answer), answer)


if __name__ == "__main__":
    unittest.main()
