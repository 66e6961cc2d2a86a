"""Gives a tenant a silo: queues of its own, which the stack's functions work beside those that the other tenants share.

`add` registers the tenant, deploys infra/tenant.yaml for it, and sees that its queues are worked; what must be as in the main
stack is read from there. Run again it changes nothing, or ends what was cut off. A tenant is pool or silo from its first event
on, so one that is known to share queues is refused."""

import argparse
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bellhop_cloud import templates
from bellhop_stack import shown, smoke
from bellhop_stack.cloud import ROOT, Cloud, Problem, cloud, note, run, troubles
from bellhop_stack.stack import NOT_THERE, Stack, Version

PROGRAM = "infra/silo"
DONE, NOT_DONE, DECLINED = 0, 1, 3
EPILOG = """\
Examples:
  infra/silo add seaside --stage prod --producer arn:aws:iam::111122223333:role/pms --external-id seaside-4711
  infra/silo list --stage prod
  infra/silo update --all --stage prod        # after infra/deploy: each silo as today's template has it

Exit codes: 0 done, or nothing to do; 1 not done; 2 wrong usage; 3 declined."""
TEMPLATE = ROOT / "infra" / "tenant.yaml"
TENANT = re.compile("[a-z0-9][a-z0-9-]{0,39}")
MOST = 48  # characters of prefix and tenant: the longest name of a queue then has SQS's 80
AS_IN_MAIN = ("VisibilityTimeout", "MaxReceiveCount", "SynchronizationDelaySeconds", "KmsKeyArn")
QUEUE, MAPPING = "AWS::SQS::Queue", "AWS::Lambda::EventSourceMapping"
COUNTS = {
    "visible": "ApproximateNumberOfMessages", "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}  # fmt: skip


@dataclass(frozen=True)
class Silo:
    prefix: str
    tenant: str

    @property
    def name(self) -> str:
        """Of its stack."""
        return f"{self.prefix}-tenant-{self.tenant}"

    def checked(self) -> "Silo":
        """Refuses what would not fit in names: the _ sets the tenant off in them."""
        if not TENANT.fullmatch(self.tenant):
            raise Problem(f"the tenant is {self.tenant!r}, expected 1 to 40 of a-z, 0-9 and -, the first no -: a silo's queues are called PREFIX_TENANT_...")
        if (found := len(self.prefix) + len(self.tenant)) > MOST:
            raise Problem(f"prefix {self.prefix} and tenant {self.tenant} have {found} characters, expected at most {MOST}: SQS's names end at 80")
        return self


# ---- What it is made of.


def plan(silo: Silo, main: Version | None, former: Version | None, given: dict[str, str], watched: dict[str, str]) -> Version:
    """What is given, else what it was before, else the template's defaults; and what must be as in the main stack."""
    if main is None:
        raise Problem(f"there is no stack {silo.prefix} that works: infra/deploy makes it")
    if "${Prefix}_*_" not in main.template:
        raise Problem(f"the stack {silo.prefix} is older than silos, and its functions may not work their queues: infra/deploy first")
    text = TEMPLATE.read_text()
    known = templates.read(text)["Parameters"]
    kept = {name: value for name, value in (former.parameters if former else {}).items() if name in known}
    same = {name: main.parameters[name] for name in AS_IN_MAIN if name in main.parameters}
    parameters = kept | given | same | watched | {"Prefix": silo.prefix, "Tenant": silo.tenant}
    for name, value in parameters.items():
        if not re.fullmatch(known[name].get("AllowedPattern", ".*"), value):
            raise Problem(f"{name} is {value!r}, expected: {known[name]['Description']}")
    if parameters.get("ProducerPrincipal") and not parameters.get("ExternalId"):
        raise Problem("a producer without an external id: expected --external-id, for whoever may post for several tenants")
    return Version(templates.plain(text), parameters)


def watched(where: Cloud, prefix: str) -> dict[str, str]:
    """How the main stack is watched, if it is: what a silo's alarms have from those of observability.yaml."""
    found = {}
    for alarm in where.client("cloudwatch").describe_alarms(AlarmNames=[f"{prefix}-queue-late-automation"])["MetricAlarms"]:
        if actions := alarm.get("AlarmActions"):
            found["AlarmTopicArn"] = actions[0]
        if runbooks := re.search(r"(\S*/)queue-late\.md$", alarm.get("AlarmDescription", "")):
            found["Runbooks"] = runbooks[1]
        if "Threshold" in alarm:
            found["LateAfterSeconds"] = f"{alarm['Threshold']:.0f}"
    return found


def stack_of(where: Cloud, silo: Silo) -> Stack:
    """Its stack, if there is one. Another prefix and tenant may come to the same name: prefix a-tenant-b has a stack of that name."""
    stack = Stack(where, silo.name)
    stack.finish()
    if found := stack.describe():
        parameters = {p["ParameterKey"]: p.get("ParameterValue") for p in found.get("Parameters", [])}
        if (parameters.get("Prefix"), parameters.get("Tenant")) != (silo.prefix, silo.tenant):
            raise Problem(f"the stack {silo.name} is there, and it is not the silo of {silo.tenant} in {silo.prefix}: choose another id or prefix")
    return stack


def silos(where: Cloud, prefix: str) -> list[Silo]:
    found = []
    for page in where.client("cloudformation").get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            parameters = {p["ParameterKey"]: p.get("ParameterValue") for p in stack.get("Parameters", [])}
            silo = Silo(prefix, parameters.get("Tenant", ""))
            is_there = stack["StackStatus"] not in NOT_THERE
            if is_there and parameters.get("Prefix") == prefix and stack["StackName"] == silo.name:
                found.append(silo)
    return sorted(found, key=lambda silo: silo.tenant)


def outdated(where: Cloud, prefix: str, every: list[Silo]) -> list[str]:
    """The tenants whose silo is not as today's template and the main stack have it."""
    main, alarms = (Stack(where, prefix).version(), watched(where, prefix)) if every else (None, {})
    former = {silo: Stack(where, silo.name).version() for silo in every}
    return [silo.tenant for silo in every if former[silo] is None or differs(former[silo], plan(silo, main, former[silo], {}, alarms))]


def differs(former: Version, version: Version) -> bool:
    return former.template != version.template or any(former.parameters.get(name) != value for name, value in version.parameters.items())


# ---- Making it.


def add(where: Cloud, arguments: argparse.Namespace) -> int:
    silo = Silo(arguments.prefix, arguments.tenant).checked()
    known = registration(silo)
    if known and known.get("standing") == "removed":
        raise Problem(f"{silo.tenant} was removed, and a removed tenant is not made anew: choose another id")
    if known and known.get("mode") != "silo":
        raise Problem(f"{silo.tenant} is known, and shares the queues of all: a tenant stays pool or silo as it began")
    given = {"ProducerPrincipal": arguments.producer, "ExternalId": arguments.external_id, "MaximumConcurrency": arguments.maximum_concurrency}
    given = {name: value for name, value in given.items() if value is not None}
    is_known = known is not None and arguments.name in (None, known.get("name"))
    return bring(where, arguments, silo, given, lambda: None if is_known else register(silo, arguments.name))


def update(where: Cloud, arguments: argparse.Namespace) -> int:
    every = silos(where, arguments.prefix)
    named = [Silo(arguments.prefix, tenant).checked() for tenant in arguments.tenants] or every
    if unknown := [silo.tenant for silo in named if silo not in every]:
        raise Problem(f"{arguments.prefix} has no silo of {', '.join(unknown)}; it has {', '.join(silo.tenant for silo in every) or 'none'}")
    codes = [brought(where, arguments, silo) for silo in named]
    if not named:
        note(f"{arguments.prefix} has no silos")
    return NOT_DONE if NOT_DONE in codes else max(codes, default=DONE)


def brought(where: Cloud, arguments: argparse.Namespace, silo: Silo) -> int:
    """What is wrong with one silo keeps no other back."""
    try:
        return bring(where, arguments, silo, {}, lambda: None)
    except troubles() as trouble:
        note(f"{silo.name}: not updated: {trouble}")
        return tell(arguments, NOT_DONE, {"stack": silo.name, "tenant": silo.tenant, "region": where.region, "result": "failed"})


def bring(where: Cloud, arguments: argparse.Namespace, silo: Silo, given: dict[str, str], registered) -> int:
    """Makes the silo what it should be, `registered` just before: without that its events would be nobody's."""
    stack = stack_of(where, silo)
    version = plan(silo, Stack(where, silo.prefix).version(), stack.version(), given, watched(where, silo.prefix))
    if not version.parameters.get("AlarmTopicArn"):
        note(f"{silo.name}: {silo.prefix} is not watched, so its alarms tell nobody: deploy infra/observability.yaml, then infra/silo update {silo.tenant}")
    report = {"stack": silo.name, "tenant": silo.tenant, "region": where.region}
    changes = stack.prepare(version, {"Application": "bellhop", "Tenant": silo.tenant} | ({"Stage": arguments.stage} if arguments.stage else {}))
    is_up_to_date = changes is None or not (changes.creates or changes.changes)
    if is_up_to_date:
        registered()
        if changes:  # parameters that nothing asks for yet
            stack.execute(changes)
        note(f"{silo.name} is up to date already")
    else:
        note(shown.changes(silo.name, changes))
        if not (arguments.yes or shown.agreed("Execute it?")):
            stack.discard(changes)
            return tell(arguments, DECLINED, report | {"result": "declined"})
        try:
            registered()
        except Problem:
            stack.discard(changes)
            raise
        shown.progress(stack, changes)
    worked(where, stack)
    outputs = stack.outputs()
    for name, value in sorted(outputs.items()):
        note(f"  {name} {value}")
    return tell(arguments, DONE, report | {"result": "up to date" if is_up_to_date else "deployed", "outputs": outputs})


def registration(silo: Silo) -> dict | None:
    """What the registry knows of the tenant."""
    asked = smoke.bellhop(silo.prefix, "tenant", "show", silo.tenant, "--json")
    if asked.returncode == 0:
        return json.loads(asked.stdout)
    if asked.returncode == 1:  # refused: it is not known
        return None
    raise Problem(f"it cannot be told what is known of {silo.tenant}: {asked.stderr.strip()}")


def register(silo: Silo, name: str | None):
    asked = smoke.bellhop(silo.prefix, "tenant", "add", silo.tenant, "--silo", *(["--name", name] if name else []))
    if asked.returncode:
        raise Problem(f"{silo.tenant} cannot be registered as a silo: {asked.stderr.strip()}")
    note(asked.stdout.strip())


def worked(where: Cloud, stack: Stack):
    """Waits until each of its queues is worked."""
    functions = where.client("lambda")
    uuids = stack.resources(MAPPING)
    if len(uuids) != 2 * len(queue_names()):
        raise Problem(f"{stack.name} has {len(uuids)} event source mappings, expected {2 * len(queue_names())}: infra/silo update mends it")

    def enabled():
        states = {name: functions.get_event_source_mapping(UUID=uuid)["State"] for name, uuid in uuids.items()}
        if off := sorted(name for name, state in states.items() if state in ("Disabled", "Disabling")):
            raise Problem(f"{stack.name}: {', '.join(off)} switched off: aws lambda update-event-source-mapping --uuid UUID --enabled")
        return all(state == "Enabled" for state in states.values())

    stack.wait(enabled, f"the queues of {stack.name} to be worked")


def queue_names() -> list[str]:
    return list(templates.read(TEMPLATE.read_text())["Mappings"]["Queues"])


# ---- Looking at it.


def depths(where: Cloud, silo: Silo, stack: Stack) -> list[dict]:
    """What waits in each of its queues, as `bellhop status` counts it."""
    sqs = where.client("sqs")

    def read(url: str) -> tuple[str, dict[str, int]]:
        try:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS.values()))["Attributes"]
        except sqs.exceptions.QueueDoesNotExist:  # somebody took it away: nothing waits in it
            found = dict.fromkeys(COUNTS.values(), 0)
        return url.rsplit("/", 1)[1], {word: int(found[name]) for word, name in COUNTS.items()}

    with ThreadPoolExecutor(4) as pool:
        found = dict(pool.map(read, stack.resources(QUEUE).values()))
    rows = []
    for queue in queue_names():
        called = f"{silo.prefix}_{silo.tenant}_{queue}"
        if f"{called}.fifo" in found:
            rows.append({"queue": queue} | found[f"{called}.fifo"] | {"dead_letters": sum(found.get(f"{called}-dlq.fifo", {}).values())})
    return rows


def what_waits(rows: list[dict]) -> list[str]:
    found = []
    for row in rows:
        if messages := sum(row[word] for word in COUNTS):
            found.append(f"{messages} messages in {row['queue']}")
        if row["dead_letters"]:
            found.append(f"{row['dead_letters']} dead letters of {row['queue']}")
    return found


def list_all(where: Cloud, arguments: argparse.Namespace) -> int:
    rows = []
    for silo in silos(where, arguments.prefix):
        stack = Stack(where, silo.name)
        queues = depths(where, silo, stack)
        waiting = sum(sum(row[word] for word in COUNTS) for row in queues)
        rows.append({
            "tenant": silo.tenant, "stack": silo.name, "status": stack.status(), "queues": len(queues), "waiting": waiting,
            "dead_letters": sum(row["dead_letters"] for row in queues),
        })  # fmt: skip
    if arguments.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        print(shown.table([tuple(rows[0]), *(tuple(map(str, row.values())) for row in rows)]))
    else:
        note(f"{arguments.prefix} has no silos: infra/silo add TENANT")
    return DONE


def show(where: Cloud, arguments: argparse.Namespace) -> int:
    silo = Silo(arguments.prefix, arguments.tenant).checked()
    stack = Stack(where, silo.name)
    if silo not in silos(where, silo.prefix):
        raise Problem(f"{silo.tenant} has no silo in {silo.prefix}: infra/silo list, or infra/silo add {silo.tenant}")
    known, queues = registration(silo) or {}, depths(where, silo, stack)
    about = {
        "tenant": silo.tenant, "standing": known.get("standing"), "mode": known.get("mode"), "stack": silo.name, "status": stack.status(),
        "up_to_date": not outdated(where, silo.prefix, [silo]), "queues": queues, "outputs": stack.outputs(),
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(about, indent=1))
        return DONE
    print(f"{silo.tenant}: {about['mode'] or 'not registered'}, {about['standing'] or 'unknown'}; {silo.name} is {about['status']}")
    if not about["up_to_date"]:
        print(f"it is not as today's template has it: infra/silo update {silo.tenant}")
    if queues:
        print(shown.table([tuple(queues[0]), *(tuple(map(str, row.values())) for row in queues)]))
    for name, value in sorted(about["outputs"].items()):
        print(f"{name} {value}")
    return DONE


# ---- Taking it away.


def remove(where: Cloud, arguments: argparse.Namespace) -> int:
    silo = Silo(arguments.prefix, arguments.tenant).checked()
    stack = stack_of(where, silo)
    report = {"stack": silo.name, "tenant": silo.tenant}
    if stack.describe() is None:
        note(f"there is no stack {silo.name} in {where.region}")
        return tell(arguments, DONE, report | {"result": "not there"})
    try:
        standing = (registration(silo) or {}).get("standing", "not registered")
        against = [] if standing == "removed" else [f"{silo.tenant} is {standing}, expected removed"]
    except Problem as unknown:  # the main stack may be gone, its tables too
        against = [str(unknown)]
    against += what_waits(depths(where, silo, stack))
    if against:
        note(f"{silo.name}: {'; '.join(against)}")
        if not arguments.anyway:
            note(f"remove the tenant first (`bellhop tenant remove {silo.tenant}`), and let its queues be worked off; or give it up: --anyway")
            return tell(arguments, NOT_DONE, report | {"result": "refused", "waiting": against})
    note(f"{silo.name} in {where.region} goes, with its queues, its producer role and its alarms")
    if not (arguments.yes or shown.agreed("Remove it?")):
        return tell(arguments, DECLINED, report | {"result": "declined"})
    if (status := stack.remove()) is not None:
        raise Problem(f"{silo.name} ended in {status}\n{stack.failures()}")
    note(f"{silo.name} is removed")
    return tell(arguments, DONE, report | {"result": "removed"})


def tell(arguments: argparse.Namespace, exit_code: int, report: dict) -> int:
    if arguments.json:
        print(json.dumps(report))
    return exit_code


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, does, summary: str, json_help: str, asks: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(does=does)
        shown.options(sub, "as for infra/deploy: the stack is bellhop-STAGE unless --prefix names it", asks)
        sub.add_argument("--json", action="store_true", help=json_help)
        return sub

    line = "end with a line of JSON: stack, tenant, result, outputs"
    sub = command("add", add, "register a tenant as a silo and deploy its queues, or change them", line)
    sub.add_argument("tenant", metavar="TENANT", help="its id: a-z, 0-9 and -, at most 40, and no more than 48 with the prefix")
    sub.add_argument("--name", help="its own name, for the registry")
    sub.add_argument("--producer", metavar="ARN", help="the role or user that may take the tenant's producer role; '' takes it away")
    sub.add_argument("--external-id", metavar="ID", help="what it must say to take it")
    sub.add_argument("--maximum-concurrency", metavar="N", type=concurrency, help="concurrent batches of each of its queues (default: 5); 0 sets no limit")
    sub = command("update", update, "bring silos to today's template and the main stack's parameters", line + "; one for each")
    sub.add_argument("tenants", metavar="TENANT", nargs="*", help="whose")
    sub.add_argument("--all", action="store_true", help="every silo of the stack")
    sub = command("remove", remove, "take away the queues of a tenant that was removed", "end with a line of JSON: stack, tenant, result, waiting")
    sub.add_argument("tenant", metavar="TENANT", help="whose")
    sub.add_argument("--anyway", action="store_true", help="although the tenant is not removed, or events wait: they are given up")
    command("list", list_all, "the silos of a stack, and what waits in them", "print JSON", asks=False)
    sub = command("show", show, "a silo: its queues, what waits, its outputs", "print JSON", asks=False)
    sub.add_argument("tenant", metavar="TENANT", help="whose")
    arguments = shown.parsed(parser)
    if arguments.command == "update" and bool(arguments.tenants) == arguments.all:
        parser.error("update: expected tenants, or --all")
    return arguments


def concurrency(text: str) -> str:
    if not text.isdecimal() or not (int(text) == 0 or 2 <= int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r}, expected 0, or 2 to 1000")
    return text


def main() -> int:
    arguments = parse()
    return arguments.does(cloud(arguments.region), arguments)


if __name__ == "__main__":
    sys.exit(run(main, PROGRAM))
