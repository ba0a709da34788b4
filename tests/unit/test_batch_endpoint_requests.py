"""Batch's limits on what may be asked, and what a job becomes of a request."""

import pytest
from pydantic import JsonValue

from local.batch.arns import Account
from local.batch.arrays import child_of, form_of
from local.batch.environment import CloudAccess, job_variables
from local.batch.errors import ClientException
from local.batch.jobs import Job
from local.batch.listing import matching, page
from local.batch.requests import Filter, RegisterJobDefinition, StopJob, SubmitJob, parse
from local.batch.shapes import Container, Document, JobDefinition, JobQueue
from local.batch.submission import job_from, substituted
from local.batch.wire import batch_routes, find_route, read_input

ACCOUNT = Account("123456789012", "eu-west-1")
QUEUE = JobQueue(job_queue_name="q", job_queue_arn=ACCOUNT.batch("job-queue", "q"), priority=1)
DEFINITION = JobDefinition(
    job_definition_name="d",
    job_definition_arn=ACCOUNT.batch("job-definition", "d:1"),
    revision=1,
    type="container",
    parameters={"branch": "main", "commit": "0"},
    container_properties=Container.model_validate(
        {
            "image": "i",
            "command": ["run", "Ref::branch"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "512"},
            ],
        }
    ),
)
MINIMAL: Document = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}


def job(**members: JsonValue) -> Job:
    request = parse(SubmitJob, MINIMAL | members)
    return job_from(request, DEFINITION, QUEUE, ACCOUNT, now=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"jobName": "-starts-with-a-dash"},
        {"jobName": "a.dot"},
        {"jobName": "j" * 129},
        {"jobName": ""},
        {"timeout": {"attemptDurationSeconds": 59}},
        {"retryStrategy": {"attempts": 11}},
        {"retryStrategy": {"attempts": 0}},
        {"retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "EXIT"}] * 6}},
        {"retryStrategy": {"evaluateOnExit": [{"action": "EXIT", "onExitCode": "x"}]}},
        {"arrayProperties": {"size": 1}},
        {"arrayProperties": {"size": 10_001}},
        {"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}},
        {"containerOverrides": {"command": ["run", ""]}},
        {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "1.0"}]}},
        {"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "3"}]}},
        {"tags": {"aws:mine": "x"}},
        {"tags": {"key": "v" * 257}},
        {"dependsOn": [{"jobId": "x"}] * 21},
    ],
)
def test_a_request_beyond_a_limit_is_refused(wrong: Document) -> None:
    with pytest.raises(ClientException):
        parse(SubmitJob, MINIMAL | wrong)


def test_a_reason_has_at_most_1024_characters() -> None:
    parse(StopJob, {"jobId": "j", "reason": "r" * 1024})

    with pytest.raises(ClientException, match="reason"):
        parse(StopJob, {"jobId": "j", "reason": "r" * 1025})


def test_a_definition_has_the_same_limits() -> None:
    container: Document = {"image": "i", "environment": [{"name": "AWS_BATCH_X", "value": ""}]}

    with pytest.raises(ClientException, match="AWS_BATCH"):
        parse(
            RegisterJobDefinition,
            {"jobDefinitionName": "d", "type": "container", "containerProperties": container},
        )


def test_overrides_replace_by_name_and_by_type() -> None:
    container = job(
        containerOverrides={
            "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
            "resourceRequirements": [
                {"type": "MEMORY", "value": "1024"},
                {"type": "GPU", "value": "1"},
            ],
        }
    ).container

    assert [(one.name, one.value) for one in container.environment] == [
        *(("A", "1"), ("B", "3"), ("C", "4"))
    ]
    assert [(one.type, one.value) for one in container.resource_requirements] == [
        *(("VCPU", "1"), ("MEMORY", "1024"), ("GPU", "1"))
    ]
    assert container.command == ("run", "Ref::branch")


def test_a_jobs_parameters_win_over_the_definitions_defaults() -> None:
    submitted = job(parameters={"branch": "feature/x"})

    assert submitted.parameters == {"branch": "feature/x", "commit": "0"}
    assert substituted(submitted.container.command, submitted.parameters) == ("run", "feature/x")


def test_a_parameters_value_is_never_read_as_a_placeholder() -> None:
    command = substituted(("Ref::a", "--x=Ref::b", "Ref::c"), {"a": "Ref::b", "b": "2"})

    assert command == ("Ref::b", "--x=2", "Ref::c")


def test_overrides_over_8192_characters_are_accepted_and_fail_the_job_later() -> None:
    long: Document = {"environment": [{"name": "LONG", "value": "x" * 8192}]}
    short: Document = {"environment": [{"name": "LONG", "value": "x" * 8000}]}

    assert job(containerOverrides=short).refused_because is None
    assert job(containerOverrides=long).refused_because == (
        "Container Overrides length must be at most 8192"
    )


def test_a_queue_with_a_scheduling_policy_needs_a_share_and_any_other_refuses_it() -> None:
    with pytest.raises(ClientException, match="no scheduling policy"):
        job(shareIdentifier="team")


def test_batchs_own_variables_win_and_secrets_win_over_the_environment() -> None:
    cloud = CloudAccess("http://aws", "http://batch", "eu-west-1", "key", "secret")
    child = child_of(form_of(job(arrayProperties={"size": 2})), 0)
    variables = job_variables(child, "q", "machines", cloud, {"A": "from a secret"})

    assert variables == {
        "A": "from a secret",
        "B": "2",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://aws",
        "AWS_ENDPOINT_URL_BATCH": "http://batch",
        "AWS_BATCH_JOB_ID": child.job_id,
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JOB_ARRAY_INDEX": "0",
        "AWS_BATCH_JOB_ARRAY_SIZE": "2",
        "AWS_BATCH_JQ_NAME": "q",
        "AWS_BATCH_CE_NAME": "machines",
    }


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("JOB_NAME", "TRAIN-1", ["Train-1"]),
        ("JOB_NAME", "train*", ["Train-1", "train-10"]),
        ("JOB_DEFINITION", "d", ["Train-1", "train-10", "other"]),
        ("JOB_DEFINITION", "D", []),
        ("JOB_DEFINITION", DEFINITION.job_definition_arn, ["Train-1", "train-10", "other"]),
        ("AFTER_CREATED_AT", "0", ["Train-1", "train-10", "other"]),
        ("BEFORE_CREATED_AT", "1", []),
    ],
)
def test_a_filter_selects_as_batch_says(name: str, value: str, found: list[str]) -> None:
    jobs = [job(jobName=one) for one in ("Train-1", "train-10", "other")]
    matches = matching(Filter(name=name, values=(value,)))

    assert [one.job_name for one in jobs if matches(one)] == found


def test_pages_join_without_gap_or_overlap_even_when_new_items_come() -> None:
    newest_first = [9, 8, 7, 6, 5]
    first = page(newest_first, lambda one: -one, 2, None)
    second = page([11, 10, *newest_first], lambda one: -one, 2, first.next_token)
    third = page(newest_first, lambda one: -one, 2, second.next_token)

    assert (first.items, second.items, third.items) == ((9, 8), (7, 6), (5,))
    assert third.next_token is None


def test_a_token_of_somebody_else_is_refused() -> None:
    with pytest.raises(ClientException, match="nextToken"):
        page([1], lambda one: one, 1, "not a token")


def test_every_operation_of_batch_has_a_path_of_its_own() -> None:
    routes = batch_routes()
    found = [find_route(routes, one.method, one.path.pattern.replace("\\", "")) for one in routes]

    assert [route.operation for route, _ in found if "tags" not in route.path.pattern] == [
        one.operation for one in routes if "tags" not in one.path.pattern
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"jobName": "j", "jobQueue": "q"}', "jobDefinition"),
        (b'{"jobName": 1, "jobQueue": "q", "jobDefinition": "d"}', "jobName"),
        (b'{"jobName": null, "jobQueue": "q", "jobDefinition": "d"}', "jobName"),
    ],
)
def test_an_input_that_botocores_model_forbids_is_refused(body: bytes, message: str) -> None:
    route, in_path = find_route(batch_routes(), "POST", "/v1/submitjob")

    with pytest.raises(ClientException, match=message):
        read_input(route, body, in_path, {})


def test_a_string_that_is_not_one_of_its_enumeration_is_refused() -> None:
    route, in_path = find_route(batch_routes(), "POST", "/v1/listjobs")

    with pytest.raises(ClientException, match="BROKEN"):
        read_input(route, b'{"jobQueue": "q", "jobStatus": "BROKEN"}', in_path, {})


def test_an_arn_in_a_path_is_read_whole() -> None:
    routes = batch_routes()
    arn = QUEUE.job_queue_arn
    route, in_path = find_route(routes, "GET", f"/v1/tags/{arn}")

    assert (route.operation, dict(in_path)) == ("ListTagsForResource", {"resourceArn": arn})
