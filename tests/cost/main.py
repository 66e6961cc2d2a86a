"""Units of an event of a booking, by function: DynamoDB's consumed capacity as its local engine reckons it, calls, messages and
bytes of log. Each booking is made, moved and cancelled; its property has no channel (tests/bench tells what one adds)."""

import json
import re
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402
from bellhop_cloud import settings  # noqa: E402
from events import House  # noqa: E402
from proxy import Proxy, Request  # noqa: E402

UNITS = ROOT / "infra" / "units.json"
PROPERTIES, BOOKINGS = 10, 12  # of each property
READS = {"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"}


class Meter(Proxy):
    """Asks DynamoDB what each call consumed; counts SQS's."""

    def __init__(self, target: str):
        self.counts, self.is_dynamodb = Counter(), target == settings.dynamodb_endpoint()
        super().__init__(target, lambda: [])

    def asked(self, request: Request) -> Request:
        if not self.is_dynamodb:
            return request
        return request._replace(body=json.dumps(json.loads(request.body) | {"ReturnConsumedCapacity": "TOTAL"}))

    def answered(self, request: Request, answer: bytes):
        self.counts[request.operation] += 1
        if not self.is_dynamodb:
            return
        consumed = json.loads(answer or b"{}").get("ConsumedCapacity", [])
        kind = "read_units" if request.operation in READS else "write_units"
        self.counts[kind] += sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))


class Measured(harness.Stack):
    """A stack with a meter of its own between each function and what it calls."""

    def prepare(self):
        self.meters = {}
        for name in (*harness.WORKERS, "review"):
            self.proxy, self.sqs_proxy = self.meters[name] = Meter(settings.dynamodb_endpoint()), Meter(settings.endpoint())
            self.ses_proxy = self.sqs_proxy
            self._point_at_proxies([self.function(name)])

    def close(self):
        for meter in (each for pair in self.meters.values() for each in pair):
            meter.close()
        harness.run_cloud("remove", "--stack", self.prefix)

    def log_bytes(self, name: str) -> int:
        return len(self.logs[name].text())


def post(stack: Measured) -> int:
    """The life of bookings, as a channel manager tells it; returns how many events that were."""
    houses = [House("cost", {f"u{n}": 1 for n in range(BOOKINGS)}) for _ in range(PROPERTIES)]
    for house in houses:
        house.register(stack)
    for meter in (each for pair in stack.meters.values() for each in pair):
        meter.counts.clear()
    stack.before = {name: (len(stack.lines(name)), stack.log_bytes(name)) for name in stack.meters}
    arrival = date(2031, 5, 1)
    for version, kind in enumerate(("created", "modified", "cancelled"), 1):
        for n in range(BOOKINGS):
            first = arrival + timedelta(2 * n + version)
            for house in houses:
                event = house.booking(
                    f"b{n}-0000-7000-8000-{house.token}", version, kind, unit=f"u{n}", arrival=str(first),
                    departure=str(first + timedelta(3)), channel="booking-com", reference="4047912345",
                    party={"adults": 2, "children": 1}, total={"amount": 41250, "currency": "EUR"},
                    guest={"name": "Ada Example", "email": "ada@example.com", "phone": "+351910000000", "language": "en"},
                )  # fmt: skip
                house.send(stack, event)
        stack.drain(120)
    return 3 * BOOKINGS * PROPERTIES


def main() -> int:
    with harness.cloud():
        stack = Measured(f"cost-{harness.RUN_ID}", {}, [*harness.WORKERS, "review"])
        try:
            events = post(stack)
            functions = {}
            for name, (dynamodb, sqs) in stack.meters.items():
                lines, size = stack.before[name]
                messages = len(stack.lines(name)) - lines
                functions[name] = {
                    "messages": messages, "sends": sum(n for call, n in sqs.counts.items() if call.startswith("SendMessage")),
                    "write_units": dynamodb.counts["write_units"], "read_units": dynamodb.counts["read_units"],
                    "log_bytes": stack.log_bytes(name) - size,
                }  # fmt: skip
        finally:
            stack.close()
    told = {
        "about": "tests/cost/measure: for one event of a booking that is made, moved and cancelled, without a channel",
        "date": str(date.today()), "events": events,
        "functions": {name: {k: round(v / events, 3) for k, v in counts.items()} for name, counts in functions.items()},
    }  # fmt: skip
    text = json.dumps(told, indent=1)
    UNITS.write_text(re.sub(r"\{\n\s+(\"messages\"[^}]*?)\n\s+\}", lambda m: "{" + " ".join(m[1].split()) + "}", text) + "\n")
    print(UNITS.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
