"""A proxy in front of DynamoDB or SQS, through which the functions under test go: it can throttle, break, stall, or kill
the very process that asks."""

import json
import os
import signal
import socket
import struct
import threading
import urllib.parse
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import psutil

NAMESPACE = "com.amazonaws.dynamodb.v20120810#"


class Request(NamedTuple):
    operation: str  # PutItem, TransactWriteItems, ...
    body: str


class Answer(NamedTuple):
    """Answers in the place of DynamoDB."""

    status: int
    error: str
    extra: dict = {}


class Part(NamedTuple):
    """SendMessageBatch: the entries named are refused, the others pass."""

    refused: set[str]


class Kill(NamedTuple):
    """SIGKILL to the process that sent the request: before DynamoDB sees it, or after it was done."""

    after: bool = False


class Stall(NamedTuple):
    """Holds the request back until the event is set."""

    until: threading.Event


class Lose:
    """The request is done and its answer lost."""


class Reset:
    """The connection breaks before the request is done."""


THROTTLED = Answer(400, "ThrottlingException")
EXCEEDED = Answer(400, "ProvisionedThroughputExceededException")
BROKEN = Answer(500, "InternalServerError")
COLLIDED = Answer(400, "TransactionCanceledException", {"CancellationReasons": [{"Code": "TransactionConflict"}]})


class Proxy:
    """`rule` is asked about each request and returns what to do, or None for nothing."""

    def __init__(self, target: str, pids):
        self.target = urllib.parse.urlsplit(target).netloc
        self.pids = pids  # the processes that may be killed
        self.rule = None
        self.killed = []
        self.hits = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.proxy = self
        self._server.handle_error = lambda *_: None  # a killed process resets its connection
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def asked(self, request: Request) -> Request:
        """What is passed on of a request; for those who measure."""
        return request

    def answered(self, request: Request, answer: bytes):
        """For those who measure."""

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def ask(self, request: Request):
        with self._lock:
            action = self.rule(request) if self.rule else None
            self.hits += action is not None
            return action

    def kill(self, port: int):
        """Only ever a process of the function under test, found by its end of the connection."""
        for pid in self.pids():
            try:
                if any(c.laddr.port == port for c in psutil.Process(pid).net_connections("tcp") if c.laddr):
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(pid)
                    return
            except (psutil.Error, ProcessLookupError):
                continue
        raise AssertionError(f"no function process has the port {port}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    upstream = None

    def log_message(self, *args):
        pass

    def do_POST(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.headers.get("X-Amz-Target", "").rsplit(".", 1)[-1], body.decode())
        match proxy.ask(request):
            case None:
                request = proxy.asked(request)
                answer = self._pass_on(request.body.encode())
                proxy.answered(request, answer)
            case Stall(until):
                until.wait(60)
                self._pass_on(body)
            case Part(refused):
                self._pass_part(body, refused)
            case Kill(after):
                if after:
                    self._forward(body)
                proxy.kill(self.client_address[1])
                self.close_connection = True
            case Lose():
                self._forward(body)
                self._reset()
            case Reset():
                self._reset()
            case Answer(status, error, extra):
                text = json.dumps({"__type": NAMESPACE + error, "message": "made by the test's proxy"} | extra)
                self._send(status, [("Content-Type", "application/x-amz-json-1.0")], text.encode())

    def _pass_on(self, body: bytes):
        answer, data = self._forward(body)
        dropped = ("connection", "content-length", "transfer-encoding", "date", "server")
        self._send(answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in dropped], data)
        return data

    def _pass_part(self, body: bytes, refused: set[str]):
        request = json.loads(body)
        request["Entries"] = [entry for entry in request["Entries"] if entry["Id"] not in refused]
        answer = {"Successful": []}
        if request["Entries"]:
            answer = json.loads(self._forward(json.dumps(request).encode())[1])
        failed = [{"Id": n, "SenderFault": False, "Code": "ServiceUnavailable"} for n in refused]
        answer["Failed"] = answer.get("Failed", []) + failed
        self._send(200, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(answer).encode())

    def _forward(self, body: bytes):
        if self.upstream is None:
            self.upstream = HTTPConnection(self.server.proxy.target, timeout=60)
            self.upstream.connect()
            self.upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "content-length")}
        self.upstream.request("POST", self.path, body, headers)
        answer = self.upstream.getresponse()
        return answer, answer.read()

    def _send(self, status: int, headers, body: bytes):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self):
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            pass
