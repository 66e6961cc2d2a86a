"""LAMBDA_RUNTIME_EXECUTOR=bellhop_process: runs a provided.* function's `bootstrap` as a plain process.

One executor is one execution environment: it has at most one process and one invocation at a time. LocalStack makes
another one while all are busy. After a crash or a time-out the next invocation starts a new process, as Lambda does."""

import collections
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from bellhop_cloud.plugins.logs import SHIPPER, place_of
from bellhop_cloud.plugins.runtime_api import HOST, Answer, InitFailed, RuntimeApi

INIT_SECONDS = 10.0  # Lambda's own limit
KEPT_LINES = 2000
# `localstack/cloud` finds the running processes and the logs of a function here.
RUN_DIR = Path(os.environ.get("BELLHOP_CLOUD_RUN") or Path(tempfile.gettempdir()) / "bellhop-cloud")


class FunctionProcess:
    """One running `bootstrap` and the Runtime API that serves it."""

    def __init__(self, function: str, directory: Path, env: dict[str, str], on_line):
        bootstrap = directory / "bootstrap"
        if not bootstrap.exists():
            raise LambdaRuntimeException(f"no bootstrap in {directory}")
        self.function, self.on_line = function, on_line
        self.api = RuntimeApi()
        self.process = subprocess.Popen(
            [str(bootstrap)],
            cwd=directory,
            env=env | {"AWS_LAMBDA_RUNTIME_API": self.api.address},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that it is killed with all it started
        )
        self.pid_file = RUN_DIR / "functions" / function / str(self.process.pid)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.touch()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_ready(self):
        try:
            self.api.ready.result(INIT_SECONDS)
        except BaseException:
            self.kill()
            raise

    def kill(self):
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.api.close()

    def _watch(self):
        log = RUN_DIR / "logs" / f"{self.function}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with self.process.stdout, log.open("ab", buffering=0) as file:
            for line in self.process.stdout:
                file.write(line)
                self.on_line(line.decode(errors="replace").rstrip("\n"))
        code = self.process.wait()
        self.pid_file.unlink(missing_ok=True)
        self.api.process_ended(_error("Runtime.ExitError", f"Runtime exited {_how(code)}"))


def _how(code: int) -> str:
    if code < 0:
        return f"with error: signal: {signal.Signals(-code).name}"
    return f"with error: exit status {code}" if code else "without providing a reason"


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self.current: FunctionProcess | None = None
        self.waiting: Future | None = None
        self.env: dict[str, str] = {}
        self.lines = collections.deque(maxlen=KEPT_LINES)
        self.place = place_of(function_version, id)

    def start(self, env_vars: dict[str, str]) -> None:
        directory = self._directory()
        scratch = Path(tempfile.gettempdir()) / "functions" / self.id
        scratch.mkdir(parents=True, exist_ok=True)
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "HOME": str(scratch)}
        self.env |= {name: str(value) for name, value in env_vars.items()}
        self.env |= {"LAMBDA_TASK_ROOT": str(directory), "LAMBDA_RUNTIME_DIR": str(directory), "TMPDIR": str(scratch)}
        self.env |= {"BELLHOP_CLOUD_RUN": str(RUN_DIR)}  # by which `cloud down` knows its own
        self.env |= {"BELLHOP_LOCAL": "1"}  # calls may go to this machine; see shared/outbound/src/policy.rs
        # No session token: fixed test credentials, the same as `cloud env` gives to every other client.
        self.env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        self.env.pop("AWS_SESSION_TOKEN", None)
        if database := os.environ.get("BELLHOP_DYNAMODB_URL"):
            self.env.setdefault("AWS_ENDPOINT_URL_DYNAMODB", database)  # unless the function's own environment says
        self._start_process()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id = payload["invoke-id"]
        self.lines.clear()
        self._write(f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}")
        started = time.perf_counter()
        answer = self._run(payload)
        milliseconds = (time.perf_counter() - started) * 1000
        self._write(f"END RequestId: {request_id}")
        self._write(f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms")
        return InvocationResult(request_id, answer.body, answer.is_error, self.get_logs() + "\n")

    def _write(self, line: str):
        self.lines.append(line)
        SHIPPER.add(self.place, line)

    def _run(self, payload: dict[str, str]) -> Answer:
        timeout = self.function_version.config.timeout
        if self.current is None or not self.current.running:
            try:
                self._start_process()
            except StatusErrorException as error:
                return Answer(error.payload, True)
        self.waiting = self.current.api.submit(payload, timeout)
        if not self.current.running:  # it died between the check and here, when nothing was there to be failed
            self.current.api.process_ended(_error("Runtime.ExitError", "Runtime exited"))
        try:
            return self.waiting.result(timeout)
        except TimeoutError:
            self._stop_process()
            message = f"RequestId: {payload['invoke-id']} Error: Task timed out after {timeout:.2f} seconds"
            return Answer(_error("Sandbox.Timedout", message), True)

    def stop(self) -> None:
        if self.waiting:
            self.waiting.cancel()
        self._stop_process()

    def _start_process(self):
        self._stop_process()
        self.current = FunctionProcess(
            self.function_version.id.function_name, self._directory(), self.env, self._write
        )
        try:
            self.current.wait_ready()
        except InitFailed as error:  # LocalStack answers this one with FunctionError and the body
            raise StatusErrorException("initialisation failed", payload=error.body) from error
        except TimeoutError as error:
            message = f"Initialisation took more than {INIT_SECONDS:.0f} seconds"
            raise StatusErrorException(message, payload=_error("Sandbox.Timedout", message)) from error

    def _stop_process(self):
        process, self.current = self.current, None
        if process:
            process.kill()

    def _directory(self) -> Path:
        return Path(self.function_version.config.code.get_unzipped_code_location())

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        return "\n".join(self.lines)

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion):
        pass


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "bellhop_process"

    def load(self, *args, **kwargs):
        return ProcessExecutor
