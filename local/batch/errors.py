"""What the endpoint answers when it does not do what was asked: Batch's own two families.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html and botocore's
model of Batch, which gives `ClientException` the status 400 and `ServerException` 500.
"""


class BatchError(Exception):
    """An answer that is an error; its text is the answer's message."""

    http_status: int
    code: str


class ClientException(BatchError):
    """The caller asked for something that cannot be done."""

    http_status = 400
    code = "ClientException"


class ServerException(BatchError):
    """The endpoint failed; only asked for by a test."""

    http_status = 500
    code = "ServerException"


class TooManyRequests(BatchError):
    """The account's rate is exceeded (SubmitJob: 50 a second); only asked for by a test."""

    http_status = 429
    code = "TooManyRequestsException"
