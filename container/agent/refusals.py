"""How the agent says that it does not do what it was asked to."""


class NotDone(Exception):
    """A command cannot do what it is for; the message says what to do."""


class Busy(Exception):
    """Another experiment has the machine; the message is its run's id."""
