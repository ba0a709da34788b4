"""What the docs name is there: links, make targets, subcommands, files, decisions, keywords."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

from cli.main import cloud_runner
from cli.schemas import schema
from services.parser.keywords import Keywords
from shared.events import RunStateChanged
from tests.contracts.markdown import anchor, code, headings, links, name, pages, table
from tests.contracts.sources import PARTS, modules
from tests.contracts.wiring import PARAMETERS, PROJECT, TEXT

DECISIONS = sorted((PROJECT / "docs/decisions").glob("*.md"))
TARGETS = set(
    re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
# In code, shown as a command: at a line's start or in a code span, so that prose may say "make".
MAKE = re.compile(r"(?:^|`|&& |\$ )make ([a-z][a-z-]*)", re.MULTILINE)
COMMAND = re.compile(r"(?:^|`|&& |\$ |/)cloud-runner((?: [a-z][a-z-]*)+)", re.MULTILINE)
DOCS_IN_CODE = re.compile(r"(?:docs|events)/[\w./-]+\.(?:md|json|yaml)")
# The change log tells of what is gone and of what is to come as well.
OF_TODAY = [page for page in pages() if page.name != "CHANGELOG.md"]
each_page = pytest.mark.parametrize("page", pages(), ids=name)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@each_page
def test_links_in_docs_lead_somewhere(page: Path) -> None:
    for link in links(_text(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(PROJECT), link
        assert target.exists(), link
        if fragment:
            assert fragment in {anchor(heading) for heading in headings(_text(target))}, link


@pytest.mark.parametrize("page", OF_TODAY, ids=name)
def test_docs_name_make_targets_that_exist(page: Path) -> None:
    assert set(MAKE.findall(_text(page))) <= TARGETS


@pytest.mark.parametrize("page", OF_TODAY, ids=name)
def test_docs_name_subcommands_that_exist(page: Path) -> None:
    for words in COMMAND.findall(_text(page)):
        command: click.Command = cloud_runner
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            known = command.get_command(click.Context(command), word)
            assert known is not None, f"cloud-runner{words}"
            command = known


@pytest.mark.parametrize("text", ["run `make xyz`", "make xyz\n", "$ make xyz", "x && make xyz"])
def test_docs_check_sees_a_make_target(text: str) -> None:
    assert MAKE.findall(text) == ["xyz"]


def test_docs_check_sees_no_make_target_in_prose() -> None:
    assert MAKE.findall("this is to make xyz out of it") == []


@pytest.mark.parametrize("text", ["`cloud-runner local up --x`", ".venv/bin/cloud-runner local up"])
def test_docs_check_sees_a_subcommand(text: str) -> None:
    assert COMMAND.findall(text) == [" local up"]


def test_docs_that_code_and_template_name_exist() -> None:
    texts = {one.name: _text(one.path) for one in modules(*PARTS)} | {"template.yaml": TEXT}
    texts |= {file: _text(PROJECT / file) for file in ("Makefile", "pyproject.toml")}
    missing = {
        (where, named)
        for where, text in texts.items()
        for named in DOCS_IN_CODE.findall(text)
        if not (PROJECT / named).exists()
    }

    assert not missing


def test_docs_have_decisions_with_numbers_of_their_own() -> None:
    numbers = [page.name[:4] for page in DECISIONS]

    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name) for page in DECISIONS)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_docs_of_a_decision_have_context_decision_and_consequences(page: Path) -> None:
    title, *sections = headings(_text(page))

    assert title
    assert sections == ["Context", "Decision", "Consequences"]


def test_docs_list_the_keywords_that_the_parser_knows() -> None:
    prefix = PARAMETERS["KeywordPrefix"]["Default"]
    rows = table(_text(PROJECT / "README.md"), "Keyword")
    named = {re.sub(r"[: ]", "", code(row[0])[0]) for row in rows}

    assert named == set(Keywords(prefix).known)


def _fields(described: dict[str, Any], definitions: dict[str, Any], path: str = "") -> Any:
    """Each field by its path: its type as the docs call it, and whether it is always there."""
    for field, one in described["properties"].items():
        target = definitions[one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
        kind = "time" if target.get("format") == "date-time" else target["type"]
        yield f"{path}{field}", (kind, "yes" if field in described.get("required", ()) else "no")
        if "properties" in target:
            yield from _fields(target, definitions, f"{path}{field}.")


def test_docs_of_events_tell_every_field_of_run_state_changed() -> None:
    described = schema(RunStateChanged)
    rows = {
        code(row[0])[0]: (row[1], row[2])
        for row in table(_text(PROJECT / "docs/events.md"), "Field")
    }

    assert rows == dict(_fields(described, described["$defs"]))


def test_docs_of_events_name_every_state() -> None:
    (row,) = (
        row
        for row in table(_text(PROJECT / "docs/events.md"), "Field")
        if code(row[0]) == ["state"]
    )

    assert code(row[3]) == schema(RunStateChanged)["properties"]["state"]["enum"]
