"""What the endpoint answers when it does not do what was asked, in the JSON protocol of AWS."""


class Refused(Exception):
    """An answer that is an error, with AWS's code of it; its text is the answer's message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
