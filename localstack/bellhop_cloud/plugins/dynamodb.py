"""PROVIDER_OVERRIDE_DYNAMODB=bellhop_external: every DynamoDB call goes unchanged to bellhop-dynamodb.

CloudFormation makes the tables through this provider; functions and tests talk to bellhop-dynamodb directly, which is
several times faster than this detour."""

import os

from localstack.aws.forwarder import AwsRequestProxy
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.http import Response
from localstack.services.plugins import Service, aws_provider

KEPT_HEADERS = ("content-type", "x-amz-crc32", "x-amzn-requestid")


@aws_provider(api="dynamodb", name="bellhop_external")
def dynamodb() -> Service:
    proxy = AwsRequestProxy(os.environ["BELLHOP_DYNAMODB_URL"], parse_response=False)

    def forward(context, _request):
        answer = proxy.forward(context, None)  # None: send the caller's own request, not a rebuilt one
        headers = {k: v for k, v in answer.headers.items() if k.lower() in KEPT_HEADERS}
        # A finished Response goes out as it is, so that CancellationReasons and the like survive.
        return Response(answer.get_data(), answer.status_code, headers=headers)

    service = load_service("dynamodb")
    return Service("dynamodb", skeleton=Skeleton(service, dict.fromkeys(service.operation_names, forward)))
