"""infra/check finds what it is there for: each rule on a template with that one fault."""

import re
import subprocess
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from bellhop_cloud.settings import TEMPLATE

PROGRAM = TEMPLATE.parent / "check"


def load():
    loader = SourceFileLoader("infra_check", str(PROGRAM))
    module = module_from_spec(spec_from_loader("infra_check", loader))
    loader.exec_module(module)
    return module


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.check = load()
        cls.templates = {path.name: path.read_text() for path in TEMPLATE.parent.glob("*.yaml")}

    def found(self, pattern: str, by: str, template: str = "template.yaml") -> set[tuple[str, str]]:
        """What is found once the first place that matches a pattern reads otherwise."""
        text, count = re.subn(pattern, by, self.templates[template], count=1, flags=re.M)
        self.assertEqual(count, 1, pattern)
        return {(finding.resource, finding.what) for finding in self.check.findings(self.templates | {template: text})}

    def test_the_shipped_templates_are_clean(self):
        done = subprocess.run([PROGRAM, "--json"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "[]\n", ""))

    def test_each_rule_finds_its_fault(self):
        queue, dlq = "OperationalCalendarQueue", "OperationalCalendarDlq"
        for pattern, by, resource, what in (
            (r"                  - sqs:ReceiveMessage$", "                  - sqs:*", "CalendarRole", "sqs:*"),
            (r"                  - dynamodb:Query$", "                  - dynamodb:Q*", "CalendarRole", "dynamodb:Q*"),
            (r"Resource: !GetAtt CalendarLogs\.Arn", 'Resource: "*"', "CalendarRole", "*"),
            (r"Resource: !GetAtt StateTable\.Arn", "Resource: !Sub ${StateTable.Arn}*", "CalendarRole", "${StateTable.Arn}*"),
            (r"xray:PutTelemetryRecords", "xray:GetTraceSummaries", "TracesPolicy", "*"),
            (r"Action: sqs:SendMessage", "NotAction: sqs:SendMessage", "CalendarRole", "NotAction"),
            (r"Principal: events\.amazonaws\.com", 'Principal: "*"', "ReviewPermission", "public"),
            (r"Service: lambda\.amazonaws\.com", 'AWS: "*"', "CalendarRole", "public"),
            (r"Service: lambda\.amazonaws\.com", 'AWS: [!Ref Prefix, "*"]', "CalendarRole", "public"),
            (r"Role: !GetAtt AutomationRole\.Arn", "Role: !GetAtt CalendarRole.Arn", "CalendarRole", "shared"),
            (r"      RedrivePolicy:\n.*\n.*\n", "", queue, "RedrivePolicy"),
            (r"      RedriveAllowPolicy:\n.*\n.*\n.*\n", "", dlq, "RedriveAllowPolicy"),
            (r"      SqsManagedSseEnabled: .*\n      KmsMasterKeyId: .*\n", "      SqsManagedSseEnabled: false\n", queue, "encryption"),
            (r"QueueName: !Sub \$\{Prefix}-fallback\.fifo", "QueueName: !Sub ${Prefix}-else.fifo", "FallbackQueue", "alarm"),
            (r"      LoggingConfig:\n.*\n", "", "CalendarFunction", "logs"),
            (r"      RetentionInDays: .*\n", "", "CalendarFunction", "logs"),
        ):
            with self.subTest(resource=resource, what=what):
                self.assertEqual(self.found(pattern, by), {(resource, what)})

    def test_a_pattern_for_silos_is_no_wider_than_the_queue_beside_it(self):
        shared = r"(                  - !GetAtt OperationalCalendarQueue\.Arn\n                  - !Sub .*:)\$\{Prefix}_\*_operational-calendar\.fifo$"
        for wider in ("${Prefix}_*", "${Prefix}*_operational-calendar.fifo", "${Prefix}_*_operational-calendar*", "${Prefix}_*_automation-dlq.fifo"):
            with self.subTest(wider):
                self.assertEqual(self.found(shared, rf"\g<1>{wider}"), {("CalendarRole", f"sqs {wider}")})
        alone = r"^                  - !GetAtt OperationalCalendarQueue\.Arn\n(?=                  - !Sub)"
        self.assertEqual(self.found(alone, ""), {("CalendarRole", "sqs ${Prefix}_*_operational-calendar.fifo")})

    def test_a_silos_queues_are_looked_at_too(self):
        every = {f"Queue{name}" for name in ("operationalcalendar", "operationalguests", "operationaldashboard", "automation", "synchronization")}
        self.assertEqual(self.found(r"          RedrivePolicy:\n.*\n.*\n", "", "tenant.yaml"), {(queue, "RedrivePolicy") for queue in every})
        self.assertEqual(self.found(r"AWS: !Ref ProducerPrincipal", 'AWS: "*"', "tenant.yaml"), {("ProducerRole", "public")})

    def test_an_alarm_that_is_taken_away_is_missed(self):
        self.assertEqual(self.found(r"^      - automation-dlq\n", "", "observability.yaml"), {("AutomationDlq", "alarm")})

    def test_an_exception_that_nothing_needs_is_a_fault(self):
        found = self.found(r"^              - Sid: KeysOfChannels\n(?:                .*\n)+", "")
        self.assertEqual(found, {("ChannelSyncRole", "secretsmanager secret:bellhop/*")})

    def test_each_exception_has_its_reason(self):
        self.assertTrue(all(len(reason) > 10 for reason in self.check.EXCEPTIONS.values()))

    def test_what_is_found_is_said_with_its_place_and_what_was_expected(self):
        text = self.templates["template.yaml"].replace("Principal: events.amazonaws.com", 'Principal: "*"', 1)
        (finding,) = self.check.findings(self.templates | {"template.yaml": text})
        self.assertEqual(str(finding), "infra/template.yaml: ReviewPermission: is open to everybody; expected a principal by name")


if __name__ == "__main__":
    unittest.main()
