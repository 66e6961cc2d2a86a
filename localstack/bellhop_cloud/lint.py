"""What reads the templates before anybody deploys them: cfn-lint, infra/check, and checkov in an environment of its own."""

import os
import subprocess
import sys
import venv
from pathlib import Path

from bellhop_cloud.settings import HERE, RUN, TEMPLATE, Problem, note

INFRA = TEMPLATE.parent
PINS = HERE / "checkov.txt"
CHECKOV = RUN / "checkov"


def lint() -> int:
    """The worst exit code of the three; all are run."""
    templates = sorted(INFRA.glob("*.yaml"))
    checks = (
        [Path(sys.executable).parent / "cfn-lint", "--non-zero-exit-code", "informational", "--", *templates],
        [sys.executable, INFRA / "check"],
        [_checkov(), "--config-file", HERE / "checkov.yaml", "--file", *templates],
    )
    quiet = os.environ | {"LOG_LEVEL": "ERROR"}  # checkov's: it warns of each Fn::ForEach, which it does not lay out
    return max([subprocess.run(check, env=quiet).returncode for check in checks])


def _checkov() -> Path:
    stamp = CHECKOV / "stamp"
    if not stamp.exists() or stamp.read_text() != PINS.read_text():
        note("setting up checkov (once, half a minute, 270 MB) ...")
        venv.create(CHECKOV, clear=True, with_pip=True)
        install = [CHECKOV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", PINS]
        if subprocess.run(install).returncode:
            raise Problem("checkov cannot be installed from localstack/checkov.txt: look at pip's message above, then lint again")
        stamp.write_text(PINS.read_text())
    return CHECKOV / "bin" / "checkov"
