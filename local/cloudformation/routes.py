"""An HTTP API's OpenAPI body as routes and integrations of their own.

SAM writes an API's routes into its body, which the emulator does not read; it does know routes and
integrations as resources.
"""

from typing import Any

from local.cloudformation.templates import Template

_API = "AWS::ApiGatewayV2::Api"
_INTEGRATION = "x-amazon-apigateway-integration"
_ANY_METHOD = "x-amazon-apigateway-any-method"


def with_routes(template: Template) -> Template:
    """The template, with the routes in each API's body as resources."""
    added: dict[str, Any] = {}
    for name, resource in template.get("Resources", {}).items():
        body = resource.get("Properties", {}).get("Body")
        if resource.get("Type") != _API or not isinstance(body, dict):
            continue
        for path, methods in body.get("paths", {}).items():
            for method, operation in methods.items():
                if _INTEGRATION in operation:
                    number = len(added) // 2
                    added |= _route(name, number, _key(method, path), operation[_INTEGRATION])
    return template | {"Resources": template.get("Resources", {}) | added}


def _key(method: str, path: str) -> str:
    """A route's key.

    >>> _key("post", "/webhook"), _key("x-amazon-apigateway-any-method", "/$default")
    ('POST /webhook', '$default')
    """
    if path == "/$default":
        return "$default"
    return f"{'ANY' if method == _ANY_METHOD else method.upper()} {path}"


def _route(api: str, number: int, key: str, integration: dict[str, Any]) -> dict[str, Any]:
    target = f"{api}Integration{number}"
    asked = {
        "IntegrationType": integration["type"].upper(),
        "IntegrationUri": integration["uri"],
        "IntegrationMethod": integration.get("httpMethod", "POST"),
        "PayloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
    }
    return {
        target: {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {"ApiId": {"Ref": api}, **asked},
        },
        f"{api}Route{number}": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": api},
                "RouteKey": key,
                "Target": {"Fn::Sub": f"integrations/${{{target}}}"},
            },
        },
    }
