"""`infra/new_function`: what it refuses, and that what it lays works. With the cloud up a new function on a new queue is laid
into a copy of the repository, built, tested, deployed and given events."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from bellhop_cloud import mappings, settings
from bellhop_cloud.settings import HERE, ROOT

COPY = ROOT / "target" / "new-function"
PACKAGES = f"{COPY / 'localstack'}:{COPY / 'infra'}"
STANDIN = HERE / "tests" / "bootstrap.py"
NAME, QUEUE, TYPE, PREFIX = "airport-shuttle", "transport", "pms.airport.shuttle.requested.v1", "laid"


def run(*command, cwd: Path = COPY, **env: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def copy_repository():
    """What git knows or would take, without what was built."""
    for path in COPY.glob("*") if COPY.exists() else ():
        if path.name != "target":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    for name in names.split("\0"):
        if name and (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def share_built():
    """What was built of other people's crates serves the copy too. Ours are built anew: cargo would take those of the two
    folders for the same."""
    source, target = ROOT / "target" / "debug", COPY / "target" / "debug"
    shutil.rmtree(COPY / "target", ignore_errors=True)
    for part, copy in (("deps", os.link), ("build", os.link), (".fingerprint", shutil.copy2)):
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, copy_function=copy, ignore=shutil.ignore_patterns("*bellhop*"))


class Laying(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        copy_repository()
        cls.addClassCleanup(shutil.rmtree, COPY)

    def lay(self, *args: str) -> subprocess.CompletedProcess:
        return subprocess.run([COPY / "infra" / "new_function", *args], capture_output=True, text=True, check=False)

    def test_what_cannot_be_is_refused_by_name_and_nothing_is_written(self):
        for args, why in (
            (("calendar", "x"), "functions/calendar is a crate"),
            (("Shuttle", "x"), "NAME is 'Shuttle'"),
            (("a--b", "x"), "NAME is 'a--b'"),
            (("a" * 31, "x"), "at most 30"),
            (("shuttle", "-x"), "required"),
            (("shuttle", "x_y"), "QUEUE is 'x_y'"),
            (("loop", "x"), "a word of Rust's"),
            (("booking", "x"), "the catalogue of events has a file of that name"),
            (("shuttle", "synchronization"), "channel-sync consumes it"),
            (("shuttle", "operational-guests"), "notifications consumes it"),
            (("shuttle", "operational-dashboard"), "dashboard consumes it"),
            (("shuttle", "fallback"), "the review function consumes"),
            (("shuttle", "operational-dashboard-dlq"), "dead-letter"),
            (("shuttle",), "QUEUE"),
        ):
            done = self.lay(*args)
            self.assertEqual(done.returncode, 2, (args, done.stdout, done.stderr))
            self.assertIn(why, done.stderr)
        self.assertFalse((COPY / "functions" / "shuttle").exists())

    def test_a_dry_run_writes_nothing_and_shows_all(self):
        before = (COPY / "infra" / "template.yaml").read_bytes()
        done = self.lay("shuttle", "shuttle", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        for file in ("functions/shuttle/src/lib.rs", "functions/shuttle/tests/events.rs", "infra/template.yaml", "README.md"):
            self.assertIn(f"+++ b/{file}", done.stdout)
        self.assertIn("shared/events/src/queue.rs", done.stdout)  # the queue is new
        self.assertEqual((COPY / "infra" / "template.yaml").read_bytes(), before)
        self.assertFalse((COPY / "functions" / "shuttle").exists())


@unittest.skipUnless(os.environ.get("BELLHOP_CLOUD_LIVE"), "needs the cloud up")
class Laid(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        copy_repository()
        cls.addClassCleanup(shutil.rmtree, COPY)
        run(COPY / "infra" / "new_function", NAME, QUEUE)

    def test_template_readme_and_code_still_agree(self):
        linter = Path(sys.executable).parent / "cfn-lint"
        run(linter, "--non-zero-exit-code", "informational", "--", "infra/template.yaml", "infra/observability.yaml", "infra/tenant.yaml")
        agree = [COPY / "localstack" / "tests" / f"test_{what}.py" for what in ("permissions", "signals", "silo")]
        here = {"PYTHONPATH": PACKAGES}
        run(sys.executable, "-m", "unittest", *agree, cwd=COPY / "localstack", BELLHOP_CLOUD_LIVE="", **here)
        run(sys.executable, COPY / "infra" / "check", **here)
        self.assertIn(NAME, run(COPY / "infra" / "functions").split())
        self.assertEqual(self.lay_again().returncode, 2)
        run("cargo", "fmt", "--all", "--check")

    def lay_again(self):
        return subprocess.run([COPY / "infra" / "new_function", NAME, "other"], capture_output=True, check=False)

    def test_it_is_built_and_tested_and_works_on_the_cloud(self):
        share_built()
        # All packages at once, for the same features of other people's crates as in the tests before; then only two tests.
        everything = ("--workspace", "--exclude", "bellhop-kit")
        target = {"CARGO_TARGET_DIR": str(COPY / "target")}
        run("cargo", "test", *everything, "--test", "schemas", "--test", "events", UPDATE_SCHEMAS="1", **target)
        programs = ("--bin", "bellhop", "--bin", f"bellhop-{NAME}", "--test", "events")
        run("cargo", "clippy", "--quiet", "--workspace", *programs, "--", "-D", "warnings", **target)
        self.assertTrue((COPY / "shared" / "events" / "schemas" / f"{TYPE}.json").exists())
        with tempfile.TemporaryDirectory() as directory:
            for function in run(COPY / "infra" / "functions").split():
                binary = COPY / "target" / "debug" / f"bellhop-{NAME}" if function == NAME else STANDIN
                shutil.copy2(binary, Path(directory) / f"bellhop-{function}")
                (Path(directory) / f"bellhop-{function}").chmod(0o755)
            deploy = f"from bellhop_cloud.deploy import deploy; deploy({PREFIX!r}, {PREFIX!r}, {{}})"
            ports = {"BELLHOP_LOCAL_PORT": str(settings.port()), "BELLHOP_DYNAMODB_PORT": str(settings.dynamodb_port())}
            run(sys.executable, "-c", deploy, BELLHOP_FUNCTION_DIR=directory, PYTHONPATH=PACKAGES, **ports)
        self.addCleanup(run, HERE / "cloud", "remove", "--stack", PREFIX)
        outputs = json.loads((COPY / "localstack" / ".run" / f"{PREFIX}.json").read_text())
        mappings.stop_consuming([f"{PREFIX}-review"])
        sqs, self.logs = settings.client("sqs"), settings.client("logs")
        for number, (event, version) in enumerate((("e1", 1), ("e1", 1), ("e2", "two"))):
            body = {
                "specversion": "1.0", "id": event, "source": "/pms/test", "type": TYPE, "subject": "property/villa",
                "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": {"version": version},
            }  # fmt: skip
            sqs.send_message(
                QueueUrl=outputs["TransportUrl"], MessageBody=json.dumps(body), MessageGroupId="sea#villa",
                MessageDeduplicationId=str(number),
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while len(outcomes := self.outcomes()) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(sorted(outcomes), [("e1", "applied"), ("e1", "duplicate"), ("e2", "review")])
        # Visible, or in the hands of the last poll of review.
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        while time.monotonic() < deadline:
            found = sqs.get_queue_attributes(QueueUrl=outputs["FallbackUrl"], AttributeNames=names)["Attributes"]
            if given_up := sum(int(found[name]) for name in names):
                break
            time.sleep(0.1)
        self.assertEqual(given_up, 1)

    def outcomes(self) -> list[tuple[str, str]]:
        """What became of each message, as the function's own lines say."""
        events = self.logs.filter_log_events(
            logGroupName=f"/aws/lambda/{PREFIX}-{NAME}", filterPattern='{ $.message = "message" }'
        )["events"]
        lines = [json.loads(event["message"]) for event in events]
        return [(line["event"], line["outcome"]) for line in lines]


if __name__ == "__main__":
    unittest.main()
