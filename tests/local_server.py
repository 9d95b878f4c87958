"""A web server of a test's own on localhost, which answers well or badly as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        body: what a complete answer holds.
        status: of it.
        cut: bytes after which the connection is closed; None sends all.
        length: what is announced; None announces the size of the body, -1 announces nothing.
        location: where the client is sent on to; None: nowhere.
        drip_s: seconds before every single byte; None sends them at once.
    """

    body: bytes = b""
    status: int = 200
    cut: int | None = None
    length: int | None = None
    location: str | None = None
    drip_s: float | None = None


@dataclass
class Server:
    """A running server.

    Attributes:
        address: `http://127.0.0.1:PORT`.
        answers: path -> answers in turn; the last one is given for good.
        asked: the paths that were asked for, in turn.
    """

    address: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, *answers: Answer) -> str:
        """Set the answers of a path; returns its URL."""
        self.answers[path] = list(answers)
        return f"{self.address}{path}"

    def next(self, path: str) -> Answer:
        """Return the next answer of a path."""
        self.asked.append(path)
        left = self.answers.get(path, [Answer(status=404)])
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server for as long as the context lasts."""
    server: Server

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = server.next(self.path)
            self.send_response(answer.status)
            if answer.length != -1:
                self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            with suppress(BrokenPipeError, ConnectionResetError):  # the other side has seen enough
                if answer.drip_s is None:
                    self.wfile.write(answer.body[: answer.cut])
                else:
                    for byte in answer.body[: answer.cut]:
                        time.sleep(answer.drip_s)
                        self.wfile.write(bytes([byte]))

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        server = Server(f"http://127.0.0.1:{running.server_address[1]}")
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            running.shutdown()
            thread.join()
