"""Who reaches what: the policies of the templates, evaluated as IAM does, for ten tenants of the pool and ten with silos.

Each producer's role and each function's is tried against every queue, table, secret, topic, function and key of the stack, of its
silos and of other stacks beside it, and against the code bucket: what must be possible is, and nothing else. Then who may take
which producer's role, by its external id.

IAM cannot tell the tenants of the pool apart: their producers share queues, so each can post for any of them, and that one system
stands behind all is what the pool rests on. Nor does it tell tenants apart for functions, which serve all: what keeps these from
mixing them is in the code. What is not modelled is said in bellhop_stack/iam.py."""

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bellhop_cloud.templates import listed
from bellhop_stack import iam, resolve, shown
from bellhop_stack.cloud import ROOT, TEMPLATE, run
from bellhop_stack.iam import Request
from bellhop_stack.resolve import ACCOUNT, REGION, Resolved

PROGRAM = "infra/isolation"
SILO_TEMPLATE = ROOT / "infra" / "tenant.yaml"
PREFIX = "bellhop"
POOL = ("hill", "hill_side", "sea_automation", "pool", "dlq_automation", "a_b", "bellhop_sea", "silo", "p_operational-calendar", "x")
# Names in names, and those of queues: what a pattern that is too wide would take for one another.
SILOS = ("sea", "sea-side", "sea-side-automation", "a", "automation", "automation-dlq", "operational-calendar", "bellhop", "hill", "x-synchronization")
OTHER_STACKS = {"bellhop-x": ("sea", "automation"), "bell": ("sea", "hop"), "bellhop-sea": ("a",), "bellhopx": ("sea",)}  # and their silos
KEY, OTHER_KEY = (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}" for name in ("ours", "another"))
VENDOR, EXTERNAL = "arn:aws:iam::444455556666:role/vendor", "444455556666"  # one system of two tenants: the external id tells them apart

POST = {"sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}
ITEMS = {f"dynamodb:{name}" for name in ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem")}
TRIED = {
    "sqs": POST | CONSUME | {f"sqs:{name}" for name in ("PurgeQueue", "SetQueueAttributes", "DeleteQueue", "CreateQueue", "AddPermission", "StartMessageMoveTask")},
    "dynamodb": ITEMS | {f"dynamodb:{name}" for name in ("Scan", "PartiQLSelect", "PartiQLDelete", "DeleteTable", "UpdateTable", "ExportTableToPointInTime")},
    "s3": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
    "kms": {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CreateGrant"},
    "secretsmanager": {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:DeleteSecret"},
    "sns": {"sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes"},
    "lambda": {"lambda:InvokeFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"},
}  # fmt: skip
COLUMNS = ("own queues", "shared queues", "silos' queues", "dead letters", "tables", "key", "secrets", "topics", "functions", "objects", "other stacks")
LEGEND = "s send, r receive and delete, a attributes, d data read, w written, k key by way of SQS or DynamoDB, g secret read, p publish, X what nobody should"
LETTERS = {"sqs:SendMessage": "s", "sqs:GetQueueAttributes": "a", "sqs:GetQueueUrl": "a", "secretsmanager:GetSecretValue": "g", "sns:Publish": "p"}
LETTERS |= dict.fromkeys(CONSUME, "r") | {name: "d" if name.endswith(("GetItem", "Query", "CheckItem")) else "w" for name in ITEMS}
LETTERS |= dict.fromkeys(("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"), "k")


@dataclass(frozen=True)
class Target:
    service: str
    arn: str
    stack: str  # the prefix
    tenant: str | None = None  # of a silo's queue
    queue: str = ""  # its name in the code, with -dlq for dead letters

    @property
    def is_dead(self) -> bool:
        return self.queue.endswith("-dlq")


@dataclass(frozen=True)
class Role:
    name: str
    arn: str
    statements: tuple[dict, ...]
    trust: tuple[dict, ...] = ()
    tenant: str | None = None  # of a producer
    is_silo: bool = False

    @property
    def is_producer(self) -> bool:
        return self.tenant is not None


class World:
    """A stack, its silos, and others beside it."""

    def __init__(self, main: str, silo: str):
        self.stacks = {PREFIX: self.stack(main, PREFIX)}
        self.silos = {(PREFIX, tenant): self.silo(silo, PREFIX, tenant, number) for number, tenant in enumerate(SILOS)}
        for prefix, tenants in OTHER_STACKS.items():
            self.stacks[prefix] = self.stack(main, prefix)
            self.silos |= {(prefix, tenant): self.silo(silo, prefix, tenant, 9) for tenant in tenants}
        self.consumers = {queue: row["Function"] for queue, row in self.silos[PREFIX, SILOS[0]].template["Mappings"]["Queues"].items()}
        self.consumers |= {f"{queue}-dlq": "review" for queue in self.consumers} | {"fallback": "review"}
        self.targets = self.every_target()
        self.policies = defaultdict(list)  # that stand on queues, by name
        for resolved in (*self.stacks.values(), *self.silos.values()):
            for policy in resolved.of("AWS::SQS::QueuePolicy").values():
                for queue in policy["Queues"]:
                    self.policies[queue] += listed(policy["PolicyDocument"]["Statement"])
        self.by_action: dict[tuple[str, str, str], list[dict]] = {}
        self.roles = [*self.functions(PREFIX), *self.producers()]

    @staticmethod
    def stack(text: str, prefix: str) -> Resolved:
        """With every option, so that no statement is left out."""
        bucket = f"bellhop-code-{ACCOUNT}-{REGION}"
        options = {"CodeBucket": bucket, "KmsKeyArn": KEY, "MailFrom": "stays@example.com", "OidcIssuer": "https://id.example", "Tracing": "Active"}
        return Resolved(text, options | {"Prefix": prefix}, prefix)

    @staticmethod
    def silo(text: str, prefix: str, tenant: str, number: int) -> Resolved:
        principal = VENDOR if number < 2 else principal_of(tenant)
        options = {"KmsKeyArn": KEY, "ProducerPrincipal": principal, "ExternalId": external_id(prefix, tenant)}
        return Resolved(text, options | {"Prefix": prefix, "Tenant": tenant}, f"{prefix}-tenant-{tenant}")

    def every_target(self) -> list[Target]:
        found = [Target("kms", KEY, PREFIX), Target("kms", OTHER_KEY, "another")]
        for prefix, resolved in self.stacks.items():
            found += [Target("sqs", arn(resolved, name), prefix, None, p["QueueName"].removeprefix(f"{prefix}-").removesuffix(".fifo")) for name, p in resolved.of("AWS::SQS::Queue").items()]
            for service, kind in (("dynamodb", "AWS::DynamoDB::Table"), ("sns", "AWS::SNS::Topic"), ("lambda", "AWS::Lambda::Function")):
                found += [Target(service, arn(resolved, name), prefix) for name in resolved.of(kind)]
            found += [Target("s3", f"arn:aws:s3:::bellhop-code-{ACCOUNT}-{REGION}/{prefix}/{name}", prefix) for name in ("digest/calendar.zip", "template.yaml")]
        for (prefix, tenant), resolved in self.silos.items():
            start = f"{prefix}_{tenant}_"
            found += [Target("sqs", arn(resolved, name), prefix, tenant, p["QueueName"].removeprefix(start).removesuffix(".fifo")) for name, p in resolved.of("AWS::SQS::Queue").items()]
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
        found += [Target("secretsmanager", f"{secret}bellhop/{tenant}/channel-AbCdEf", PREFIX) for tenant in (*POOL, *SILOS)]
        return [*found, Target("secretsmanager", f"{secret}payroll/database-AbCdEf", "another")]

    def functions(self, prefix: str) -> list[Role]:
        stack, found = self.stacks[prefix], []
        for properties in stack.of("AWS::Lambda::Function").values():
            logical = next(name for name in stack.of("AWS::IAM::Role") if arn(stack, name) == properties["Role"])
            found.append(role_of(stack, logical, properties["FunctionName"].removeprefix(f"{prefix}-")))
        return found

    def producers(self) -> list[Role]:
        (policy,) = self.stacks[PREFIX].of("AWS::IAM::ManagedPolicy").values()
        statements = tuple(listed(policy["PolicyDocument"]["Statement"]))
        found = [Role(f"producer of {tenant}", f"arn:aws:iam::{ACCOUNT}:role/pms", statements, (), tenant) for tenant in POOL]
        for (prefix, tenant), resolved in self.silos.items():
            if prefix == PREFIX:
                (logical,) = resolved.of("AWS::IAM::Role")
                found.append(role_of(resolved, logical, f"producer of {tenant}", tenant, is_silo=True))
        return found

    def posted(self) -> set[str]:
        """The queues that producers post to, as the pool's policy names them one by one."""
        (policy,) = self.stacks[PREFIX].of("AWS::IAM::ManagedPolicy").values()
        named = {resource for statement in listed(policy["PolicyDocument"]["Statement"]) for resource in listed(statement["Resource"])}
        return {target.queue for target in self.targets if target.service == "sqs" and target.stack == PREFIX and not target.tenant and target.arn in named}

    def may(self, role: Role, action: str, target: Target, **context: str) -> bool:
        usual = {"aws:SecureTransport": "true"} | {key.replace("__", ":"): value for key, value in context.items()}
        policies = self.policies[target.arn.rsplit(":", 1)[1]] if target.service == "sqs" else []
        key = role.name, role.arn, action
        if key not in self.by_action:  # the same for all targets, and most of the work
            self.by_action[key] = [statement for statement in role.statements if iam.is_of(statement, action)]
        statements = self.by_action[key]
        return bool(statements or policies) and iam.allowed(Request(action, target.arn, role.arn, usual), statements, policies)


def arn(resolved: Resolved, logical: str) -> str:
    return resolved.arn(logical)


def principal_of(tenant: str) -> str:
    return f"arn:aws:iam::777788889999:role/{tenant}"


def external_id(prefix: str, tenant: str) -> str:
    return f"{prefix}-{tenant}-4711"


def role_of(resolved: Resolved, logical: str, name: str, tenant: str | None = None, is_silo: bool = False) -> Role:
    """With what policies beside the role add to it."""
    properties, called = resolved.of("AWS::IAM::Role")[logical], resolved.called(logical)
    documents = [each["PolicyDocument"] for each in properties.get("Policies", [])]
    documents += [each["PolicyDocument"] for each in resolved.of("AWS::IAM::Policy").values() if called in each.get("Roles", [])]
    statements = tuple(statement for document in documents for statement in listed(document["Statement"]))
    statements += tuple({"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": each} for each in properties.get("ManagedPolicyArns", []))  # whatever it says
    return Role(name, resolved.arn(logical), statements, tuple(listed(properties["AssumeRolePolicyDocument"]["Statement"])), tenant, is_silo)


# ---- What must be.


def expected(world: World, role: Role, action: str, target: Target, posted: set[str]) -> bool | None:
    """Whether it must be possible, or must not; none where both are right, and another test knows better."""
    if target.stack != PREFIX:
        return False
    if role.is_producer:
        is_own = target.tenant == role.tenant if role.is_silo else target.tenant is None
        return target.service == "sqs" and is_own and target.queue in posted and action in POST
    match target.service:
        case "sqs" if action in CONSUME:
            return world.consumers.get(target.queue) == role.name
        case "sqs" if action == "sqs:GetQueueAttributes":
            return role.name == "console" or world.consumers.get(target.queue) == role.name
        case "sqs" if action == "sqs:SendMessage" and not target.is_dead:
            if target.tenant is None:
                return None
            shared = next(each for each in world.targets if each.stack == PREFIX and not each.tenant and each.queue == target.queue)
            return world.may(role, action, shared)
        case "dynamodb" if action in ITEMS:
            return None
        case "secretsmanager" if action == "secretsmanager:GetSecretValue" and role.name == "channel-sync":
            return True
        case "sns" if action == "sns:Publish" and role.name == "review":
            return None
    return False


def column(world: World, role: Role, target: Target) -> str:
    if target.stack != PREFIX:
        return "other stacks"
    if target.service != "sqs":
        names = {"dynamodb": "tables", "kms": "key", "secretsmanager": "secrets", "sns": "topics", "lambda": "functions", "s3": "objects"}
        return names[target.service]
    if target.is_dead:
        return "dead letters"
    is_own = world.consumers.get(target.queue) == role.name
    if role.is_producer:
        is_own = target.tenant == role.tenant if role.is_silo else target.tenant is None
    return "own queues" if is_own else "silos' queues" if target.tenant else "shared queues"


def tried(world: World) -> tuple[dict[str, dict[str, set[str]]], list[str], int]:
    """The matrix, what is wrong, and how much was tried."""
    matrix = {role.name: {name: set() for name in COLUMNS} for role in world.roles}
    wrong, count, posted = [], 0, world.posted()
    for role in world.roles:
        for target in world.targets:
            for action in sorted(TRIED[target.service]):
                is_allowed, must = world.may(role, action, target), expected(world, role, action, target, posted)
                count += 1
                if is_allowed:
                    matrix[role.name][column(world, role, target)].add(LETTERS.get(action, "X"))
                if must is not None and is_allowed != must:
                    wrong.append(f"{role.name} {'may' if is_allowed else 'may not'} {action} {target.arn}")
                if is_allowed and target.service == "sqs" and world.may(role, action, target, aws__SecureTransport="false"):
                    wrong.append(f"{role.name} may {action} {target.arn} without encryption")
        for service in ("sqs", "dynamodb", "s3"):  # a key is for what the role does by way of a service, and in no other way
            for target in (each for each in world.targets if each.service == "kms"):
                for action in sorted(TRIED["kms"]):
                    if not world.may(role, action, target, kms__ViaService=f"{service}.{REGION}.amazonaws.com"):
                        continue
                    count += 1
                    matrix[role.name][column(world, role, target)].add(LETTERS.get(action, "X"))
                    if target.arn != KEY or LETTERS.get(action) != "k" or service == "s3" or role.is_producer and service != "sqs":
                        wrong.append(f"{role.name} may {action} {target.arn} by way of {service}")
    return matrix, wrong, count


def from_beside(world: World) -> tuple[list[str], int]:
    """What functions of other stacks reach of this one and its silos."""
    ours = [(target, action) for target in world.targets if target.stack == PREFIX and target.service in ("sqs", "dynamodb", "sns") for action in sorted(TRIED[target.service])]
    roles = [(prefix, role) for prefix in OTHER_STACKS for role in world.functions(prefix)]
    wrong = [f"{role.name} of {prefix} may {action} {target.arn}" for prefix, role in roles for target, action in ours if world.may(role, action, target)]
    return wrong, len(roles) * len(ours)


def taken(world: World) -> tuple[list[str], int]:
    """Who takes a role that is not for them, or does not get the one that is."""
    wrong, count = [], 0
    silos = {tenant: resolved.parameters for (prefix, tenant), resolved in world.silos.items() if prefix == PREFIX}
    everybody = {parameters["ProducerPrincipal"] for parameters in silos.values()} | {role.arn for role in world.roles}
    everybody |= {"lambda.amazonaws.com", "arn:aws:iam::999900001111:role/stranger", f"arn:aws:iam::{EXTERNAL}:role/vendors-intern"}
    ids = [None, "", *sorted(external_id(prefix, tenant) for prefix, tenant in world.silos)]
    for role in (each for each in world.roles if each.trust):
        for who in sorted(everybody):
            for external in ids:
                count += 1
                context = {} if external is None else {"sts:ExternalId": external}
                request = Request("sts:AssumeRole", role.arn, who, context)
                must = who == "lambda.amazonaws.com"
                if role.is_producer:
                    named = silos[role.tenant]
                    must = (who, external) == (named["ProducerPrincipal"], named["ExternalId"])
                if iam.allowed(request, [], list(role.trust)) != must:
                    wrong.append(f"{who} {'may not' if must else 'may'} take the role {role.arn} with external id {external!r}")
    return wrong, count


def report(main: str, silo: str) -> dict:
    world = World(main, silo)
    matrix, wrong, count = tried(world)
    (beside, besides), (more, takes) = from_beside(world), taken(world)
    rows = {name: {column: "".join(sorted(letters)) for column, letters in row.items()} for name, row in matrix.items()}
    return {"matrix": rows, "legend": LEGEND, "wrong": sorted(set(wrong + beside + more)), "tried": count + besides + takes}


def text(found: dict) -> str:
    rows = [("role", *COLUMNS), *((name, *(letters or "." for letters in row.values())) for name, row in found["matrix"].items())]
    lines = [shown.table(rows), "", found["legend"], f"{len(POOL)} tenants of the pool, {len(SILOS)} silos, {len(OTHER_STACKS)} other stacks; {found['tried']:,} requests tried"]
    lines.append("Producers of the pool share their queues by design: each can post for any tenant of the pool, and for no silo.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit codes: 0 nobody reaches what is not theirs; 1 somebody does, or cannot reach what is; 2 wrong usage.",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--template", type=Path, default=TEMPLATE, metavar="FILE", help="instead of infra/template.yaml")
    parser.add_argument("--silo-template", type=Path, default=SILO_TEMPLATE, metavar="FILE", help="instead of infra/tenant.yaml")
    arguments = parser.parse_args()
    found = report(arguments.template.read_text(), arguments.silo_template.read_text())
    print(json.dumps(found, indent=1) if arguments.json else text(found))
    for each in found["wrong"]:
        print(f"{PROGRAM}: {each}", file=sys.stderr)
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(run(main, PROGRAM))
