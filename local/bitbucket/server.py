"""A stand-in that listens: the application behind Werkzeug's threaded server on 127.0.0.1."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from werkzeug.exceptions import ServiceUnavailable
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from local.bitbucket.application import Application
from local.bitbucket.database import Database
from local.bitbucket.downloads import Downloads
from local.bitbucket.faults import Faults
from local.bitbucket.lfs import Objects
from local.bitbucket.repositories import Repositories
from local.bitbucket.scopes import Tokens
from local.bitbucket.sender import ANSWER_WITHIN, PAUSE, Sender
from local.bitbucket.shapes import Addresses
from local.bitbucket.site import Site
from local.loopback import FromHere

HOST = "127.0.0.1"
IDLE_FOR = 300  # seconds that a connection may be silent


class _Connection(WSGIRequestHandler):
    timeout = IDLE_FOR

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the application logs each request, without its query."""


class Server:
    """Listens from its creation on, answers inside `with`."""

    def __init__(
        self,
        state: Path,
        token: str,
        *,
        port: int = 0,
        page_host: str = HOST,
        answer_within: float = ANSWER_WITHIN,
        pause: float = PAUSE,
    ) -> None:
        self._listener = ThreadedWSGIServer(HOST, port, ServiceUnavailable(), handler=_Connection)
        self.port: int = self._listener.server_port
        database = Database(state / "bitbucket.sqlite")
        pages = f"http://{page_host}:{self.port}"
        self.site = Site(
            state=state,
            token=token,
            addresses=Addresses(api=f"http://{HOST}:{self.port}/2.0", pages=pages),
            database=database,
            repositories=Repositories(database, state / "repositories"),
            downloads=Downloads(database, state / "downloads"),
            objects=Objects(state / "lfs"),
            sender=Sender(database, answer_within=answer_within, pause=pause),
            faults=Faults(),
            tokens=Tokens(),
        )
        self._listener.app = FromHere(Application(self.site), names=[page_host], pages=True)
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self.site.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        self.site.stop()
