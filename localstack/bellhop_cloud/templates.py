"""Reads the templates of infra/ as data: `!GetAtt A.Arn` and the like as ("GetAtt", "A.Arn"), loops laid out."""

import json
import re
from pathlib import Path

import yaml


class Loader(yaml.SafeLoader):
    """Knows CloudFormation's short forms."""


def _tagged(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        return tag, loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return tag, loader.construct_sequence(node, deep=True)
    return tag, loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", _tagged)


def read(text: str) -> dict:
    """A template with its `Fn::ForEach` laid out."""
    template = yaml.load(text, Loader)
    return template | {"Resources": laid_out(template["Resources"])}


def resources(path: Path) -> dict:
    return read(path.read_text())["Resources"]


def laid_out(section: dict) -> dict:
    """Loops as AWS::LanguageExtensions has them: `${Name}` is the item, `&{Name}` the item without what no logical id may have."""
    out = {}
    for key, value in section.items():
        if not key.startswith("Fn::ForEach::"):
            out[key] = value
            continue
        name, items, body = value
        for item in items:
            out |= laid_out(_filled(body, name, item))
    return out


def _filled(value, name: str, item: str):
    match value:
        case ("Ref", str() as ref) if ref == name:
            return item
        case ("GetAtt", [("Sub", str() as logical), attribute]):  # how a loop refers to what it makes
            return "GetAtt", f"{_filled(logical, name, item)}.{attribute}"
    if isinstance(value, str):
        return value.replace(f"${{{name}}}", item).replace(f"&{{{name}}}", re.sub("[^A-Za-z0-9]", "", item))
    if isinstance(value, dict):
        return {_filled(key, name, item): _filled(inner, name, item) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(inner, name, item) for inner in value)
    return value


def long_form(value):
    """Back to what any reader of JSON takes: the long forms of functions."""
    match value:
        case ("Ref" | "Condition" as tag, str() as inner):
            return {tag: inner}
        case ("GetAtt", str() as inner):
            return {"Fn::GetAtt": inner.split(".", 1)}
        case tuple((tag, inner)):
            return {f"Fn::{tag}": long_form(inner)}
        case dict():
            return {key: long_form(inner) for key, inner in value.items()}
        case list():
            return [long_form(inner) for inner in value]
    return value


def plain(text: str) -> str:
    """A template as JSON without loops, and without the transform that lays them out: what CloudFormation takes anywhere."""
    template = {key: value for key, value in read(text).items() if key != "Transform"}
    return json.dumps(long_form(template), indent=1)


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def named(resource) -> str:
    """A resource of the template by its logical name; an ARN by service and resource; anything else as it is written."""
    match resource:
        case ("GetAtt", name):
            return name.removesuffix(".Arn")
        case ("Ref", name):
            return name
        case ("Sub", path):
            arn = re.fullmatch(r"arn:\$\{AWS::Partition}:(\w+):\$\{AWS::Region}:\$\{AWS::AccountId}:(.+)", path)
            return " ".join(arn.groups()) if arn else path
    return resource


def inside(value, kind: type = dict):
    """Everything of a kind in a resource, itself too, those under a condition as well."""
    if isinstance(value, kind):
        yield value
    if isinstance(value, (list, tuple, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from inside(inner, kind)


def statements(value):
    """All policy statements in a resource."""
    return (found for found in inside(value) if "Effect" in found)
