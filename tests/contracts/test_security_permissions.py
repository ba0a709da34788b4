"""Who may read secrets, write the job's program, take roles: in all four templates."""

import pytest

from tests.contracts.policies import (
    ALLOWED,
    FILES,
    STATEMENTS,
    covers,
    covers_some,
    managed_policies,
    resources_of,
    who_may,
)

# How actions begin that change an object or a bucket, a secret or who may read it.
WRITES = ("s3:Put", "s3:Delete", "s3:Restore", "s3:Abort", "s3:Create", "s3:Replicate")
CHANGES = tuple(
    f"secretsmanager:{verb}"
    for verb in ("Put", "Create", "Update", "Delete", "Restore", "Rotate", "Replicate", "Cancel")
)
# Where somebody else's stack begins: buckets that an administrator has named.
NAMED_BUCKETS = {"RemoteBucketArns", "ExtraBucketArns"}
# By template, the patterns of actions that it may hold. A key's owner needs `kms:*`, or nobody
# could change it any more, and `GenerateDataKey*` is what the two calls for a topic are granted as.
PATTERNS: dict[str, set[tuple[str, str]]] = {
    "template.yaml": {("Allow", "kms:*"), ("Allow", "kms:GenerateDataKey*")},
    "container/compute.yaml": {("Deny", "s3:*")},
    "container/project.yaml": set(),
    "container/remote.yaml": set(),
}


@pytest.mark.parametrize("file", FILES)
def test_no_action_is_a_pattern_but_the_few_that_are_known(file: str) -> None:
    here = [one for one in STATEMENTS if one.file == file]
    actions = {(one.declared["Effect"], action) for one in here for action in one.actions}

    assert here
    assert {pair for pair in actions if set("*?") & set(pair[1])} == PATTERNS[file]


def test_a_statement_says_what_it_is_about_and_never_what_it_is_not() -> None:
    """`NotAction` and its like allow whatever nobody has thought of."""
    for one in STATEMENTS:
        assert not {"NotAction", "NotResource", "NotPrincipal"} & one.declared.keys(), one.owner
        assert one.actions, one.owner


def test_a_role_has_no_policy_of_aws_but_the_agents_of_containers() -> None:
    """What such a policy allows stands in no template, and AWS may change it."""
    (given,) = managed_policies()

    assert given[0] == "MachineRole"
    assert given[1].endswith(":iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role")


@pytest.mark.parametrize(
    "pattern", ["s3:PutObject", "s3:Put*", "s3:P*", "s3:*", "*", "S3:putobject", "s3:?utObject"]
)
def test_an_action_is_found_whatever_pattern_allows_it(pattern: str) -> None:
    assert covers(pattern, "s3:PutObject")
    assert covers_some(pattern, WRITES)


@pytest.mark.parametrize("pattern", ["s3:GetObject", "s3:Get*", "s3:List*", "sqs:*"])
def test_an_action_is_not_found_where_nothing_allows_it(pattern: str) -> None:
    assert not covers(pattern, "s3:PutObject")
    assert not covers_some(pattern, WRITES)


SECRETS = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${Organization}/${Environment}"
)
HOOKS, SHARED, OWN = "AuthorisedHooksSecret", "BitbucketAuthSecret", f"{SECRETS}/bitbucket-auth/*"


def test_each_secret_is_read_by_those_who_need_it_and_by_nobody_else() -> None:
    """Not by parser, submitter, monitor and reconciler, and not by the role of a job."""
    reads = ("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue")

    assert resources_of(*reads) == {
        "WebhookRole": {HOOKS},
        "NotifierRole": {SHARED, OWN},
        "SweeperRole": {SHARED, OWN},
        # Starts a container, before any code of a project runs.
        "ExecutionRole": {"AuthSecretArn", "SecretsArn AWS::NoValue"},
        # No role: the most that one of a project can be given.
        "ProjectBoundary": {f"{SECRETS}/*"},
        # A machine of one's own, which whoever uses it is root on.
        "MachineRole": {"BitbucketAuthSecretArn", OWN},
        # People.
        "CommandLinePolicy": {HOOKS, SHARED, OWN},
        "ProjectAdminPolicy": {OWN, f"{SECRETS}/projects/*"},
    }


def test_people_alone_change_secrets() -> None:
    owners = {
        one.owner for one in ALLOWED for action in one.actions if covers_some(action, CHANGES)
    }

    assert owners == {"ProjectAdminPolicy"}


def test_nobody_writes_the_program_of_the_jobs_but_who_deploys() -> None:
    """What every job of every project begins with; an administrator stores it: `make deploy`."""
    writes = [one for one in ALLOWED if any(covers_some(a, WRITES) for a in one.actions)]

    assert writes
    for one in writes:
        for resource in one.resources:
            below = resource.partition("DataBucket}")[2]
            named = bool(NAMED_BUCKETS & set(resource.replace("${", " ").replace("}", " ").split()))
            assert named or below.startswith(("/projects/", "/remote/")), (one.owner, resource)


def test_a_job_writes_below_its_own_project_alone() -> None:
    assert resources_of("s3:PutObject")["JobRole"] >= {
        "arn:${AWS::Partition}:s3:::${DataBucket}/projects/${Repository}/*"
    }


def test_roles_are_assumed_by_the_service_that_they_are_for() -> None:
    trusted = {one.owner: one.principals for one in ALLOWED if one.actions == ["sts:AssumeRole"]}

    assert trusted
    assert all(len(who) == 1 and who[0][0] == "Service" for who in trusted.values())
    assert {who[0][1] for who in trusted.values()} == {
        "lambda.amazonaws.com",
        "ec2.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "cloudformation.amazonaws.com",
    }


@pytest.mark.parametrize("action", ["iam:PassRole", "iam:CreateRole", "iam:PutRolePolicy"])
def test_roles_are_made_and_handed_on_under_a_condition(action: str) -> None:
    found = who_may(action)

    assert found
    assert all("Condition" in one.declared for ones in found.values() for one in ones)
    assert all("*" not in one.resources for ones in found.values() for one in ones)
