"""Guests, what they get, and what stands on the board: for the tests of automation and notifications."""

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import harness
from bellhop_cloud import settings
from events import House

SHARDS = 16


def guests_stack():
    """One stack for all of them: the kills of one cannot touch another, for they come one after the other."""
    # Random kills can meet one message several times; that a killer ends in review is poison's test.
    return harness.stack(
        "guests", channels=True, guests=True, dashboard=True,
        AttemptBudget=8, CallTimeoutSeconds=1, CircuitThreshold=5,
    )  # fmt: skip


def command(stack, *arguments: str, stdin: str | None = None, code: int | None = 0) -> str:
    """What `bellhop` prints; fails, saying what it said, with another exit code."""
    program = settings.ROOT / "target" / "debug" / "bellhop"
    environment = os.environ | settings.client_environment() | {"NO_COLOR": "1", "BELLHOP_PREFIX": stack.prefix}
    done = subprocess.run([program, *arguments], env=environment, input=stdin, capture_output=True, text=True, check=False)
    if code is not None and done.returncode != code:
        raise AssertionError(f"bellhop {' '.join(arguments)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if code else "")


def place(house: House) -> tuple[str, ...]:
    return ("--tenant", house.tenant, "--property", house.property)


def save_rules(stack, house: House, *rules: dict, assign=(), code: int = 0) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"rules": rules} | ({"assign": assign} if assign else {}), file)
        file.flush()
        return command(stack, "rule", "save", file.name, "--tenant", house.tenant, code=code)


def save_templates(stack, house: House, code: int = 0, **parts: str) -> str:
    """Names as `pre_arrival__en__subject`: in a file `pre-arrival.en.subject.txt`."""
    forms = {"subject": "subject.txt", "html": "html", "text": "txt"}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in parts.items():
            kind, locale, part = name.split("__")
            path = Path(folder) / f"{kind.replace('_', '-')}.{locale}.{forms[part]}"
            path.write_text(text)
        return command(stack, "template", "save", folder, "--tenant", house.tenant, code=code)


def guest(house: House, booking: str, **data) -> dict:
    """A guest whose name and address are found in no other test."""
    return {"name": f"Ana {booking} {house.token}", "email": f"{booking}.{house.token}@guests.example"} | data


# ---- Mail.


def inbox(house: House) -> list[dict]:
    """What the house's guests got, oldest first: `to`, `subject`, `html`, `text`, `from`."""
    with urllib.request.urlopen(f"{settings.endpoint()}/_aws/ses") as answer:
        messages = json.load(answer)["messages"]
    found = []
    for message in messages:
        addresses = message.get("Destination", {}).get("ToAddresses", [])
        if any(house.token in address for address in addresses):
            body = message.get("Body", {})
            found.append(
                {"to": addresses, "from": message["Source"], "subject": message.get("Subject"), "raw": message}
                | {"html": body.get("html_part"), "text": body.get("text_part")}
            )
    return found


def mails(house: House, booking: str) -> list[dict]:
    return [mail for mail in inbox(house) if any(address.startswith(f"{booking}.") for address in mail["to"])]


# ---- What is due.


def due(stack, house: House) -> dict[str, list[tuple[int, str]]]:
    """By subject: when, and the id. Keys and items as shared/store/src/due.rs has them."""
    found = {}
    for shard in range(SHARDS):
        for sk, item in stack.items(f"due#{shard:02}").items():
            if item["group"]["S"] == house.group:
                found.setdefault(item["subject"]["S"], []).append((int(sk[:12]), item["id"]["S"]))
    return found


def bring_forward(stack, house: House, *subjects: str) -> int:
    """As if the time of what is due had come: its entries are moved to now, their messages are the same. (For the functions an
    entry is never early: what its message says is the time.)"""
    now, moved = int(time.time()), 0
    for shard in range(SHARDS):
        for sk, item in stack.items(f"due#{shard:02}").items():
            if item["group"]["S"] == house.group and (not subjects or item["subject"]["S"] in subjects):
                stack.dynamodb.delete_item(TableName=stack.table, Key={"pk": item["pk"], "sk": {"S": sk}})
                stack.put(item | {"sk": {"S": f"{now:012}{sk[12:]}"}})
                moved += 1
    return moved


# ---- The board.


def cleanings(stack, house: House) -> dict[str, dict]:
    """What automation keeps of the house's cleanings, by booking."""
    found = {}
    for sk, item in stack.items(house.group).items():
        if sk.startswith("automation#booking/") and "st" in item:
            state = harness.plain(item["st"])["b"]
            if "c" in state:
                found[sk.removeprefix("automation#booking/")] = state["c"]
    return found


def board(stack, house: House, first: str, days: int = 62) -> dict:
    return json.loads(command(stack, "board", *place(house), "--from", first, "--days", str(days), "--json"))


def reviews(stack, house: House) -> list[dict]:
    stack.pump()
    return [message.note for message in stack.fallback(house.group)]


def left_waiting(stack, house: House) -> list[str]:
    """Holds, waits and parked events of any function that are still there."""
    items = stack.items(house.group)
    return [sk for sk, item in items.items() if "hold" in item or "wait" in item or "#parked/" in sk or "#waiting/" in sk]


def check_nothing_left(test, stack, house: House):
    test.assertEqual(left_waiting(stack, house), [])
    for name in stack.tapped:
        if name.endswith("dlq"):
            test.assertEqual(stack.of_group(name, house.group), [], name)


def blocks(stack, house: House, unit: str) -> list[tuple[str, str]]:
    """Nights (from, until) that the calendar has out of sale now, for maintenance."""
    item = house.item(stack, f"unit/{unit}")
    (found,) = harness.plain(item["st"]).values() if item and "st" in item else [{"blocks": {}}]
    standing = [block for block in found["blocks"].values() if not block.get("lifted")]
    return sorted((b["from"], b["until"]) for b in standing if b["source"] == "maintenance")


def task(house: House, name: str, version: int, state: str = "scheduled", **data) -> dict:
    return house.event("pms.task.upserted.v1", f"task/{name}", {"version": version, "title": "Boiler", "state": state} | data)


def report(house: House, subject: str, version: int, status: str, **data) -> dict:
    return house.event("pms.task.reported.v1", subject, {"version": version, "status": status, "by": "anna"} | data)


def tell(stack, house: House, *events: dict):
    """Posts what the PMS has for automation."""
    return house.send(stack, *events, queue=harness.AUTOMATION)
