"""The two ways in which work ends early, named by what the caller does about it.

Anything else that rises is a bug: it rises as well, and ends in a dead-letter queue.
"""


class Rejected(Exception):
    """The input can never work. Tell the user, then acknowledge: trying again changes nothing.

    The text is the answer that the user reads; it says what to write instead.
    """


class Unavailable(Exception):
    """A dependency failed. Let it rise: the queue delivers the message again.

    `retry_after` is the number of seconds after which another try makes sense, where the
    dependency (or a lease) said so; None leaves the pace to the queue's backoff.
    """

    def __init__(self, doing: str, *, retry_after: float | None = None) -> None:
        super().__init__(doing)
        self.retry_after = retry_after
