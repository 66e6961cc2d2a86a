"""Function URLs on a plain loopback address, and answers as AWS gives them.

LocalStack 4.14.0 tells URLs apart by host name, `ID.lambda-url.REGION.HOST`, which no resolver finds when HOST is an
address. So each function's URL also stands at `/_bellhop/url/FUNCTION/` of the one address that we have. It also sends the
whole JSON of an answer that has a status and no body, as a 304 has none."""

import dataclasses
import json

from localstack.runtime import hooks

from bellhop_cloud.plugins import loaded

BY_NAME = "/_bellhop/url/<function>/"
ACCOUNT, REGION = "000000000000", "us-east-1"  # the only ones of the local cloud


def with_body(payload: bytes) -> bytes:
    """An answer that has a status and no body gets an empty one; all others stay as they are."""
    try:
        answer = json.loads(payload)
    except ValueError:
        return payload
    if isinstance(answer, dict) and "statusCode" in answer and answer.get("body") is None:
        return json.dumps(answer | {"body": ""}).encode()
    return payload


@hooks.on_infra_start()
def bellhop_function_url():
    from localstack.http import Response
    from localstack.services.lambda_ import urlrouter
    from localstack.services.lambda_.invocation.models import lambda_stores
    from localstack.services.lambda_.urlrouter import FunctionUrlRouter

    stock_register, stock_response = FunctionUrlRouter.register_routes, urlrouter.lambda_result_to_response

    def by_name(self, request, function, path=""):
        found = lambda_stores[ACCOUNT][REGION].functions.get(function)
        config = found and found.function_url_configs.get("$LATEST")
        if not config:
            return Response(f"{function} has no function URL\n", 404, mimetype="text/plain")
        request.path = f"/{path}"  # what the function sees, as on AWS
        request.__dict__.pop("full_path", None)  # made from it, and kept
        return self.handle_lambda_url_invocation(request, config.url_id, REGION)

    def register_routes(self):
        if not self.registered:
            for route in (BY_NAME, f"{BY_NAME}<path:path>"):
                self.router.add(route, endpoint=lambda request, **found: by_name(self, request, **found))
        stock_register(self)

    def lambda_result_to_response(result):
        return stock_response(dataclasses.replace(result, payload=with_body(result.payload)))

    FunctionUrlRouter.register_routes = register_routes
    urlrouter.lambda_result_to_response = lambda_result_to_response
    loaded("bellhop_function_url")
