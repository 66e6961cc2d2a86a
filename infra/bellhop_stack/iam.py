"""What IAM allows: an explicit deny, else an allow, of identity policies and of the policies that stand on resources.

Left out, since the templates have none of it: permission boundaries, session policies, service control policies, grants of KMS,
principals with NotPrincipal, policy variables. What is met of it, and any unknown operator, is refused and not passed over."""

import re
from dataclasses import dataclass, field
from functools import cache

from bellhop_cloud.templates import listed
from bellhop_stack.cloud import Problem

KNOWN = {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"}


@dataclass(frozen=True)
class Request:
    action: str
    resource: str
    principal: str  # an ARN, or the name of a service
    context: dict[str, str] = field(default_factory=lambda: {"aws:SecureTransport": "true"}, hash=False)


def allowed(request: Request, identity: list[dict], resource: list[dict] = ()) -> bool:
    """Within one account an allow on either side is enough."""
    found = [s for s in identity if concerns(s, request)]
    found += [s for s in resource if concerns(s, request) and is_principal(s.get("Principal"), request.principal)]
    effects = {s["Effect"] for s in found}
    return "Deny" not in effects and "Allow" in effects


def concerns(statement: dict, request: Request) -> bool:
    if unknown := statement.keys() - KNOWN:
        raise Problem(f"a statement has {', '.join(sorted(unknown))}, which is not modelled")
    return (
        is_of(statement, request.action)
        and ("Resource" not in statement and "NotResource" not in statement or chosen(statement, "Resource", request.resource, arn_pattern))
        and all(holds(operator, keys, request.context) for operator, keys in statement.get("Condition", {}).items())
    )


def is_of(statement: dict, action: str) -> bool:
    return chosen(statement, "Action", action.lower(), lambda pattern: glob(pattern.lower()))


def chosen(statement: dict, what: str, value: str, pattern) -> bool:
    if f"Not{what}" in statement:
        return not any(pattern(each).fullmatch(value) for each in listed(statement[f"Not{what}"]))
    return any(pattern(each).fullmatch(value) for each in listed(statement[what]))


@cache
def glob(pattern: str, star: str = ".*") -> re.Pattern:
    if "${" in pattern:
        raise Problem(f"the policy variable in {pattern} is not modelled")
    return re.compile("".join({"*": star, "?": "."}.get(c, re.escape(c)) for c in pattern), re.S)


@cache
def arn_pattern(pattern: str) -> re.Pattern:
    """A wildcard does not leave its part of an ARN, but for the last; parts that are left out are wildcards."""
    if pattern == "*":
        return glob("*")
    parts = pattern.split(":", 5)
    parts += ["*"] * (6 - len(parts))
    return re.compile(":".join([glob(part, "[^:]*").pattern for part in parts[:5]] + [glob(parts[5]).pattern]), re.S)


def is_principal(stated, principal: str) -> bool:
    """An account stands for each of its principals whom their own policies let; here they always do, which is the wider reading."""
    if stated == "*":
        return True
    for kind, every in (stated or {}).items():
        for each in listed(every):
            account = re.fullmatch(r"(?:arn:aws:iam::)?([0-9]{12})(?::root)?", each) if kind == "AWS" else None
            if each in ("*", principal) or account and principal.startswith(f"arn:aws:iam::{account[1]}:"):
                return True
    return False


def holds(operator: str, keys: dict, context: dict[str, str]) -> bool:
    """All keys of one operator; of a key's values one is enough, or none where the operator negates."""
    base, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    known = {key.lower(): value for key, value in context.items()}
    for key, values in keys.items():
        actual, wanted = known.get(key.lower()), [str(v).lower() if base in ("Bool", "Null") else str(v) for v in listed(values)]
        if base == "Null":
            if (actual is None) != (wanted == ["true"]):
                return False
            continue
        negated = "Not" in base
        if base.replace("Not", "") not in MATCH:
            raise Problem(f"the condition operator {operator} is not modelled")
        if actual is None:
            if not (negated or if_exists):
                return False
            continue
        if any(MATCH[base.replace("Not", "")](each, actual) for each in wanted) == negated:
            return False
    return True


MATCH = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": lambda wanted, actual: bool(glob(wanted).fullmatch(actual)),
    "ArnEquals": lambda wanted, actual: bool(arn_pattern(wanted).fullmatch(actual)),
    "ArnLike": lambda wanted, actual: bool(arn_pattern(wanted).fullmatch(actual)),
    "Bool": lambda wanted, actual: wanted == actual.lower(),
}
