"""The process executor and its Runtime API, with the stand-in function of bootstrap.py."""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException

from bellhop_cloud.plugins import executor


class Executor(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        executor.RUN_DIR = self.directory / "run"
        shutil.copy(Path(__file__).with_name("bootstrap.py"), self.directory / "bootstrap")
        version = SimpleNamespace(
            config=SimpleNamespace(
                timeout=1, code=SimpleNamespace(get_unzipped_code_location=lambda: self.directory),
                logging_config={"LogGroup": "/aws/lambda/standin"},
            ),
            id=SimpleNamespace(function_name="standin", qualifier="$LATEST", account="000000000000", region="us-east-1"),
        )
        self.executor = executor.ProcessExecutor("test", version)
        self.count = 0

    def tearDown(self):
        self.executor.stop()
        deadline = time.monotonic() + 2
        while self.pids() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.pids(), [], "a process was left")
        shutil.rmtree(self.directory)

    def pids(self):
        directory = executor.RUN_DIR / "functions" / "standin"
        return [int(file.name) for file in directory.iterdir()] if directory.is_dir() else []

    def invoke(self, do: str = "ok"):
        self.count += 1
        result = self.executor.invoke(
            {
                "invoke-id": f"request-{self.count}",
                "invoked-function-arn": "arn",
                "payload": json.dumps({"do": do}),
                "trace-id": "Root=1",
            }
        )
        return result.is_error, json.loads(result.payload), result.logs

    def test_it_invokes_one_warm_process(self):
        self.executor.start({"AWS_REGION": "us-east-1"})
        error, first, _ = self.invoke()
        self.assertFalse(error)
        self.assertEqual(first["env"]["AWS_ACCESS_KEY_ID"], "test")
        self.assertEqual(first["env"]["BELLHOP_LOCAL"], "1")
        self.assertEqual(self.invoke()[1]["pid"], first["pid"])
        # What a process prints reaches the log by a thread of its own, perhaps after the answer.
        log, deadline = executor.RUN_DIR / "logs" / "standin.log", time.monotonic() + 10
        while '"request-2"' not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertIn('"request-1"', log.read_text())
        self.assertIn('"request-2"', log.read_text())

    def test_an_error_is_an_error_and_keeps_the_process(self):
        self.executor.start({})
        pid = self.invoke()[1]["pid"]
        error, body, _ = self.invoke("error")
        self.assertTrue(error)
        self.assertEqual(body["errorType"], "ValueError")
        self.assertEqual(self.invoke()[1]["pid"], pid)

    def test_a_crash_fails_the_invocation_and_the_next_gets_a_new_process(self):
        self.executor.start({})
        pid = self.invoke()[1]["pid"]
        error, body, _ = self.invoke("crash")
        self.assertTrue(error)
        self.assertEqual(body, {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited with error: exit status 3"})
        error, body, _ = self.invoke()
        self.assertFalse(error)
        self.assertNotEqual(body["pid"], pid)

    def test_a_kill_in_the_middle_fails_the_invocation(self):
        self.executor.start({})
        threading.Timer(0.2, lambda: os.kill(self.pids()[0], signal.SIGKILL)).start()
        error, body, _ = self.invoke("hang")
        self.assertTrue(error)
        self.assertIn("SIGKILL", body["errorMessage"])
        self.assertFalse(self.invoke()[0])

    def test_a_kill_between_invocations_goes_unnoticed(self):
        self.executor.start({})
        pid = self.invoke()[1]["pid"]
        os.kill(pid, signal.SIGKILL)
        self.executor.current.process.wait()
        error, body, _ = self.invoke()
        self.assertFalse(error)
        self.assertNotEqual(body["pid"], pid)

    def test_a_time_out_kills_the_process_and_the_next_invocation_recovers(self):
        self.executor.start({})
        pid = self.invoke()[1]["pid"]
        error, body, _ = self.invoke("hang")
        self.assertTrue(error)
        self.assertEqual(body["errorType"], "Sandbox.Timedout")
        error, body, _ = self.invoke()
        self.assertFalse(error)
        self.assertNotEqual(body["pid"], pid)

    def test_a_failed_initialisation_says_so(self):
        with self.assertRaises(StatusErrorException) as raised:
            self.executor.start({"FAIL_INIT": "1"})
        self.assertIn(b"told to fail", raised.exception.payload)

    def test_a_bootstrap_that_only_exits_says_so(self):
        (self.directory / "bootstrap").write_text("#!/bin/sh\nexit 7\n")
        with self.assertRaises(StatusErrorException) as raised:
            self.executor.start({})
        self.assertIn(b"exit status 7", raised.exception.payload)


if __name__ == "__main__":
    unittest.main()
