"""The channel manager of `make demo`: the fake of tests/channel, on this machine. Only where the local cloud runs.

    channel.py start WORK               starts it, or finds the one that runs; prints its URL
    channel.py keys URL TENANT...       a key for each tenant: at the fake, and in the secret bellhop/TENANT/channel
    channel.py check URL EVENTS         waits until it knows the calendar, night by night; prints what that took"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "localstack" / ".run"
BELLHOP = ROOT / "target" / "debug" / "bellhop"
TOLD_DAYS = 500  # nights from today that a channel hears of
WAIT_SECONDS = 240
WINDOW_SECONDS = 5  # that of the pace in shared/cli/src/generate/channel.rs
FAULTS = [  # what a real one does now and then
    {"kind": "status", "status": 503, "route": "availability", "times": 2},
    {"kind": "status", "status": 429, "retry_after": 2, "route": "restrictions", "times": 1},
    {"kind": "half", "route": "availability", "times": 1},
]


def ask(url: str, path: str, method: str = "GET", body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_control/{path}", data, method=method), timeout=10) as answer:
        return json.load(answer)


def start(work: str):
    known = Path(work) / "channel.json"
    if known.exists():
        try:
            url = json.loads(known.read_text())["url"]
            ask(url, "summary")
            return url
        except (OSError, ValueError):
            pass  # the one of a cloud that is down
    # By this variable `make down` finds it, with all else that belongs to the cloud.
    environment = os.environ | {"BELLHOP_CLOUD_RUN": str(RUN)}
    command = [sys.executable, str(ROOT / "tests" / "channel" / "server.py"), "--port", "0"]
    with known.open("w") as out, (Path(work) / "channel.log").open("w") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment, start_new_session=True)
    for _ in range(100):
        if text := known.read_text():
            return json.loads(text)["url"]
        time.sleep(0.1)
    raise SystemExit(f"the fake channel does not start: see {work}/channel.log")


def keys(url: str, tenants: list[str]):
    import boto3

    manager = boto3.client("secretsmanager")
    ours = {tenant: secrets.token_urlsafe(24) for tenant in tenants}
    for tenant, key in ours.items():
        manager.create_secret(Name=f"bellhop/{tenant}/channel", SecretString=key)
    known = ask(url, "config")["keys"] or []
    ask(url, "config", "PUT", {"keys": [*known, *ours.values()], "window_seconds": WINDOW_SECONDS})
    ask(url, "faults", "PUT", FAULTS)


# ---- What must be true.


def nights(start: str, until: str) -> list[str]:
    first = date.fromisoformat(start)
    return [str(first + timedelta(n)) for n in range((date.fromisoformat(until) - first).days)]


def told_nights() -> set[str]:
    """Without the ends: today is another day elsewhere."""
    today = datetime.now(UTC).date()
    return {str(today + timedelta(n)) for n in range(2, TOLD_DAYS - 2)}


def calendar(group: str) -> dict[str, dict[str, int]]:
    """What may be sold, by unit and night: as `bellhop calendar` says."""
    tenant, house = group.split("#")
    first = datetime.now(UTC).strftime("%Y-%m")
    found = subprocess.check_output([BELLHOP, "calendar", tenant, house, "--month", first, "--months", "18", "--json"])
    free = defaultdict(dict)
    for month in json.loads(found):
        begin = date.fromisoformat(month["month"])
        after = (begin + timedelta(31)).replace(day=1)
        for unit in month["units"]:
            blocked = {night for block in unit["blocks"] for night in nights(block["from"], block["until"])}
            for night in nights(str(begin), str(after)):
                left = 0 if night in blocked else max(0, unit["capacity"] - unit["nights"].get(night, 0))
                free[unit["id"]][night] = left
    return free


def prices(events: list[dict]) -> dict[str, dict[tuple[str, str], int]]:
    """Of each property, by rate plan and night: the newest version wins."""
    newest = defaultdict(dict)
    for event in events:
        if event["type"] == "pms.rates.updated.v1":
            plan = f"{event['subject'].removeprefix('rate/')}-{event['data']['unit']}"
            for run in event["data"]["ranges"]:
                for night in nights(run["from"], run["until"]):
                    entry = (event["data"]["version"], run["price"]["amount"])
                    known = newest[f"{event['tenant']}#{event['property']}"]
                    known[plan, night] = max(known.get((plan, night), entry), entry)
    return {group: {key: amount for key, (_, amount) in found.items()} for group, found in newest.items()}


def differences(url: str, groups: list[str], costs: dict) -> list[str]:
    state, wanted, found = ask(url, "state"), told_nights(), []
    for group in groups:
        remote = group.replace("#", "-")
        rooms, plans = (state[kind].get(remote, {}) for kind in ("availability", "restrictions"))
        for unit, free in calendar(group).items():
            told = rooms.get(f"room-{unit}", {})
            for night in sorted(wanted & free.keys()):
                if told.get(night) != free[night]:
                    found.append(f"{group} {unit} {night}: told {told.get(night)}, is {free[night]}")
        for (plan, night), amount in costs.get(group, {}).items():
            told = plans.get(plan, {}).get(night, {}).get("rate")
            if night in wanted and told != amount:
                found.append(f"{group} {plan} {night}: told a price of {told}, is {amount}")
    return found


def changes(run_tenants: set[str]) -> Counter:
    """What a channel would be called for, were it called for each: from the function's own log."""
    log = RUN / "logs" / f"{os.environ.get('BELLHOP_PREFIX') or 'bellhop'}-channel-sync.log"
    counts = Counter()
    for line in log.read_text().splitlines():
        if '"outcome":"applied"' in line:
            seen = json.loads(line)
            kinds = ("bellhop.availability.changed.v1", "pms.rates.updated.v1")
            if seen.get("tenant") in run_tenants and seen.get("kind") in kinds:
                counts[f"{seen['tenant']}#{seen['property']}"] += 1
    return counts


def check(url: str, file: str) -> int:
    events = [json.loads(line) for line in Path(file).read_text().splitlines()]
    groups = sorted({f"{e['tenant']}#{e['property']}" for e in events if e["type"] == "pms.channel.upserted.v1"})
    costs, begun = prices(events), time.monotonic()
    while (found := differences(url, groups, costs)) and time.monotonic() - begun < WAIT_SECONDS:
        time.sleep(2)
    table(url, groups)
    if found:
        print(f"\nNOT EQUAL: {len(found)} nights differ", *found[:20], sep="\n  ")
        return 1
    print(f"\nequal: each of {len(told_nights())} nights of each unit, and each price, {time.monotonic() - begun:.0f} s after the season")
    return 0


def table(url: str, groups: list[str]):
    counts, summary = changes({group.split("#")[0] for group in groups}), ask(url, "summary")
    head = ["property", "changes", "calls", "saved", "values", "rate-limited", "failed", f"most in {WINDOW_SECONDS} s"]
    rows, sums = [], Counter()
    for group in groups:
        told = summary["by_property"].get(group.replace("#", "-"), Counter())
        failed = told["errors"]
        row = [counts[group], told["calls"], counts[group] - told["calls"], told["values"], told["rate_limited"], failed]
        most = max(told.get("max_in_window", {"": 0}).values())
        sums.update(dict(enumerate(row)))
        rows.append([group.replace("#", " "), *row, most])
    rows.append(["all", *(sums[n] for n in range(6)), ""])
    texts = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts)]
    for row in texts:
        print("  ".join(c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths))).rstrip())
    print("saved: changes that needed no call of their own; what was limited or failed was told again")


def main(arguments: list[str]) -> int:
    match arguments:
        case ["start", work]:
            print(start(work))
        case ["keys", url, *tenants]:
            keys(url, tenants)
        case ["check", url, file]:
            return check(url, file)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except urllib.error.URLError as problem:
        sys.exit(f"the fake channel does not answer: {problem}")
