"""What a person sees of a deployment: what would change, a question, and how it goes on."""

import argparse
import sys
import time

from bellhop_stack.cloud import note
from bellhop_stack.stack import ChangeSet, Stack

MARKS = {"Add": "+", "Modify": "~", "Remove": "-"}


def parser(program: str, description: str | None, epilog: str, stage: str) -> argparse.ArgumentParser:
    """What every command about a stack is told."""
    told = argparse.ArgumentParser(
        prog=program, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options(told, stage)
    return told


def options(told: argparse.ArgumentParser, stage: str, asks: bool = True):
    told.add_argument("--stage", help=stage)
    told.add_argument("--prefix", help="name of the stack and first part of every name (default: bellhop)")
    told.add_argument("--region", help="AWS region (default: AWS_REGION, or the profile's)")
    if asks:
        told.add_argument("--yes", action="store_true", help="do not ask")


def parsed(told: argparse.ArgumentParser) -> argparse.Namespace:
    """With the name of the stack; ends where somebody must be asked and nobody can."""
    arguments = told.parse_args()
    if not (getattr(arguments, "yes", True) or sys.stdin.isatty()):
        told.error("nobody can be asked here: expected --yes, or a terminal")
    arguments.prefix = arguments.prefix or (f"bellhop-{arguments.stage}" if arguments.stage else "bellhop")
    return arguments


def changes(stack: str, change_set: ChangeSet) -> str:
    """A table; what is replaced or removed comes first, for it may take data along."""
    rows = [("action", "resource", "type", "replacement")]
    harmless = {"False", ""}
    for change in sorted(change_set.changes, key=lambda c: (c.action != "Remove" and c.replacement in harmless, c.action, c.resource)):
        replacement = "" if change.replacement in harmless else {"True": "REPLACED"}.get(change.replacement, change.replacement)
        rows.append((f"{MARKS.get(change.action, '?')} {change.action}", change.resource, change.kind, replacement))
    kind = "a new stack" if change_set.creates else "a change"
    return f"{stack}: {kind}, {len(change_set.changes)} resources\n{table(rows)}"


def table(rows: list[tuple[str, ...]]) -> str:
    """The first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def progress(stack: Stack, change_set: ChangeSet):
    """Executes it, a line for each resource that is done or failed."""
    started, done = time.monotonic(), set()

    def told(event: dict):
        status, name = event["ResourceStatus"], event["LogicalResourceId"]
        if status.endswith("FAILED"):
            note(f"  {status} {name}: {event.get('ResourceStatusReason', 'no reason given')}")
        elif status.endswith("_COMPLETE") and name != stack.name and name not in done:
            done.add(name)
            note(f"  {len(done):>3} of {len(change_set.changes)} {name}")

    stack.execute(change_set, told)
    note(f"{stack.name} is deployed after {time.monotonic() - started:.0f} s")
