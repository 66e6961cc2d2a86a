#!/usr/bin/env python3
"""A function for the tests: the smallest Runtime API client. What it does is told by the body of the first record.

ok | slow SECONDS | error | crash | hang | fail-last (reports the last record) | refuse-once (reports all, after 0.5 s)
Called by HTTP it is a small server: see `answer_http`."""

import base64
import http.client
import json
import os
import sys
import time
from pathlib import Path

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    api.request(method, "/2018-06-01/runtime/" + path, body=body)
    response = api.getresponse()
    return response, response.read()


def answer_http(event):
    """A calendar feed as it could be."""
    http, headers = event["requestContext"]["http"], event["headers"]
    match http["path"]:
        case "/feed":
            known = headers.get("if-none-match") == '"v1"'
            answer = {"statusCode": 304 if known else 200, "headers": {"ETag": '"v1"', "Content-Type": "text/calendar; charset=utf-8"}}
            return answer if known else answer | {"body": "BEGIN:VCALENDAR\r\né\r\n"}
        case "/binary":
            body = base64.b64encode(bytes(range(256))).decode()
            return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}
        case "/echo":
            return {"statusCode": 200, "body": json.dumps(event)}
        case "/fail":
            raise ValueError("told to fail")
    return {"statusCode": 404}


def said(record):
    """What a message says, of a queue or of a topic."""
    return record["Sns"]["Message"] if "Sns" in record else record["body"]


def handle(event):
    if "requestContext" in event:
        return answer_http(event)
    records = event.get("Records", [])
    word, *rest = (said(records[0]) if records else event.get("do", "ok")).split()
    if word == "slow":
        time.sleep(float(rest[0]))
    elif word == "error":
        raise ValueError("told to fail")
    elif word == "crash":
        os._exit(3)
    elif word == "hang":
        time.sleep(3600)
    elif word == "fail-last":
        return {"batchItemFailures": [{"itemIdentifier": records[-1]["messageId"]}]}
    elif word == "refuse-once" and records[0]["attributes"]["ApproximateReceiveCount"] == "1":
        time.sleep(0.5)
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records]}
    if records:
        return {"batchItemFailures": []}
    return {"pid": os.getpid(), "env": {k: v for k, v in os.environ.items() if k.startswith(("AWS_", "BELLHOP_"))}}


if os.environ.get("FAIL_INIT"):
    call("POST", "init/error", json.dumps({"errorType": "Init", "errorMessage": "told to fail"}))
    sys.exit(1)
trace = os.environ.get("TRACE_FILE")
while True:
    response, body = call("GET", "invocation/next")
    request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
    event = json.loads(body)
    if trace:
        for record in event.get("Records", []):
            line = {"at": time.time(), "pid": os.getpid(), "request": request_id, "record": {"body": said(record)} | record}
            with Path(trace).open("a") as file:
                file.write(json.dumps(line) + "\n")
    print(json.dumps({"invoked": request_id}), flush=True)
    try:
        call("POST", f"invocation/{request_id}/response", json.dumps(handle(event)))
    except ValueError as error:
        body = json.dumps({"errorType": "ValueError", "errorMessage": str(error)})
        call("POST", f"invocation/{request_id}/error", body)
