"""An account with the stack's queues and tables in it, and Bitbucket beside it."""

from tests.simulation.choices import Choices
from tests.simulation.models.batch import Batch
from tests.simulation.models.bitbucket import Bitbucket
from tests.simulation.models.declared import declare_queues, declare_tables
from tests.simulation.models.dynamodb import DynamoDb
from tests.simulation.models.ec2 import Ec2
from tests.simulation.models.eventbridge import EventBridge
from tests.simulation.models.s3 import S3
from tests.simulation.models.secretsmanager import SecretsManager
from tests.simulation.models.sqs import Sqs
from tests.simulation.scheduler import Scheduler
from tests.simulation.world import Trace, World


def account(choices: Choices, scheduler: Scheduler, *, trace: bool = False) -> World:
    """A world in which nothing has happened, with no rule on a bus and no function yet."""

    def now() -> float:
        return scheduler.now

    sqs = Sqs(now, choices, scheduler.later)
    world = World(
        choices=choices,
        scheduler=scheduler,
        trace=Trace(scheduler, on=trace),
        dynamodb=DynamoDb(now, choices, scheduler.later),
        sqs=sqs,
        eventbridge=EventBridge(now, choices, scheduler.bring, sqs),
        batch=Batch(now, choices, scheduler.later),
        bitbucket=Bitbucket(now, choices, scheduler.later),
        secretsmanager=SecretsManager(now, choices, scheduler.later),
        s3=S3(now, choices, scheduler.later),
        ec2=Ec2(now, choices, scheduler.later),
    )
    declare_queues(sqs)
    declare_tables(world.dynamodb)
    return world
