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

from bellhop_cloud import deploy, mappings, processes, settings  # noqa: E402

from logs import Log  # noqa: E402
from proxy import Proxy  # noqa: E402

FULL = False
CLOUD = settings.HERE / "cloud"
STARTED = time.monotonic()
RUN_ID = secrets.token_hex(2)
FINAL = {"applied", "duplicate", "stale", "parked", "review", "released"}
SOURCE, SYNCHRONIZATION = "OperationalCalendarUrl", "SynchronizationUrl"
AUTOMATION, GUESTS, DASHBOARD = "AutomationUrl", "OperationalGuestsUrl", "OperationalDashboardUrl"
WORKERS = {
    "calendar": SOURCE, "channel-sync": SYNCHRONIZATION, "automation": AUTOMATION, "notifications": GUESTS, "dashboard": DASHBOARD,
}  # fmt: skip
FUNCTIONS = (*WORKERS, "review", "timer", "feeds")
GIVEN_UP = ("FallbackUrl", *(f"{url.removesuffix('Url')}DlqUrl" for url in WORKERS.values()))
TAPPED = {  # queues without a consumer of their own here, or whose function is switched off: the tests are it
    "fallback": "FallbackUrl",
    "operational-guests": GUESTS,
    "automation": AUTOMATION,
    "synchronization": SYNCHRONIZATION,
    "operational-dashboard": DASHBOARD,
    "dlq": "OperationalCalendarDlqUrl",
    "synchronization-dlq": "SynchronizationDlqUrl",
    "automation-dlq": "AutomationDlqUrl",
    "operational-guests-dlq": "OperationalGuestsDlqUrl",
    "operational-dashboard-dlq": "OperationalDashboardDlqUrl",
}
_stacks: dict[str, "Stack"] = {}


def clock() -> str:
    return f"{time.monotonic() - STARTED:6.1f}"


def say(text: str):
    print(f"{clock()}   {text}", file=sys.stderr, flush=True)


def run_cloud(*args: str, env=None) -> str:
    done = subprocess.run([CLOUD, *args], env=os.environ | (env or {}), capture_output=True, text=True, check=False)
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


@contextlib.contextmanager
def cloud_beside(number: int):
    """The environment of a cloud: of the usual one, and of others with ports of their own, whose address takes the place of one
    that the shell may name."""
    if number == 0:
        with cloud():
            yield {}
        return
    port = settings.port() + 200 + 40 * number
    env = {
        "BELLHOP_LOCAL_RUN": str(settings.ROOT / "target" / f"e2e-{number}"),
        "BELLHOP_LOCAL_PORT": str(port), "BELLHOP_DYNAMODB_PORT": str(port + 4), "BELLHOP_ISSUER_PORT": str(port + 20),
        "AWS_ENDPOINT_URL": f"http://{settings.HOST}:{port}", "AWS_ENDPOINT_URL_DYNAMODB": f"http://{settings.HOST}:{port + 4}",
    }  # fmt: skip
    run_cloud("down", env=env)  # what a killed run left has yesterday's code
    run_cloud("up", env=env)
    try:
        yield env
    finally:
        run_cloud("down", env=env)


def stack(
    name: str, channels: bool = False, guests: bool = False, review: bool = False, dashboard: bool = False, **parameters
) -> "Stack":
    """The stack of this run with that name, deployed when it is first asked for. Unless `channels`, channel-sync is given
    nothing, nor are automation and notifications unless `guests`, nor review and dashboard unless they are named: the tests
    consume what is meant for them."""
    if name not in _stacks:
        workers = ["calendar", *["channel-sync"] * channels, *["automation", "notifications"] * guests]
        workers += [*["review"] * review, *["dashboard"] * dashboard]
        _stacks[name] = Stack(f"e2e-{RUN_ID}-{name}", parameters, workers)
    return _stacks[name]


def main_stack() -> "Stack":
    return stack("main", AttemptBudget=3)


def remove_stacks(keep_logs: bool):
    for each in _stacks.values():
        each.remove()
        for log in each.logs.values():
            if not keep_logs:
                log.file.unlink(missing_ok=True)
            elif log.file.exists():
                say(f"the function's log: {log.file.relative_to(settings.ROOT)}")
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
    def __init__(self, prefix: str, parameters: dict, workers: list[str]):
        usual = {
            "FunctionTimeout": 3, "VisibilityTimeout": 4, "BackoffBaseSeconds": 1, "BackoffCapSeconds": 1,
            "SynchronizationDelaySeconds": 0, "LogLevel": "info",
        }  # fmt: skip
        self.prefix, self.workers = prefix, workers
        self.parameters = usual | parameters
        self.began = time.monotonic()
        self.deploy()
        self.sqs, self.dynamodb, self.functions = (settings.client(name) for name in ("sqs", "dynamodb", "lambda"))
        self.table = self.outputs["StateTableName"]
        self.logs = {name: Log(settings.RUN / "logs" / f"{self.function(name)}.log") for name in FUNCTIONS}
        self.sources = [WORKERS[name] for name in workers if name in WORKERS]
        if "review" in workers:
            self.sources += GIVEN_UP
        self.tapped = {name: [] for name, output in TAPPED.items() if output not in self.sources}
        self.secrets = []
        self.silos: dict[str, dict[str, str]] = {}  # outputs by tenant
        self.prepare()
        say(f"{prefix} deployed in {time.monotonic() - self.began:.1f} s")

    def deploy(self):
        run_cloud("deploy", "--prefix", self.prefix, "--stack", self.prefix, *(f"{k}={v}" for k, v in self.parameters.items()))
        self.outputs = json.loads((settings.RUN / f"{self.prefix}.json").read_text())

    def prepare(self):
        """Faults can be put between the functions and what they call; functions that the tests stand in for are switched off."""
        self.proxy = Proxy(settings.dynamodb_endpoint(), self._pids)
        self.sqs_proxy = Proxy(settings.endpoint(), self._pids)
        self.ses_proxy = Proxy(settings.endpoint(), self._pids)
        self._point_at_proxies([self.function(name) for name in self.workers])
        mappings.stop_consuming([self.function(name) for name in (*WORKERS, "review") if name not in self.workers], self.began)

    def function(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def _pids(self) -> list[int]:
        return [pid for name in (*WORKERS, "review") for pid in processes.function_pids(self.function(name))]

    def _point_at_proxies(self, functions: list[str]):
        urls = {"DYNAMODB": self.proxy.url, "SQS": self.sqs_proxy.url, "SES": self.ses_proxy.url}
        for function in functions:
            variables = self.functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
            variables |= {f"AWS_ENDPOINT_URL_{service}": url for service, url in urls.items()}
            self.functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})

        def updated():
            found = [self.functions.get_function_configuration(FunctionName=function) for function in functions]
            return all(f["State"] == "Active" and f["LastUpdateStatus"] == "Successful" for f in found)

        wait(updated, 60, "the functions to take their new environment")

    def add_silo(self, tenant: str):
        """By the shipped command, which registers the tenant too."""
        command = [settings.ROOT / "infra" / "silo", "add", tenant, "--prefix", self.prefix, "--yes", "--json"]
        done = subprocess.run(command, env=os.environ | settings.client_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"infra/silo add {tenant}: {done.returncode}: {done.stderr}")
        self.silos[tenant] = json.loads(done.stdout.splitlines()[-1])["outputs"]
        if idle := [self.function(name) for name in (*WORKERS, "review") if name not in self.workers]:
            mappings.stop_consuming(idle)

    def remove(self):
        for tenant in self.silos:
            deploy.remove(f"{self.prefix}-tenant-{tenant}")
        run_cloud("remove", "--stack", self.prefix)
        self.proxy.close()
        self.sqs_proxy.close()
        self.ses_proxy.close()
        for name in self.secrets:
            settings.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def invoke(self, name: str, event: dict) -> dict:
        """One invocation, as a trigger would."""
        answer = self.functions.invoke(FunctionName=self.function(name), Payload=json.dumps(event).encode())
        told = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise AssertionError(f"{name}: {told}")
        return told

    def tick(self) -> dict:
        """The timer, which its schedule starts once a minute only."""
        return self.invoke("timer", {})

    def secret(self, name: str, text: str) -> str:
        """Keeps a secret; returns its reference."""
        client = settings.client("secretsmanager")
        if name in self.secrets:
            client.put_secret_value(SecretId=name, SecretString=text)
        else:
            client.create_secret(Name=name, SecretString=text)
            self.secrets.append(name)
        return f"secretsmanager:{name}"

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
        for name in self.tapped:
            url = self.outputs[TAPPED[name]]
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
        """Waits until the functions' queues are empty and all that follows is taken. SQS's numbers are approximate: empty is
        what it is three times in a row."""
        readings = 0

        def empty():
            nonlocal readings
            self.pump()
            readings = readings + 1 if self.left() == 0 and self.pump() == 0 else 0
            return readings == 3

        wait(empty, seconds, lambda: f"the queues to drain: {self.left()} messages left; {self.last_lines()}")

    def left(self) -> int:
        # What was given up may be in the hands of a last poll of review, and comes back.
        return sum(map(self.depth, (*WORKERS.values(), *GIVEN_UP)))

    def of_group(self, queue: str, group: str) -> list[Message]:
        return [message for message in self.tapped[queue] if message.group == group]

    def fallback(self, group: str) -> list[Message]:
        return self.of_group("fallback", group)

    # ---- What the function says.

    def lines(self, function: str = "calendar", **fields) -> list[dict]:
        """The function's structured lines, one a message and run."""
        return [line for line in self.logs[function].lines() if all(line.get(k) == v for k, v in fields.items())]

    def outcomes(self, **fields) -> Counter:
        return Counter(line["outcome"] for line in self.lines(**fields))

    def last_lines(self):
        fields = ("outcome", "note", "subject", "event", "cause", "receive_count")
        lines = [line for name in self.workers for line in self.lines(name)[-5:]]
        return [{k: line[k] for k in fields if line.get(k)} for line in lines]

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
    def rule(self, rule, sqs: bool = False, ses: bool = False):
        """A rule for the proxy of DynamoDB (or SQS, or SES), for as long as the block runs."""
        proxy = self.ses_proxy if ses else self.sqs_proxy if sqs else self.proxy
        proxy.rule = rule
        try:
            yield proxy
        finally:
            proxy.rule = None

    def kill_one(self, name: str = "calendar") -> bool:
        try:
            processes.kill(self.function(name))  # what `localstack/cloud kill` does
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
