"""Takes a stack away, when nothing in it waits for anybody.

Stop your producers first: what they post later has no queue. Tables that are protected (parameter ProtectTables, the default)
are kept with all that they hold, unless --tables says otherwise. The last lines say what remains."""

import argparse
import json
import sys

from bellhop_stack import code, shown, silo, smoke
from bellhop_stack.cloud import Cloud, Problem, cloud, note, run
from bellhop_stack.stack import Stack

PROGRAM = "infra/remove"
REMOVED, NOT_REMOVED, DECLINED = 0, 1, 3
EPILOG = "Exit codes: 0 removed, or not there; 1 not removed; 2 wrong usage; 3 declined."


def main() -> int:
    arguments = parse()
    where = cloud(arguments.region)
    stack = Stack(where, arguments.prefix)
    if stack.describe() is None:
        note(f"there is no stack {stack.name} in {where.region}")
        return tell(arguments, REMOVED, {"result": "not there", "remains": []})
    if siloed := [each.tenant for each in silo.silos(where, stack.name)]:  # their queues would be nobody's
        note(f"{stack.name} has silos ({', '.join(siloed)}): infra/silo remove takes each away first")
        return tell(arguments, NOT_REMOVED, {"result": "refused", "waiting": [f"the silo of {tenant}" for tenant in siloed]})
    if waiting := what_waits(stack.name):
        note(f"{stack.name}: {'; '.join(waiting)}")
        if not arguments.anyway:
            note("work it off (`bellhop status --wait-drained`, `bellhop review list`, `bellhop hold list`), or give it up: --anyway")
            return tell(arguments, NOT_REMOVED, {"result": "refused", "waiting": waiting})
    tables = stack.resources("AWS::DynamoDB::Table")
    protected = {logical: name for logical, name in tables.items() if is_protected(where, name)}
    kept = {} if arguments.tables else protected
    note(f"{stack.name} in {where.region} goes, with its queues and functions")
    for logical, name in tables.items():
        note(f"  {name} stays, with its data: it is protected (--tables)" if logical in kept else f"  {name} goes, with its data")
    if not (arguments.yes or shown.agreed("Remove it?")):
        return tell(arguments, DECLINED, {"result": "declined"})
    delete(stack, list(kept), [name for logical, name in protected.items() if logical not in kept])
    remains = what_remains(where, stack.name)
    note(f"{stack.name} is removed" + "".join(f"\n  remains: {each}" for each in remains))
    return tell(arguments, REMOVED, {"result": "removed", "remains": remains})


def what_waits(prefix: str) -> list[str]:
    """Events in queues and all that a person has not decided, in words; empty when nobody would miss anything."""
    asked = smoke.bellhop(prefix, "status", "--json")
    if asked.returncode:
        return [f"it cannot be told whether anything waits: {asked.stderr.strip()}"]
    status = json.loads(asked.stdout)
    found = []
    for queue in status["queues"]:
        if messages := queue["visible"] + queue["in_flight"] + queue["delayed"]:
            found.append(f"{messages} messages in {queue['queue']}")
        if queue["dead_letters"]:
            found.append(f"{queue['dead_letters']} dead letters of {queue['queue']}")
    words = {
        "review": "wait for a person", "holds": "subjects are held", "released": "lines are being worked",
        "waits": "lines wait for a registration", "parked": "events are parked",
        "put_by": "messages of suspended tenants are put by",
    }  # fmt: skip
    return found + [f"{status[name]} {text}" for name, text in words.items() if status[name]]


def is_protected(where: Cloud, table: str) -> bool:
    return where.client("dynamodb").describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled", False)


def delete(stack: Stack, kept: list[str], unprotect: list[str]):
    """CloudFormation keeps a resource only if it could not delete it first: the protected tables are what it cannot."""
    dynamodb = stack.cloud.client("dynamodb")
    for table in unprotect:
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=table)
    gone = set()

    def told(event: dict):
        name = event["LogicalResourceId"]
        if event["ResourceStatus"] == "DELETE_COMPLETE" and name != stack.name and name not in gone:
            gone.add(name)
            note(f"  {len(gone):>3} gone: {name}")

    status = stack.remove(told)
    if status == "DELETE_FAILED" and kept:
        status = stack.remove(told, retain=kept)
    if status is not None:
        raise Problem(f"{stack.name} ended in {status}\n{stack.failures()}")


def what_remains(where: Cloud, prefix: str) -> list[str]:
    tables = [name for page in where.client("dynamodb").get_paginator("list_tables").paginate() for name in page["TableNames"]]
    groups = where.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{prefix}-")
    ours = [name for name in tables if name in (f"{prefix}-state", f"{prefix}-operations")]
    remains = [f"table {name}; a new stack {prefix} cannot be made beside it" for name in ours]
    remains += [f"log group {group['logGroupName']}" for page in groups for group in page["logGroups"]]
    return [*remains, f"code and templates: s3://{code.code_bucket_name(where)}/{prefix}/", "secrets below bellhop/, which no stack made"]


def tell(arguments: argparse.Namespace, exit_code: int, report: dict) -> int:
    if arguments.json:
        print(json.dumps({"stack": arguments.prefix} | report))
    return exit_code


def parse() -> argparse.Namespace:
    stage = "as for infra/deploy: the stack is bellhop-STAGE unless --prefix names it"
    parser = shown.parser(PROGRAM, __doc__, EPILOG, stage)
    parser.add_argument("--anyway", action="store_true", help="although events wait or items are open: they are given up")
    parser.add_argument("--tables", action="store_true", help="protected tables too, with all that every tenant has")
    parser.add_argument("--json", action="store_true", help="end with a line of JSON: stack, result, remains or waiting")
    return shown.parsed(parser)


if __name__ == "__main__":
    sys.exit(run(main, PROGRAM))
