"""What template.yaml declares, put into the models; names are those of `tests.simulation.names`."""

from tests.contracts import wiring
from tests.simulation import names
from tests.simulation.models.batch import Batch
from tests.simulation.models.dynamodb import DynamoDb
from tests.simulation.models.eventbridge import DEFAULT_BUS, EventBridge
from tests.simulation.models.sqs import Sqs


def declare_queues(sqs: Sqs) -> None:
    """All queues, with timeouts, delays and dead-letter queues."""
    urls = {names.get_att(one, "Arn"): names.ref(one) for one in wiring.queues()}
    for logical_id, declared in wiring.queues().items():
        redrive = declared.get("RedrivePolicy")
        sqs.declare(
            names.ref(logical_id),
            visibility=declared.get("VisibilityTimeout", 30),
            delay=declared.get("DelaySeconds", 0),
            most_receives=redrive and int(redrive["maxReceiveCount"]),
            dead_letters=redrive and urls[names.text(redrive["deadLetterTargetArn"])],
        )


def declare_tables(dynamodb: DynamoDb) -> None:
    """All tables."""
    for logical_id, declared in wiring.of_type("AWS::DynamoDB::Table").items():
        dynamodb.create_table(TableName=names.ref(logical_id), **declared)


def declare_rules(eventbridge: EventBridge) -> None:
    """The rules that take events to queues of the stack."""
    urls = {names.get_att(one, "Arn"): names.ref(one) for one in wiring.working_queues()}
    dead = {names.get_att(one, "Arn"): names.ref(one) for one in wiring.queues()}
    for logical_id, declared in wiring.rules().items():
        bus = names.text(declared.get("EventBusName", DEFAULT_BUS))
        for target in declared.get("Targets", ()):
            url = urls.get(names.text(target["Arn"]))
            if url is not None and "EventPattern" in declared:
                pattern = names.value(declared["EventPattern"])
                letters = dead[names.text(target["DeadLetterConfig"]["Arn"])]
                eventbridge.rule(logical_id, bus, pattern, url, letters)


def declare_job_queues(batch: Batch) -> None:
    """The two job queues of the stack, which share fairly or not, as the template's default is."""
    fair = names.condition("UsesFairShare")
    settings = names.environment("submitter")
    for variable in ("JOB_QUEUE", "GPU_JOB_QUEUE"):
        batch.queues[settings[variable]] = fair
