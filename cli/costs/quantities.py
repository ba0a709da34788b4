"""What a push, a run and a look around cause: counted calls, and what is assumed of durations.

The counts are those of the services themselves, recorded while a delivery goes through all handlers
(tests/benchmarks/chain.py). tests/unit/test_costs_quantities.py compares each with the real chain;
if it fails, write the figures that it shows here, then run: make cost
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Invocations:
    """How often a function is invoked, and what all these invocations do together.

    `aws_calls` and `bitbucket_calls` are waited for, one after the other. `log_bytes` are those of
    our own lines, to the next 50.
    """

    service: str
    times: int
    aws_calls: int
    bitbucket_calls: int = 0
    log_bytes: int = 0


@dataclass(frozen=True)
class Work:
    """What one thing that happens causes, when everything that functions keep must be asked for.

    `messages` is how many messages pass through a queue; each is sent, received and deleted.
    `bus_bytes` and `record_bytes` are to the next 100. Reads are of 4 KB, writes of 1 KB, and those
    of the index count as well: a change of its key takes two (DynamoDB developer guide, global
    secondary indexes).
    """

    invocations: tuple[Invocations, ...]
    http_requests: int = 0
    messages: int = 0
    bus_events: int = 0
    bus_bytes: int = 0
    table_reads: Decimal = Decimal(0)
    table_writes: Decimal = Decimal(0)
    table_invocations: int = 0
    record_bytes: int = 0
    secret_requests: int = 0


# A push without a keyword: webhook and parser, one message between them.
PUSH = Work(
    invocations=(
        Invocations("webhook", times=1, aws_calls=2, log_bytes=300),
        Invocations("parser", times=1, aws_calls=0, log_bytes=0),
    ),
    http_requests=1,
    messages=1,
    secret_requests=1,
)

# A push with a keyword, up to the build status SUCCESSFUL: Batch tells of RUNNABLE, RUNNING and
# SUCCEEDED.
RUN = Work(
    invocations=(
        Invocations("webhook", times=1, aws_calls=2, log_bytes=300),
        Invocations("parser", times=1, aws_calls=3, log_bytes=300),
        Invocations("submitter", times=1, aws_calls=7, log_bytes=400),
        Invocations("monitor", times=3, aws_calls=8, log_bytes=900),
        Invocations("notifier", times=5, aws_calls=12, bitbucket_calls=5, log_bytes=1250),
    ),
    http_requests=1,
    messages=10,
    bus_events=5,
    bus_bytes=5800,
    table_reads=Decimal(15),
    table_writes=Decimal(14),
    table_invocations=10,
    record_bytes=1000,
    secret_requests=3,
)

# The reconciler on its schedule, while no run is open: it asks the index for each open state, about
# jobs and about machines, and EC2 for machines that should have ended.
LOOK_AROUND = Work(
    invocations=(Invocations("reconciler", times=1, aws_calls=7),),
    table_reads=Decimal(3),
    table_invocations=1,
)

# ---- assumed, none of it measured on AWS --------------------------------------------------------
# Waiting for an answer. AWS's own within the region; Bitbucket's over the internet.
AWS_CALL_SECONDS = Decimal("0.020")
BITBUCKET_CALL_SECONDS = Decimal("0.300")
# CPU of a handler: `make bench`, section cpu, the submitter's, which takes most, to the next ms.
HANDLER_CPU_SECONDS = Decimal("0.003")
# CPU of a cold start: docs/decisions/0011-what-a-cold-start-loads.md, with bytecode in the layer.
COLD_START_CPU_SECONDS = Decimal("0.260")
# "At 1,769 MB, a function has the equivalent of one vCPU" (Lambda developer guide, memory).
MIB_OF_A_VCPU = Decimal(1769)
# START and REPORT, and the line of a cold start, as JSON, with the 26 bytes that CloudWatch adds.
PLATFORM_LOG_BYTES = Decimal(900)
# One line in the format of the template's AccessLogSettings, with those 26 bytes.
ACCESS_LOG_BYTES = Decimal(300)

# ---- AWS's own figures --------------------------------------------------------------------------
HOURS_PER_MONTH = Decimal(730)
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
BYTES_PER_GB = Decimal(1024**3)
# SQS sends, receives and deletes are a request each, Lambda's and EventBridge's own included.
REQUESTS_PER_MESSAGE = 3
# Lambda asks an empty queue with five connections at a time, and for 20 s each; only without
# MaximumConcurrency does it go down to two (Lambda developer guide, scaling SQS event sources).
IDLE_POLLERS, IDLE_POLLERS_UNLIMITED = Decimal(5), Decimal(2)
POLL_SECONDS = Decimal(20)
# How long the services keep secrets: shared/secrets.py
SECRETS_KEPT_SECONDS = Decimal(60)
# DynamoDB asks KMS for a table's key again after five minutes, for each caller (its developer
# guide, encryption at rest: how it works).
TABLE_KEY_KEPT_SECONDS = Decimal(300)
