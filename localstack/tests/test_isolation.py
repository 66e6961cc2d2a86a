"""`infra/isolation`: the shipped templates keep everybody apart, and one that does not is found out; policies are read as IAM reads them."""

import json
import re
import subprocess
import unittest
from unittest import mock

from bellhop_cloud.settings import ROOT, TEMPLATE
from bellhop_stack import iam, isolation
from bellhop_stack.cloud import Problem
from bellhop_stack.iam import Request
from bellhop_stack.resolve import Resolved

MAIN, SILO = TEMPLATE.read_text(), isolation.SILO_TEMPLATE.read_text()
ARN = "arn:aws:sqs:eu-west-1:111122223333:"
# The twins of one queue in the statement that lets its function receive; what comes behind `(1)` is the pattern.
RECEIVES = r"(- !GetAtt OperationalCalendarQueue\.Arn\n                  - !Sub .*:)\$\{Prefix}_\*_operational-calendar\.fifo$"
SENDS = r"(Sid: WhatIsDue\n(?:.*\n)*?                  - !Sub .*:)\$\{Prefix}_\*_synchronization\.fifo$"


class Shipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.found = isolation.report(MAIN, SILO)

    def test_nobody_reaches_what_is_not_theirs(self):
        self.assertEqual(self.found["wrong"], [])
        self.assertEqual((len(isolation.POOL), len(isolation.SILOS)), (10, 10))
        self.assertGreater(self.found["tried"], 100_000)

    def test_the_matrix_says_what_each_is_for(self):
        rows = {name: {column: letters for column, letters in row.items() if letters} for name, row in self.found["matrix"].items()}
        for name in (*isolation.POOL, *isolation.SILOS):
            self.assertEqual(rows[f"producer of {name}"], {"own queues": "as", "key": "k"})
        self.assertEqual(rows["feeds"], {"tables": "d", "key": "k"})
        self.assertEqual(rows["dashboard"], {"own queues": "ars", "shared queues": "s", "tables": "dw", "key": "k"})
        self.assertEqual(rows["review"]["dead letters"], "ar")

    def test_the_command_prints_a_table_and_json(self):
        command = ROOT / "infra" / "isolation"
        told = subprocess.run([command], capture_output=True, text=True, check=True).stdout
        self.assertIn("producer of sea-side-automation", told)
        self.assertIn("each can post for any tenant of the pool", told)


class Mutated(unittest.TestCase):
    """A template with one fault; the world is smaller, for speed."""

    def setUp(self):
        for name, value in (("POOL", isolation.POOL[:3]), ("SILOS", ("sea", "sea-side", "automation")), ("OTHER_STACKS", {"bellhop-x": ("sea",), "bell": ("sea",)})):
            patched = mock.patch.object(isolation, name, value)
            patched.start()
            self.addCleanup(patched.stop)

    def wrong(self, pattern: str, by: str, main: bool = True, count: int = 1) -> list[str]:
        text, found = re.subn(pattern, by, MAIN if main else SILO, count=count, flags=re.M)
        self.assertGreater(found, 0, pattern)
        return isolation.report(*((text, SILO) if main else (MAIN, text)))["wrong"]

    def has(self, wrong: list[str], *words: str):
        self.assertTrue(any(all(word in each for word in words) for each in wrong), (words, wrong[:5]))

    def test_unchanged_it_is_clean(self):
        self.assertEqual(isolation.report(MAIN, SILO)["wrong"], [])

    def test_a_pattern_that_is_too_wide(self):
        self.has(self.wrong(RECEIVES, r"\g<1>${Prefix}_*"), "calendar may sqs:ReceiveMessage", "bellhop_sea_automation.fifo")
        self.has(self.wrong(RECEIVES, r"\g<1>${Prefix}_*_*calendar*"), "calendar may sqs:ReceiveMessage", "operational-calendar-dlq.fifo")
        self.has(self.wrong(RECEIVES, r"\g<1>${Prefix}*_operational-calendar.fifo"), "calendar may", "bellhop-x_sea_operational-calendar.fifo")
        self.has(self.wrong(RECEIVES, r"\g<1>*_operational-calendar.fifo"), "calendar may", ":bell_sea_operational-calendar.fifo")
        self.has(self.wrong(SENDS, r"\g<1>${Prefix}_*_synchronization*"), "timer may sqs:SendMessage", "synchronization-dlq.fifo")

    def test_a_pattern_that_is_missing(self):
        self.has(self.wrong(RECEIVES, r"\g<1>${Prefix}_nobody_operational-calendar.fifo"), "calendar may not sqs:ReceiveMessage", "bellhop_sea_operational-calendar.fifo")
        self.has(self.wrong(SENDS, r"\g<1>${Prefix}_nobody_synchronization.fifo"), "timer may not sqs:SendMessage", "bellhop_sea_synchronization.fifo")

    def test_an_action_that_is_too_wide(self):
        self.has(self.wrong(r"                  - sqs:DeleteMessage$", "                  - sqs:*"), "calendar may sqs:PurgeQueue", "bellhop_sea_operational-calendar.fifo")
        self.has(self.wrong(r"                  - dynamodb:Query$", "                  - dynamodb:*"), "calendar may dynamodb:DeleteTable", "table/bellhop-state")

    def test_a_producer_of_the_pool_that_reaches_silos(self):
        wider = r"\g<0>              - !Sub arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Prefix}*\n"
        self.has(self.wrong(r"^              - !GetAtt AutomationQueue\.Arn # tasks\n", wider), "producer of hill may sqs:SendMessage", "bellhop_sea_automation.fifo")

    def test_a_producer_of_a_silo_that_reaches_another(self):
        name = r"!GetAtt Queueautomation\.Arn # tasks$"
        arn = "!Sub arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
        self.has(self.wrong(name, arn + "${Prefix}_${Tenant}*_automation.fifo", main=False), "producer of sea may sqs:SendMessage", "bellhop_sea-side_automation.fifo")
        self.has(self.wrong(name, arn + "${Prefix}-automation.fifo", main=False), "producer of sea may sqs:SendMessage", ":bellhop-automation.fifo")
        self.has(self.wrong(name, '"*"', main=False), "producer of automation may sqs:SendMessage", "bellhop-x_sea_automation-dlq.fifo")
        self.has(self.wrong(r"^ +- !GetAtt Queueautomation\.Arn # tasks\n", "", main=False), "producer of sea may not sqs:SendMessage", "bellhop_sea_automation.fifo")

    def test_a_role_that_is_taken_without_its_external_id_or_by_anybody(self):
        self.has(self.wrong(r"^ +Condition:\n +StringEquals:\n +sts:ExternalId: .*\n", "", main=False), "vendor may take the role", "bellhop_sea-side_producer", "bellhop-sea-4711")
        self.has(self.wrong(r"sts:ExternalId: !Ref ExternalId", 'sts:ExternalId: "*"', main=False), "vendor may not take the role")
        self.has(self.wrong(r"AWS: !Ref ProducerPrincipal", 'AWS: "*"', main=False), "stranger may take the role")
        self.has(self.wrong(r"Service: lambda\.amazonaws\.com", "AWS: !Sub ${AWS::AccountId}"), "role/pms may take the role")

    def test_a_key_without_its_condition(self):
        self.has(self.wrong(r"^ +Condition:\n +StringEquals:\n +kms:ViaService: !Sub sqs.*\n", "", main=False), "producer of sea may kms:Decrypt", ":key/ours")
        self.has(self.wrong(r"              Resource: !Ref KmsKeyArn\n", '              Resource: "*"\n'), "producer of hill may kms:Decrypt", "key/another by way of sqs")

    def test_queues_that_take_what_is_not_encrypted(self):
        self.has(self.wrong(r"^        - !Ref Queueautomation\n", "", main=False), "bellhop_sea_automation.fifo without encryption")
        self.has(self.wrong(r"aws:SecureTransport: false", "aws:SecureTransport: true"), "may not sqs:", ":bellhop-automation.fifo")

    def test_a_role_with_a_policy_that_nobody_sees_here(self):
        self.has(self.wrong(r"(  TimerRole:\n    Type: AWS::IAM::Role\n    Properties:\n)", r"\1      ManagedPolicyArns: [arn:aws:iam::aws:policy/ReadOnlyAccess]\n"), "timer may s3:GetObject")


class Iam(unittest.TestCase):
    def allowed(self, *statements: dict, action="sqs:SendMessage", resource=ARN + "a_b", **context) -> bool:
        return iam.allowed(Request(action, resource, "arn:aws:iam::111122223333:role/r", {k.replace("__", ":"): v for k, v in context.items()}), list(statements))

    def test_nothing_is_allowed_but_what_is_and_a_deny_wins(self):
        allow = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
        self.assertFalse(self.allowed())
        self.assertTrue(self.allowed(allow))
        self.assertFalse(self.allowed(allow, {"Effect": "Deny", "Action": "sqs:Send*", "Resource": ARN + "*"}))
        self.assertTrue(self.allowed(allow, {"Effect": "Deny", "Action": "sqs:Purge*", "Resource": "*"}))

    def test_wildcards(self):
        for pattern, matches in ((ARN + "a_*", True), (ARN + "a?b", True), (ARN + "a", False), (ARN + "A_b", False), ("arn:aws:sqs:*:*:a_b", True), ("*", True),
                                 ("arn:aws:sqs", True), ("arn:aws:*:a_b", False), (ARN + "a.b", False), ("arn:aws:s*", True), ("arn:aws:sns:*", False)):  # fmt: skip
            self.assertEqual(self.allowed({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": pattern}), matches, pattern)
        for pattern, matches in (("SQS:sendmessage", True), ("sqs:Send?essage", True), ("sqs:Send", False), ("*", True), (["sns:*", "sqs:S*"], True)):
            self.assertEqual(self.allowed({"Effect": "Allow", "Action": pattern, "Resource": "*"}), matches, pattern)
        self.assertTrue(self.allowed({"Effect": "Allow", "NotAction": "sqs:Delete*", "NotResource": ARN + "other"}))
        self.assertFalse(self.allowed({"Effect": "Allow", "Action": "*", "NotResource": ARN + "a_*"}))

    def test_conditions(self):
        def when(operator: str, value, **context) -> bool:
            return self.allowed({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"sts:ExternalId": value}}}, **context)

        given = {"sts__externalid": "x1"}  # keys have no case
        for operator, value, with_it, without in (
            ("StringEquals", "x1", True, False), ("StringEquals", ["y", "x1"], True, False), ("StringEquals", "X1", False, False), ("StringNotEquals", "x1", False, True),
            ("StringNotEquals", ["y", "x1"], False, True), ("StringLike", "x*", True, False), ("StringEqualsIfExists", "y", False, True), ("Null", True, False, True),
            ("Null", "false", True, False), ("StringEqualsIgnoreCase", "X1", True, False), ("StringNotLike", "x?", False, True),
        ):  # fmt: skip
            self.assertEqual((when(operator, value, **given), when(operator, value)), (with_it, without), (operator, value))

    def test_what_is_not_modelled_is_refused(self):
        with self.assertRaisesRegex(Problem, "NumericLessThan is not modelled"):
            self.allowed({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"NumericLessThan": {"k": 1}}})
        with self.assertRaisesRegex(Problem, "NotPrincipal"):
            self.allowed({"Effect": "Allow", "Action": "*", "Resource": "*", "NotPrincipal": "*"})
        with self.assertRaisesRegex(Problem, "policy variable"):
            self.allowed({"Effect": "Allow", "Action": "*", "Resource": ARN + "${aws:username}"})

    def test_principals(self):
        role = "arn:aws:iam::111122223333:role/r"
        for stated, is_meant in (("*", True), ({"AWS": "*"}, True), ({"AWS": role}, True), ({"AWS": "111122223333"}, True), ({"AWS": "arn:aws:iam::111122223333:root"}, True),
                                 ({"AWS": ["x", role]}, True), ({"AWS": "arn:aws:iam::999999999999:root"}, False), ({"Service": "lambda.amazonaws.com"}, False), (None, False)):  # fmt: skip
            self.assertEqual(iam.is_principal(stated, role), is_meant, stated)


class Resolving(unittest.TestCase):
    def test_names_arns_conditions_and_maps(self):
        stack = Resolved(SILO, {"Prefix": "p", "Tenant": "t", "SynchronizationDelaySeconds": "7"}, "p-tenant-t")
        queues = stack.of("AWS::SQS::Queue")
        self.assertEqual(queues["Queueautomation"]["QueueName"], "p_t_automation.fifo")
        self.assertEqual(queues["Queueautomation"]["RedrivePolicy"]["deadLetterTargetArn"], ARN + "p_t_automation-dlq.fifo")
        self.assertEqual((queues["Queuesynchronization"]["DelaySeconds"], queues["Queueautomation"]["DelaySeconds"]), ("7", "0"))
        self.assertNotIn("KmsMasterKeyId", queues["Queueautomation"])
        self.assertIs(queues["Queueautomation"]["SqsManagedSseEnabled"], True)
        self.assertEqual(stack.of("AWS::Lambda::EventSourceMapping")["Sourcesynchronization"]["FunctionName"], "p-channel-sync")
        self.assertEqual(stack.of("AWS::IAM::Role"), {}, "without a producer")

    def test_what_it_does_not_know_it_refuses(self):
        with self.assertRaisesRegex(Problem, "Base64"):
            Resolved("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Base64 x}}}", {}, "s").of("AWS::SQS::Queue")
        with self.assertRaisesRegex(Problem, "parameters Tenant have no value"):
            Resolved(SILO, {}, "s")

    def test_every_condition_of_the_world_holds(self):
        """So that no statement of a template stays untried."""
        world = isolation.World(MAIN, SILO)
        for stack in (world.stacks["bellhop"], world.silos["bellhop", "sea"]):
            made = json.dumps([stack.of(kind) for kind in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")])
            self.assertIn("kms:GenerateDataKey", made)
            left_out = {name for name, r in stack.template["Resources"].items() if name not in stack.resources}
            self.assertEqual(left_out, set())


if __name__ == "__main__":
    unittest.main()
