"""Event patterns, events, and what the endpoint tells of them by itself; None: it asks."""

from pydantic import JsonValue

from local.batch.shapes import Document

PLAIN: Document = {
    "source": "aws.batch",
    "detail-type": "Batch Job State Change",
    "resources": ["arn:job/j"],
    "detail": {"status": "RUNNABLE", "jobQueue": "arn:queue/q", "attempts": [{"n": 1}], "n": 4},
}
PARENT = PLAIN | {"detail": {"status": "PENDING", "arrayProperties": {"size": 3}}}
CHILD = PLAIN | {"detail": {"status": "RUNNABLE", "arrayProperties": {"index": 0}}}
NO_CHILDREN: Document = {
    "source": ["aws.batch"],
    "detail": {
        "status": ["RUNNABLE", "PENDING"],
        "arrayProperties": {"index": [{"exists": False}]},
    },
}
CASES: list[tuple[JsonValue, Document, bool | None]] = [
    (NO_CHILDREN, PLAIN, True),
    (NO_CHILDREN, PARENT, True),
    (NO_CHILDREN, CHILD, False),
    ({"detail": {"arrayProperties": {"index": [{"exists": True}]}}}, CHILD, True),
    ({"detail": {"arrayProperties": {"index": [{"exists": True}]}}}, PLAIN, False),
    ({"source": ["aws.ec2", "aws.batch"]}, PLAIN, True),
    ({"source": ["aws.ec2"]}, PLAIN, False),
    ({"resources": ["arn:job/j"]}, PLAIN, True),
    ({"detail": {"jobQueue": [{"prefix": "arn:queue/"}]}}, PLAIN, True),
    ({"detail": {"jobQueue": [{"prefix": "arn:job/"}]}}, PLAIN, False),
    ({"detail": {"jobQueue": [{"suffix": "/q"}]}}, PLAIN, True),
    ({"detail": {"status": [{"anything-but": ["STARTING"]}]}}, PLAIN, True),
    ({"detail": {"status": [{"anything-but": "RUNNABLE"}]}}, PLAIN, False),
    ({"detail": {"reason": [{"anything-but": "x"}]}}, PLAIN, False),
    ({"detail": {"reason": ["x", {"exists": False}]}}, PLAIN, True),
    # Not told here: EventBridge is asked.
    ({"detail": {"n": [{"numeric": [">", 3]}]}}, PLAIN, None),
    ({"detail": {"n": [4]}}, PLAIN, None),
    ({"detail": {"attempts": {"n": [1]}}}, PLAIN, None),
    ({"detail": {"attempts": [{"exists": True}]}}, PLAIN, None),
    ({"$or": [{"source": ["aws.batch"]}, {"source": ["aws.ec2"]}]}, PLAIN, None),
    ({"source": "aws.batch"}, PLAIN, None),
    ({"detail": {"status": [{"equals-ignore-case": "runnable"}]}}, PLAIN, None),
    # Whatever it would say of the rest: it does not match.
    ({"source": ["aws.ec2"], "detail": {"n": [{"numeric": [">", 3]}]}}, PLAIN, False),
    (None, PLAIN, None),
]
