"""The whole local cloud with infra/template.yaml and the stand-in function: `localstack/cloud test --live`."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "selftest"


def cloud(*args, **env) -> str:
    done = subprocess.run(
        [HERE.parent / "cloud", *args], env=os.environ | env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"cloud {args}: {done.stderr}")
    return done.stdout


@unittest.skipUnless(os.environ.get("BELLHOP_CLOUD_LIVE"), "needs the cloud up")
class Cloud(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from bellhop_cloud import mappings, settings
        from bellhop_stack import code

        cls.directory = Path(tempfile.mkdtemp())
        cls.trace = cls.directory / "trace"
        # The stand-in learns where to write from its own text: the template has no variable for it.
        text = (HERE / "bootstrap.py").read_text().replace('os.environ.get("TRACE_FILE")', repr(str(cls.trace)))
        for function in code.functions():
            binary = cls.directory / f"bellhop-{function}"
            binary.write_text(text)
            binary.chmod(0o755)
        cloud(
            "deploy", "--prefix", PREFIX, "FunctionTimeout=2", "VisibilityTimeout=4", "MaxReceiveCount=3",
            BELLHOP_FUNCTION_DIR=str(cls.directory),
        )  # fmt: skip
        mappings.stop_consuming([f"{PREFIX}-review", f"{PREFIX}-dashboard"])
        cls.outputs = json.loads((settings.RUN / f"{PREFIX}.json").read_text())
        cls.sqs = settings.client("sqs")
        cls.queue = cls.outputs["OperationalCalendarUrl"]

    @classmethod
    def tearDownClass(cls):
        cloud("remove", "--stack", PREFIX)
        shutil.rmtree(cls.directory)

    def setUp(self):
        self.tag = uuid.uuid4().hex[:6]

    def send(self, *messages: str, group: str = "g"):
        """The messages of one batch are told apart by what follows the word that the stand-in reads."""
        entries = [
            {"Id": str(i), "MessageBody": f"{body} {self.tag}-{i}", "MessageGroupId": f"{group}{self.tag}"}
            for i, body in enumerate(messages)
        ]
        answer = self.sqs.send_message_batch(QueueUrl=self.queue, Entries=entries)
        self.assertNotIn("Failed", answer)

    def seen(self) -> list[dict]:
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        return [line for line in map(json.loads, lines) if self.tag in line["record"]["body"]]

    def wait(self, condition, seconds: float = 15):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            self.assertLess(time.monotonic(), deadline, f"waited {seconds} s; seen: {self.seen()}")
            time.sleep(0.02)
        return value

    def counts(self, url: str) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(attributes[names[0]]), int(attributes[names[1]])

    def drained(self) -> bool:
        return self.counts(self.queue) == (0, 0)

    def test_bodies_arrive_as_they_were_sent(self):
        nested = "ok [" + "[" * 200_000 + f" {self.tag}"
        odd = f'ok {{"b":1,  "b" : 1e400, "é": "\\ud800"}} {self.tag}'
        for body in (nested, odd):
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=body, MessageGroupId="bytes" + self.tag)
        self.wait(lambda: len(self.seen()) == 2)
        self.assertEqual([s["record"]["body"] for s in self.seen()], [nested, odd])

    def test_a_message_reaches_the_function_at_once(self):
        self.send("ok")
        self.wait(self.seen)
        slowest = []
        for n in range(10):
            self.tag = uuid.uuid4().hex[:6]
            sent = time.time()
            self.send("ok")
            slowest.append(self.wait(self.seen)[0]["at"] - sent)
        self.assertLess(sorted(slowest)[5], 0.2, slowest)

    def test_groups_run_side_by_side_in_processes_of_their_own(self):
        for n in range(4):
            self.send("slow 1", group=f"g{n}-")
            time.sleep(0.1)
        self.wait(lambda: len(self.seen()) == 4)
        seen = self.seen()
        self.assertEqual(len({s["pid"] for s in seen}), 4)
        self.assertLess(seen[-1]["at"] - seen[0]["at"], 1.0)
        self.wait(self.drained)

    def test_reported_failures_stay_hidden_and_come_back_alone(self):
        self.send("fail-last", "ok", "ok")
        self.wait(lambda: len(self.seen()) == 3)
        self.assertEqual(self.wait(lambda: self.counts(self.queue) == (0, 1) and self.seen()), self.seen())
        self.wait(lambda: len(self.seen()) == 4)
        last = self.seen()[-1]
        self.assertTrue(last["record"]["body"].endswith("-2"))
        self.assertEqual(last["record"]["attributes"]["ApproximateReceiveCount"], "2")
        self.assertGreater(last["at"] - self.seen()[0]["at"], 3.5)
        self.wait(self.drained)

    def test_visibility_changed_while_the_batch_runs_is_honoured_and_keeps_the_order(self):
        self.send("refuse-once", "ok", "ok")
        self.wait(lambda: len(self.seen()) == 3)
        entries = [
            {"Id": str(i), "ReceiptHandle": s["record"]["receiptHandle"], "VisibilityTimeout": 1}
            for i, s in enumerate(self.seen())
        ]
        self.assertEqual(len(self.sqs.change_message_visibility_batch(QueueUrl=self.queue, Entries=entries)["Successful"]), 3)
        self.wait(lambda: len(self.seen()) == 6)
        again = self.seen()[3:]
        self.assertEqual([s["record"]["body"][-1] for s in again], ["0", "1", "2"])
        self.assertLess(again[0]["at"] - self.seen()[0]["at"], 3.5)
        self.wait(self.drained)

    def test_a_killed_function_gives_its_batch_back_after_the_visibility_timeout(self):
        self.send("slow 1.5")
        first = self.wait(self.seen)[0]
        os.kill(first["pid"], 9)
        time.sleep(0.5)
        self.assertEqual(self.counts(self.queue), (0, 1))
        second = self.wait(lambda: len(self.seen()) == 2 and self.seen()[1])
        self.assertNotEqual(second["pid"], first["pid"])
        self.assertGreater(second["at"] - first["at"], 3.5)
        self.wait(self.drained)

    def test_a_crashing_message_ends_in_the_dead_letter_queue(self):
        self.send("crash")
        self.wait(lambda: self.counts(self.outputs["OperationalCalendarDlqUrl"])[0] == 1, 30)
        self.assertEqual(len(self.seen()), 3)
        message = self.sqs.receive_message(QueueUrl=self.outputs["OperationalCalendarDlqUrl"])["Messages"][0]
        self.sqs.delete_message(QueueUrl=self.outputs["OperationalCalendarDlqUrl"], ReceiptHandle=message["ReceiptHandle"])

    def test_cloud_kill_ends_a_running_process(self):
        self.send("slow 1.5")
        self.wait(self.seen)
        self.assertTrue(cloud("kill", f"{PREFIX}-calendar").strip().isdigit())
        self.wait(self.drained, 30)

    def test_size_limits_are_those_of_the_template(self):
        large = "x" * (262_144 + 1)
        with self.assertRaises(self.sqs.exceptions.ClientError):
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=large, MessageGroupId="g")
        url = self.outputs["AutomationDlqUrl"]
        for target in (self.outputs["FallbackUrl"], url):
            self.sqs.send_message(QueueUrl=target, MessageBody="x" * 1_048_576, MessageGroupId=self.tag)
        self.assertEqual(self.counts(url), (1, 0))

    def get(self, url: str, host: str | None = None, **headers: str):
        """Status, headers and body of one GET; errors are answers too."""
        headers |= {"Host": host} if host else {}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read()

    def test_a_function_url_answers_on_the_loopback_address(self):
        base = self.outputs["FeedsUrl"]
        status, headers, body = self.get(base + "feed")
        self.assertEqual((status, body.decode()), (200, "BEGIN:VCALENDAR\r\né\r\n"))
        self.assertEqual((headers["ETag"], headers["Content-Type"]), ('"v1"', "text/calendar; charset=utf-8"))
        status, headers, body = self.get(base + "feed", **{"If-None-Match": '"v1"'})
        self.assertEqual((status, headers["ETag"], body), (304, '"v1"', b""))
        status, headers, body = self.get(base + "binary")
        self.assertEqual((status, headers["Content-Type"], body), (200, "image/png", bytes(range(256))))
        self.assertEqual(self.get(base + "nothing")[::2], (404, b""))
        self.assertEqual(self.get(base + "fail")[0], 502)
        self.assertEqual(self.get(base.replace("feeds", "timer") + "feed")[0], 404)

    def test_a_function_sees_of_its_url_what_aws_would_show(self):
        event = json.loads(self.get(self.outputs["FeedsUrl"] + "echo?a=1&b=%20", Accept="text/calendar")[2])
        self.assertEqual((event["rawPath"], event["rawQueryString"]), ("/echo", "a=1&b=%20"))
        self.assertEqual(event["requestContext"]["http"]["method"], "GET")
        self.assertEqual(event["headers"]["accept"], "text/calendar")

    def test_a_function_url_answers_by_its_host_name_too(self):
        from bellhop_cloud import settings

        url = settings.client("lambda").get_function_url_config(FunctionName=self.outputs["FeedsFunctionName"])
        name = url["FunctionUrl"].split("/")[2].split(".")[0]
        host = f"{name}.lambda-url.us-east-1.localhost.localstack.cloud"
        self.assertEqual(self.get(settings.endpoint() + "/feed", host)[2].decode(), "BEGIN:VCALENDAR\r\né\r\n")

    def test_the_schedule_starts_the_timer_by_itself(self):
        from bellhop_cloud import settings

        log = settings.RUN / "logs" / f"{PREFIX}-timer.log"
        self.wait(lambda: log.exists() and "invoked" in log.read_text(), 70)

    def test_secrets_are_kept(self):
        from bellhop_cloud import settings

        secrets = settings.client("secretsmanager")
        name = f"bellhop/{self.tag}"
        secrets.create_secret(Name=name, SecretString="s")
        self.assertEqual(secrets.get_secret_value(SecretId=name)["SecretString"], "s")
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def test_mail_is_kept_to_be_read(self):
        from bellhop_cloud import deploy, mappings, settings

        body = {"Text": {"Data": "text"}, "Html": {"Data": "<p>text</p>"}}
        sent = settings.client("ses").send_email(
            Source=deploy.LOCAL_SENDER, Destination={"ToAddresses": ["guest@example.com"]},
            Message={"Subject": {"Data": "Grüße"}, "Body": body}, ConfigurationSetName=f"{PREFIX}-mail",
        )  # fmt: skip
        [mail] = json.loads(self.get(f"{settings.endpoint()}/_aws/ses?id={sent['MessageId']}")[2])["messages"]
        self.assertEqual((mail["Subject"], mail["Body"]["text_part"]), ("Grüße", "text"))
        self.assertEqual(mail["Destination"], {"ToAddresses": ["guest@example.com"]})

    def test_what_ses_tells_of_mail_starts_notifications(self):
        from bellhop_cloud import settings

        topic = f"arn:aws:sns:us-east-1:{settings.ACCOUNT}:{PREFIX}-mail-feedback"
        settings.client("sns").publish(TopicArn=topic, Message=f"ok {self.tag}")
        [seen] = self.wait(self.seen)
        self.assertEqual(seen["record"]["Sns"]["TopicArn"], topic)

    def test_log_lines_are_found_by_a_field_even_those_of_a_killed_process(self):
        from bellhop_cloud import settings

        logs = settings.client("logs")
        self.send("slow 1.5")
        first = self.wait(self.seen)[0]
        os.kill(first["pid"], 9)
        group = f"/aws/lambda/{PREFIX}-calendar"
        for pattern in ('{ $.invoked = "%s" }' % first["request"], '"invoked" "%s"' % first["request"]):
            [found] = self.wait(lambda pattern=pattern: logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"])
            self.assertEqual(json.loads(found["message"]), {"invoked": first["request"]})
            self.assertLess(abs(found["timestamp"] / 1000 - first["at"]), 1)
        with self.assertRaises(logs.exceptions.InvalidParameterException):
            logs.filter_log_events(logGroupName=group, filterPattern="{ $.a = 1 && $.b = 2 }")
        self.wait(self.drained)

    def test_two_follow_ups_with_the_same_id_in_two_groups_both_arrive(self):
        url = self.outputs["OperationalDashboardUrl"]  # the class has stopped its consumer
        for group in "aba":
            self.sqs.send_message(
                QueueUrl=url, MessageBody=group, MessageGroupId=group + self.tag, MessageDeduplicationId=self.tag
            )
        self.assertEqual(self.counts(url), (2, 0))


if __name__ == "__main__":
    unittest.main()
