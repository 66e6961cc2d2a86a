"""What a stack costs a month: idle, and by the million events; in a pool, and with a silo for each tenant.

Idle is counted from the templates: pollers of event source mappings never sleep, schedules fire, alarms and keys cost by the
piece. An event is what tests/cost/measure measured (infra/units.json), at the prices of infra/prices.json."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from bellhop_cloud import templates
from bellhop_stack.cloud import ROOT, TEMPLATE, Problem, run

INFRA = ROOT / "infra"
TENANTS = (10, 100, 1_000, 10_000)
EVENTS = 1_000_000
MONTH_SECONDS = 30 * 24 * 3600
GIGABYTE = 10**9

# What no template says, each a guess that errs on the dear side.
POLLERS = 5  # of an idle mapping: AWS documents five for standard queues, and tells nothing for FIFO
POLL_SECONDS = 20  # an idle poll waits so long
BATCH = 1  # messages of an invocation: on a quiet queue each comes alone
MEMORY_GB = 0.25  # the template's default
BILLED_SECONDS = 0.020  # of a batch of one: three calls deep, and the rounding up
PLATFORM_LOG_BYTES = 350  # START, END and REPORT of an invocation
SHARDS = 16  # of what is due, read by each run of the timer
MAPPING, ALARM, BOARD, KEY, SCHEDULE = (
    "AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::KMS::Key", "AWS::Events::Rule",
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """Dollars, by what they are paid for."""

    queues: float = 0
    functions: float = 0
    tables: float = 0
    logs: float = 0
    alarms: float = 0
    keys: float = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(**{name: value + getattr(other, name) for name, value in asdict(self).items()})

    def times(self, factor: float) -> "Share":
        return Share(**{name: value * factor for name, value in asdict(self).items()})

    @property
    def total(self) -> float:
        return sum(asdict(self).values())


class Prices:
    def __init__(self, path: Path = INFRA / "prices.json"):
        found = json.loads(path.read_text())
        self.date, self.table = found["date"], found["prices"]

    def __getattr__(self, name: str) -> float:
        try:
            return self.table[name]["usd"]
        except KeyError:
            raise AttributeError(f"infra/prices.json has no price {name}") from None


def kinds_of(path: Path) -> Counter:
    """How many resources of each type a template makes, an alarm once for each metric that it reads. What stands
    under a condition counts: a stack that leaves it out costs less."""
    found = Counter()
    for each in templates.resources(path).values():
        metrics = sum("MetricStat" in inner for inner in templates.inside(each))
        found[each["Type"]] += max(1, metrics) if each["Type"] == ALARM else 1
    return found


def idle(kinds: Counter, runs: int, prices: Prices) -> Share:
    """A month in which nothing is posted, with so many runs of schedules."""
    polls = kinds[MAPPING] * POLLERS * MONTH_SECONDS / POLL_SECONDS
    return Share(
        queues=polls * prices.sqs_fifo_request,
        functions=invocations(runs, prices),
        tables=runs * SHARDS * prices.read_unit,
        logs=runs * PLATFORM_LOG_BYTES / GIGABYTE * prices.log_gigabyte,
        alarms=kinds[ALARM] * prices.alarm + kinds[BOARD] * prices.dashboard,
        keys=kinds[KEY] * prices.kms_key,
    )


def event(units: dict, prices: Prices) -> Share:
    """One event of the PMS, through all functions that hear of it."""
    found = Share(queues=prices.sqs_fifo_request)  # its own send
    for each in units["functions"].values():
        batches = each["messages"] / BATCH
        found += Share(
            queues=(2 * batches + each["sends"]) * prices.sqs_fifo_request,  # a receive and a delete for each batch
            functions=invocations(batches, prices),
            tables=each["write_units"] * prices.write_unit + each["read_units"] * prices.read_unit,
            logs=(each["log_bytes"] + batches * PLATFORM_LOG_BYTES) / GIGABYTE * prices.log_gigabyte,
        )
    return found


def invocations(count: float, prices: Prices) -> float:
    return count * (prices.lambda_request + BILLED_SECONDS * MEMORY_GB * prices.lambda_gb_second)


def scheduled_runs(resources: dict) -> int:
    """Of a month, from the `rate(...)` of each rule."""
    seconds = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
    runs = 0
    for name, rule in resources.items():
        if rule["Type"] == SCHEDULE:
            expression = rule["Properties"]["ScheduleExpression"]
            try:
                number, unit = expression.removeprefix("rate(").removesuffix(")").split()
                runs += MONTH_SECONDS // (int(number) * seconds[unit])
            except (ValueError, KeyError):
                raise Problem(f"{name}: ScheduleExpression is {expression!r}, expected rate(N minutes) or the like") from None
    return runs


def report(prices: Prices, units: dict) -> dict:
    core = kinds_of(TEMPLATE) + kinds_of(INFRA / "observability.yaml")
    silo = kinds_of(INFRA / "tenant.yaml")
    pool_idle = idle(core, scheduled_runs(templates.resources(TEMPLATE)), prices)
    silo_idle, million = idle(silo, 0, prices), event(units, prices).times(EVENTS)
    rows = []
    for tenants in TENANTS:
        siloed = pool_idle + silo_idle.times(tenants)
        rows.append({
            "tenants": tenants, "pool_idle": pool_idle.total, "silo_idle": siloed.total,
            "pool_million": (pool_idle + million).total, "silo_million": (siloed + million).total,
        })  # fmt: skip
    return {
        "prices_of": prices.date, "units_of": units["date"], "unmeasured": unmeasured(units),
        "counted": {"stack": counted(core), "silo": counted(silo)},
        "idle": asdict(pool_idle), "idle_silo_tenant": asdict(silo_idle), "million_events": asdict(million), "tenants": rows,
    }  # fmt: skip


def unmeasured(units: dict) -> list[str]:
    """Functions that a queue starts and that infra/units.json does not know: their share of an event is missing."""
    resources = templates.resources(TEMPLATE)
    sources = {each["Properties"]["FunctionName"][1] for each in resources.values() if each["Type"] == MAPPING}
    names = {resources[source]["Properties"]["FunctionName"][1].removeprefix("${Prefix}-") for source in sources}
    return sorted(names - units["functions"].keys())


def counted(kinds: Counter) -> dict[str, int]:
    kept = {MAPPING: "mappings", "AWS::SQS::Queue": "queues", "AWS::Lambda::Function": "functions", ALARM: "alarm metrics", KEY: "keys"}
    return {word: kinds[kind] for kind, word in kept.items()}


def text(found: dict) -> str:
    lines = [f"US dollars a month, us-east-1, list prices of {found['prices_of']}, units of {found['units_of']}", ""]
    parts = {"idle, the stack": "idle", "idle, each silo": "idle_silo_tenant", "a million events": "million_events"}
    words = list(found["idle"])
    lines.append(f"{'':<18}" + "".join(f"{word:>12}" for word in (*words, "total")))
    for title, key in parts.items():
        share = found[key]
        lines.append(f"{title:<18}" + "".join(f"{value:>12,.2f}" for value in (*share.values(), sum(share.values()))))
    lines += ["", f"{'':<18}{'idle':>24}{'a million events':>24}", f"{'tenants':<18}" + f"{'pool':>12}{'silo':>12}" * 2]
    for row in found["tenants"]:
        cells = (row["pool_idle"], row["silo_idle"], row["pool_million"], row["silo_million"])
        lines.append(f"{row['tenants']:<18,}" + "".join(f"{value:>12,.2f}" for value in cells))
    counts = found["counted"]
    lines.append("")
    for what in ("stack", "silo"):
        lines.append(f"counted, {what}: " + ", ".join(f"{n} {word}" for word, n in counts[what].items() if n))
    if found["unmeasured"]:
        lines.append(f"not in it, for want of units: {', '.join(found['unmeasured'])}")
    lines.append("Without a channel: each adds 3 write units to a change (tests/bench). Metrics, mail, storage and traffic are not in it.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra/cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = report(Prices(), json.loads((INFRA / "units.json").read_text()))
    print(json.dumps(found, indent=1) if arguments.json else text(found))
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "infra/cost"))
