"""infra/tenant.yaml has for one tenant what template.yaml has for all."""

import json
import re
import unittest

from bellhop_cloud import templates
from bellhop_cloud.settings import TEMPLATE
from bellhop_stack import silo


class Twins(unittest.TestCase):
    """What infra/tenant.yaml makes is what template.yaml makes, but for names, and for who else is told."""

    @classmethod
    def setUpClass(cls):
        cls.main, cls.silo = (templates.read(path.read_text()) for path in (TEMPLATE, silo.TEMPLATE))

    def of(self, template: dict, kind: str) -> dict[str, dict]:
        return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}

    def queues(self, template: dict, start: str) -> dict[str, dict]:
        """By name. Numbers by parameter stand as they are, references to other queues by these queues' names."""
        every = self.of(template, "AWS::SQS::Queue")
        called = {name: templates.named(p["QueueName"]).removeprefix(start) for name, p in every.items()}

        def plain(value):
            match value:
                case ("GetAtt", str() as name) if name.removesuffix(".Arn") in called:
                    return called[name.removesuffix(".Arn")]
                case ("Sub", str() as text) if whole := re.fullmatch(r"\$\{(\w+)}", text):
                    return "Ref", whole[1]
                case ("Sub", str() as text):
                    return text.rsplit(start, 1)[-1]
                case ("Select", [("FindInMap", [name, key, column]), ("Split", [by, ("Sub", options)])]):
                    chosen = options.split(by)[template["Mappings"][name][key][column]]
                    return plain(("Sub", chosen)) if "$" in chosen else int(chosen)
                case dict():
                    return {key: plain(inner) for key, inner in value.items()}
                case list() | tuple():
                    return type(value)(map(plain, value))
            return value

        return {called[name]: {"DelaySeconds": 0} | plain(p) for name, p in every.items()}

    def test_queues_have_the_same_settings(self):
        main = self.queues(self.main, "${Prefix}-")
        shared = {name: p for name, p in main.items() if not name.startswith("fallback")}
        self.assertEqual(self.queues(self.silo, "${Prefix}_${Tenant}_"), shared)

    def mappings(self, template: dict, start: str) -> dict[str, tuple]:
        queues = {name: templates.named(p["QueueName"]).removeprefix(start) for name, p in self.of(template, "AWS::SQS::Queue").items()}
        functions = {name: p["FunctionName"] for name, p in self.of(template, "AWS::Lambda::Function").items()}
        found = {}
        for each in self.of(template, "AWS::Lambda::EventSourceMapping").values():
            batch, function = each["BatchSize"], each["FunctionName"]
            match function:
                case ("Ref", name):
                    function = functions[name]
                case ("Sub", [text, {"Function": ("FindInMap", [name, key, column])}]):
                    function = ("Sub", text.replace("${Function}", template["Mappings"][name][key][column]))
            if isinstance(batch, tuple):
                batch = template["Mappings"][batch[1][0]][batch[1][1]][batch[1][2]]
            rest = {key: value for key, value in each.items() if key not in ("BatchSize", "FunctionName", "EventSourceArn")}
            found[queues[templates.named(each["EventSourceArn"])]] = (function, batch, rest)
        return found

    def test_the_same_functions_work_them_in_the_same_batches(self):
        main = self.mappings(self.main, "${Prefix}-")
        del main["fallback.fifo"]
        self.assertEqual(self.mappings(self.silo, "${Prefix}_${Tenant}_"), main)

    def test_parameters_that_both_have_are_the_same(self):
        for name in silo.AS_IN_MAIN:
            ours, mains = self.silo["Parameters"][name], self.main["Parameters"][name]
            self.assertEqual({k: v for k, v in ours.items() if k != "Description"}, {k: v for k, v in mains.items() if k != "Description"})
        watch = templates.read((TEMPLATE.parent / "observability.yaml").read_text())["Parameters"]
        for name in ("AlarmTopicArn", "Runbooks", "LateAfterSeconds"):
            self.assertEqual({k: v for k, v in self.silo["Parameters"][name].items() if k != "Description"}, {k: v for k, v in watch[name].items() if k != "Description"})

    def test_every_queue_refuses_what_is_not_encrypted(self):
        for template in (self.main, self.silo):
            (policy,) = self.of(template, "AWS::SQS::QueuePolicy").values()
            self.assertEqual({templates.named(queue) for queue in policy["Queues"]}, set(self.of(template, "AWS::SQS::Queue")))

    def test_alarms_are_those_of_the_shared_queues(self):
        watch = templates.read((TEMPLATE.parent / "observability.yaml").read_text())

        def alarms(template: dict, start: str) -> dict[str, dict]:
            every = self.of(template, "AWS::CloudWatch::Alarm").values()
            plain = [json.loads(json.dumps(templates.long_form(alarm)).replace(start, "")) for alarm in every]
            return {alarm["AlarmName"]["Fn::Sub"]: {k: v for k, v in alarm.items() if k not in ("AlarmActions", "OKActions")} for alarm in plain}

        shared = alarms(watch, "${Prefix}-")
        for name, alarm in alarms(self.silo, "${Prefix}_${Tenant}_").items():
            self.assertEqual(alarm, shared[name])
        for name, alarm in self.of(self.silo, "AWS::CloudWatch::Alarm").items():
            self.assertEqual(alarm["AlarmActions"], alarm["OKActions"], name)
            self.assertEqual(alarm["AlarmActions"], ("If", ["HasAlarmTopic", [("Ref", "AlarmTopicArn")], ("Ref", "AWS::NoValue")]), name)

    def test_a_producer_may_on_its_silo_what_producers_may_on_the_shared_queues(self):
        (policy,) = self.of(self.main, "AWS::IAM::ManagedPolicy").values()
        (role,) = self.of(self.silo, "AWS::IAM::Role").values()
        ours = json.dumps(templates.long_form(role["Policies"][0]["PolicyDocument"]))
        for name, properties in self.of(self.silo, "AWS::SQS::Queue").items():
            words = templates.named(properties["QueueName"]).removeprefix("${Prefix}_${Tenant}_").removesuffix(".fifo").split("-")
            ours = ours.replace(f'"{name}"', f'"{"".join(map(str.capitalize, words))}Queue"')
        self.assertEqual(json.loads(ours), templates.long_form(policy["PolicyDocument"]))


if __name__ == "__main__":
    unittest.main()
