"""What is broken on purpose: each mutant is one mistake that somebody could make.

A mutant names the text that it replaces; a test sees to it that the product has that text once.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """A text of a file of the product, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A fault: `name` in the words of its author's mistake."""

    name: str
    edits: tuple[Edit, ...]


def _mutant(name: str, path: str, *texts: tuple[str, str]) -> Mutant:
    return Mutant(name, tuple(Edit(path, old, new) for old, new in texts))


_STORE = "shared/run_store.py"
_FOLLOWING = "shared/following.py"
_JOBS = "shared/batch_jobs.py"
_CONSUMER = "shared/consumer.py"
_PUBLISHER = "shared/publisher.py"
_LEASE = "services/submitter/lease.py"
_SUBMISSION = "services/submitter/submission.py"
_NOTIFIER = "services/notifier/app.py"
_HEARD = "services/monitor/messages.py"

MUTANTS = (
    _mutant(
        "a final state can be left",
        _FOLLOWING,
        (
            "if not is_job_of(job, run) or run.job is None or run.final:",
            "if not is_job_of(job, run) or run.job is None:",
        ),
    ),
    _mutant("a state can go back", _FOLLOWING, ("elif there > here:", "elif there != here:")),
    _mutant(
        "the lease is ignored",
        _LEASE,
        ("if run.lease_until is not None and now < run.lease_until:", "if now is None:"),
    ),
    _mutant(
        "the lease is shorter than lists are stale",
        "services/submitter/app.py",
        ("lease_seconds=settings.lease_seconds,", "lease_seconds=settings.lease_seconds - 100,"),
    ),
    _mutant(
        "a lease that has run out is taken over without a look",
        _SUBMISSION,
        ("found = needs.batch.find(job.queue, job.name) if taken_over else None", "found = None"),
    ),
    _mutant(
        "a lease is given back though a job may exist",
        _SUBMISSION,
        (
            "        # Only after the lease can one tell whether the job exists.\n",
            "        release()\n",
        ),
    ),
    _mutant(
        "the client repeats SubmitJob",
        "services/submitter/app.py",
        ('submitting = clients.make("batch", attempts=1)', 'submitting = clients.make("batch")'),
    ),
    _mutant(
        "a record is changed without a condition",
        _STORE,
        (
            'names, values = {"#version": "version"}, {":read": attribute(run.version)}',
            "names: dict[str, str] = {}\n        values: dict[str, Any] = {}",
        ),
        ('                    ConditionExpression="#version = :read",\n', ""),
    ),
    _mutant(
        "a record is created over another",
        _STORE,
        ('                    ConditionExpression="attribute_not_exists(run_id)",\n', ""),
    ),
    _mutant(
        "records are read eventually consistent",
        _STORE,
        ("ConsistentRead=True", "ConsistentRead=False"),
    ),
    _mutant(
        "nothing is published where nothing was written",
        _HEARD,
        (
            "    run = needs.runs.change(run_id, lambda run: follow(run, job, needs.clock()))\n",
            """\
    before = needs.runs.get(run_id)
    run = needs.runs.change(run_id, lambda run: follow(run, job, needs.clock()))
    if run is not None and run == before:
        return None
""",
        ),
    ),
    _mutant(
        "a message whose work failed for now is acknowledged",
        _CONSUMER,
        (
            "                return False\n            except Exception:",
            "                return True\n            except Exception:",
        ),
    ),
    _mutant(
        "a message whose work failed by a bug is acknowledged",
        _CONSUMER,
        (
            "delivery=delivery)\n                return False\n            return True",
            "delivery=delivery)\n            return True",
        ),
    ),
    _mutant(
        "one failed message is forgotten for its batch",
        _CONSUMER,
        ("batchItemFailures=failures)", "batchItemFailures=failures[1:])"),
    ),
    _mutant(
        "commands that a queue refused are taken for sent",
        _PUBLISHER,
        ('answer.get("Failed", [])', 'answer.get("NoSuchField", [])'),
    ),
    _mutant(
        "events that the bus refused are taken for put",
        _PUBLISHER,
        ('if entry.get("ErrorCode")]', 'if entry.get("NoSuchField")]'),
    ),
    _mutant(
        "the webhook says that it has stored what it could not",
        "services/webhook/app.py",
        (
            "            except Unavailable as error:\n",
            "            except Unavailable as error:\n                return answer.response()\n",
        ),
    ),
    _mutant(
        "what exists is taken for done",
        "services/parser/app.py",
        (
            "        run = needs.runs.get(run.run_id) or run\n",
            "        return []\n",
        ),
    ),
    _mutant(
        "two branches of one commit share a run",
        "shared/runs.py",
        (
            'return _run_id("commit", repository_uuid, branch, commit)',
            'return _run_id("commit", repository_uuid, commit)',
        ),
    ),
    _mutant(
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
    _mutant(
        "any job that names a run is its job",
        _JOBS,
        ("        and job.job_name == run.job.name\n", ""),
    ),
    _mutant(
        "a second job is left running",
        _HEARD,
        (
            "    if is_stray(job, run):\n",
            "    if is_stray(job, run) and run.job is None:\n",
        ),
    ),
    _mutant(
        "nobody asks after runs that do not move",
        "services/reconciler/findings.py",
        ('(*OPEN_STATES, "machines")', '("machines",)'),
    ),
    _mutant(
        "the status says what the event says",
        _NOTIFIER,
        (
            "from shared.settings import Settings",
            "from shared.runs import Run\nfrom shared.settings import Settings",
        ),
        (
            "        run = needs.runs.get(changed.run_id)\n",
            "        run = Run.model_validate(changed.model_dump())\n",
        ),
    ),
    _mutant(
        "the notifier does not look again",
        _NOTIFIER,
        ("        posted = run.version\n", "        return []\n"),
    ),
    _mutant(
        "a signature is not compared",
        "services/webhook/hooks.py",
        (
            "signature is not None and signed(body, hook.secret, signature)",
            "hook.secret != signature",
        ),
    ),
    _mutant(
        "a webhook speaks for any repository",
        "services/webhook/app.py",
        (
            "if not hook.speaks_for(push.repository):",
            "if hook.repository is None:",
        ),
    ),
    _mutant(
        "a stop is not passed on to the job",
        "shared/control.py",
        (
            "        jobs.terminate(run.job.id, stopped_by(run.stop_asked))",
            "        return",
        ),
    ),
    _mutant(
        "a token stands in a log line",
        "shared/bitbucket_access.py",
        (
            '            message = f"{doing}: {type(error).__name__}"\n',
            '            message = f"{doing}: {type(error).__name__} {headers}"\n',
        ),
    ),
    _mutant(
        "the stop of an earlier attempt counts",
        "shared/runs.py",
        ("self.stop is not None and self.stop.attempt == self.attempt", "self.stop is not None"),
    ),
    _mutant(
        "nobody looks for a stop once the job is submitted",
        _SUBMISSION,
        ("    else:\n        end_job(run, needs.jobs)\n    return run", "    return run"),
    ),
    _mutant(
        "nobody looks for a stop before the job is submitted",
        _SUBMISSION,
        ("if held.stop_asked is not None:", "if held.stop_asked is not None and held.asked.quiet:"),
    ),
    _mutant(
        "nobody asks after runs that were never submitted",
        "services/reconciler/app.py",
        ("return list(still_requested(forsaken, tick.now))", "return list(forsaken)[:0]"),
    ),
    _mutant(
        "nobody asks after jobs",
        "services/reconciler/app.py",
        ("return list(findings(unmoved, needs.jobs, tick.now))", "return list(unmoved)[:0]"),
    ),
    _mutant(
        "a result is taken for a commit that asks",
        "services/parser/requests.py",
        ("    if _is_result(pushed.message):", '    if pushed.message == "":'),
    ),
    _mutant(
        "a lease that was taken over is given back as if no job were",
        _LEASE,
        ("lease_until=now if taken_over else None", "lease_until=None"),
    ),
    _mutant(
        "an ended attempt is ended again",
        "shared/runs.py",
        (
            "    if run.final:\n        return run\n    return run.changed(\n        state=state",
            "    return run.changed(\n        state=state",
        ),
    ),
    _mutant(
        "what was not answered is repeated at once",
        "shared/bitbucket_access.py",
        ('wait = _CARRIED_OUT_SECONDS if sent and method != "GET" else None', "wait = None"),
    ),
    _mutant(
        "a webhook's secret is not read again after it was replaced",
        "services/webhook/hooks.py",
        (
            "        return None if newer == text else self._proven(newer, uuid, signature, body)",
            "        return None",
        ),
    ),
    _mutant(
        "the uuid of a webhook's repository is not compared",
        "services/webhook/hooks.py",
        ("return uuid is None or _plain(uuid) == _plain(repository.uuid)", "return True"),
    ),
    _mutant(
        "only the first ten messages are sent",
        _PUBLISHER,
        (
            '(answer.get("Failed", []), "Code", "sending to a queue")',
            '(answer.get("Failed", []), "Code", "sending to a queue")\n            return',
        ),
    ),
    _mutant(
        "a job of an unknown run is an error",
        _HEARD,
        (
            '        log.info("job of an unknown run", job_id=job.job_id)\n        return None',
            "        raise KeyError(run_id)",
        ),
    ),
    _mutant(
        "refused credentials are given up",
        _NOTIFIER,
        (
            'refused", doing=str(error))\n            raise',
            'refused", doing=str(error))\n            return []',
        ),
    ),
    _mutant(
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
    _mutant(
        "a message is deleted before what it caused is sent",
        _CONSUMER,
        (
            "                self._publisher.publish(self._handle(envelope))\n",
            """\
                events = list(self._handle(envelope))
                self._queue.delete(message["receiptHandle"])
                self._publisher.publish(events)
""",
        ),
        (
            "class Consumer:\n",
            """\
def _delete(queue: Queue, receipt_handle: str) -> None:
    queue._sqs.delete_message(QueueUrl=queue._url, ReceiptHandle=receipt_handle)


Queue.delete = _delete


class Consumer:
""",
        ),
    ),
    _mutant(
        "the submitter tells of ends alone",
        "services/submitter/app.py",
        (
            "    return [*due, state_changed(run)]",
            "    return [*due, *([state_changed(run)] if run.final else [])]",
        ),
    ),
    _mutant(
        "the monitor tells of ends alone",
        "services/monitor/app.py",
        (
            "    return [] if run is None else [state_changed(run)]",
            "    return [] if run is None or not run.final else [state_changed(run)]",
        ),
    ),
    _mutant(
        "a stop is told to nobody",
        "shared/control.py",
        ("    publisher.publish([state_changed(run)])\n    end_job", "    end_job"),
    ),
    _mutant(
        "a sweep that has ended by then is not looked at",
        "services/submitter/points.py",
        (
            "return not (run.final and run.progress is not None and run.progress.complete)",
            "return not run.final",
        ),
    ),
    _mutant(
        "an error quotes the secrets of all webhooks",
        "services/webhook/hooks.py",
        (
            "    if told is None:\n        return None",
            """\
    if told is None:
        message = f"no webhook {uuid} in {text}"
        raise ValueError(message)""",
        ),
    ),
    _mutant(
        "a missing job definition is missing for ever",
        "services/submitter/definitions.py",
        (
            "        now = self._clock()\n",
            (
                "        now = self._clock()\n"
                "        if self._seen.get(name) == -1.0:\n            return False\n"
            ),
        ),
        (
            "            return False\n        self._seen",
            "            self._seen[name] = -1.0\n            return False\n        self._seen",
        ),
    ),
)
