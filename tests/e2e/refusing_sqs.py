"""Runs a producer against an SQS that refuses each event once, and says whether all came, each group in order:
python tests/e2e/refusing_sqs.py COMMAND ..."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

refused: set[str] = set()
accepted: dict[str, list[dict]] = defaultdict(list)
complaints: list[str] = []


def batch(entries: list[dict]) -> dict:
    """Refuses each entry when it first comes, unless it is the last of its call: so the first may fail and a later one pass."""
    groups = [entry["MessageGroupId"] for entry in entries]
    if len(set(groups)) < len(groups):
        complaints.append(f"two events of one group in a call: {groups}")
    if len(entries) > 10 or sum(len(entry["MessageBody"].encode()) for entry in entries) > 1_048_576:
        complaints.append(f"a call of {len(entries)} events is more than SQS takes")
    answer = {"Successful": [], "Failed": []}
    for n, entry in enumerate(entries):
        event = json.loads(entry["MessageBody"])
        if event["id"] not in refused and (n < len(entries) - 1 or len(entries) == 1):
            refused.add(event["id"])
            answer["Failed"].append({"Id": entry["Id"], "SenderFault": False, "Code": "ServiceUnavailable", "Message": "once"})
        else:
            accepted[entry["MessageGroupId"]].append(event)
            md5 = hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
            answer["Successful"].append({"Id": entry["Id"], "MessageId": event["id"], "MD5OfMessageBody": md5})
    return answer


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Amz-Target"] == "AmazonSQS.GetQueueUrl":
            answer = {"QueueUrl": f"http://{self.headers['Host']}/000000000000/{asked['QueueName']}"}
        else:
            answer = batch(asked["Entries"])
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    aws = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    environment = os.environ | aws | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}"}
    subprocess.run(sys.argv[1:], env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
    for group, events in accepted.items():
        kinds = [event["type"] for event in events]
        if kinds != ["pms.property.upserted.v1", "pms.booking.created.v1"]:
            complaints.append(f"{group} got {kinds}, expected its registration, then its booking")
    if len(accepted) != 2 or not refused:
        complaints.append(f"{len(accepted)} groups came and {len(refused)} events were refused, expected 2 and some")
    print("\n".join(complaints) or f"{len(refused)} events refused once, all sent in order")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
