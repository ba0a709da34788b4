"""A WSGI application on a listener of loopback, served in a thread as long as a block lasts."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from local.loopback import FromHere

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def serving(application: "WSGIApplication", listener: socket.socket, port: int) -> Iterator[None]:
    """Serve until the block is left, no foreign page; each request has a thread of its own."""
    server = make_server(
        "127.0.0.1", port, FromHere(application), threaded=True, fd=listener.fileno()
    )
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), name="http", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
