"""A CloudFormation stack: what it is, what would change, and changing it. The one way by which Bellhop is deployed anywhere."""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from bellhop_stack import code
from bellhop_stack.cloud import Cloud, Problem

WAIT_SECONDS = 1800  # a stack's creation takes minutes, its removal may take longer
INLINE_LIMIT = 51_200  # bytes of a template, CloudFormation's; a larger one goes through S3
NOTHING_CHANGES = ("didn't contain changes", "No updates are to be performed")
USELESS = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")  # can only be deleted
NOT_THERE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")  # in review: the husk around a first change set that nobody executed
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


@dataclass(frozen=True)
class Change:
    action: str  # Add, Modify, Remove
    resource: str
    kind: str
    replacement: str  # True, False, Conditional, or nothing


@dataclass(frozen=True)
class ChangeSet:
    name: str
    creates: bool
    changes: list[Change]


@dataclass(frozen=True)
class Version:
    """What a stack is made of, so that it can be made so again."""

    template: str
    parameters: dict[str, str]


class Stack:
    def __init__(self, cloud: Cloud, name: str):
        self.cloud, self.name = cloud, name
        self.cloudformation = cloud.client("cloudformation")

    # ---- What it is.

    def describe(self) -> dict | None:
        try:
            found = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except self.cloudformation.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] in NOT_THERE else found

    def status(self) -> str | None:
        found = self.describe()
        return found and found["StackStatus"]

    def outputs(self) -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in (self.describe() or {}).get("Outputs", [])}

    def version(self) -> Version | None:
        found = self.describe()
        if found is None or found["StackStatus"] in USELESS:
            return None
        template = self.cloudformation.get_template(StackName=self.name, TemplateStage="Original")["TemplateBody"]
        if not isinstance(template, str):  # boto3 reads JSON by itself
            template = json.dumps(template, indent=1)
        return Version(template, {p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])})

    def resources(self, kind: str) -> dict[str, str]:
        """Those of a type that are there: physical ids by logical ones. What was rolled back or deleted stays listed."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] == kind]
        there = [each for each in found if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in there}

    def finish(self):
        """Waits for the end of what somebody has begun."""
        self.wait(lambda: not (self.status() or "").endswith("_IN_PROGRESS"), f"{self.name} to settle")

    def failures(self) -> str:
        """Why the last operation failed, first cause first."""
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [e for e in events if e["ResourceStatus"].endswith("FAILED") and e.get("ResourceStatusReason")]
        return "\n".join(f"  {e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in reversed(failed))

    # ---- What would change.

    def prepare(self, version: Version, tags: dict[str, str] | None = None) -> ChangeSet | None:
        """A change set that makes the stack this version; none when it is that already. Tags that are not named stay."""
        found = self.describe() or {}
        status, tags = found.get("StackStatus"), {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])} | (tags or {})
        if status in USELESS:
            self.remove()
            status = None
        name = f"deploy-{secrets.token_hex(4)}"
        request = {
            "StackName": self.name,
            "ChangeSetName": name,
            "ChangeSetType": "UPDATE" if status else "CREATE",
            "Parameters": [{"ParameterKey": k, "ParameterValue": str(v)} for k, v in version.parameters.items()],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        } | self._template(version.template)
        if tags:
            request["Tags"] = [{"Key": k, "Value": v} for k, v in tags.items()]
        try:
            self.cloudformation.create_change_set(**request)
        except self.cloudformation.exceptions.ClientError as error:
            raise Problem(f"CloudFormation refused the change set: {error}") from error
        found = self._wait_for_change_set(name)
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "no reason given")
            self.discard(ChangeSet(name, not status, []))
            if any(words in reason for words in NOTHING_CHANGES):
                return None
            raise Problem(f"the change set failed: {reason}")
        return ChangeSet(name, not status, self._changes(name))

    def discard(self, change_set: ChangeSet):
        self.cloudformation.delete_change_set(StackName=self.name, ChangeSetName=change_set.name)
        if change_set.creates:
            self.cloudformation.delete_stack(StackName=self.name)  # the husk

    def _template(self, text: str) -> dict:
        if len(text.encode()) <= INLINE_LIMIT:
            return {"TemplateBody": text}
        s3, bucket = self.cloud.client("s3"), code.code_bucket(self.cloud)
        key = f"{self.name}/template-{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        return {"TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{key}"}

    def _wait_for_change_set(self, name: str) -> dict:
        def found():
            answer = self.cloudformation.describe_change_set(StackName=self.name, ChangeSetName=name)
            return None if answer["Status"].endswith(("_PENDING", "_IN_PROGRESS")) else answer

        return self.wait(found, "the change set to be made")

    def _changes(self, name: str) -> list[Change]:
        pages = self.cloudformation.get_paginator("describe_change_set").paginate(StackName=self.name, ChangeSetName=name)
        found = [c["ResourceChange"] for page in pages for c in page["Changes"] if "ResourceChange" in c]
        return [Change(c["Action"], c["LogicalResourceId"], c["ResourceType"], c.get("Replacement", "")) for c in found]

    # ---- Changing it.

    def execute(self, change_set: ChangeSet, progress: Callable[[dict], None] = lambda _: None):
        """Waits for the end; `progress` is told of each event of a resource."""
        known = {e["EventId"] for e in self._events()}
        self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change_set.name)
        status = self._settle(progress, known)
        if status not in SETTLED:
            raise Problem(f"{self.name} ended in {status}\n{self.failures()}")

    def remove(self, progress: Callable[[dict], None] = lambda _: None, retain: list[str] | None = None) -> str | None:
        """Deletes the stack; the status that it ends in, none when it is gone. `retain` needs a stack whose deletion failed."""
        if self.describe() is None:
            return None
        known = {e["EventId"] for e in self._events()}
        self.cloudformation.delete_stack(StackName=self.name, **({"RetainResources": retain} if retain else {}))
        return self._settle(progress, known)

    def _settle(self, progress: Callable[[dict], None], known: set[str]) -> str | None:
        """The status in which the operation ends, none when the stack is gone. The stack's status alone does not tell: just
        after the call it is still that of the operation before."""
        ends = []

        def settled():
            if self._is_gone():
                return True
            for event in reversed(self._events()):
                if event["EventId"] in known:
                    continue
                known.add(event["EventId"])
                progress(event)
                if event.get("PhysicalResourceId") == event["StackId"] and not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                    ends.append(event["ResourceStatus"])
            return bool(ends)

        self.wait(settled, f"{self.name} to settle")
        if ends[-1:] == ["DELETE_COMPLETE"]:  # the event may come before the end
            self.wait(self._is_gone, f"{self.name} to be gone")
        return ends[-1] if ends and not self._is_gone() else None

    def _is_gone(self) -> bool:
        try:
            return self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
        except self.cloudformation.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return True
            raise

    def _events(self) -> list[dict]:
        """Newest first; a page is enough between two looks. None of a stack that is gone, be it since a moment ago."""
        try:
            return self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        except self.cloudformation.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return []
            raise

    def wait(self, look: Callable, what: str):
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := look()):
            if time.monotonic() > deadline:
                raise Problem(f"waited {WAIT_SECONDS} s for {what}")
            time.sleep(self.cloud.pause)
        return found


def declared(template: str) -> dict[str, str | None]:
    """The template's parameters, with their defaults."""
    section = re.search(r"^Parameters:\n(.*?)^\S", template, re.M | re.S)
    found = re.findall(r"^  (\w+):\n((?:    .*\n)+)", section[1] if section else "", re.M)
    default = {name: re.search(r'^    Default: "?(.*?)"?$', body, re.M) for name, body in found}
    return {name: match and match[1] for name, match in default.items()}


def check_timeouts(template: str, parameters: dict[str, str]) -> str | None:
    """A warning when messages would be given out again while they are worked."""
    known = declared(template) | parameters
    timeout, visibility = int(known["FunctionTimeout"]), int(known["VisibilityTimeout"])
    if visibility < 6 * timeout:
        return f"warning: VisibilityTimeout {visibility} is under 6 x FunctionTimeout {timeout}: for tests only"
    return None
