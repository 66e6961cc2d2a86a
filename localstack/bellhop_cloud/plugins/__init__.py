"""What LocalStack 4.14.0 needs to be a faithful local cloud without Docker. It loads these by entry point, at start."""

import os
import warnings
from pathlib import Path

import typing_extensions

# LocalStack imports warnings.deprecated, which is new in Python 3.13, although it claims to run on older ones.
if not hasattr(warnings, "deprecated"):
    warnings.deprecated = typing_extensions.deprecated


def loaded(hook: str):
    """Tells `cloud up` that a hook ran: LocalStack leaves out a plugin that it cannot load without a word."""
    if directory := os.environ.get("BELLHOP_CLOUD_RUN"):
        (Path(directory) / "hooks").mkdir(parents=True, exist_ok=True)
        (Path(directory) / "hooks" / hook).touch()
