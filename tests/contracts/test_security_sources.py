"""Comparisons, addresses and characters of the sources, wherever a secret or a text passes."""

import ast
import contextlib
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.sources import Module, modules
from tests.contracts.wiring import PROJECT

SHIPPED = ("cli", "container", "local", "services", "shared")
# The parts that meet the outside; the embedded stack talks to itself.
OUTSIDE = ("cli", "container", "services", "shared")
# What a variable is called that holds what must not be guessed.
_GUESSED = re.compile(r"(?:^|_)(?:secret|signature|digest|token|password|hmac)(?:s)?$")
# Comparisons of such names that are none of a secret with what somebody has sent.
COMPARED = {
    "cli.deploy.program": "the digest of a program that anybody may read: is it stored already?",
    "cli.project.looking": "the name of a secret: is it the one that projects share?",
}
# Where somebody shows what only they can know.
CHECKS = {
    *("container.gateway", "services.webhook.signature"),
    *("local.bitbucket.access", "local.bitbucket.rest", "local.bitbucket.scopes"),
}
# Openers that follow where they are led: the metadata service of a machine, which nobody leads on.
FOLLOW = {"container.agent.metadata", "container.instance"}
# Handlers that follow nowhere.
_STAY = {"NoRedirect", "_Stay"}
# Not text, or of others, or not ours to write.
_BINARY = {".png", ".svg", ".gif", ".ico", ".jpg", ".pyc", ".gz"}
_ELSEWHERE = {
    ".aws-sam",
    ".cloud-runner",
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tools",
    ".venv",
    "__pycache__",
}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _comparisons(module: Module) -> Iterator[int]:
    """Where two texts are compared, one of which is called a secret."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        constant = any(isinstance(side, ast.Constant) for side in sides)
        equal = any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
        if equal and not constant and any(_GUESSED.search(_name(side)) for side in sides):
            yield node.lineno


def test_no_secret_is_compared_but_in_constant_time() -> None:
    found = {one.name for one in modules(*SHIPPED) if list(_comparisons(one))}

    assert found == COMPARED.keys()


def test_a_comparison_that_tells_how_much_was_right_is_seen() -> None:
    tree = ast.parse("if given == self.secret: pass\nif digest != wanted: pass\nx == y")

    assert list(_comparisons(Module("x", PROJECT, tree))) == [1, 2]


def _compared_in_constant_time(module: Module) -> set[str]:
    """What the arguments of `hmac.compare_digest` are made of."""
    calls = (call for call in _calls(module, "compare_digest"))
    nodes = (node for call in calls for arg in call.args for node in ast.walk(arg))
    return {_name(node) for node in nodes if isinstance(node, ast.expr)} - {"", "self", "encode"}


def test_whoever_must_show_a_secret_is_compared_in_constant_time_and_by_nothing_else() -> None:
    """Whatever the secret is called, as the root of the gateway's addresses."""
    found = {one.name: _compared_in_constant_time(one) for one in modules(*SHIPPED)}

    assert {name for name, compared in found.items() if compared} == CHECKS
    for one in modules(*SHIPPED):
        for node in (node for node in ast.walk(one.tree) if isinstance(node, ast.Compare)):
            named = {_name(side) for side in (node.left, *node.comparators)}
            assert not named & found[one.name], f"{one.name}:{node.lineno}"


def test_what_is_signed_is_compared_by_hmac_itself() -> None:
    """Each module that computes an HMAC of what came in hands the comparison to the library."""
    checks = next(one for one in modules("services") if one.name == "services.webhook.signature")
    calls = [ast.unparse(node.func) for node in ast.walk(checks.tree) if isinstance(node, ast.Call)]
    compared = [node for node in ast.walk(checks.tree) if isinstance(node, ast.Compare)]

    assert "hmac.compare_digest" in calls
    assert compared == []


def _calls(module: Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
            yield node


def _keyword(call: ast.Call, name: str) -> str | None:
    return next((ast.unparse(word.value) for word in call.keywords if word.arg == name), None)


def test_no_call_with_credentials_follows_a_redirection() -> None:
    """A Bitbucket that leads elsewhere, or whoever sits before it, is not followed with a token."""
    users = [
        one for one in modules(*OUTSIDE) if {"urllib3", "urllib.request"} & one.imported_modules()
    ]
    pools = [one for one in users if list(_calls(one, "PoolManager"))]
    openers = [one for one in users if list(_calls(one, "build_opener"))]

    assert {one.name for one in pools} == {"cli.project.http", "shared.bitbucket_access"}
    for one in pools:
        requests = list(_calls(one, ".request"))
        assert [_keyword(call, "redirect") for call in requests] == ["False"] * len(requests)
        assert all(_keyword(call, "retries") == "False" for call in _calls(one, "PoolManager"))
    assert {one.name for one in openers if not _STAY & _handlers(one)} == FOLLOW
    assert not [one.name for one in users if list(_calls(one, "urlopen"))]


def _handlers(module: Module) -> set[str]:
    return {ast.unparse(arg) for call in _calls(module, "build_opener") for arg in call.args}


def _texts() -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(PROJECT):
        folders[:] = [one for one in folders if one not in _ELSEWHERE]
        for path in (Path(folder, file) for file in files):
            if path.suffix in _BINARY or not path.is_file():
                continue
            with contextlib.suppress(UnicodeDecodeError):
                yield str(path.relative_to(PROJECT)), path.read_text(encoding="utf-8")


def test_no_file_holds_a_character_that_makes_it_look_like_another() -> None:
    """Those that turn the direction of writing, and those that have no width (Trojan Source)."""
    hidden = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"}
    # A byte order mark may begin a payload, and soft hyphens and joiners belong to names.
    known = {"\ufeff", "\u00ad", "\u200d"}
    found = {file for file, text in _texts() if (hidden - known) & set(text)}

    assert found == set()


@pytest.mark.parametrize("turned", ["\u202e", "\u2066", "\u200b"])
def test_such_characters_are_known(turned: str) -> None:
    assert unicodedata.category(turned) == "Cf"


def test_no_link_carries_the_right_to_follow_it() -> None:
    """Logs, reports and objects are led to by addresses for which one must be somebody."""
    signed = re.compile("presigned|X-Amz-Signature", re.IGNORECASE)

    assert not [one.name for one in modules(*OUTSIDE) if signed.search(one.path.read_text("utf-8"))]
