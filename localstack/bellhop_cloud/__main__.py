"""The commands of `localstack/cloud`."""

import argparse
import json
import os
import subprocess
import sys

from bellhop_cloud import settings
from bellhop_cloud.settings import HERE, RUN, Problem, note


def main() -> int:
    parser = argparse.ArgumentParser(prog="localstack/cloud", description="Bellhop's local cloud, without Docker.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, handler, summary):
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(handler=handler)
        return sub

    command("setup", None, "make localstack/.venv (every other command does it when needed)")
    command("up", up, "start LocalStack and its DynamoDB on loopback; reuses what already runs")
    sub = command("deploy", deploy, "deploy infra/template.yaml with the binaries in target/release")
    sub.add_argument("--stack", help="stack name (default: the prefix)")
    sub.add_argument("--prefix", default="bellhop", help="prefix of every name (default: bellhop)")
    sub.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="template parameters")
    command("remove", remove, "delete a stack").add_argument("--stack", default="bellhop")
    command("down", down, "stop all of it; leaves nothing running")
    command("status", status, "what runs, and which stacks are deployed (JSON)")
    command("env", env, 'print the environment for any AWS client: eval "$(localstack/cloud env)"')
    sub = command("logs", logs, "print what a function wrote")
    sub.add_argument("function", help="full name, as bellhop-calendar")
    sub.add_argument("-f", "--follow", action="store_true", help="go on printing")
    sub = command("token", token, "print a token of the local issuer, for the console's API")
    sub.add_argument("--role", choices=("operator", "manager", "viewer"), default="operator")
    sub.add_argument("--tenant", action="append", default=[], help="of a manager or viewer; may be given several times")
    command("kill", kill, "SIGKILL one running process of a function (for fault injection)").add_argument("function")
    command("lint", lint, "check the templates of infra/ with cfn-lint, infra/check and checkov")
    sub = command("test", test, "run localstack/tests")
    sub.add_argument("--live", action="store_true", help="also on the cloud itself (started if it is down): a stack with a stand-in function")
    args = parser.parse_args()
    try:
        return args.handler(args) or 0
    except Problem as problem:
        note(f"localstack/cloud: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130


def up(_args):
    from bellhop_cloud import processes

    processes.up()


def deploy(args):
    from bellhop_cloud import deploy as deployment

    wrong = [p for p in args.parameters if "=" not in p]
    if wrong:
        raise Problem(f"{wrong[0]} is not NAME=VALUE")
    require_up()
    deployment.deploy(args.stack or args.prefix, args.prefix, dict(p.split("=", 1) for p in args.parameters))


def remove(args):
    from bellhop_cloud import deploy as deployment

    require_up()
    deployment.remove(args.stack)


def require_up():
    from bellhop_cloud import processes

    if settings.is_local() and not processes.running():
        raise Problem("the local cloud does not run: localstack/cloud up")


def down(_args):
    from bellhop_cloud import processes

    processes.down()


def status(_args):
    from bellhop_cloud import processes

    functions = {d.name: processes.function_pids(d.name) for d in sorted((RUN / "functions").glob("*"))}
    state = settings.read_state()
    stacks = {p.stem: json.loads(p.read_text()) for p in sorted(RUN.glob("*.json")) if p != settings.STATE}
    report = {
        "local": settings.is_local(),
        "running": processes.running(),
        "endpoint": settings.endpoint() if settings.is_local() else os.environ.get("AWS_ENDPOINT_URL", "AWS"),
        "dynamodb": settings.dynamodb_endpoint() if settings.is_local() else None,
        "pids": state.get("pids", {}),
        "functions": functions,
        "stacks": list(stacks),
        "issuer": settings.issuer_url() if settings.is_local() else None,
        "console": {stack: outputs.get("ConsoleUrl") for stack, outputs in stacks.items()},
        "feeds": {stack: outputs.get("FeedsUrl") for stack, outputs in stacks.items()},
    }
    print(json.dumps(report, indent=1))


def env(_args):
    if not settings.is_local():
        note("another cloud is set in the environment: nothing to add")
        return
    for name, value in settings.client_environment().items():
        print(f"export {name}={value}")
    print("unset AWS_SESSION_TOKEN AWS_PROFILE")


def logs(args):
    file = RUN / "logs" / f"{args.function}.log"
    if not file.exists():
        raise Problem(f"{args.function} has written nothing yet")
    command = ["tail", "-n", "+1", *(["-f"] if args.follow else []), str(file)]
    sys.stdout.flush()
    os.execvp(command[0], command)


def token(args):
    from bellhop_cloud import issuer

    require_up()
    if not settings.is_local():
        raise Problem("tokens are made for the local cloud alone")
    print(issuer.token(args.role, args.tenant))


def kill(args):
    from bellhop_cloud import processes

    print(processes.kill(args.function))


def lint(_args):
    from bellhop_cloud import lint as linting

    return linting.lint()


def test(args):
    from bellhop_cloud import processes

    started = args.live and settings.is_local() and not processes.running()
    if started:
        processes.up()
    if args.live:
        os.environ["BELLHOP_CLOUD_LIVE"] = "1"
    try:
        return subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", str(HERE / "tests")]).returncode
    finally:
        if started:
            processes.down()


if __name__ == "__main__":
    sys.exit(main())
