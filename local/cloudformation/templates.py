"""A template as text and as a document: YAML with short intrinsics, or JSON, which is YAML too."""

import json
from collections.abc import Callable
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]

# What a request may hold itself: CloudFormation user guide, "CloudFormation quotas".
BODY_BYTES = 51_200


class TemplateRefused(Exception):
    """A template that CloudFormation would refuse; the text says why."""


def read(text: str) -> Template:
    """The template in a text.

    Raises:
        TemplateRefused: it is not one.

    """
    try:
        template = yaml_parse(text)
    except (yaml.YAMLError, ValueError) as error:
        raise TemplateRefused(f"Template format error: {error}") from error
    if not isinstance(template, dict):
        raise TemplateRefused("Template format error: unsupported structure.")
    return template


def text_of(template: Template) -> str:
    """The template as JSON, the same text for the same template; a date becomes its ISO form."""
    return json.dumps(template, separators=(",", ":"), default=str)


def with_strings(node: Any, change: Callable[[str], str]) -> Any:
    """A template's node with each text of an `Fn::Sub` in it changed."""
    match node:
        case {"Fn::Sub": str(text)} if len(node) == 1:
            return {"Fn::Sub": change(text)}
        case {"Fn::Sub": [str(text), dict(values)]} if len(node) == 1:
            return {"Fn::Sub": [change(text), with_strings(values, change)]}
        case dict():
            return {key: with_strings(one, change) for key, one in node.items()}
        case list():
            return [with_strings(one, change) for one in node]
        case _:
            return node
