"""Stacks on the local cloud, and what a test asks of them. Waits are for conditions, with a deadline."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "localstack"))

from bellhop_cloud import processes, settings  # noqa: E402

from proxy import Proxy  # noqa: E402

FULL = False
CLOUD = settings.HERE / "cloud"
STARTED = time.monotonic()
RUN_ID = secrets.token_hex(2)
FINAL = {"applied", "duplicate", "stale", "parked", "review", "released"}
SOURCE = "OperationalCalendarUrl"
TAPPED = {  # queues without a consumer of their own here: the tests are it
    "fallback": "FallbackUrl",
    "operational-guests": "OperationalGuestsUrl",
    "automation": "AutomationUrl",
    "synchronization": "SynchronizationUrl",
    "dlq": "OperationalCalendarDlqUrl",
}
_stacks: dict[str, "Stack"] = {}


def clock() -> str:
    return f"{time.monotonic() - STARTED:6.1f}"


def say(text: str):
    print(f"{clock()}   {text}", file=sys.stderr, flush=True)


def run_cloud(*args: str) -> str:
    done = subprocess.run([CLOUD, *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"localstack/cloud {' '.join(args)}: {done.stderr}")
    return done.stdout


@contextlib.contextmanager
def cloud():
    if not settings.is_local():
        raise SystemExit("these tests kill processes and break DynamoDB: they run on the local cloud only")
    found_up = processes.running()
    if not found_up:
        say("starting the cloud ...")
        run_cloud("up")
    try:
        yield
    finally:
        if not found_up:
            run_cloud("down")


def stack(name: str, **parameters) -> "Stack":
    """The stack of this run with that name, deployed when it is first asked for."""
    if name not in _stacks:
        _stacks[name] = Stack(f"e2e-{RUN_ID}-{name}", parameters)
    return _stacks[name]


def main_stack() -> "Stack":
    return stack("main", AttemptBudget=3)


def remove_stacks(keep_logs: bool):
    for each in _stacks.values():
        each.remove()
        if keep_logs:
            say(f"the function's log: {each.log_file.relative_to(settings.ROOT)}")
        else:
            each.log_file.unlink(missing_ok=True)
    _stacks.clear()


def wait(condition, seconds: float, what: str):
    """The first true value of `condition`; fails, saying what was waited for, when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what() if callable(what) else what}")
        time.sleep(0.05)
    return value


class Message:
    """A message as a consumer of its queue gets it."""

    def __init__(self, raw: dict):
        attributes = raw.get("Attributes", {})
        self.body = raw["Body"]
        self.id = raw["MessageId"]
        self.group = attributes.get("MessageGroupId")
        self.deduplication_id = attributes.get("MessageDeduplicationId")
        note = raw.get("MessageAttributes", {}).get("bellhop")
        self.note_type = note and note["DataType"]
        self.note = json.loads(note["StringValue"]) if note else None

    @property
    def event(self) -> dict:
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.group} {self.note or self.body}>"


class Stack:
    def __init__(self, prefix: str, parameters: dict):
        usual = {
            "FunctionTimeout": 3, "VisibilityTimeout": 4, "BackoffBaseSeconds": 1, "BackoffCapSeconds": 1,
            "SynchronizationDelaySeconds": 0, "LogLevel": "info",
        }  # fmt: skip
        self.prefix, self.function = prefix, f"{prefix}-calendar"
        self.parameters = usual | parameters
        started = time.monotonic()
        run_cloud("deploy", "--prefix", prefix, "--stack", prefix, *(f"{k}={v}" for k, v in self.parameters.items()))
        self.outputs = json.loads((settings.RUN / f"{prefix}.json").read_text())
        self.sqs, self.dynamodb = settings.client("sqs"), settings.client("dynamodb")
        self.table = self.outputs["StateTableName"]
        self.log_file = settings.RUN / "logs" / f"{self.function}.log"
        self.log_offset, self.log = 0, []
        self.tapped = {name: [] for name in TAPPED}
        self.proxy = Proxy(settings.dynamodb_endpoint(), lambda: processes.function_pids(self.function))
        self.sqs_proxy = Proxy(settings.endpoint(), self.proxy.pids)
        self._point_at_proxies()
        say(f"{prefix} deployed in {time.monotonic() - started:.1f} s")

    def _point_at_proxies(self):
        functions = settings.client("lambda")
        variables = functions.get_function_configuration(FunctionName=self.function)["Environment"]["Variables"]
        variables["AWS_ENDPOINT_URL_DYNAMODB"] = self.proxy.url
        variables["AWS_ENDPOINT_URL_SQS"] = self.sqs_proxy.url
        functions.update_function_configuration(FunctionName=self.function, Environment={"Variables": variables})

        def updated():
            found = functions.get_function_configuration(FunctionName=self.function)
            return found["State"] == "Active" and found["LastUpdateStatus"] == "Successful"

        wait(updated, 60, "the function to take its new environment")

    def remove(self):
        run_cloud("remove", "--stack", self.prefix)
        self.proxy.close()
        self.sqs_proxy.close()

    # ---- Queues.

    def send(self, messages: list[tuple[str, str]], queue: str = SOURCE, deduplication_ids=None) -> list[str]:
        """Sends (group, body) in order, in batches of ten; returns the message ids."""
        ids = []
        for start in range(0, len(messages), 10):
            entries = []
            for n, (group, body) in enumerate(messages[start : start + 10]):
                entry = {"Id": str(n), "MessageGroupId": group, "MessageBody": body}
                if deduplication_ids:
                    entry["MessageDeduplicationId"] = deduplication_ids[start + n]
                entries.append(entry)
            answer = self.sqs.send_message_batch(QueueUrl=self.outputs[queue], Entries=entries)
            if answer.get("Failed"):
                raise AssertionError(answer["Failed"])
            ids += [e["MessageId"] for e in sorted(answer["Successful"], key=lambda e: int(e["Id"]))]
        return ids

    def depth(self, output: str = SOURCE) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def pump(self) -> int:
        """Takes what is in the queues that we consume."""
        taken = 0
        for name, output in TAPPED.items():
            url = self.outputs[output]
            while messages := self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0,
                MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"],
            ).get("Messages"):  # fmt: skip
                self.tapped[name] += map(Message, messages)
                entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
                self.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
                taken += len(messages)
        return taken

    def drain(self, seconds: float = 30):
        """Waits until the calendar's queue is empty and all that follows is taken. SQS's numbers are approximate: empty is
        what it is three times in a row."""
        readings = 0

        def empty():
            nonlocal readings
            self.pump()
            readings = readings + 1 if self.depth() == 0 and self.pump() == 0 else 0
            return readings == 3

        wait(empty, seconds, lambda: f"the queue to drain: {self.depth()} messages left; {self._last_lines()}")

    def of_group(self, queue: str, group: str) -> list[Message]:
        return [message for message in self.tapped[queue] if message.group == group]

    def fallback(self, group: str) -> list[Message]:
        return self.of_group("fallback", group)

    # ---- What the function says.

    def lines(self, **fields) -> list[dict]:
        """The function's structured lines, one a message and run."""
        if self.log_file.exists():
            with self.log_file.open("rb") as file:
                file.seek(self.log_offset)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self.log_offset += len(whole)
            for line in whole.splitlines():
                with contextlib.suppress(ValueError):  # torn by a kill
                    entry = json.loads(line)
                    if isinstance(entry, dict) and entry.get("message") == "message":
                        self.log.append(entry)
        return [line for line in self.log if all(line.get(k) == v for k, v in fields.items())]

    def outcomes(self, **fields) -> Counter:
        return Counter(line["outcome"] for line in self.lines(**fields))

    def _last_lines(self):
        return [{k: line.get(k) for k in ("outcome", "event", "cause", "receive_count")} for line in self.lines()[-5:]]

    # ---- What is stored.

    def items(self, partition: str) -> dict[str, dict]:
        """Everything in a partition, in DynamoDB's typed form, by sort key."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table, ConsistentRead=True, KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
        )  # fmt: skip
        return {item["sk"]["S"]: item for page in pages for item in page["Items"]}

    def partitions(self) -> dict[str, int]:
        """Number of items by partition: a whole scan."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return Counter(item["pk"]["S"] for page in pages for item in page["Items"])

    def put(self, item: dict):
        self.dynamodb.put_item(TableName=self.table, Item=item)

    @contextlib.contextmanager
    def rule(self, rule, sqs: bool = False):
        """A rule for the proxy of DynamoDB (or SQS), for as long as the block runs."""
        proxy = self.sqs_proxy if sqs else self.proxy
        proxy.rule = rule
        try:
            yield proxy
        finally:
            proxy.rule = None

    def kill_one(self) -> bool:
        try:
            processes.kill(self.function)  # what `localstack/cloud kill` does
            return True
        except settings.Problem:
            return False


def plain(value: dict):
    """A value of DynamoDB in plain Python."""
    ((kind, inner),) = value.items()
    match kind:
        case "M":
            return {k: plain(v) for k, v in inner.items()}
        case "L":
            return [plain(v) for v in inner]
        case "N":
            return int(inner)
        case _:
            return inner
