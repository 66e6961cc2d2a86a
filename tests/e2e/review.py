"""A person's verdicts: the same items as shared/store/src/resolve.rs writes, and the wake-up that follows."""

import json
import os
import secrets
import subprocess

from bellhop_cloud import settings

from events import canonical, digest, now


class AlreadyResolved(Exception):
    """The hold has a verdict, or is gone."""


def head(stack, group: str, subject: str) -> tuple[dict, dict] | None:
    """The subject's item and the event at the head of its hold."""
    items = stack.items(group)
    item = items.get(f"calendar#{subject}")
    if not item or "hold" not in item:
        return None
    index = int(item["hold"]["M"]["head"]["N"])
    return item, items.get(f"calendar#parked/{subject}#{index:010}")


def resolve(stack, group: str, subject: str, verdict: str, body: str | None = None) -> int:
    """`verdict`: retry, edit (with the new body) or discard. Returns the hold's new generation."""
    found = head(stack, group, subject)
    if not found or found[1] is None or "verdict" in found[0]["hold"]["M"]:
        raise AlreadyResolved(subject)
    item, parked = found
    record = stack.items(group)[f"calendar#record/{parked['id']['S']}"]
    revisions = [(each, each["rev"]["N"]) for each in (item, record)]
    hold = item["hold"]["M"]
    generation = int(hold["gen"]["N"]) + 1
    hold["gen"] = {"N": str(generation)}
    hold["verdict"] = {"S": "discard" if verdict == "discard" else "retry"}
    record["attempts"], record["state"] = {"N": "0"}, {"S": "retrying"}
    record.pop("ttl", None)
    writes = []
    if verdict == "edit":
        old, new = json.loads(parked["body"]["S"]), json.loads(body)
        assert all(old[k] == new[k] for k in ("id", "type", "tenant", "property", "subject")), "another event"
        if (made := {"S": digest(new)}) not in record["digests"]["L"]:
            record["digests"]["L"].append(made)
        parked["body"] = {"S": body}
        writes.append({"Put": {"TableName": stack.table, "Item": parked}})
    elif verdict == "discard":
        record["discarded_because"] = {"S": "the test says so"}
    for each, revision in revisions:
        each["rev"] = {"N": str(int(revision) + 1)}
        put = {"TableName": stack.table, "Item": each, "ConditionExpression": "rev = :rev"}
        writes.append({"Put": put | {"ExpressionAttributeValues": {":rev": {"N": revision}}}})
    try:
        stack.dynamodb.transact_write_items(TransactItems=writes)
    except stack.dynamodb.exceptions.TransactionCanceledException as lost:
        raise AlreadyResolved(subject) from lost
    wake(stack, group, subject, generation)
    return generation


def resolve_by_command(stack, group: str, subject: str, *verdict: str, stdin: str | None = None):
    """The same by `bellhop hold resolve`."""
    command = settings.ROOT / "target" / "debug" / "bellhop"
    arguments = ["hold", "resolve", "--prefix", stack.prefix, *group.split("#"), subject, *verdict]
    environment = os.environ | settings.client_environment()
    return subprocess.run([command, *arguments], env=environment, input=stdin, capture_output=True, text=True, check=False)


def wake(stack, group: str, subject: str, generation: int, line: str = "hold"):
    tenant, property_id = group.split("#")
    body = {
        "specversion": "1.0", "id": "w" + secrets.token_hex(8), "source": "/bellhop/calendar",
        "type": "bellhop.hold.released.v1", "subject": subject, "time": now(), "tenant": tenant,
        "property": property_id, "data": {"version": generation, "line": line},
    }  # fmt: skip
    stack.send([(group, canonical(body).decode())], deduplication_ids=[body["id"]])
