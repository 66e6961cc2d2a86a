"""What Schemathesis makes of the API's own document: good and bad requests for every operation. None is answered with a server's
error, or in a form that the document does not tell of; what the document forbids is refused."""

import json
import unittest
import urllib.request
import uuid
from urllib.parse import parse_qsl, quote, urlsplit

import guests
import harness
import schemathesis
from bellhop_cloud import issuer
from events import House
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import stack
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

EXAMPLES = 25
FORMS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
SECONDS = 30


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        house = House("schema").register(stack())
        house.send(stack(), house.booking("b1", departure="2031-04-01"))
        stack().drain()
        listed = ["review", "list", "--tenant", house.tenant, "--json"]
        [item] = harness.wait(lambda: json.loads(guests.command(stack(), *listed)), 30, "an item")
        cls.own = {"tenant": house.tenant, "desk": house.tenant, "property": house.property, "item": item["id"]}
        url = stack().outputs["ConsoleUrl"]
        with urllib.request.urlopen(f"{url}api/openapi.json", timeout=SECONDS) as answer:
            cls.document = json.load(answer)
        cls.schema = schemathesis.openapi.from_dict(cls.document)
        cls.schema.config.update(base_url=url.rstrip("/"))

    def test_every_operation_keeps_to_the_document(self):
        operations = [result.ok() for result in self.schema.get_all_operations()]
        self.assertEqual(len(operations), sum(len(path) for path in self.document["paths"].values()))
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with self.subTest(operation.label, mode=mode.value):
                    self.probe(operation, mode)

    def probe(self, operation, mode: GenerationMode):
        refuses = ["negative_data_rejection"] if mode is GenerationMode.NEGATIVE else []
        checks = [CHECKS.get_one(name) for name in [*FORMS, *refuses]]
        sent = []

        @given(case=operation.as_strategy(generation_mode=mode), is_own=st.integers(0, 3).map(bool))
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )  # fmt: skip
        def probe(case, is_own):
            # Ids made up are all answered with 404: most requests are about what is there.
            if is_own:
                known = {name: quote(self.own[name], safe="~") for name in case.path_parameters or {}}
                case.path_parameters = known
            # A person each, or the limit of requests answers for most.
            token = issuer.token("manager", [self.own["tenant"]], sub=uuid.uuid4().hex)
            response = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS)
            sent.append(response.status_code)
            # An empty value is none, whatever it was before it was written into an address.
            said = parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)
            is_bad = all(value for _, value in said)
            case.validate_response(response, checks=checks if is_bad else checks[: len(FORMS)])

        if mode is GenerationMode.NEGATIVE and not operation.definition.raw.get("parameters") and not operation.body:
            return  # where an operation takes nothing, nothing can be wrong
        probe()
        self.assertTrue(sent)


if __name__ == "__main__":
    unittest.main()
