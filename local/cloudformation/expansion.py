"""The SAM transform, which AWS does on its side: a SAM template becomes plain CloudFormation."""

import copy
from collections.abc import Mapping
from typing import Final

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import (
    to_py27_compatible_template,
    undo_mark_unicode_str_in_template,
)

from local.aws import REGION
from local.cloudformation.templates import Template, TemplateRefused

SAM: Final = "AWS::Serverless-2016-10-31"
# Instead of IAM's list of AWS's own policies, which SAM would ask for.
_NO_POLICIES: Final[dict[str, str]] = {}


def is_sam(template: Template) -> bool:
    """Whether the template asks for the SAM transform, and for no other."""
    return template.get("Transform") in (SAM, [SAM])


def expanded(template: Template, values: Mapping[str, str]) -> Template:
    """A SAM template as plain CloudFormation; `values` are the parameters' that are given.

    Raises:
        TemplateRefused: SAM does not take it.

    """
    session = boto3.Session(region_name=REGION)
    translator = Translator(_NO_POLICIES, Parser(), boto_session=session)
    given, document = dict(values), copy.deepcopy(template)  # SAM changes both
    # So that logical ids are those of AWS, whose SAM hashes as Python 2 did.
    to_py27_compatible_template(document, given)
    try:
        plain = translator.translate(document, given)
    except InvalidDocumentException as error:
        raise TemplateRefused(f"Transform {SAM} failed with: {error.message}") from error
    plain.pop("Transform", None)
    found: Template = undo_mark_unicode_str_in_template(plain)
    return found
