"""The names that Batch takes, made from slugs that it would not."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.project.names import Project
from shared.events import RunId
from shared.names import Names, last_part

NAMES = Names("acme", "production")
RUN = RunId("0123456789abcdef01234567")
BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def test_the_names_are_those_of_the_contract() -> None:
    assert NAMES.job_definition("churn") == "acme-production-ml-churn"
    assert NAMES.job("churn", "abcdef0123", RUN, 3) == (
        f"acme-production-ml-experiment-churn-abcdef0-{RUN}-3"
    )


def test_what_batch_refuses_becomes_an_underscore_with_six_digits_of_the_slugs_hash() -> None:
    name = NAMES.job_definition("churn.model")

    assert re.fullmatch(r"acme-production-ml-churn_model-[0-9a-f]{6}", name)
    assert name != NAMES.job_definition("churn_model")
    assert NAMES.job_definition("churn_model") == "acme-production-ml-churn_model"


def test_a_long_name_is_cut_in_the_repositorys_part_and_never_in_the_runs() -> None:
    name = NAMES.job("x" * 200, "abcdef0123", RUN, 12)

    assert len(name) == 128
    assert name.endswith(f"-abcdef0-{RUN}-12")
    assert name != NAMES.job("x" * 201, "abcdef0123", RUN, 12)


def test_a_run_without_a_commit_has_a_name_as_well() -> None:
    assert f"-0000000-{RUN}-1" in NAMES.job("command", None, RUN, 1)


@given(
    st.text(min_size=1, max_size=150).filter(lambda text: text.isprintable()),
    st.text(max_size=50),
    st.integers(1, 10**6),
)
def test_any_slug_and_commit_make_names_that_batch_takes(
    slug: str, commit: str, attempt: int
) -> None:
    assert BATCH_NAME.fullmatch(NAMES.job_definition(slug))
    assert BATCH_NAME.fullmatch(NAMES.job(slug, commit, RUN, attempt))


@pytest.mark.parametrize("text", ["gpu", "job-queue/gpu", "arn:aws:batch:x:1:job-queue/gpu"])
def test_the_last_part_of_an_arn_is_the_name(text: str) -> None:
    assert last_part(text) == "gpu"


SLUGS = st.from_regex(r"[a-c0-9._-]{1,9}", fullmatch=True)
# As somebody would choose it who wants the name of another.
TAKEN = SLUGS.flatmap(
    lambda slug: st.sampled_from(
        [
            slug,
            NAMES.job_definition(slug).removeprefix("acme-production-ml-"),
            NAMES.project_stack(slug).removeprefix("acme-production-project-"),
            Project(NAMES, "team", slug).image_repository.removeprefix("acme/"),
        ]
    ).map(lambda other: (slug, other))
)


@given(TAKEN | st.tuples(SLUGS, SLUGS))
@example(("a.b", "a_b-2e7336"))
@example(("a.b", "a-b-2e7336"))
@example(("a_b-2e7336", "a_b-2e7336-75f825"))
def test_two_slugs_never_share_a_name(slugs: tuple[str, str]) -> None:
    one, other = (Project(NAMES, "team", slug) for slug in slugs)

    is_same = one.slug == other.slug
    assert (NAMES.job_definition(one.slug) == NAMES.job_definition(other.slug)) == is_same
    assert (one.stack == other.stack) == is_same
    assert (one.image_repository == other.image_repository) == is_same
    assert len({one.own_credentials, other.own_credentials}) == 2 - is_same
    assert len({one.variables_secret, other.variables_secret}) == 2 - is_same


@given(st.text("ab", min_size=105, max_size=120) | st.text("ab-_.", min_size=105, max_size=120))
def test_two_long_slugs_never_share_a_name(slug: str) -> None:
    made = NAMES.job_definition(slug).removeprefix("acme-production-ml-")
    others = {made, f"{slug}a", slug[:-1]} - {slug}

    assert NAMES.job_definition(slug) not in {NAMES.job_definition(other) for other in others}


@pytest.mark.parametrize("slug", ["churn", "churn-model", "report-202611x", "facade", "a-b-2e733"])
def test_the_names_of_ordinary_slugs_are_the_slugs(slug: str) -> None:
    assert NAMES.job_definition(slug) == f"acme-production-ml-{slug}"
    assert NAMES.project_stack(slug) == f"acme-production-project-{slug}"
    assert Project(NAMES, "team", slug).image_repository == f"acme/{slug}"


def test_a_slug_that_ends_in_a_date_keeps_its_names() -> None:
    assert NAMES.job_definition("report-202611") == "acme-production-ml-report-202611"
    assert NAMES.project_stack("report-202611") == "acme-production-project-report-202611"
