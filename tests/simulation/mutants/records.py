"""Mistakes with a run's record: how it is written, and what moves it."""

from tests.simulation.mutants.mutant import mutant

_STORE = "shared/run_store.py"
_FOLLOWING = "shared/following.py"
_JOBS = "shared/batch_jobs.py"

MUTANTS = (
    mutant(
        "a final state can be left",
        _FOLLOWING,
        (
            "if not is_job_of(job, run) or run.job is None or run.final:",
            "if not is_job_of(job, run) or run.job is None:",
        ),
    ),
    mutant("a state can go back", _FOLLOWING, ("elif there > here:", "elif there != here:")),
    mutant(
        "a record is changed without a condition",
        _STORE,
        (
            'names, values = {"#version": "version"}, {":read": attribute(run.version)}',
            "names: dict[str, str] = {}\n        values: dict[str, Any] = {}",
        ),
        ('                    ConditionExpression="#version = :read",\n', ""),
    ),
    mutant(
        "a record is created over another",
        _STORE,
        ('                    ConditionExpression="attribute_not_exists(run_id)",\n', ""),
    ),
    mutant(
        "records are read eventually consistent",
        _STORE,
        ("ConsistentRead=True", "ConsistentRead=False"),
    ),
    mutant(
        "two branches of one commit share a run",
        "shared/runs.py",
        (
            'return _run_id("commit", stack, repository_uuid, branch, commit)',
            'return _run_id("commit", stack, repository_uuid, commit)',
        ),
    ),
    mutant(
        "jobs of an earlier attempt count",
        _JOBS,
        (
            "        and job.attempt == run.attempt\n        and job.job_name == run.job.name\n",
            '        and job.job_name.rpartition("-")[0] == run.job.name.rpartition("-")[0]\n',
        ),
        (
            "        return job.job_name == earlier and",
            '        return job.job_name == earlier + "?" and',
        ),
    ),
    mutant(
        "any job that names a run is its job",
        _JOBS,
        ("        and job.job_name == run.job.name\n", ""),
    ),
    mutant(
        "the stop of an earlier attempt counts",
        "shared/runs.py",
        ("self.stop is not None and self.stop.attempt == self.attempt", "self.stop is not None"),
    ),
    mutant(
        "an ended attempt is ended again",
        "shared/runs.py",
        (
            "    if run.final:\n        return run\n    return run.changed(\n        state=state",
            "    return run.changed(\n        state=state",
        ),
    ),
    mutant(
        "a record is written whole",
        _STORE,
        ("self._dynamodb.update_item(", "self._dynamodb.put_item("),
        (
            (
                '                    Key={"run_id": {"S": run.run_id}},\n'
                "                    UpdateExpression=expression,\n"
            ),
            "                    Item={name: attribute(one) for name, one in new.items()},\n",
        ),
        (
            (
                "ExpressionAttributeNames=names,\n                    "
                "ExpressionAttributeValues=values,"
            ),
            (
                'ExpressionAttributeNames={"#version": "version"},\n                    '
                'ExpressionAttributeValues={":read": attribute(run.version)},'
            ),
        ),
    ),
    mutant(
        "a job that is left out of an answer is gone",
        _FOLLOWING,
        ("    if now - _lived_at(run) < _KEPT:\n", "    if now < _lived_at(run):\n"),
    ),
)
