"""Where things are, which ports, and whether the cloud is ours or the user's. Nothing here is slow to import."""

import json
import os
from pathlib import Path

from bellhop_stack.cloud import ROOT, TEMPLATE, Problem, note  # noqa: F401 (one place for those who need ours too)

HERE = ROOT / "localstack"
RUN = Path(os.environ.get("BELLHOP_LOCAL_RUN") or HERE / ".run")  # another one is another cloud, with ports of its own
STATE = RUN / "cloud.json"  # what `up` started: ports and process ids
HOST = "127.0.0.1"
ACCOUNT = "000000000000"
# Batches of one event source mapping at a time: its MaximumConcurrency, but never more processes than a small machine carries.
CONCURRENCY = int(os.environ.get("BELLHOP_LOCAL_CONCURRENCY") or 10)
# How long its poll waits; a message ends the wait at once, a longer one makes stopping slow. A poll costs some 4 ms, and ten silos
# have a hundred mappings: what is idle, for so many polls in a row have brought nothing, polls less often.
POLL_SECONDS, IDLE_POLL_SECONDS, IDLE_AFTER_POLLS = 1, 5, 20
AUDIENCE = "bellhop-console"  # whom the local issuer's tokens are meant for


def read_state() -> dict:
    try:
        return json.loads(STATE.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def port() -> int:
    return int(read_state().get("port") or os.environ.get("BELLHOP_LOCAL_PORT") or 4566)


def dynamodb_port() -> int:
    return int(read_state().get("dynamodb_port") or os.environ.get("BELLHOP_DYNAMODB_PORT") or 4570)


def issuer_port() -> int:
    return int(read_state().get("issuer_port") or os.environ.get("BELLHOP_ISSUER_PORT") or port() + 20)


def issuer_url() -> str:
    """Where people sign in locally; see issuer.py."""
    return f"http://{HOST}:{issuer_port()}"


def endpoint() -> str:
    return f"http://{HOST}:{port()}"


def function_url(function: str) -> str:
    """The address of a function that HTTP starts; see plugins/function_url.py."""
    return f"{endpoint()}/_bellhop/url/{function}/"


def dynamodb_endpoint() -> str:
    return f"http://{HOST}:{dynamodb_port()}"


def is_local() -> bool:
    """False when the user points at another cloud: then nothing is started and calls go where the SDK says."""
    if os.environ.get("BELLHOP_CLOUD") == "aws":
        return False
    return os.environ.get("AWS_ENDPOINT_URL") in (None, "", endpoint())


def is_emulator() -> bool:
    return is_local() or "amazonaws.com" not in os.environ.get("AWS_ENDPOINT_URL", "amazonaws.com")


def client_environment() -> dict[str, str]:
    """What a client of the local cloud needs. DynamoDB is reached directly: LocalStack's detour is slow."""
    return {
        "AWS_ENDPOINT_URL": endpoint(),
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_endpoint(),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def client(service: str):
    """A boto3 client: of the local cloud, or of whatever the user's environment and profile say."""
    import boto3

    if is_local():
        os.environ.update(client_environment())
        os.environ.pop("AWS_PROFILE", None)
        os.environ.pop("AWS_SESSION_TOKEN", None)
    return boto3.client(service, region_name=os.environ.get("AWS_REGION"))  # boto3 itself reads AWS_DEFAULT_REGION only
