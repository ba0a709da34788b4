"""A server on loopback that answers the handful of AWS calls that a function makes.

It knows no more than it is told: an operation has one answer after the other, the last one again
and again, and one that it was not told of is a 400, which no function takes for a success. What is
to be answered to S3 and EC2, which speak XML, is the text of an answer's `xml`.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

Answers = Mapping[str, Sequence[dict[str, Any]]]


@dataclass
class Stub:
    """What was asked of the server, in order: operation and request."""

    url: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def operations(self) -> list[str]:
        """The operations that were called."""
        return [operation for operation, _ in self.calls]

    def sent(self) -> list[dict[str, Any]]:
        """The events that were put on queues and on the bus, in their envelopes."""
        found: list[dict[str, Any]] = []
        for operation, request in self.calls:
            if operation == "SendMessageBatch":
                found += [json.loads(entry["MessageBody"]) for entry in request["Entries"]]
            elif operation == "PutEvents":
                found += [
                    {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
                    for entry in request["Entries"]
                ]
        return found


@contextmanager
def answering(answers: Answers) -> Iterator[Stub]:
    """A server that gives these answers until the block is left."""
    left = {operation: list(some) for operation, some in answers.items()}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            form = "x-www-form-urlencoded" in self.headers.get("Content-Type", "")
            request = dict(parse_qsl(asked.decode())) if form else json.loads(asked or b"{}")
            target = request["Action"] if form else self.headers.get("X-Amz-Target")
            operation = _operation(target, self.path)
            with lock:
                stub.calls.append((operation, request))
                some = left.get(operation, [])
                answer = some.pop(0) if len(some) > 1 else some[0] if some else {}
            body = (answer.get("xml") or json.dumps(answer)).encode()
            self.send_response(200 if some else 400)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Nothing: the test tells."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = Stub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _operation(target: str | None, path: str) -> str:
    """`GetItem` from the JSON protocols' header; the path for Batch, S3 and Bitbucket.

    EC2's protocol is a form, which names its operation itself.
    """
    return target.rpartition(".")[2] if target else path.partition("?")[0]
