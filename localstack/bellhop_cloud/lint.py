"""What reads the templates before anybody deploys them: cfn-lint, infra/check, and checkov in an environment of its own."""

import subprocess
import sys
import venv
from pathlib import Path

from bellhop_cloud.settings import HERE, RUN, TEMPLATE, Problem, note
from bellhop_cloud.templates import plain

INFRA = TEMPLATE.parent
PINS = HERE / "checkov.txt"
CHECKOV = RUN / "checkov"


def lint() -> int:
    """The worst exit code of the three; all are run."""
    templates = sorted(INFRA.glob("*.yaml"))
    checks = (
        [Path(sys.executable).parent / "cfn-lint", "--non-zero-exit-code", "informational", "--", *templates],
        [sys.executable, INFRA / "check"],
        [_checkov(), "--config-file", HERE / "checkov.yaml", "--file", *_without_loops(templates)],
    )
    return max([subprocess.run(check).returncode for check in checks])


def _without_loops(templates: list[Path]) -> list[Path]:
    """checkov lays out no Fn::ForEach, and would pass over what a loop makes."""
    folder = RUN / "laid-out"
    folder.mkdir(parents=True, exist_ok=True)
    laid_out = {folder / f"{template.stem}.json": plain(template.read_text()) for template in templates}
    for path, text in laid_out.items():
        path.write_text(text)
    return list(laid_out)


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
