"""What the templates say, as plain data."""

from collections import Counter
from pathlib import Path

import yaml

from bellhop_stack.cloud import TEMPLATE


class _Loader(yaml.SafeLoader):
    """Reads `!GetAtt A.Arn` and the like as ("GetAtt", "A.Arn")."""


def _tagged(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        return tag, loader.construct_scalar(node)
    return tag, loader.construct_sequence(node, deep=True)


_Loader.add_multi_constructor("!", _tagged)


def read(path: Path = TEMPLATE) -> dict:
    return yaml.load(path.read_text(), _Loader)


def kinds(path: Path) -> Counter:
    """How many resources of each type a template makes; none when there is no such template. What stands under a condition
    counts: a stack that leaves it out costs less."""
    return Counter(each["Type"] for each in read(path)["Resources"].values()) if path.exists() else Counter()
