"""Which cloud, and how we talk to the person before it."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"


class Problem(Exception):
    """Something the user can mend; shown without a traceback."""


def note(text: str):
    """Progress, on standard error, so that standard output stays for answers."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Cloud:
    client: Callable  # a boto3 client by the name of its service
    is_emulator: bool
    pause: float  # seconds between two looks at something that is under way

    @property
    def region(self) -> str:
        return self.client("s3").meta.region_name

    @property
    def account(self) -> str:
        return self.client("sts").get_caller_identity()["Account"]


def cloud(region: str | None) -> Cloud:
    """The cloud of the environment: profile, region and AWS_ENDPOINT_URL as any AWS tool reads them."""
    import boto3

    region = region or os.environ.get("AWS_REGION") or None  # boto3 itself reads AWS_DEFAULT_REGION only
    session = boto3.Session(region_name=region)
    if not session.region_name:
        raise Problem("no region: expected one in --region, AWS_REGION or the profile; for instance --region eu-west-1")
    if not session.get_credentials():
        raise Problem('no credentials: sign in (`aws sso login`, AWS_PROFILE), or for the local cloud: eval "$(localstack/cloud env)"')
    os.environ["AWS_REGION"] = session.region_name  # for `bellhop`, which we call
    is_emulator = "amazonaws.com" not in os.environ.get("AWS_ENDPOINT_URL", "amazonaws.com")
    return Cloud(session.client, is_emulator, pause=0.2 if is_emulator else 3)


def troubles() -> tuple[type[Exception], ...]:
    """What is told without a traceback: ours, and what the cloud refuses or does not answer."""
    import botocore.exceptions

    return Problem, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError


def run(main: Callable[[], int], program: str) -> int:
    """A command's main, with its exit code when it cannot go on: 1, or 130 when it was interrupted."""
    try:
        return main()
    except troubles() as problem:
        note(f"{program}: {problem}")
        return 1
    except KeyboardInterrupt:
        note(f"{program}: interrupted; what CloudFormation has begun it goes on with: `aws cloudformation describe-stacks` shows it")
        return 130
