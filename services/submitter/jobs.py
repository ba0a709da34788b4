"""SubmitJob and the search for what it may have done."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from shared.aws import calling, throttled
from shared.errors import Unavailable
from shared.telemetry import log

# AWS Batch API reference, SubmitJob: "usually caused by a client action", HTTP 400. Throttling and
# a refused access have codes of their own.
_MALFORMED = "ClientException"


class NotSubmitted(Unavailable):
    """Batch has surely not taken the job, so that another try need not wait for the lease."""


class Refused(NotSubmitted):
    """Batch will not take such a job; `said` is how it says that."""

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(f"{doing}: {said}")
        self.said = said


class SubmitterJobs:
    """Batch's jobs, as the submitter makes and finds them.

    Each time it begins with a new connection. While Lambda keeps a function frozen, Batch closes
    the connection of its last call, and the function does not see that: the next call would go into
    it and come to nothing. Whoever may repeat a call does not mind; after a SubmitJob without an
    answer one has to wait for the whole lease. A connection costs some 50 to 100 ms, which is
    nothing to a job that waits for its machine.
    """

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def submit(self, submission: dict[str, Any]) -> str:
        """Submit a job and return its id.

        Raises:
            Refused: Batch calls the job itself wrong.
            NotSubmitted: Batch refused the job for another reason, or was not reached.
            Unavailable: the answer is unclear; the job may exist.

        """
        doing = "submitting a job"
        self._batch.close()
        try:
            with calling(doing):
                job_id: str = self._batch.submit_job(**submission)["jobId"]
        except ClientError as error:
            said = error.response["Error"]
            if said.get("Code") == _MALFORMED:
                raise Refused(doing, str(said.get("Message"))) from error
            message = f"{doing}: {said.get('Message')}"
            raise NotSubmitted(message) from error
        except Unavailable as unclear:
            cause = unclear.__cause__
            refused = isinstance(cause, ClientError) and throttled(cause)
            if refused or isinstance(cause, (ConnectTimeoutError, EndpointConnectionError)):
                raise NotSubmitted(str(unclear)) from cause
            raise
        return job_id

    def find(self, queue: str, name: str) -> str | None:
        """The id of the job called `name` in `queue`; of several, the one that came first.

        ListJobs may lag behind SubmitJob, and its filter matches without regard to case. In a queue
        that Batch does not know, no job is: all end when a queue is deleted (API reference,
        DeleteJobQueue).
        """
        self._batch.close()
        try:
            found = [job for job in self._list(queue, name) if job["jobName"] == name]
        except ClientError as error:
            if error.response["Error"].get("Code") != _MALFORMED:
                raise
            log.warning("job queue not known", job_name=name)
            return None
        if not found:
            return None
        first: str = min(found, key=lambda job: (job["createdAt"], job["jobId"]))["jobId"]
        return first

    def _list(self, queue: str, name: str) -> Iterator[dict[str, Any]]:
        page: dict[str, str] = {}
        while True:
            with calling("listing jobs"):
                answer = self._batch.list_jobs(
                    jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}], **page
                )
            yield from answer["jobSummaryList"]
            if not answer.get("nextToken"):
                return
            page = {"nextToken": answer["nextToken"]}
