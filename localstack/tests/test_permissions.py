"""infra/template.yaml allows each function exactly what its row of README's table "The functions" says, and what its code
names: read from all three, and compared in both directions."""

import re
import unittest

from bellhop_cloud.settings import ROOT, TEMPLATE
from bellhop_cloud.templates import listed, named, resources, statements

# What the words of the column "permissions" stand for. A transaction is allowed by the actions that it is made of.
GET = {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
WRITE = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"}
STATE, OPERATIONS = "StateTable", "OperationsTable"
WORDS = {
    "state: read": (STATE, GET | {"dynamodb:Query"}),
    "state: read and write": (STATE, GET | {"dynamodb:Query"} | WRITE),
    "state: what is open": ("${StateTable.Arn}/index/open", {"dynamodb:Query"}),
    "tells people by `ReviewTopic`": ("ReviewTopic", {"sns:Publish"}),
    "state: what is due": (STATE, {"dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}),
    "operations: one item": (OPERATIONS, {"dynamodb:GetItem"}),
    "operations: read and write": (OPERATIONS, GET | WRITE),
    "secrets `bellhop/*`": ("secretsmanager secret:bellhop/*", {"secretsmanager:GetSecretValue"}),
}
MAIL = "mail as `MailFrom`"
DEPTHS = "depths of all queues"
QUEUES = ROOT / "shared" / "events" / "src" / "queue.rs"
RECEIVE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}

# What the options KmsKeyArn and Tracing add, by policies that name the roles.
KEY = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
VIA = "{}.${{AWS::Region}}.amazonaws.com"


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def queue_resource(name: str) -> str:
    """The resource of a queue, or of a dead-letter queue, by its name between prefix and `.fifo`."""
    return camel(name) if name.endswith("-dlq") else camel(name) + "Queue"


def twin(resource: str) -> str | None:
    """The pattern that stands for a queue's twins in silos; the fallback queue has none."""
    called = re.fullmatch(r"(?!Fallback)(\w+?)(?:Queue|(Dlq))", resource)
    if not called:
        return None
    name = re.sub("(?<!^)(?=[A-Z])", "-", called[1]).lower()
    return f"sqs ${{Prefix}}_*_{name}{'-dlq' if called[2] else ''}.fifo"


class Permissions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.resources = resources(TEMPLATE)
        cls.functions = {
            name: resource["Properties"]
            for name, resource in cls.resources.items()
            if resource["Type"] == "AWS::Lambda::Function"
        }
        table = (ROOT / "README.md").read_text().split("\n## The functions\n")[1].split("\n## ")[0]
        rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if line.startswith("| `")]
        cls.rows = {cells[0].strip("`| "): cells[1:] for cells in rows}

    def of_type(self, kind: str):
        return ((name, r["Properties"]) for name, r in self.resources.items() if r["Type"] == kind)

    def test_every_function_has_its_row_and_every_row_its_function(self):
        functions = {properties["FunctionName"][1].removeprefix("${Prefix}-") for properties in self.functions.values()}
        self.assertEqual(set(self.rows), functions)
        self.assertEqual({camel(name) + "Function" for name in functions}, set(self.functions))

    def test_each_is_started_by_what_its_row_says(self):
        started = {name: [] for name in self.rows}
        of = {camel(name) + "Function": name for name in self.rows}
        queues = {name: properties["QueueName"][1] for name, properties in self.of_type("AWS::SQS::Queue")}
        for _, source in self.of_type("AWS::Lambda::EventSourceMapping"):
            queue = queues[named(source["EventSourceArn"])].removeprefix("${Prefix}-")
            started[of[named(source["FunctionName"])]].append(f"`{queue}`")
        for _, subscription in self.of_type("AWS::SNS::Subscription"):
            started[of[named(subscription["Endpoint"])]].append("bounces and complaints")
        for _, rule in self.of_type("AWS::Events::Rule"):
            when = {"rate(1 minute)": "each minute", "rate(1 hour)": "each hour"}[rule["ScheduleExpression"]]
            started[of[named(rule["Targets"][0]["Arn"])]].append(when)
        for _, url in self.of_type("AWS::Lambda::Url"):
            started[of[named(url["TargetFunctionArn"])]].append("HTTP")
        self.assertEqual({name: "; ".join(by) for name, by in started.items()}, {name: row[0] for name, row in self.rows.items()})

    def sends(self, name: str) -> set[str]:
        """The queues that the row lets the function send to."""
        words = [word.removeprefix("sends: ") for word in self.rows[name][2].split("; ") if word.startswith("sends: ")]
        return {queue for word in words for queue in word.split(", ")}

    def said(self, name: str) -> dict[str, set[str]]:
        """What the row says, as actions on resources."""
        allowed = {camel(name) + "Logs": set(LOGS)}
        for queue in re.findall(r"`([a-z0-9-]+)\.fifo`", self.rows[name][0]):
            allowed.setdefault(queue_resource(queue), set()).update(RECEIVE)
        for queue in self.sends(name):
            allowed.setdefault(camel(queue) + "Queue", set()).add("sqs:SendMessage")
        for word in self.rows[name][2].split("; "):
            if word.startswith("sends: "):
                continue
            if word == DEPTHS:
                for queue, _ in self.of_type("AWS::SQS::Queue"):
                    allowed.setdefault(queue, set()).add("sqs:GetQueueAttributes")
            elif word == MAIL:
                allowed |= {"ses identity/*": {"ses:SendEmail"}, "ses configuration-set/${Prefix}-mail": {"ses:SendEmail"}}
            else:
                resource, actions = WORDS[word]
                allowed.setdefault(resource, set()).update(actions)
        return allowed | {pattern: actions for queue, actions in allowed.items() if (pattern := twin(queue))}

    def test_each_may_do_what_its_row_says_and_nothing_else(self):
        for name in self.rows:
            with self.subTest(name):
                function = self.functions[camel(name) + "Function"]
                role = self.resources[named(function["Role"])]["Properties"]
                self.assertNotIn("ManagedPolicyArns", role)
                allowed: dict[str, set[str]] = {}
                for statement in statements(role["Policies"]):
                    self.assertEqual(statement["Effect"], "Allow")
                    for resource in listed(statement["Resource"]):
                        allowed.setdefault(named(resource), set()).update(listed(statement["Action"]))
                    if "ses:SendEmail" in listed(statement["Action"]):
                        self.assertEqual(statement["Condition"], {"StringEquals": {"ses:FromAddress": ("Ref", "MailFrom")}})
                self.assertEqual(allowed, self.said(name))

    def test_each_statement_on_a_shared_queue_covers_its_twins_in_silos_and_no_other_queue(self):
        """Silos' queues are named by their tenants, whom no template knows: so by pattern, each beside the queue that it follows."""
        queues = {name for name, _ in self.of_type("AWS::SQS::Queue")}
        for name in self.rows:
            role = self.resources[named(self.functions[camel(name) + "Function"]["Role"])]["Properties"]
            for statement in statements(role["Policies"]):
                found = {named(resource) for resource in listed(statement["Resource"])}
                with self.subTest(name, sid=statement["Sid"]):
                    self.assertEqual({r for r in found if str(r).startswith("sqs ")}, {twin(r) for r in found & queues} - {None})
        patterns = {twin(queue) for queue in queues} - {None}
        self.assertEqual(len(patterns), len(queues) - 2, "all but fallback and its dead letters")

    def test_producers_of_the_pool_reach_no_silo(self):
        ((_, policy),) = self.of_type("AWS::IAM::ManagedPolicy")
        self.assertEqual([r for s in statements(policy) for r in listed(s["Resource"]) if str(named(r)).startswith("sqs ")], [])

    def test_each_is_told_the_queues_that_it_may_send_to(self):
        for name in self.rows:
            with self.subTest(name):
                variables = self.functions[camel(name) + "Function"]["Environment"]["Variables"]
                told = {key: named(value) for key, value in variables.items() if key.startswith("QUEUE_")}
                expected = {"QUEUE_" + queue.upper().replace("-", "_"): camel(queue) + "Queue" for queue in self.sends(name)}
                self.assertEqual(told, expected)

    def test_the_code_names_the_same_queues(self):
        for name, row in self.rows.items():
            with self.subTest(name):
                text = "".join(file.read_text() for file in sorted((ROOT / "functions" / name / "src").rglob("*.rs")))
                found = re.search(r"const SENDS_TO: [^=]*=\s*&\[([^\]]*)\]", text)
                code = set(re.findall(r"Queue::(\w+)", found[1])) if found else set()
                if re.search(r"const SENDS_TO: [^=]*= Queue::WORKED;", text):
                    code = set(re.findall(r"^        Self::(\w+),$", QUEUES.read_text(), re.M)) - {"Fallback"}
                if "Handler for" in text:  # its own queue for what it wakes up, fallback for what it gives up
                    own = re.search(r"const QUEUE: Queue = Queue::(\w+);", text)[1]
                    self.assertEqual(row[0].split("; ")[0], f"`{re.sub('(?<!^)(?=[A-Z])', '-', own).lower()}.fifo`")
                    code |= {own, "Fallback"}
                self.assertEqual(code, {camel(queue) for queue in self.sends(name)})

    def test_each_reason_of_a_row_is_one_of_the_list(self):
        text = (ROOT / "shared" / "events" / "src" / "fault.rs").read_text()
        reasons = set(re.findall(r'^    \w+ = "([a-z-]+)", "', text, re.M))
        self.assertGreater(len(reasons), 20)
        for name, row in self.rows.items():
            self.assertLessEqual(set(re.findall(r"`([a-z-]+)`", row[3])), reasons, name)

    def added(self, policy: str) -> tuple[set[str], dict]:
        """The functions that a policy of an option names, and its statement."""
        properties = self.resources[policy]["Properties"]
        found = {named(role[1][1] if role[0] == "If" else role) for role in properties["Roles"]}
        (statement,) = statements(properties["PolicyDocument"])
        return {name for name in self.rows if camel(name) + "Role" in found}, statement

    def test_a_key_of_ones_own_serves_each_for_what_it_may_do_and_nothing_else(self):
        for policy, of, actions, services in (
            ("OwnKeyPolicy", set(self.rows) - {"feeds"}, KEY, ["sqs", "dynamodb"]),
            ("OwnKeyFeedsPolicy", {"feeds"}, {"kms:Decrypt"}, ["dynamodb"]),
            ("OwnKeyReviewPolicy", {"review"}, KEY, ["sns"]),
        ):
            with self.subTest(policy):
                self.assertEqual(self.resources[policy]["Condition"], "OwnKey")
                functions, statement = self.added(policy)
                self.assertEqual((functions, set(listed(statement["Action"]))), (of, actions))
                self.assertEqual(statement["Resource"], ("Ref", "KmsKeyArn"))
                via = listed(statement["Condition"]["StringEquals"]["kms:ViaService"])
                self.assertEqual(via, [("Sub", VIA.format(service)) for service in services])

    def test_traces_are_sent_by_all_and_nothing_else_is_added(self):
        functions, statement = self.added("TracesPolicy")
        self.assertEqual(functions, set(self.rows))
        self.assertEqual(set(statement["Action"]), {"xray:PutTraceSegments", "xray:PutTelemetryRecords"})
        policies = {"OwnKeyPolicy", "OwnKeyFeedsPolicy", "OwnKeyReviewPolicy", "TracesPolicy"}
        self.assertEqual({name for name, _ in self.of_type("AWS::IAM::Policy")}, policies)
        for name, properties in self.functions.items():
            self.assertEqual(properties["TracingConfig"], {"Mode": ("Ref", "Tracing")}, name)


if __name__ == "__main__":
    unittest.main()
