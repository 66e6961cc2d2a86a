"""`infra/silo`: what it refuses, what it plans, and how it goes. With the cloud up a silo is added, worked, updated and removed, with a
stand-in for functions and registry."""

import argparse
import contextlib
import io
import json
import os
import shutil
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from bellhop_cloud import templates
from bellhop_cloud.settings import TEMPLATE
from bellhop_stack import deploy, remove, silo
from bellhop_stack.cloud import Cloud, Problem
from bellhop_stack.silo import Silo
from bellhop_stack.stack import Version, declared
from botocore.exceptions import ClientError, EndpointConnectionError

HERE = Path(__file__).resolve().parent
MAIN = Version(TEMPLATE.read_text(), {"VisibilityTimeout": "240", "MaxReceiveCount": "7", "SynchronizationDelaySeconds": "9", "KmsKeyArn": ""})
ROLE = "arn:aws:iam::111122223333:role/pms"


def arguments(tenant: str = "sea", **more) -> argparse.Namespace:
    usual = {"prefix": "bellhop", "stage": None, "name": None, "producer": None, "external_id": None, "maximum_concurrency": None}
    return argparse.Namespace(**usual | {"tenant": tenant, "yes": True, "json": True, "anyway": False, "tenants": [], "all": False} | more)


def answer(code: int = 0, **told) -> mock.Mock:
    return mock.Mock(returncode=code, stdout=json.dumps(told), stderr="" if code == 0 else "said why")


class Names(unittest.TestCase):
    def test_what_would_not_fit_in_names_is_refused(self):
        for tenant in ("", "sea_side", "-sea", "Sea", "a" * 41, "sea.side", "sea*", "sea\n", "séa"):
            with self.subTest(tenant), self.assertRaisesRegex(Problem, "expected 1 to 40 of a-z"):
                Silo("bellhop", tenant).checked()
        with self.assertRaisesRegex(Problem, "have 49 characters, expected at most 48"):
            Silo("b" * 30, "t" * 19).checked()

    def test_the_longest_names_are_as_long_as_aws_takes_them(self):
        longest = Silo("b" * 30, "t" * 18).checked()
        for queue in silo.queue_names():
            self.assertLessEqual(len(f"{longest.prefix}_{longest.tenant}_{queue}-dlq.fifo"), 80)
        self.assertLessEqual(len(f"{longest.prefix}_{longest.tenant}_producer"), 64)

    def test_a_stack_of_that_name_that_is_not_its_silo_is_left_alone(self):
        for name, parameters in (("main stack", {"Prefix": "bellhop-tenant-sea"}), ("silo", {"Prefix": "bellhop-tenant-sea", "Tenant": "x"})):
            found = {"StackStatus": "CREATE_COMPLETE", "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]}
            with self.subTest(name), mock.patch.object(silo.Stack, "describe", return_value=found), self.assertRaisesRegex(Problem, "is not the silo of sea in bellhop"):
                silo.stack_of(Cloud(mock.MagicMock(), False, 0), Silo("bellhop", "sea"))

    def test_a_silo_is_not_deployed_over(self):
        with self.assertRaisesRegex(Problem, "is the silo of sea"):
            deploy.plan(mock.Mock(is_emulator=False), argparse.Namespace(prefix="p", parameters=None, overrides=[], stage=None), Version("", {"Tenant": "sea"}), {})


class Plans(unittest.TestCase):
    def plan(self, given=None, former=None, main=MAIN, watched=None) -> dict[str, str]:
        return silo.plan(Silo("bellhop", "sea"), main, former and Version("", former), given or {}, watched or {}).parameters

    def test_what_must_be_as_in_the_main_stack_is(self):
        found = self.plan(former={"VisibilityTimeout": "180", "MaximumConcurrency": "9", "Gone": "1"})
        self.assertEqual({name: found[name] for name in silo.AS_IN_MAIN}, MAIN.parameters)
        self.assertEqual((found["MaximumConcurrency"], found["Prefix"], found["Tenant"]), ("9", "bellhop", "sea"))
        self.assertNotIn("Gone", found)

    def test_whatever_both_templates_have_is_taken_from_the_main_stack_or_is_its_own(self):
        both = declared(MAIN.template).keys() & templates.read(silo.TEMPLATE.read_text())["Parameters"].keys()
        self.assertEqual(both - set(silo.AS_IN_MAIN), {"Prefix", "MaximumConcurrency"})

    def test_a_silo_is_watched_as_the_main_stack_is(self):
        topic = "arn:aws:sns:eu-west-1:111122223333:bellhop-alarms"
        runbooks = "https://example.com/runbooks/"
        alarm = {"AlarmActions": [topic], "Threshold": 600.0, "AlarmDescription": f"bellhop-automation.fifo is late. {runbooks}queue-late.md"}
        for found, expected in (([alarm], {"AlarmTopicArn": topic, "LateAfterSeconds": "600", "Runbooks": runbooks}),
                                ([{"AlarmActions": [], "AlarmDescription": "ours"}], {}), ([], {})):  # fmt: skip
            where = mock.Mock()
            where.client.return_value.describe_alarms.return_value = {"MetricAlarms": found}
            with self.subTest(found):
                self.assertEqual(silo.watched(where, "bellhop"), expected)
                planned = self.plan(watched=expected, former={"LateAfterSeconds": "900"})
                self.assertEqual({name: planned[name] for name in expected}, expected)
        self.assertNotIn("AlarmTopicArn", self.plan())

    def test_a_producer_must_be_somebody_and_say_an_external_id(self):
        with self.assertRaisesRegex(Problem, "--external-id"):
            self.plan({"ProducerPrincipal": ROLE})
        for principal in ("*", "arn:aws:iam::111122223333:role/*", "111122223333", "arn:aws:iam::111122223333:group/pms"):
            with self.subTest(principal), self.assertRaisesRegex(Problem, "ProducerPrincipal is"):
                self.plan({"ProducerPrincipal": principal, "ExternalId": "an-id"})
        with self.assertRaisesRegex(Problem, "ExternalId is"):
            self.plan({"ProducerPrincipal": ROLE, "ExternalId": "*"})
        self.assertEqual(self.plan({"ProducerPrincipal": ROLE, "ExternalId": "an-id"})["ProducerPrincipal"], ROLE)
        self.assertEqual(self.plan({"ProducerPrincipal": ""}, {"ProducerPrincipal": ROLE, "ExternalId": "an-id"})["ProducerPrincipal"], "")

    def test_a_main_stack_that_cannot_work_silos_is_refused(self):
        with self.assertRaisesRegex(Problem, "infra/deploy makes it"):
            self.plan(main=None)
        with self.assertRaisesRegex(Problem, "older than silos"):
            self.plan(main=Version("Resources: {}", {}))

    def test_a_silo_differs_by_template_and_by_what_is_planned(self):
        version = Version("t", {"A": "1"})
        self.assertFalse(silo.differs(Version("t", {"A": "1", "Other": "default"}), version))
        self.assertTrue(silo.differs(Version("t", {"A": "2"}), version))
        self.assertTrue(silo.differs(Version("u", {"A": "1"}), version))


class Steps(unittest.TestCase):
    """Without a cloud: the stack is a stand-in."""

    def setUp(self):
        self.stack = mock.MagicMock()
        self.stack.name, self.stack.version.return_value = "bellhop-tenant-sea", MAIN
        self.order = []
        self.said = {"show": answer(1), "add": answer(tenant="sea")}
        self.stack.execute.side_effect = lambda *_: self.order.append("deployed")
        for patched in (
            mock.patch.object(silo, "Stack", return_value=self.stack), mock.patch.object(silo, "stack_of", return_value=self.stack),
            mock.patch.object(silo, "watched", return_value={}), mock.patch.object(silo, "worked", lambda *_: self.order.append("worked")),
            mock.patch("bellhop_stack.smoke.bellhop", self.bellhop),
        ):  # fmt: skip
            patched.start()
            self.addCleanup(patched.stop)
        self.stack.prepare.return_value = mock.MagicMock(creates=True, changes=[])

    def bellhop(self, _prefix, _tenant, verb, *more):
        self.order.append(" ".join((verb, *more)) if verb != "show" else verb)
        return self.said[verb]

    def run_it(self, does, *args, **more) -> tuple[int, dict]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = does(mock.MagicMock(region="eu-west-1"), arguments(*args, **more))
        return code, json.loads(out.getvalue() or "{}", parse_constant=str)

    def add(self, **more):
        self.stack.outputs.return_value = {}
        return self.run_it(silo.add, **more)

    def test_the_tenant_is_registered_before_its_queues_are_there(self):
        self.assertEqual(self.add(name="Sea")[0], silo.DONE)
        self.assertEqual(self.order, ["show", "add sea --silo --name Sea", "deployed", "worked"])

    def test_the_second_run_changes_nothing(self):
        self.said["show"], self.stack.prepare.return_value = answer(mode="silo", standing="active", name="Sea"), None
        code, told = self.add(name="Sea")
        self.assertEqual((code, told["result"], self.order), (silo.DONE, "up to date", ["show", "worked"]))

    def test_what_was_cut_off_after_the_registration_or_after_the_stack_is_ended(self):
        self.said["show"] = answer(mode="silo", standing="active")
        self.assertEqual(self.add()[1]["result"], "deployed")
        self.assertEqual(self.order, ["show", "deployed", "worked"])

    def test_declined_means_nothing_was_done(self):
        with mock.patch("bellhop_stack.shown.agreed", return_value=False):
            self.assertEqual(self.add(yes=False)[0], silo.DECLINED)
        self.assertEqual(self.order, ["show"])
        self.stack.discard.assert_called_once()

    def test_a_pool_tenant_a_removed_one_and_one_that_the_registry_refuses_get_no_queues(self):
        for known, why in (({"standing": "active"}, "shares the queues"), ({"standing": "active", "mode": "pool"}, "shares the queues"),
                           ({"standing": "removed", "mode": "silo"}, "was removed")):  # fmt: skip
            self.said["show"] = answer(**known)
            with self.subTest(known), self.assertRaisesRegex(Problem, why):
                self.add()
        self.said |= {"show": answer(1), "add": answer(1)}
        with self.assertRaisesRegex(Problem, "cannot be registered as a silo: said why"):
            self.add()
        self.stack.discard.assert_called_once()
        self.assertNotIn("deployed", self.order)

    def test_an_unreachable_registry_is_no_unknown_tenant(self):
        self.said["show"] = answer(3)
        with self.assertRaisesRegex(Problem, "cannot be told"):
            self.add()

    def test_only_the_queues_of_a_removed_tenant_in_which_nothing_waits_are_taken_away(self):
        quiet = {"queue": "automation", "visible": 0, "in_flight": 0, "delayed": 0, "dead_letters": 0}
        for known, row, words in (({"standing": "active"}, {}, ["sea is active, expected removed"]), ({"standing": "removed"}, {"delayed": 2}, ["2 messages in automation"]),
                                  ({"standing": "removed"}, {"dead_letters": 1}, ["1 dead letters of automation"]), ({"standing": "removed"}, {}, None)):  # fmt: skip
            self.said["show"], self.stack.remove.return_value = answer(**known), None
            with self.subTest(known=known, row=row), mock.patch.object(silo, "depths", return_value=[quiet | row]):
                code, told = self.run_it(silo.remove)
                self.assertEqual((code, told["result"], told.get("waiting")), (1, "refused", words) if words else (0, "removed", None))
                self.assertEqual(self.run_it(silo.remove, anyway=True)[1]["result"], "removed")

    def test_a_silo_is_given_up_although_the_registry_does_not_answer(self):
        self.said["show"], self.stack.remove.return_value = answer(3), None
        with mock.patch.object(silo, "depths", return_value=[]):
            code, told = self.run_it(silo.remove)
            self.assertEqual((code, told["result"]), (silo.NOT_DONE, "refused"))
            self.assertIn("said why", told["waiting"][0])
            self.assertEqual(self.run_it(silo.remove, anyway=True)[1]["result"], "removed")

    def test_a_queue_that_is_not_there_is_empty(self):
        class QueueDoesNotExist(Exception):
            pass

        def attributes(QueueUrl, AttributeNames):
            if QueueUrl.endswith("-dlq.fifo"):
                raise QueueDoesNotExist
            return {"Attributes": dict.fromkeys(AttributeNames, "2")}

        sqs, where = mock.Mock(get_queue_attributes=attributes), mock.Mock()
        sqs.exceptions.QueueDoesNotExist = QueueDoesNotExist
        where.client.return_value = sqs
        self.stack.resources.return_value = {name: f"https://sqs/1/bellhop_sea_{name}.fifo" for name in ("automation", "automation-dlq")}
        rows = silo.depths(where, Silo("bellhop", "sea"), self.stack)
        self.assertEqual(rows, [{"queue": "automation", "visible": 2, "in_flight": 2, "delayed": 2, "dead_letters": 0}])

    def test_a_stack_with_silos_is_not_taken_away(self):
        told = arguments(json=False, region=None)
        with mock.patch.object(remove, "parse", return_value=told), mock.patch.object(remove, "cloud"), mock.patch.object(remove, "Stack", return_value=self.stack):
            with mock.patch.object(silo, "silos", return_value=[Silo("bellhop", "sea")]), contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(remove.main(), remove.NOT_REMOVED)
        self.assertIn("has silos (sea)", said.getvalue())
        self.stack.remove.assert_not_called()

    def test_an_upgrade_names_the_silos_that_it_leaves_behind(self):
        every = [Silo("bellhop", "sea"), Silo("bellhop", "hill")]
        with mock.patch.object(silo, "silos", return_value=every), mock.patch.object(silo, "outdated", return_value=["hill"]):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                deploy.silos_to_follow(self.stack, None)
                deploy.silos_to_follow(self.stack, "prod")
        told = f"1 of 2 silos are not as this version has them (hill): infra/silo update --all --prefix {self.stack.name}"
        self.assertEqual(said.getvalue().splitlines(), [told, f"{told} --stage prod"])

    def test_an_upgrade_stays_deployed_when_nobody_may_look_at_its_silos(self):
        for trouble in (Problem("gone"), ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeStacks"), EndpointConnectionError(endpoint_url="x")):
            with self.subTest(trouble), mock.patch.object(silo, "silos", side_effect=trouble), contextlib.redirect_stderr(io.StringIO()) as said:
                deploy.silos_to_follow(self.stack, None)
            self.assertIn("it cannot be told which silos", said.getvalue())

    def test_a_silo_that_cannot_be_updated_keeps_no_other_back(self):
        every = [Silo("bellhop", tenant) for tenant in ("hill", "lake", "sea", "wood")]
        ends = [silo.DECLINED, Problem("a queue is in the way"), ClientError({"Error": {"Code": "Throttling"}}, "DescribeStacks"), silo.DONE]
        with mock.patch.object(silo, "silos", return_value=every), mock.patch.object(silo, "bring", side_effect=ends) as bring:
            with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(silo.update(mock.Mock(region="eu-west-1"), arguments(all=True)), silo.NOT_DONE)
        self.assertEqual([call.args[2] for call in bring.call_args_list], every)
        self.assertIn("bellhop-tenant-lake: not updated: a queue is in the way", said.getvalue())
        self.assertEqual([json.loads(line)["tenant"] for line in out.getvalue().splitlines()], ["lake", "sea"])

    def test_an_unknown_silo_is_not_updated(self):
        with mock.patch.object(silo, "silos", return_value=[Silo("bellhop", "sea")]), self.assertRaisesRegex(Problem, "no silo of hill; it has sea"):
            self.run_it(silo.update, tenants=["hill"])


@unittest.skipUnless(os.environ.get("BELLHOP_CLOUD_LIVE"), "needs the cloud up")
class Live(unittest.TestCase):
    PREFIX = "silotest"

    @classmethod
    def setUpClass(cls):
        from bellhop_cloud import deploy, settings
        from bellhop_stack import code

        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.trace = cls.folder / "trace"
        text = (HERE / "bootstrap.py").read_text().replace('os.environ.get("TRACE_FILE")', repr(str(cls.trace)))
        for function in code.functions():
            (cls.folder / f"bellhop-{function}").write_text(text)
            (cls.folder / f"bellhop-{function}").chmod(0o755)
        with mock.patch.dict(os.environ, BELLHOP_FUNCTION_DIR=str(cls.folder)), contextlib.redirect_stdout(io.StringIO()):
            deploy.deploy(cls.PREFIX, cls.PREFIX, {"FunctionTimeout": "2", "VisibilityTimeout": "12", "SynchronizationDelaySeconds": "0"})
        cls.addClassCleanup(deploy.remove, cls.PREFIX)
        cls.cloud, cls.registry = Cloud(settings.client, True, 0.2), {}

    def bellhop(self, _prefix, _tenant, verb, tenant, *_more):
        if verb == "add":
            self.registry[tenant] = {"tenant": tenant, "mode": "silo", "standing": "active"}
        return answer(**self.registry[tenant]) if tenant in self.registry else answer(1)

    def run_it(self, does, *args, **more) -> dict:
        out = io.StringIO()
        with mock.patch("bellhop_stack.smoke.bellhop", self.bellhop), contextlib.redirect_stdout(out):
            does(self.cloud, arguments(*args, prefix=self.PREFIX, **more))
        return json.loads(out.getvalue())

    def seen(self) -> dict[str, str]:
        """Which queue each message came by."""
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        records = [json.loads(line)["record"] for line in lines]
        return {record["body"]: record["eventSourceARN"].rsplit(":", 1)[1] for record in records}

    def test_a_silo_from_its_first_deployment_to_its_removal(self):
        from bellhop_cloud import settings

        told = self.run_it(silo.add, producer=ROLE, external_id="an-id", maximum_concurrency="2")
        self.assertEqual(told["result"], "deployed")
        self.addCleanup(lambda: self.run_it(silo.remove, anyway=True))
        self.assertEqual(told["outputs"]["ProducerRoleArn"], f"arn:aws:iam::{settings.ACCOUNT}:role/{self.PREFIX}_sea_producer")
        self.assertEqual(self.run_it(silo.add)["result"], "up to date")
        sqs = settings.client("sqs")
        sent = {}
        for queue in silo.queue_names():
            for end in ("", "-dlq"):
                name = f"{self.PREFIX}_sea_{queue}{end}.fifo"
                found = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["VisibilityTimeout"])
                self.assertEqual(found["Attributes"], {"VisibilityTimeout": "12"}, "as the main stack has it")
                sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=f"ok {name}", MessageGroupId="g")
                sent[f"ok {name}"] = name
        deadline = time.monotonic() + 30
        while self.seen() != sent and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(self.seen(), sent)
        (row,) = self.run_it(silo.list_all)
        self.assertEqual((row["tenant"], row["queues"], row["waiting"]), ("sea", 5, 0))
        shown = self.run_it(silo.show)
        self.assertTrue(shown["up_to_date"])
        # Its queues follow the main stack's.
        stack = silo.Stack(self.cloud, f"{self.PREFIX}-tenant-sea")
        former = stack.version()
        stack.execute(stack.prepare(Version(former.template, former.parameters | {"VisibilityTimeout": "99"})))
        every = silo.silos(self.cloud, self.PREFIX)
        self.assertEqual(silo.outdated(self.cloud, self.PREFIX, every), ["sea"])
        self.assertEqual(self.run_it(silo.update, all=True)["result"], "deployed")
        self.assertEqual(silo.outdated(self.cloud, self.PREFIX, every), [])
        self.assertEqual(self.run_it(silo.remove)["result"], "refused")
        self.registry["sea"]["standing"] = "removed"
        self.assertEqual(self.run_it(silo.remove)["result"], "removed")
        self.assertEqual(self.run_it(silo.list_all), [])


if __name__ == "__main__":
    unittest.main()
