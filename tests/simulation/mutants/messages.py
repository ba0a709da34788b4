"""Mistakes with messages and events: how they are taken, given back and sent."""

from tests.simulation.mutants.mutant import mutant

_CONSUMER = "shared/consumer.py"
_PUBLISHER = "shared/publisher.py"

MUTANTS = (
    mutant(
        "a message whose work failed for now is acknowledged",
        _CONSUMER,
        (
            "                return False\n            except Exception:",
            "                return True\n            except Exception:",
        ),
    ),
    mutant(
        "a message whose work failed by a bug is acknowledged",
        _CONSUMER,
        (
            "delivery=delivery)\n                return False\n            return True",
            "delivery=delivery)\n            return True",
        ),
    ),
    mutant(
        "one failed message is forgotten for its batch",
        _CONSUMER,
        ("batchItemFailures=failures)", "batchItemFailures=failures[1:])"),
    ),
    mutant(
        "messages that were not tried are acknowledged",
        _CONSUMER,
        ("                failed += untried\n", ""),
    ),
    mutant(
        "commands that a queue refused are taken for sent",
        _PUBLISHER,
        ('answer.get("Failed", [])', 'answer.get("NoSuchField", [])'),
    ),
    mutant(
        "events that the bus refused are taken for put",
        _PUBLISHER,
        ('if entry.get("ErrorCode")]', 'if entry.get("NoSuchField")]'),
    ),
    mutant(
        "only the first ten messages are sent",
        _PUBLISHER,
        (
            '(answer.get("Failed", []), "Code", "sending to a queue")',
            '(answer.get("Failed", []), "Code", "sending to a queue")\n            return',
        ),
    ),
    mutant(
        "events that could not be delivered are deleted",
        "cli/dlq/routes.py",
        ("        if target in self.queues:\n", "        if target in ():\n"),
    ),
    mutant(
        "a dead letter is deleted before it is sent back",
        "cli/dlq/redriving.py",
        (
            """\
                    reading.pass_over(queue.send(there.url, letter))
                    reading.delete(letter)
""",
            """\
                    reading.delete(letter)
                    reading.pass_over(queue.send(there.url, letter))
""",
        ),
    ),
    mutant(
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
)
