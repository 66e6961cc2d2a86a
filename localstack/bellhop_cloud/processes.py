"""Starting and stopping the local cloud: bellhop-dynamodb, LocalStack, and the function processes under it.

Every process that belongs to this clone carries BELLHOP_CLOUD_RUN=<its run directory> in its environment; that is how
it is found again, whatever happened to its parent, and why nobody else's process is ever touched."""

import configparser
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psutil

from bellhop_cloud import settings
from bellhop_cloud.settings import HERE, HOST, ROOT, RUN, STATE, Problem, note

START_SECONDS = 90
STOP_SECONDS = 8


def ours() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("BELLHOP_CLOUD_RUN") == str(RUN) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # gone meanwhile, or another user's
            continue
    return found


def running() -> bool:
    pids = set(settings.read_state().get("pids", {}).values())
    return bool(pids) and pids <= {process.pid for process in ours()} and _answers(f"{settings.endpoint()}/_localstack/health")


def up():
    if not settings.is_local():
        note(f"using {os.environ.get('AWS_ENDPOINT_URL') or 'AWS'}: nothing to start")
        return
    if running():
        note(f"the local cloud already runs at {settings.endpoint()}")
        return
    down(quiet=True)  # what a crash may have left
    ports = (
        (settings.port(), "BELLHOP_LOCAL_PORT"), (settings.dynamodb_port(), "BELLHOP_DYNAMODB_PORT"),
        (settings.issuer_port(), "BELLHOP_ISSUER_PORT"),
    )  # fmt: skip
    for port, name in ports:
        _require_free(port, name)
    started = time.monotonic()
    (RUN / "logs").mkdir(parents=True, exist_ok=True)
    state = {"port": settings.port(), "dynamodb_port": settings.dynamodb_port(), "issuer_port": settings.issuer_port(), "pids": {}}
    try:
        state["pids"]["dynamodb"] = _start("dynamodb", [str(_dynamodb_binary()), "--port", str(state["dynamodb_port"])])
        state["pids"]["localstack"] = _start("localstack", [sys.executable, "-m", "localstack.runtime.main"])
        issuer = [sys.executable, "-m", "bellhop_cloud.issuer", "--port", str(state["issuer_port"])]
        state["pids"]["issuer"] = _start("issuer", issuer)
        STATE.write_text(json.dumps(state, indent=1))
        _wait_until_ready(state["pids"])
    except BaseException:
        down(quiet=True)
        raise
    note(f"the local cloud is up at {settings.endpoint()} after {time.monotonic() - started:.1f} s")


def down(quiet: bool = False):
    """SIGTERM, and SIGKILL to what is still there after a deadline: LocalStack can hang with a busy poller."""
    processes = ours()
    _stop([p for p in processes if p.pid in settings.read_state().get("pids", {}).values()] or processes)
    for process in ours():  # function processes, and anything that outlived its parent
        _quietly(process.kill)
    left = psutil.wait_procs(ours(), timeout=STOP_SECONDS)[1]
    if left:
        raise Problem(f"still running after SIGKILL: {[p.pid for p in left]}")
    STATE.unlink(missing_ok=True)
    for name in ("volume", "tmp", "functions", "hooks"):
        shutil.rmtree(RUN / name, ignore_errors=True)
    for outputs in RUN.glob("*.json"):  # stacks that no longer exist
        outputs.unlink()
    if not quiet:
        note("the local cloud is down" if processes else "nothing was running")


def kill(function: str) -> int:
    """SIGKILLs one process of a function, picked at random, in the middle of whatever it does."""
    pids = function_pids(function)
    while pids:
        pid = pids.pop(random.randrange(len(pids)))
        try:
            os.kill(pid, signal.SIGKILL)
            return pid
        except ProcessLookupError:
            continue
    raise Problem(f"no process of {function} runs")


def function_pids(function: str) -> list[int]:
    directory = RUN / "functions" / function
    return [int(file.name) for file in directory.iterdir()] if directory.is_dir() else []


def _environment() -> dict[str, str]:
    port = settings.port()
    scratch = RUN / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    wanted = ("PATH", "HOME", "LANG", "BELLHOP_LOCAL_CONCURRENCY", "BELLHOP_LOCAL_RUN")
    kept = {name: os.environ[name] for name in wanted if name in os.environ}
    return kept | {
        "BELLHOP_CLOUD_RUN": str(RUN),
        "BELLHOP_DYNAMODB_URL": settings.dynamodb_endpoint(),
        "TMPDIR": str(scratch),  # LocalStack calls it deprecated, but it is what keeps /tmp clean
        # Loopback only.
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "LOCALSTACK_HOST": f"{HOST}:{port}",
        "GATEWAY_SERVER": "bellhop_loopback",
        "EXTRA_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port}",  # pages of our functions ask their own function
        "DNS_ADDRESS": "0",
        "SQS_ENDPOINT_STRATEGY": "off",  # queue URLs with the plain address instead of a host name to resolve
        # No telemetry, no downloads.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "LOCALSTACK_VOLUME_DIR": str(RUN / "volume"),
        "FILESYSTEM_ROOT": str(RUN / "volume"),
        "XDG_CACHE_HOME": str(RUN / "cache"),
        # Our plugins.
        "LAMBDA_RUNTIME_EXECUTOR": "bellhop_process",
        "PROVIDER_OVERRIDE_DYNAMODB": "bellhop_external",
        # The poller waits in SQS: no pause of its own in between.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.001",
        "LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES": "6291556",
        "CFN_NO_WAIT_ITERATIONS": "50",  # a second is what it waits from then on; things are made in some milliseconds here
        "SQS_CLOUDWATCH_METRICS_REPORT_INTERVAL": "5",  # seconds; AWS takes a minute
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",  # of SES's: it has mail without them
        "EAGER_SERVICE_LOADING": "0",
        "LS_LOG": os.environ.get("BELLHOP_LOCAL_LOG", "warning"),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONUNBUFFERED": "1",
    }


def _dynamodb_binary():
    binary = ROOT / "target" / "debug" / "bellhop-dynamodb"
    if not binary.exists():
        note("building bellhop-dynamodb (once, about a minute) ...")
        if subprocess.run(["cargo", "build", "--quiet", "-p", "bellhop-dynamodb"], cwd=ROOT).returncode:
            raise Problem("cargo build -p bellhop-dynamodb failed")
    return binary


def _start(name: str, command: list[str]) -> int:
    with (RUN / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=HERE, env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return process.pid


def _wait_until_ready(pids: dict[str, int]):
    deadline = time.monotonic() + START_SECONDS
    missing = {
        "dynamodb": settings.dynamodb_endpoint(), "localstack": f"{settings.endpoint()}/_localstack/health",
        "issuer": f"{settings.issuer_url()}/keys",
    }  # fmt: skip
    while missing:
        for name, url in list(missing.items()):
            if _answers(url):
                del missing[name]
            elif psutil.Process(pids[name]).status() == psutil.STATUS_ZOMBIE:
                raise Problem(f"{name} did not start:\n{_tail(name)}")
        if time.monotonic() > deadline:
            raise Problem(f"not ready after {START_SECONDS} s: {', '.join(missing)}\n{_tail(next(iter(missing)))}")
        time.sleep(0.1)
    declared = configparser.ConfigParser(delimiters="=")
    declared.read(HERE / "entry_points.txt")
    if silent := [name for name in declared["localstack.hooks.on_infra_start"] if not (RUN / "hooks" / name).exists()]:
        raise Problem(f"LocalStack left out {', '.join(silent)}\n{_tail('localstack')}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _require_free(port: int, variable: str):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Problem(
                f"port {port} is taken by something that this clone did not start; stop it, or choose another port: "
                f"{variable}=N localstack/cloud up"
            ) from error


def _stop(processes: list[psutil.Process]):
    for process in processes:
        _quietly(process.terminate)
    for process in psutil.wait_procs(processes, timeout=STOP_SECONDS)[1]:
        _quietly(process.kill)


def _quietly(action):
    try:
        action()
    except psutil.NoSuchProcess:
        pass


def _tail(name: str) -> str:
    return "\n".join((RUN / "logs" / f"{name}.log").read_text(errors="replace").splitlines()[-15:])
