"""Deploying infra/template.yaml: the same calls for the local cloud, another emulator, and AWS."""

import hashlib
import io
import json
import os
import platform
import re
import struct
import subprocess
import time
import zipfile
from pathlib import Path

from bellhop_cloud import settings
from bellhop_cloud.settings import AUDIENCE, ROOT, RUN, TEMPLATE, Problem, note

WAIT_SECONDS = 300
LOCAL_SENDER = "stays@bellhop.invalid"  # whom guests get mail from in an emulator, which keeps it
ELF_MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
ZIP_TIME = (2020, 1, 1, 0, 0, 0)  # the same binary gives the same zip, so that nothing changes without cause
INLINE_TEMPLATE_LIMIT = 51_200  # CloudFormation's; a larger one goes through S3


def deploy(stack: str, prefix: str, overrides: dict[str, str]):
    started = time.monotonic()
    binaries = {name: _binary(name) for name in functions()}
    archives = {name: _archive(path) for name, path in binaries.items()}
    digest = hashlib.sha256(b"".join(archives[name] for name in sorted(archives))).hexdigest()[:16]
    bucket, key_prefix = _code_bucket(), f"{stack}/{digest}/"  # a new key is how CloudFormation notices new code
    s3 = settings.client("s3")
    for name, archive in archives.items():
        s3.put_object(Bucket=bucket, Key=f"{key_prefix}{name}.zip", Body=archive)
    parameters = {
        "Prefix": prefix,
        "CodeBucket": bucket,
        "CodeKeyPrefix": key_prefix,
        "Architecture": _architecture(binaries.values()),
    }
    if settings.is_emulator():
        parameters |= {"ProtectTables": "false", "MailFrom": LOCAL_SENDER}
    if settings.is_local():
        parameters |= {"OidcIssuer": settings.issuer_url(), "OidcAudience": AUDIENCE}
    parameters |= overrides
    _check_timeouts(parameters)
    if settings.is_emulator() and parameters["MailFrom"]:  # on AWS that takes a person who reads the mail
        settings.client("ses").verify_email_identity(EmailAddress=parameters["MailFrom"])
    outputs = _apply(stack, parameters, _template(s3, bucket, key_prefix))
    if settings.is_local():  # where no resolver finds the name in LocalStack's
        for name in ("Feeds", "Console"):
            outputs[f"{name}Url"] = settings.function_url(outputs[f"{name}FunctionName"])
    RUN.mkdir(parents=True, exist_ok=True)
    (RUN / f"{stack}.json").write_text(json.dumps(outputs, indent=1, sort_keys=True) + "\n")
    note(f"{stack} is deployed after {time.monotonic() - started:.1f} s; its outputs are in localstack/.run/{stack}.json")
    for name, value in sorted(outputs.items()):
        print(f"{name}={value}")


def remove(stack: str):
    cloudformation = settings.client("cloudformation")
    if _describe(cloudformation, stack) is None:
        note(f"there is no stack {stack}")
        return
    cloudformation.delete_stack(StackName=stack)
    status = _wait(cloudformation, stack)
    if status is not None and status != "DELETE_COMPLETE":
        raise Problem(f"{stack} is in {status}\n{_failures(cloudformation, stack)}")
    (RUN / f"{stack}.json").unlink(missing_ok=True)
    note(f"{stack} is removed")


def functions() -> list[str]:
    """The functions that the template deploys: each names its code `${CodeKeyPrefix}NAME.zip`."""
    return subprocess.run([TEMPLATE.parent / "functions"], check=True, capture_output=True, text=True).stdout.split()


def _binary(function: str) -> Path:
    directory = Path(os.environ.get("BELLHOP_FUNCTION_DIR") or ROOT / "target" / "release")
    binary = directory / f"bellhop-{function}"
    if not binary.exists():
        raise Problem(f"{binary} is not there: run `cargo build --release` first, or set BELLHOP_FUNCTION_DIR")
    return binary


def _archive(binary: Path) -> bytes:
    entry = zipfile.ZipInfo("bootstrap", ZIP_TIME)
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compresslevel=1 if settings.is_local() else 9)
    return out.getvalue()


def _architecture(binaries) -> str:
    """Read from the binaries themselves: a function of the wrong architecture only fails when it is first invoked."""
    found = set()
    for binary in binaries:
        with binary.open("rb") as file:
            head = file.read(20)
        if head.startswith(b"\x7fELF"):
            found.add(ELF_MACHINES.get(struct.unpack_from("<H", head, 18)[0], "unknown"))
    if len(found) > 1:
        raise Problem(f"the binaries are of different architectures: {', '.join(sorted(found))}")
    host = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    return found.pop() if found else host


def _check_timeouts(parameters: dict[str, str]):
    defaults = dict(re.findall(r"^  (FunctionTimeout|VisibilityTimeout):.*?Default: (\d+)", TEMPLATE.read_text(), re.M | re.S))
    timeout, visibility = (int((defaults | parameters)[name]) for name in ("FunctionTimeout", "VisibilityTimeout"))
    if visibility < 6 * timeout:
        note(f"warning: VisibilityTimeout {visibility} is under 6 x FunctionTimeout {timeout}: for tests only")


def _code_bucket() -> str:
    account = settings.client("sts").get_caller_identity()["Account"]
    s3 = settings.client("s3")
    region = s3.meta.region_name
    bucket = f"bellhop-code-{account}-{region}"
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=bucket, **place)
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        pass
    return bucket


def _template(s3, bucket: str, key_prefix: str) -> dict:
    body = TEMPLATE.read_text()
    if len(body.encode()) <= INLINE_TEMPLATE_LIMIT:
        return {"TemplateBody": body}
    key = f"{key_prefix}template.yaml"
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    return {"TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{key}"}


def _apply(stack: str, parameters: dict[str, str], template: dict) -> dict[str, str]:
    cloudformation = settings.client("cloudformation")
    current = _describe(cloudformation, stack)
    if current and current["StackStatus"] in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
        remove(stack)  # such a stack can only be deleted
        current = None
    request = {
        "StackName": stack,
        "Parameters": [{"ParameterKey": k, "ParameterValue": str(v)} for k, v in parameters.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": "Stage", "Value": "local" if settings.is_emulator() else "development"}],
    } | template
    try:
        (cloudformation.update_stack if current else cloudformation.create_stack)(**request)
    except cloudformation.exceptions.ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise Problem(str(error)) from error
    status = _wait(cloudformation, stack)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise Problem(f"{stack} ended in {status}\n{_failures(cloudformation, stack)}")
    return {o["OutputKey"]: o["OutputValue"] for o in _describe(cloudformation, stack).get("Outputs", [])}


def _describe(cloudformation, stack: str) -> dict | None:
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _wait(cloudformation, stack: str) -> str | None:
    deadline = time.monotonic() + WAIT_SECONDS
    pause = 0.2 if settings.is_local() else 3
    while True:
        found = _describe(cloudformation, stack)
        status = found and found["StackStatus"]
        if not status or not status.endswith(("_IN_PROGRESS", "_CLEANUP")):
            return status
        if time.monotonic() > deadline:
            raise Problem(f"{stack} is still in {status} after {WAIT_SECONDS} s")
        time.sleep(pause)


def _failures(cloudformation, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [e for e in events if e.get("ResourceStatus", "").endswith("FAILED")]
    return "\n".join(f"  {e['LogicalResourceId']}: {e.get('ResourceStatusReason', '?')}" for e in reversed(failed))
