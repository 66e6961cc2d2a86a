"""infra/bellhop_stack without a cloud: the plan of a deployment, what a person is shown, and how a removal goes."""

import argparse
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from bellhop_stack import code, deploy, remove, shown
from bellhop_stack.cloud import Cloud, Problem
from bellhop_stack.stack import Change, ChangeSet, Stack, Version, check_timeouts, declared

TEMPLATE = deploy.TEMPLATE.read_text()
UPLOADED = {"CodeBucket": "b", "CodeKeyPrefix": "bellhop/new/", "Architecture": "arm64"}


def arguments(*overrides: str, parameters: str | None = None, stage: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(prefix="bellhop", overrides=list(overrides), parameters=parameters, stage=stage)


def cloud(is_emulator: bool = False) -> Cloud:
    client = mock.MagicMock()
    client.return_value.meta.region_name = "eu-west-1"
    client.return_value.get_caller_identity.return_value = {"Account": "111122223333"}
    return Cloud(client, is_emulator, pause=0)


class Plans(unittest.TestCase):
    def plan(self, *overrides: str, former: dict | None = None, **more) -> dict[str, str]:
        version = former and Version("", former)
        return deploy.plan(cloud(), arguments(*overrides, **more), version, UPLOADED).parameters

    def test_an_upgrade_keeps_what_is_not_named(self):
        former = {"MailFrom": "a@example.com", "MemorySize": "512", "CodeKeyPrefix": "bellhop/old/"}
        found = self.plan("MemorySize=256", former=former)
        self.assertEqual((found["MailFrom"], found["MemorySize"], found["CodeKeyPrefix"]), ("a@example.com", "256", "bellhop/new/"))

    def test_a_parameter_that_the_template_no_longer_has_is_left_behind(self):
        self.assertNotIn("Gone", self.plan(former={"Gone": "1"}))

    def test_an_unknown_parameter_is_refused_by_name(self):
        with self.assertRaisesRegex(Problem, "no parameter MailForm; it has .*MailFrom"):
            self.plan("MailForm=a@example.com")

    def test_a_file_gives_parameters_and_the_command_line_wins(self):
        with tempfile.NamedTemporaryFile("w") as file:
            json.dump({"MemorySize": 512, "LogLevel": "debug"}, file)
            file.flush()
            found = self.plan("MemorySize=1024", parameters=file.name)
        self.assertEqual((found["MemorySize"], found["LogLevel"]), ("1024", "debug"))

    def test_a_file_that_is_no_object_is_refused(self):
        for text in ("[1]", "{", ""):
            with tempfile.NamedTemporaryFile("w") as file, self.assertRaisesRegex(Problem, "expected"):
                file.write(text)
                file.flush()
                deploy.file_parameters(file.name)

    def test_tables_are_protected_unless_in_an_emulator(self):
        self.assertNotIn("ProtectTables", self.plan())
        version = deploy.plan(cloud(is_emulator=True), arguments(), None, UPLOADED)
        self.assertEqual(version.parameters["ProtectTables"], "false")

    def test_the_templates_parameters_are_known_with_their_defaults(self):
        found = declared(TEMPLATE)
        self.assertEqual((found["Prefix"], found["FunctionTimeout"], found["CodeBucket"]), ("bellhop", "30", None))
        self.assertIsNone(check_timeouts(TEMPLATE, {}))
        self.assertIn("under 6 x", check_timeouts(TEMPLATE, {"FunctionTimeout": "31"}))


class Stacks(unittest.TestCase):
    def test_what_was_deleted_is_no_resource_of_it(self):
        where = cloud()
        listed = [
            {"LogicalResourceId": name, "PhysicalResourceId": f"{name}-id", "ResourceType": kind, "ResourceStatus": status}
            for name, kind, status in (("There", "Q", "CREATE_COMPLETE"), ("Kept", "Q", "DELETE_FAILED"), ("Gone", "Q", "DELETE_COMPLETE"), ("Other", "T", "CREATE_COMPLETE"))
        ]
        where.client().get_paginator().paginate.return_value = [{"StackResourceSummaries": listed}]
        self.assertEqual(Stack(where, "bellhop").resources("Q"), {"There": "There-id", "Kept": "Kept-id"})

    def test_tags_that_are_not_named_anew_stay(self):
        where = cloud()
        tags = [{"Key": "Stage", "Value": "prod"}, {"Key": "Application", "Value": "other"}]
        for before, named, expected in ((tags, {"Application": "bellhop"}, {"Stage": "prod", "Application": "bellhop"}),
                                        (tags, {"Stage": "staging"}, {"Stage": "staging", "Application": "other"}), ([], {"Stage": "prod"}, {"Stage": "prod"})):  # fmt: skip
            where.client().describe_stacks.return_value = {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Tags": before}]}
            where.client().describe_change_set.return_value = {"Status": "CREATE_COMPLETE"}
            with self.subTest(before=before, named=named):
                Stack(where, "bellhop").prepare(Version("", {}), named)
                self.assertEqual({tag["Key"]: tag["Value"] for tag in where.client().create_change_set.call_args.kwargs["Tags"]}, expected)


class Shown(unittest.TestCase):
    def test_what_may_take_data_along_stands_first(self):
        changes = [
            Change("Modify", "CalendarFunction", "AWS::Lambda::Function", "False"),
            Change("Modify", "StateTable", "AWS::DynamoDB::Table", "True"),
            Change("Remove", "OldQueue", "AWS::SQS::Queue", ""),
        ]
        lines = shown.changes("bellhop", ChangeSet("c", False, changes)).splitlines()
        self.assertEqual([line.split()[2] for line in lines[3:]], ["StateTable", "OldQueue", "CalendarFunction"])
        self.assertIn("REPLACED", lines[3])


class Code(unittest.TestCase):
    def test_the_same_binaries_have_the_same_key_and_others_another(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in code.functions():
                (Path(folder) / f"bellhop-{name}").write_bytes(b"\x7fELF" + bytes(14) + b"\xb7\x00")
            first, again = (code.upload(cloud(), "s", Path(folder)) for _ in range(2))
            self.assertEqual(first, again)
            self.assertEqual(first["CodeBucket"], "bellhop-code-111122223333-eu-west-1")
            self.assertEqual(first["Architecture"], "arm64")
            (Path(folder) / "bellhop-calendar").write_bytes(b"\x7fELF" + bytes(14) + b"\xb7\x00\x00")
            self.assertNotEqual(code.upload(cloud(), "s", Path(folder))["CodeKeyPrefix"], first["CodeKeyPrefix"])

    def test_what_cargo_lambda_lays_is_found_too(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in code.functions():
                (Path(folder) / f"bellhop-{name}").mkdir()
                (Path(folder) / f"bellhop-{name}" / "bootstrap").write_text("x")
            self.assertTrue(code.upload(cloud(), "s", Path(folder))["CodeKeyPrefix"].startswith("s/"))

    def test_a_missing_binary_is_named(self):
        with self.assertRaisesRegex(Problem, "bellhop-calendar is not there"):
            code.upload(cloud(), "s", Path("/nowhere"))


class Removal(unittest.TestCase):
    def stack(self, *ends: str | None) -> mock.MagicMock:
        stack = mock.MagicMock()
        stack.name = "bellhop"
        stack.remove.side_effect = ends
        return stack

    def test_protected_tables_are_kept_once_cloudformation_could_not_delete_them(self):
        stack = self.stack("DELETE_FAILED", None)
        remove.delete(stack, ["StateTable"], [])
        self.assertEqual([call.kwargs for call in stack.remove.call_args_list], [{}, {"retain": ["StateTable"]}])

    def test_tables_lose_their_protection_only_when_they_are_named(self):
        stack = self.stack(None)
        remove.delete(stack, [], ["bellhop-state"])
        dynamodb = stack.cloud.client("dynamodb")
        dynamodb.update_table.assert_called_once_with(TableName="bellhop-state", DeletionProtectionEnabled=False)

    def test_another_failure_is_told(self):
        with self.assertRaisesRegex(Problem, "DELETE_FAILED"):
            remove.delete(self.stack("DELETE_FAILED"), [], [])

    def test_all_that_waits_is_named_and_a_stack_that_cannot_be_asked_waits(self):
        quiet = {"queue": "q", "visible": 0, "in_flight": 0, "delayed": 0, "dead_letters": 0}
        status = {"queues": [quiet], "review": 0, "holds": 0, "released": 0, "waits": 0, "parked": 0, "put_by": 0}
        for change, word in (({}, None), ({"queues": [quiet | {"delayed": 2}]}, "2 messages in q"),
                             ({"queues": [quiet | {"dead_letters": 1}]}, "1 dead letters of q"), ({"review": 3}, "3 wait for a person"),
                             ({"parked": 4}, "4 events are parked"), ({"put_by": 5}, "5 messages of suspended tenants are put by")):  # fmt: skip
            answer = mock.Mock(returncode=0, stdout=json.dumps(status | change))
            with mock.patch("bellhop_stack.smoke.bellhop", return_value=answer):
                self.assertEqual(remove.what_waits("bellhop"), [word] if word else [])
        with mock.patch("bellhop_stack.smoke.bellhop", return_value=mock.Mock(returncode=3, stderr="unreachable")):
            self.assertIn("unreachable", remove.what_waits("bellhop")[0])
