"""Deploying infra/template.yaml for development: no questions, no smoke test, and what only an emulator needs. How a stack
is made is in infra/bellhop_stack, as for `infra/deploy`."""

import json
import os
import time
from pathlib import Path

from bellhop_stack import code
from bellhop_stack.cloud import Cloud
from bellhop_stack.stack import Stack, Version, check_timeouts

from bellhop_cloud import settings
from bellhop_cloud.settings import AUDIENCE, ROOT, RUN, TEMPLATE, Problem, note

LOCAL_SENDER = "stays@bellhop.invalid"  # whom guests get mail from in an emulator, which keeps it


def deploy(name: str, prefix: str, overrides: dict[str, str]):
    started = time.monotonic()
    stack, template = _stack(name), TEMPLATE.read_text()
    built = Path(os.environ.get("BELLHOP_FUNCTION_DIR") or ROOT / "target" / "release")
    parameters = {"Prefix": prefix} | code.upload(stack.cloud, name, built) | emulator_parameters() | overrides
    if warning := check_timeouts(template, parameters):
        note(warning)
    if settings.is_emulator() and parameters["MailFrom"]:  # on AWS that takes a person who reads the mail
        settings.client("ses").verify_email_identity(EmailAddress=parameters["MailFrom"])
    tags = {"Stage": "local" if settings.is_emulator() else "development"}
    if changes := stack.prepare(Version(template, parameters), tags):
        stack.execute(changes)
    outputs = stack.outputs()
    if settings.is_local():  # where no resolver finds the name in LocalStack's
        for function in ("Feeds", "Console"):
            outputs[f"{function}Url"] = settings.function_url(outputs[f"{function}FunctionName"])
    RUN.mkdir(parents=True, exist_ok=True)
    (RUN / f"{name}.json").write_text(json.dumps(outputs, indent=1, sort_keys=True) + "\n")
    note(f"{name} is deployed after {time.monotonic() - started:.1f} s; its outputs are in localstack/.run/{name}.json")
    for key, value in sorted(outputs.items()):
        print(f"{key}={value}")


def remove(name: str):
    stack = _stack(name)
    if stack.describe() is None:
        note(f"there is no stack {name}")
        return
    status = stack.remove()
    if status is not None:
        raise Problem(f"{name} is in {status}\n{stack.failures()}")
    (RUN / f"{name}.json").unlink(missing_ok=True)
    note(f"{name} is removed")


def emulator_parameters() -> dict[str, str]:
    parameters = {"ProtectTables": "false", "MailFrom": LOCAL_SENDER} if settings.is_emulator() else {}
    if settings.is_local():
        parameters |= {"OidcIssuer": settings.issuer_url(), "OidcAudience": AUDIENCE}
    return parameters


def _stack(name: str) -> Stack:
    pause = 0.2 if settings.is_local() else 3
    return Stack(Cloud(settings.client, settings.is_emulator(), pause), name)
