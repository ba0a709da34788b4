"""The kinds of faults that a seed may know: how many seeds do, and how often each then strikes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """In how many of all seeds a kind of fault occurs, and with which odds, lowest and highest."""

    share: float
    low: float
    high: float


KINDS: dict[str, Kind] = {
    # Of functions, and of what they call.
    "crash-before": Kind(0.35, 0.002, 0.06),
    "crash-after": Kind(0.45, 0.002, 0.08),
    "slow": Kind(0.35, 0.005, 0.15),
    "throttled": Kind(0.35, 0.005, 0.25),
    "server-error": Kind(0.3, 0.005, 0.2),
    "unclear": Kind(0.35, 0.005, 0.2),
    "submitted-unclear": Kind(0.15, 0.05, 0.7),
    "stalled": Kind(0.3, 0.002, 0.05),
    "lands-late": Kind(0.2, 0.005, 0.08),
    "denied": Kind(0.15, 0.005, 0.1),
    "not-reached": Kind(0.25, 0.005, 0.2),
    "partial": Kind(0.25, 0.02, 0.3),
    "skew": Kind(0.5, 0.2, 1.0),
    "clock-steps": Kind(0.2, 0.01, 0.3),
    "redeploy": Kind(0.3, 0.02, 0.2),
    "recycled": Kind(0.3, 0.01, 0.3),
    "invoke-throttled": Kind(0.2, 0.01, 0.4),
    # Of queues and buses.
    "delivered-twice": Kind(0.4, 0.01, 0.3),
    "delayed": Kind(0.4, 0.01, 0.3),
    "reordered": Kind(0.4, 0.05, 0.5),
    "delete-lost": Kind(0.3, 0.01, 0.2),
    "delivered-late": Kind(0.1, 0.01, 0.1),
    "event-lost": Kind(0.3, 0.02, 0.4),
    "event-twice": Kind(0.35, 0.02, 0.4),
    "target-refuses": Kind(0.08, 0.4, 1.0),
    # Of what is read.
    "list-lag": Kind(0.5, 0.1, 1.0),
    "list-lag-beyond": Kind(0.1, 0.3, 1.0),
    "left-out": Kind(0.2, 0.02, 0.4),
    "empty-page": Kind(0.3, 0.1, 0.6),
    "index-lag": Kind(0.3, 0.05, 0.8),
    "eventual-read": Kind(0.4, 0.1, 0.8),
    "definition-unseen": Kind(0.15, 0.5, 1.0),
    # Of Bitbucket.
    "http-429": Kind(0.3, 0.01, 0.3),
    "http-500": Kind(0.25, 0.01, 0.2),
    "http-502": Kind(0.2, 0.01, 0.2),
    "http-unclear": Kind(0.3, 0.01, 0.2),
    "http-slow": Kind(0.3, 0.01, 0.2),
    "http-lands-late": Kind(0.2, 0.02, 0.3),
    "http-401": Kind(0.15, 0.01, 0.1),
    "commit-gone": Kind(0.1, 0.05, 0.3),
    "commit-unseen": Kind(0.2, 0.05, 0.6),
    "access-lost": Kind(0.06, 0.7, 1.0),
    # Of Batch and of people.
    "spot": Kind(0.3, 0.05, 0.5),
    "job-fails": Kind(0.4, 0.1, 0.6),
    "point-fails": Kind(0.35, 0.05, 0.5),
    "point-starts-late": Kind(0.2, 0.05, 0.4),
    "result-malformed": Kind(0.15, 0.05, 0.5),
    "counted-late": Kind(0.3, 0.5, 1.0),
    "webhook-twice": Kind(0.3, 0.1, 0.6),
    "stop": Kind(0.3, 0.1, 0.7),
    "rerun": Kind(0.3, 0.1, 0.7),
    "forged": Kind(0.2, 0.2, 0.8),
    "replayed": Kind(0.2, 0.2, 0.8),
    "foreign": Kind(0.1, 0.3, 1.0),
    "foreign-job": Kind(0.2, 0.2, 0.8),
    "command": Kind(0.3, 0.5, 1.0),
    "person-skew": Kind(0.3, 0.2, 1.0),
    "no-definition": Kind(0.15, 0.3, 1.0),
    "redriven-early": Kind(0.15, 0.5, 1.0),
    "renamed": Kind(0.1, 0.5, 1.0),
    "hook-rotated": Kind(0.15, 1.0, 1.0),
    "many-branches": Kind(0.1, 0.1, 0.6),
    "sweep": Kind(0.1, 0.2, 0.8),
    "answer-lost": Kind(0.3, 0.05, 0.4),
    "queue-blocked": Kind(0.25, 0.1, 0.6),
    "time-limit": Kind(0.15, 0.03, 0.3),
    "ended-outside": Kind(0.15, 0.05, 0.4),
    "terminated-late": Kind(0.2, 0.2, 0.8),
    "job-unheard": Kind(0.2, 0.1, 0.8),
    "job-forgotten": Kind(0.15, 0.1, 0.6),
    # A window in which several services refuse most of what is asked of them.
    "throttled-together": Kind(0.1, 0.5, 1.0),
    # A window in which a service does nothing for anybody.
    "outage-dynamodb": Kind(0.03, 1.0, 1.0),
    "outage-sqs": Kind(0.03, 1.0, 1.0),
    "outage-events": Kind(0.03, 1.0, 1.0),
    "outage-batch": Kind(0.03, 1.0, 1.0),
    "outage-bitbucket": Kind(0.04, 1.0, 1.0),
    "outage-secretsmanager": Kind(0.03, 1.0, 1.0),
    "outage-lambda": Kind(0.04, 1.0, 1.0),
}
# Some do harm only together: with these odds, in so many of all seeds.
TOGETHER: tuple[tuple[float, dict[str, float]], ...] = (
    # A second job is begun for an attempt of whose first nothing is heard in time.
    (0.05, {"list-lag-beyond": 1.0, "submitted-unclear": 0.6, "event-lost": 0.5}),
    # The same where ListJobs is as far behind as it may be: no second job is begun.
    (
        0.05,
        {
            "list-lag": 1.0,
            "submitted-unclear": 0.6,
            "event-lost": 0.5,
            "lands-late": 0.1,
            "list-lag-beyond": 0,
        },
    ),
    # Whoever takes over the lease alone can find the job, and fails at that.
    (0.05, {"submitted-unclear": 0.5, "job-unheard": 0.7, "throttled": 0.5, "list-lag-beyond": 0}),
    # Whoever sends back what could not be delivered is cut off in the middle of it.
    (
        0.04,
        {"target-refuses": 0.9, "redriven-early": 1.0, "crash-before": 0.06, "crash-after": 0.08},
    ),
    # Sweeps that fail, are run again, are counted late and leave what cannot be read.
    (
        0.05,
        {
            "sweep": 0.7,
            "point-fails": 0.4,
            "rerun": 0.5,
            "counted-late": 1.0,
            "result-malformed": 0.3,
        },
    ),
)
