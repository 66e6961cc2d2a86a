"""Building the functions: with cargo-lambda for AWS, whose machines are others than ours; with cargo alone for an emulator,
which runs them here."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bellhop_stack import code
from bellhop_stack.cloud import ROOT, Cloud, Problem, note

REQUIREMENTS = ROOT / "infra" / "requirements-build.txt"
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}


def build(cloud: Cloud, architecture: str) -> Path:
    """Builds the functions; returns the folder that they lie in."""
    packages = [argument for name in code.functions() for argument in ("-p", f"bellhop-{name}")]
    if cloud.is_emulator:
        _run("cargo", "build", "--release", *packages)
        return ROOT / "target" / "release"
    _need_cargo_lambda()
    if shutil.which("rustup"):
        _run("rustup", "target", "add", TARGETS[architecture])
    _run("cargo", "lambda", "build", "--release", "--target", TARGETS[architecture], *packages)
    return ROOT / "target" / "lambda"


def build_command_line():
    """`bellhop`, which the smoke test and the removal ask."""
    _run("cargo", "build", "-p", "bellhop")


def _need_cargo_lambda():
    wanted = dict(line.strip().split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    if any(_installed(name) != version for name, version in wanted.items()):
        note("fetching cargo-lambda and its linker into localstack/.venv (once, about 100 MB) ...")
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        _run(*pip, "-r", str(REQUIREMENTS))


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _run(*command: str):
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # cargo finds cargo-lambda by PATH
    try:
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": tools}, stdout=sys.stderr, check=False)
    except FileNotFoundError as error:
        raise Problem(f"{command[0]} is not installed: https://rustup.rs brings it; or deploy what is built: --built FOLDER") from error
    if done.returncode:
        raise Problem(f"`{' '.join(command[:3])} ...` ended with {done.returncode}; or deploy what is built: --built FOLDER")
