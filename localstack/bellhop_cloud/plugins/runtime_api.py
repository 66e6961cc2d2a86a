"""The Lambda Runtime API for one function process, on a loopback port of its own.

One process, one server: when the process is gone its server goes too, so that no late answer of a killed process can
reach the invocation of its successor."""

import queue
import sys
import threading
import time
from concurrent.futures import Future, InvalidStateError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

HOST = "127.0.0.1"
PREFIX = "/2018-06-01/runtime/"


class Answer(NamedTuple):
    body: bytes
    is_error: bool


class InitFailed(Exception):
    """The process reported an initialisation error, or ended before its first /next."""

    def __init__(self, body: bytes):
        super().__init__("initialisation failed")
        self.body = body


class RuntimeApi:
    def __init__(self):
        self.ready = Future()  # done at the first /next
        self._invocations = queue.SimpleQueue()
        self._running: dict[str, Future] = {}
        self._server = _Server((HOST, 0), _Handler)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"{HOST}:{self._server.server_address[1]}"

    def submit(self, invocation: dict, timeout: float) -> "Future[Answer]":
        """Hands an invocation to the process. It has `timeout` seconds from now, as its deadline header says."""
        future = self._running[invocation["invoke-id"]] = Future()
        self._invocations.put(invocation | {"deadline": int((time.time() + timeout) * 1000)})
        return future

    def process_ended(self, body: bytes):
        """Fails what waits for the process: its initialisation or its running invocation."""
        self.init_error(body)
        for request_id in list(self._running):
            self.complete(request_id, Answer(body, True))

    def close(self):
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()

    # What the process asks for; called on the server's threads.

    def next(self) -> dict | None:
        _settle(lambda: self.ready.set_result(None))
        return self._invocations.get()

    def init_error(self, body: bytes):
        _settle(lambda: self.ready.set_exception(InitFailed(body)))

    def complete(self, request_id: str, answer: Answer) -> bool:
        future = self._running.pop(request_id, None)
        return future is not None and _settle(lambda: future.set_result(answer))


def _settle(action) -> bool:
    try:
        action()
        return True
    except InvalidStateError:  # already settled, or cancelled by a timeout
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # a process that dies resets its connection
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one write

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path != PREFIX + "invocation/next":
            return self._send(404)
        invocation = self.server.api.next()
        if invocation is None:  # the process is being stopped
            self.close_connection = True
            return None
        return self._send(
            200,
            invocation["payload"].encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": invocation["invoke-id"],
                "Lambda-Runtime-Deadline-Ms": str(invocation["deadline"]),
                "Lambda-Runtime-Invoked-Function-Arn": invocation["invoked-function-arn"],
                "Lambda-Runtime-Trace-Id": invocation.get("trace-id", ""),
            },
        )

    def do_POST(self):
        body = self._body()
        if self.path == PREFIX + "init/error":
            self.server.api.init_error(body)
            return self._send(202, b'{"status":"OK"}')
        match self.path.removeprefix(PREFIX).split("/"):
            case ["invocation", request_id, "response" | "error" as kind]:
                if self.server.api.complete(request_id, Answer(body, kind == "error")):
                    return self._send(202, b'{"status":"OK"}')
                return self._send(400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
        return self._send(404)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return body

    def _send(self, status: int, body: bytes = b"", headers: dict | None = None):
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
