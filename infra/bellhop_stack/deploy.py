"""Builds Bellhop, deploys it, and sees that it works; a version that does not is taken back.

Build, upload under a key made from the content, show the change set, ask, execute, smoke test. When the smoke test fails, the
stack is made again what it was: its former template, code and parameters. What waits in the queues is worked then; nothing
is lost meanwhile."""

import argparse
import json
import sys
import time
from pathlib import Path

from bellhop_stack import build, code, shown, silo, smoke
from bellhop_stack.cloud import TEMPLATE, Cloud, Problem, cloud, note, run, troubles
from bellhop_stack.stack import Stack, Version, check_timeouts, declared

PROGRAM = "infra/deploy"
DEPLOYED, NOT_DEPLOYED, DECLINED, BROKEN = 0, 1, 3, 4
EPILOG = """\
Exit codes: 0 deployed, or nothing to change; 1 not deployed, the stack is as it was; 2 wrong usage; 3 declined;
4 the stack does not work and needs a person.

An upgrade keeps each parameter that is not named. For the local cloud: eval "$(localstack/cloud env)" first.
The smoke test registers a property of the tenant `bellhop-smoke`, and starts each function once with nothing to do."""


def main() -> int:
    arguments = parse()
    where = cloud(arguments.region)
    stack = Stack(where, arguments.prefix)
    smoke.command_line() if arguments.built else build.build_command_line()
    built = Path(arguments.built) if arguments.built else build.build(where, arguments.architecture)
    former, tags = stack.version(), {"Application": "bellhop"} | ({"Stage": arguments.stage} if arguments.stage else {})
    version = plan(where, arguments, former, code.upload(where, stack.name, built))
    if warning := check_timeouts(version.template, version.parameters):
        note(warning)
    report = {"stack": stack.name, "region": where.region, "code": version.parameters["CodeKeyPrefix"]}
    changes = stack.prepare(version, tags)
    if changes is None:
        note(f"{stack.name} is up to date already")
    else:
        note(shown.changes(stack.name, changes))
        if not (arguments.yes or shown.agreed("Execute it?")):
            stack.discard(changes)
            return tell(arguments, report, DECLINED, "declined")
        try:
            shown.progress(stack, changes)
        except Problem as problem:  # CloudFormation has rolled back
            note(str(problem))
            settled = former is not None and stack.status() == "UPDATE_ROLLBACK_COMPLETE"
            return tell(arguments, report, NOT_DEPLOYED if settled or former is None else BROKEN, "failed")
    if arguments.no_smoke_test:
        silos_to_follow(stack, arguments.stage)
        return tell(arguments, report, DEPLOYED, "deployed, not tested")
    try:
        tested(where, stack, arguments.smoke_seconds)
    except smoke.Failed as failure:
        note(f"smoke test: FAILED\n  {failure}")
        if not (changes and changes.changes and former):
            note("there is no former version to go back to; look at the logs, deploy again, or take it away with infra/remove")
            return tell(arguments, report, BROKEN, "smoke test failed")
        return roll_back(arguments, stack, former, tags, report)
    silos_to_follow(stack, arguments.stage)
    return tell(arguments, report, DEPLOYED, "deployed" if changes and changes.changes else "up to date", outputs=stack.outputs())


def plan(where: Cloud, arguments: argparse.Namespace, former: Version | None, uploaded: dict[str, str]) -> Version:
    """The version to deploy: what is named, else what it was before, else the template's defaults."""
    template = TEMPLATE.read_text()
    if former and "Tenant" in former.parameters:  # its queues would go
        raise Problem(f"the stack {arguments.prefix} is the silo of {former.parameters['Tenant']}: expected another prefix")
    known = declared(template)
    emulated = {"ProtectTables": "false"} if where.is_emulator else {}
    given = file_parameters(arguments.parameters) | dict(pair.split("=", 1) for pair in arguments.overrides)
    if arguments.stage and "Stage" in known:
        given = {"Stage": arguments.stage} | given
    if unknown := sorted(given.keys() - known.keys()):
        raise Problem(f"the template has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    kept = {name: value for name, value in (former.parameters if former else emulated).items() if name in known}
    return Version(template, kept | given | {"Prefix": arguments.prefix} | uploaded)


def file_parameters(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise Problem(f'{path}: {error}; expected a JSON object as {{"MailFrom": "stays@example.com"}}') from error
    if not isinstance(found, dict):
        raise Problem(f'{path} is no JSON object; expected {{"NAME": "VALUE", ...}}')
    return {name: str(value) for name, value in found.items()}


def tested(where: Cloud, stack: Stack, seconds: float):
    outputs = stack.outputs()
    started = time.monotonic()
    smoke.test(where, stack.name, outputs, seconds)
    functions = sum(key.endswith("FunctionName") for key in outputs)
    note(f"smoke test: {functions} functions start, an event is done ({time.monotonic() - started:.1f} s)")


def silos_to_follow(stack: Stack, stage: str | None):
    """Names those that are behind. The version is deployed by now, and stays so whatever is found or not."""
    update = f"infra/silo update --all --prefix {stack.name}" + (f" --stage {stage}" if stage else "")
    try:
        every = silo.silos(stack.cloud, stack.name)
        behind = silo.outdated(stack.cloud, stack.name, every)
    except troubles() as trouble:
        note(f"it cannot be told which silos are not as this version has them ({trouble}): {update}")
        return
    if behind:
        note(f"{len(behind)} of {len(every)} silos are not as this version has them ({', '.join(behind)}): {update}")


def roll_back(arguments: argparse.Namespace, stack: Stack, former: Version, tags: dict, report: dict) -> int:
    note(f"rolling back to {former.parameters['CodeKeyPrefix']} ...")
    try:
        if changes := stack.prepare(former, tags):
            shown.progress(stack, changes)
        tested(stack.cloud, stack, arguments.smoke_seconds)
    except (Problem, smoke.Failed) as failure:
        note(f"the former version is not back, or does not work either: {failure}")
        return tell(arguments, report, BROKEN, "roll-back failed")
    return tell(arguments, report | {"code": former.parameters["CodeKeyPrefix"]}, NOT_DEPLOYED, "rolled back")


def tell(arguments: argparse.Namespace, report: dict, exit_code: int, result: str, **more) -> int:
    note(f"{report['stack']}: {result}")
    if arguments.json:
        print(json.dumps(report | {"result": result} | more))
    return exit_code


def parse() -> argparse.Namespace:
    stage = "as prod or staging: tags the stack, and names it bellhop-STAGE unless --prefix does"
    parser = shown.parser(PROGRAM, __doc__, EPILOG, stage)
    parser.add_argument("--parameters", metavar="FILE", help="template parameters, as a JSON object")
    parser.add_argument("--architecture", choices=build.TARGETS, default="arm64", help="of what is built for AWS (default: arm64)")
    parser.add_argument("--built", metavar="FOLDER", help="build nothing: the binaries lie there, as cargo or cargo-lambda lays them")
    parser.add_argument("--no-smoke-test", action="store_true", help="deploy without looking whether it works")
    parser.add_argument("--smoke-seconds", type=float, default=120, metavar="N", help="how long an event may take (default: 120)")
    parser.add_argument("--json", action="store_true", help="end with a line of JSON: stack, region, code, result, outputs")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="template parameters; they win over the file")
    arguments = shown.parsed(parser)
    if wrong := [pair for pair in arguments.overrides if "=" not in pair]:
        parser.error(f"{wrong[0]} is not NAME=VALUE")
    return arguments


if __name__ == "__main__":
    sys.exit(run(main, PROGRAM))
