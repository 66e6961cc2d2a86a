"""A template as CloudFormation would make it: parameters, conditions and functions resolved, without a cloud. It knows what the
templates of infra/ use, and refuses what it does not know."""

import re
from functools import cache, cached_property

from bellhop_cloud import templates
from bellhop_stack.cloud import Problem

ACCOUNT, REGION = "111122223333", "eu-west-1"
PSEUDO = {
    "AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "stack",
}  # fmt: skip
NO_VALUE = object()
# What names a resource of a type, and the ARN made of that; without a name CloudFormation makes one up.
NAMES = {
    "AWS::SQS::Queue": ("QueueName", "sqs:{region}:{account}:{name}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:{region}:{account}:table/{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:{region}:{account}:log-group:{name}:*"),
    "AWS::IAM::Role": ("RoleName", "iam::{account}:role/{name}"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "iam::{account}:policy/{name}"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:{region}:{account}:function:{name}"),
    "AWS::KMS::Key": (None, "kms:{region}:{account}:key/{name}"),
    "AWS::SNS::Topic": ("TopicName", "sns:{region}:{account}:{name}"),
    "AWS::Events::Rule": ("Name", "events:{region}:{account}:rule/{name}"),
}
REF_IS_ARN = {"AWS::SNS::Topic", "AWS::IAM::ManagedPolicy"}


read = cache(templates.read)  # many stacks are made of one template


class Resolved:
    """One stack."""

    def __init__(self, text: str, parameters: dict[str, str], name: str):
        self.template, self.name = read(text), name
        declared = self.template.get("Parameters", {})
        self.parameters = {key: str(each["Default"]) for key, each in declared.items() if "Default" in each} | parameters
        if missing := sorted(declared.keys() - self.parameters.keys()):
            raise Problem(f"{name}: the parameters {', '.join(missing)} have no value")

    @cached_property
    def resources(self) -> dict[str, dict]:
        """Type and resolved properties of those that are made."""
        made = {name: r for name, r in self.template["Resources"].items() if "Condition" not in r or self.condition(r["Condition"])}
        return {name: {"Type": r["Type"], "Properties": self.value(r.get("Properties", {}))} for name, r in made.items()}

    def of(self, kind: str) -> dict[str, dict]:
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == kind}

    def condition(self, name: str) -> bool:
        return bool(self.value(self.template["Conditions"][name]))

    def value(self, given):
        match given:
            case dict():
                found = {key: self.value(inner) for key, inner in given.items()}
                return {key: inner for key, inner in found.items() if inner is not NO_VALUE}
            case list():
                return [inner for inner in map(self.value, given) if inner is not NO_VALUE]
            case ("Ref", "AWS::NoValue"):
                return NO_VALUE
            case ("Ref", str() as name):
                return self.reference(name)
            case ("GetAtt", str() as path):
                return self.attribute(*path.split(".", 1))
            case ("Sub", str() as text):
                return self.filled(text, {})
            case ("Sub", [str() as text, dict() as more]):
                return self.filled(text, self.value(more))
            case ("If", [name, yes, no]):
                return self.value(yes if self.condition(name) else no)
            case ("Condition", str() as name):
                return self.condition(name)
            case ("Equals", [one, other]):
                return str(self.value(one)) == str(self.value(other))
            case ("Not", [one]):
                return not self.value(one)
            case ("And", list() as every):
                return all(map(self.value, every))
            case ("Or", list() as every):
                return any(map(self.value, every))
            case ("Join", [by, every]):
                return by.join(map(str, self.value(every)))
            case ("Split", [by, text]):
                return self.value(text).split(by)
            case ("Select", [index, every]):
                return self.value(every)[int(self.value(index))]
            case ("FindInMap", [name, key, column]):
                return self.template["Mappings"][self.value(name)][self.value(key)][self.value(column)]
            case tuple():
                raise Problem(f"{self.name}: what !{given[0]} comes to is not known here; teach bellhop_stack/resolve.py")
        return given

    def filled(self, text: str, more: dict) -> str:
        def by(found: re.Match) -> str:
            name = found[1]
            if name in more:
                return str(more[name])
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.reference(name))

        return re.sub(r"\$\{([^!}][^}]*)}", by, text)

    def reference(self, name: str) -> str:
        if name in PSEUDO or name in self.parameters:
            return PSEUDO.get(name) or self.parameters.get(name)
        kind = self.template["Resources"][name]["Type"]
        return self.arn(name) if kind in REF_IS_ARN else self.called(name)

    def attribute(self, name: str, attribute: str) -> str:
        return self.arn(name) if attribute == "Arn" else f"{name}.{attribute}"

    def called(self, logical: str) -> str:
        resource = self.template["Resources"][logical]
        named = NAMES.get(resource["Type"], (None,))[0]
        return self.value(resource["Properties"][named]) if named and named in resource.get("Properties", {}) else f"{self.name}-{logical}"

    def arn(self, logical: str) -> str:
        kind = self.template["Resources"][logical]["Type"]
        if kind not in NAMES:
            raise Problem(f"{self.name}: the ARN of {logical}, {kind}, is not known here; teach bellhop_stack/resolve.py")
        return "arn:aws:" + NAMES[kind][1].format(region=REGION, account=ACCOUNT, name=self.called(logical))
