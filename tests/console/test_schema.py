"""What schemathesis makes of the API's own document: good and bad requests for every operation, none of which is answered with a
server's error or in a form that the document does not tell of."""

import unittest
from urllib.parse import quote

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import content_type_conformance, not_a_server_error, response_schema_conformance, status_code_conformance

import console

EXAMPLES = 20
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TIMEOUT = 20
# Where a request that is not known by its form might be taken for another.
PROTOCOL = ("api/openapi.json",)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house, item = console.with_bad_booking("schema")
        answer = console.call("api/openapi.json")
        cls.document = answer.json
        cls.schema = schemathesis.openapi.from_dict(cls.document)
        cls.schema.config.update(base_url=console.base().rstrip("/"))
        cls.own = {"tenant": cls.house.tenant, "desk": cls.house.tenant, "property": cls.house.property, "item": item["id"]}

    def test_every_operation_keeps_to_the_document(self):
        operations = [result.ok() for result in self.schema.get_all_operations()]
        self.assertGreaterEqual(len(operations), 15)
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with self.subTest(operation=operation.label, mode=mode.value):
                    self.probe(operation, mode)

    def probe(self, operation, mode: GenerationMode):
        try:
            cases = operation.as_strategy(generation_mode=mode)
        except Exception as error:
            if "negative" not in str(error).lower():
                raise
            return  # there is nothing in this operation that could be wrong

        @given(case=cases, is_own=st.integers(0, 3).map(bool))
        @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def probe(case, is_own):
            # Made-up ids are all answered with 404: most requests are about what is there.
            if is_own:
                case.path_parameters = {name: quote(self.own[name], safe="~") for name in case.path_parameters or {}}
            headers = {"Authorization": f"Bearer {console.fresh('manager', self.house.tenant)}"}
            response = case.call(headers=headers, timeout=TIMEOUT)
            case.validate_response(response, checks=CHECKS)

        probe()


if __name__ == "__main__":
    unittest.main()
