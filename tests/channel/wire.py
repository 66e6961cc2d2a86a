"""HTTP/1.1 on the wire: requests in, answers out, and answers that go wrong."""

import contextlib
import json
import select
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import control
import faults
from ari import Answer
from faults import Fault
from world import Request, Visit

PIECE = 1 << 16
DRAINED = 100_000_000  # of a body that is too large, so that its sender hears the answer
GOOD = {"data": [{"id": "00000000-0000-4000-8000-000000000000", "type": "task"}], "meta": {"message": "Success", "warnings": []}}
WRONG = '{"data":[{"id":"00000000-'


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, world, port: int):
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world

    def handle_error(self, *_):
        """A client that left is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120

    def log_message(self, *args):
        pass

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def _serve(self):
        world = self.server.world
        controlled = self.path.startswith(control.PREFIX)
        size = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (size.isascii() and size.isdigit()):
            self.close_connection = True
            return self._send(Answer(411, {"error": "a body needs its Content-Length"}))
        body = self._body(int(size), DRAINED if controlled else world.config.body_limit)
        if controlled:
            return self._send(control.answer(world, self.command, self.path, self.headers, body or b""))
        visit = world.arrive(Request(self.command, self.path, self.headers, body, int(size)))
        if visit.fault is None:
            return self._settle(visit)
        return self._fail(visit, visit.fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _serve

    def _body(self, size: int, limit: int) -> bytes | None:
        if size <= limit:
            return self.rfile.read(size)
        self.close_connection = size > DRAINED
        left = 0 if self.close_connection else size
        while left and (piece := self.rfile.read(min(left, PIECE))):
            left -= len(piece)
        return None

    # ---- Answers.

    def _settle(self, visit: Visit):
        answer = visit.settle()
        visit.done(answer.status)
        self._send(answer)

    def _send(self, answer: Answer):
        headers, body = self._written(answer)
        length = {} if answer.status == 304 else {"Content-Length": str(len(body))}
        self._head(answer.status, headers | length)
        if self.command != "HEAD" and answer.status != 304:
            self.wfile.write(body)
        self.wfile.flush()

    def _written(self, answer: Answer) -> tuple[dict, bytes]:
        """Headers and body."""
        if isinstance(answer.body, bytes):
            return answer.headers, answer.body
        if answer.body is None:
            return answer.headers, b""
        return {"Content-Type": "application/json; charset=utf-8"} | answer.headers, json.dumps(answer.body).encode()

    def _head(self, status: int, headers: dict):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    # ---- Answers that go wrong.

    def _fail(self, visit: Visit, fault: Fault):
        held = visit.held
        kept = visit.settle() if fault.when == "after" else None
        retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        match fault.kind:
            case "status":
                status = fault.status or 500
                visit.done(status)
                error = {"errors": {"code": "fault", "title": "made on order"}}
                self._send(Answer(status, error if fault.body is None else fault.body.encode(), retry))
            case "redirect":
                status = fault.status or 302
                visit.done(status)
                self._send(Answer(status, b"", {"Location": fault.location}))
            case "reset":
                visit.done(None)
                self._reset()
            case "hang":
                self._wait_while_connected(held, fault.delay)
                visit.done(None)
                self.close_connection = True
            case "slow":
                self._slow(visit, fault, held)
            case "wrong-json":
                visit.done(200)
                headers = {"Content-Type": "application/json; charset=utf-8"}
                self._send(Answer(200, (WRONG if fault.body is None else fault.body).encode(), headers))
            case "half":
                answer = kept or Answer(200, GOOD)
                visit.done(answer.status)
                headers, body = self._written(answer)
                self._head(answer.status, headers | {"Content-Length": str(max(len(body), 2))})
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            case "huge":
                visit.done(200)
                self._huge(fault.bytes)
            case "gzip-bomb":
                visit.done(200)
                headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
                self._send(Answer(200, faults.gzip_bomb(fault.bytes), headers))

    def _slow(self, visit: Visit, fault: Fault, held):
        if not fault.drip:
            held.wait(fault.delay)
            return self._settle(visit)
        answer = visit.settle()
        visit.done(answer.status)
        headers, body = self._written(answer)
        self._head(answer.status, headers | {"Content-Length": str(len(body))})
        self.wfile.flush()
        for n in range(len(body)):
            held.wait(fault.delay / len(body))
            self.wfile.write(body[n : n + 1])
            self.wfile.flush()

    def _huge(self, size: int):
        """A JSON array of blanks, in chunks: its length is not announced."""
        self._head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        left = size - 2
        piece = b"["
        while piece:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            piece = b" " * min(left, PIECE) or (b"]" if piece != b"]" else b"")
            left -= min(left, PIECE)
        self.wfile.write(b"0\r\n\r\n")

    def _wait_while_connected(self, held, seconds: float):
        """Until it is let go, the time is over, or the client leaves."""
        deadline = time.monotonic() + seconds
        while not held.is_set() and time.monotonic() < deadline:
            if select.select([self.connection], [], [], 0.02)[0]:
                return

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
