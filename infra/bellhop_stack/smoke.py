"""The smoke test: each function starts and answers, and an event of a tenant of its own is worked by the calendar."""

import json
import os
import shutil
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from bellhop_stack.cloud import ROOT, Cloud, Problem

TENANT, PROPERTY = "bellhop-smoke", "smoke"
# No function has anything to do for it: a batch without messages for those of queues and of the clock, a request without
# a path or token for those that HTTP starts.
NOTHING = {
    "Records": [], "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {},
    "isBase64Encoded": False, "requestContext": {
        "accountId": "smoke", "apiId": "smoke", "domainName": "smoke", "domainPrefix": "smoke", "requestId": "smoke",
        "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1767225600000,
        "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "smoke"},
    },
}  # fmt: skip


class Failed(Exception):
    """The version that was deployed does not work."""


def test(cloud: Cloud, prefix: str, outputs: dict[str, str], seconds: float):
    """Raises Failed, saying what was expected, unless all is well within so many seconds."""
    deadline = time.monotonic() + seconds
    names = [value for key, value in sorted(outputs.items()) if key.endswith("FunctionName")]
    with ThreadPoolExecutor(len(names)) as pool:
        complaints = [complaint for complaint in pool.map(lambda name: _start(cloud, name), names) if complaint]
    if complaints:
        raise Failed("\n  ".join(complaints))
    _event(prefix, deadline, seconds)


def _start(cloud: Cloud, function: str) -> str | None:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(NOTHING).encode())
    body = answer["Payload"].read().decode(errors="replace")
    if "FunctionError" in answer:
        return f"{function} does not start, or fails without anything to do: {body[:300]}"
    told = json.loads(body or "null")
    if isinstance(told, dict) and told.get("statusCode", 0) >= 500:
        return f"{function} answers with status {told['statusCode']}, expected less than 500"
    return None


def _event(prefix: str, deadline: float, seconds: float):
    now = datetime.now(UTC)
    event = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": "/bellhop/deploy", "type": "pms.property.upserted.v1",
        "subject": f"property/{PROPERTY}", "time": now.isoformat(), "tenant": TENANT, "property": PROPERTY,
        "data": {
            "version": int(now.timestamp() * 1_000_000), "time_zone": "Etc/UTC", "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": "smoke"}],
        },
    }  # fmt: skip
    # Where the registry is closed, its events would be nobody's.
    added = bellhop(prefix, "tenant", "add", TENANT, "--name", "Smoke test of infra/deploy")
    if added.returncode:
        raise Failed(f"its tenant cannot be registered: {added.stderr.strip()}")
    posted = bellhop(prefix, "post", "-", stdin=json.dumps(event))
    if posted.returncode:
        raise Failed(f"an event cannot be posted: {posted.stderr.strip()}")
    outcome = "nothing"
    while True:
        found = bellhop(prefix, "event", TENANT, PROPERTY, event["id"], "--json")
        if found.returncode == 0:
            about = json.loads(found.stdout)
            functions = about if isinstance(about, list) else [about]
            outcome = ", ".join(f"{each['function']}: {each['outcome']}" for each in functions)
            if any(each["done_at"] for each in functions):
                return
        if time.monotonic() > deadline:
            raise Failed(f"after {seconds:.0f} s {outcome} is known of event {event['id']} of {TENANT}#{PROPERTY}, expected: done")
        time.sleep(0.5)


def bellhop(prefix: str, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess:
    environment = os.environ | {"BELLHOP_PREFIX": prefix, "NO_COLOR": "1"}
    return subprocess.run(
        [command_line(), *arguments], env=environment, input=stdin, capture_output=True, text=True, check=False
    )


def command_line() -> Path:
    built = [ROOT / "target" / profile / "bellhop" for profile in ("release", "debug")]
    found = next((path for path in built if path.is_file()), None) or shutil.which("bellhop")
    if not found:
        raise Problem("the command line is not built: cargo build -p bellhop")
    return Path(found)
