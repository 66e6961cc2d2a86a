"""infra/observability.yaml watches what infra/template.yaml makes, all of it and nothing else, and each of its alarms has a page in
docs/runbooks that a person can follow."""

import json
import os
import re
import unittest

from bellhop_cloud.settings import ROOT, TEMPLATE
from bellhop_cloud.templates import inside, long_form, named, read, resources

SIGNALS = TEMPLATE.parent / "observability.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
CLI = ROOT / "shared" / "cli" / "src"
# The contract with the functions: what they write to CloudWatch, by Prefix and Function.
METRICS = {"processed", "duplicate", "stale", "retried", "parked", "review", "critical", "lag", "duration", "cold_start"}
# What no data means. A schedule that starts nothing leaves none; a queue, function or table that has nothing to say neither.
NO_DATA_RINGS = {"TimerLate", "SweepLate"}


def name_of(properties: dict, key: str) -> str:
    return named(properties[key]).removeprefix("${Prefix}-").removesuffix(".fifo")


class Signals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = resources(TEMPLATE)
        cls.template = read(SIGNALS.read_text())
        every = cls.template["Resources"]
        cls.alarms = {name: r["Properties"] for name, r in every.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
        cls.dashboard = json.loads(every["Dashboard"]["Properties"]["DashboardBody"][1])

    def names(self, kind: str, key: str) -> set[str]:
        return {name_of(r["Properties"], key) for r in self.made.values() if r["Type"] == kind}

    def queues(self) -> tuple[set[str], set[str]]:
        every = self.names("AWS::SQS::Queue", "QueueName")
        dead = {name for name in every if name.endswith("-dlq")}
        return every - dead, dead

    def watched(self, metric: str, dimension: str) -> set[str]:
        """What alarms on a metric name in a dimension."""
        found = set()
        for alarm in self.alarms.values():
            for part in inside(alarm):
                if part.get("MetricName") == metric:
                    found |= {name_of(d, "Value") for d in part.get("Dimensions", []) if d["Name"] == dimension}
        return found

    def shown(self, metric: str, dimension: str) -> set[str]:
        """What the dashboard shows of a metric."""
        lines = [line for widget in self.dashboard["widgets"] for line in widget["properties"].get("metrics", [])]
        return {line[3].removeprefix("${Prefix}-").removesuffix(".fifo") for line in lines if line[1:3] == [metric, dimension]}

    def test_every_queue_is_watched_and_shown(self):
        work, dead = self.queues()
        self.assertEqual(self.watched("ApproximateAgeOfOldestMessage", "QueueName"), work | dead - {"fallback-dlq"})
        self.assertEqual(self.watched("ApproximateNumberOfMessagesVisible", "QueueName"), work | {"fallback-dlq"})
        self.assertEqual(self.shown("ApproximateAgeOfOldestMessage", "QueueName"), work)
        self.assertEqual(self.shown("ApproximateNumberOfMessagesVisible", "QueueName"), work | dead)

    def test_every_function_is_watched_and_shown(self):
        functions = self.names("AWS::Lambda::Function", "FunctionName")
        for metric in ("Errors", "Throttles"):
            self.assertEqual(self.watched(metric, "FunctionName"), functions)
            self.assertEqual(self.shown(metric, "FunctionName"), functions)
        self.assertEqual(self.shown("ConcurrentExecutions", "FunctionName"), functions)

    def test_what_maximum_concurrency_limits_is_watched(self):
        limited = {
            name_of(self.made[named(r["Properties"]["FunctionName"])]["Properties"], "FunctionName")
            for r in self.made.values()
            if r["Type"] == "AWS::Lambda::EventSourceMapping" and ("Ref", "MaximumConcurrency") in inside(r, tuple)
        }
        self.assertEqual(self.watched("ConcurrentExecutions", "FunctionName"), limited)

    def test_what_a_schedule_starts_is_watched(self):
        rules = self.names("AWS::Events::Rule", "Name")
        self.assertEqual(self.watched("Invocations", "FunctionName") | self.watched("Invocations", "RuleName"), rules)

    def test_every_table_and_index_is_watched_and_shown(self):
        tables = {r["Properties"]["TableName"][1]: r["Properties"] for r in self.made.values() if r["Type"] == "AWS::DynamoDB::Table"}
        names = self.names("AWS::DynamoDB::Table", "TableName")
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            self.assertEqual(self.watched(metric, "TableName"), names)
        indexes = {index["IndexName"] for table in tables.values() for index in table.get("GlobalSecondaryIndexes", [])}
        self.assertEqual(self.watched("WriteThrottleEvents", "GlobalSecondaryIndexName"), indexes)
        for metric in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"):
            self.assertEqual(self.shown(metric, "TableName"), names)

    def test_what_the_functions_write_is_shown_all_of_it(self):
        self.assertEqual(set(re.findall(r'MetricName=\\"(\w+)\\" Prefix=\\"\$\{Prefix}\\"', json.dumps(self.dashboard))), METRICS)
        self.assertEqual(self.alarms["CriticalReview"]["Dimensions"], [{"Name": "Prefix", "Value": ("Ref", "Prefix")}, {"Name": "Function", "Value": "review"}])

    def test_each_alarm_tells_and_tells_of_its_end_and_knows_what_no_data_means(self):
        names = [alarm["AlarmName"] for alarm in self.alarms.values()]
        self.assertEqual(len(names), len(set(names)))
        for name, alarm in self.alarms.items():
            self.assertEqual(len(alarm["AlarmActions"]), 1, name)
            self.assertEqual(alarm["AlarmActions"], alarm["OKActions"], name)
            self.assertEqual(alarm["TreatMissingData"], "breaching" if name in NO_DATA_RINGS else "notBreaching", name)
            self.assertTrue(named(alarm["AlarmName"]).startswith("${Prefix}-"), name)

    def test_alarms_and_pages_are_equal(self):
        ends = [re.search(r"\. \$\{Runbooks}([a-z-]+\.md)$", named(alarm["AlarmDescription"])) for alarm in self.alarms.values()]
        self.assertNotIn(None, ends)
        pages = {page.name for page in RUNBOOKS.glob("*.md")} - {"README.md"}
        self.assertEqual({end[1] for end in ends}, pages)
        self.assertEqual(set(re.findall(r"^\| \[[a-z-]+]\(([a-z-]+\.md)\) \|", (RUNBOOKS / "README.md").read_text(), re.M)), pages)
        for page in pages:
            heads = re.findall(r"^## (.+)$", (RUNBOOKS / page).read_text(), re.M)
            self.assertEqual(heads, ["What it means", "Look here", "Do this", "When it is over"], page)

    def test_pages_name_only_commands_and_pages_that_there_are(self):
        source = (CLI / "main.rs").read_text().split("enum Command {")[1].split("\n}")[0]
        commands = {word.lower() for word in re.findall(r"^    (\w+)\(", source, re.M)}
        flags = set(re.findall(r"^    (?:pub )?(\w+): ", "".join(file.read_text() for file in CLI.rglob("*.rs")), re.M))
        for page in RUNBOOKS.glob("*.md"):
            text = page.read_text()
            used = re.findall(r"(?:^    |`)bellhop ([a-z]+)([^`#\n]*)", text, re.M)
            self.assertTrue(used, page.name)
            for command, rest in used:
                self.assertIn(command, commands, page.name)
                self.assertLessEqual({flag.replace("-", "_") for flag in re.findall(r"--([a-z-]+)", rest)}, flags, (page.name, command))
            for link in re.findall(r"]\(([^)]+\.md)\)", text):
                self.assertTrue((RUNBOOKS / link).exists(), (page.name, link))


@unittest.skipUnless(os.environ.get("BELLHOP_CLOUD_LIVE"), "needs the cloud up")
class Live(unittest.TestCase):
    def test_cloudwatch_takes_the_alarms(self):
        """Laid out first: LocalStack has `Fn::ForEach`, but not `&{Name}` in it. It knows no dashboards."""
        from bellhop_cloud import settings

        cloudformation, cloudwatch = settings.client("cloudformation"), settings.client("cloudwatch")
        template = {key: value for key, value in read(SIGNALS.read_text()).items() if key != "Transform"}
        template["Resources"] = {name: r for name, r in template["Resources"].items() if name != "Dashboard"}
        request = {"StackName": "watchtest", "TemplateBody": json.dumps(long_form(template), default=str)}
        cloudformation.create_stack(**request, Parameters=[{"ParameterKey": "Prefix", "ParameterValue": "watchtest"}])
        self.addCleanup(cloudformation.delete_stack, StackName="watchtest")
        cloudformation.get_waiter("stack_create_complete").wait(StackName="watchtest", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="watchtest-")
        alarms = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
        made = [r for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
        self.assertEqual(set(alarms), {named(r["Properties"]["AlarmName"]).replace("${Prefix}", "watchtest") for r in made})
        late = alarms["watchtest-queue-late-automation"]
        self.assertEqual(late["Dimensions"], [{"Name": "QueueName", "Value": "watchtest-automation.fifo"}])
        self.assertTrue(late["AlarmDescription"].endswith(" docs/runbooks/queue-late.md"))
        self.assertEqual(len(late["AlarmActions"]), 1)


if __name__ == "__main__":
    unittest.main()
