"""One known file from one address: what went wrong, and whether asking again may help.

Which addresses there are and how often they are asked is the business of `fetching`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin

from nasboard.tabular.known.files import KnownFile

if TYPE_CHECKING:
    import requests

Told = Callable[[str, int, int | None], None]

_PIECE = 1 << 16  # bytes
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others a moment later
_HOPS = 10  # redirects
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "nasboard"}


@dataclass(frozen=True, slots=True)
class Line:
    """How to treat the network.

    Attributes:
        tries: of every mirror, before the next is asked.
        wait_s: before the second try; twice that before the third, and so on.
        timeout_s: for an answer, and between two pieces of it.
        grace_s: what a file of any size may take.
        slowest_bytes_per_s: what it may take beyond that, by its size.
    """

    tries: int = 3
    wait_s: float = 2.0
    timeout_s: float = 30.0
    grace_s: float = 60.0
    slowest_bytes_per_s: float = 20_000.0

    def limit_s(self, size_bytes: int) -> float:
        """Return how long the content of a file may take to come, so that one that only drips comes to an end."""
        return self.grace_s + size_bytes / self.slowest_bytes_per_s


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file did not come.

    Attributes:
        reason: for the user.
        final: asking the same address again is of no use.
    """

    reason: str
    final: bool


def download(url: str, file: KnownFile, folder: Path, told: Told, line: Line) -> Fault | None:
    """Download `file` into `folder` and check it; returns what went wrong, None where nothing did.

    Args:
        url: one of its addresses, http or https.
        file: what should come.
        folder: where it is put under its name.
        told: called with label, bytes done, and total.
        line: how to treat the network.

    Raises:
        OSError: it cannot be written.
    """
    import pooch  # with what it needs a tenth of a second; only this function and `_read` do
    import requests
    import urllib3

    pooch.get_logger().setLevel("WARNING")
    digest = f"sha256:{file.sha256}" if file.sha256 is not None else f"md5:{file.md5}"
    gauge = _Gauge(file, told, line)

    def load(address: str, output: str, owner: object) -> None:
        with Path(output).open("wb") as stream:
            try:
                _read(address, gauge, stream, line)
            except requests.exceptions.RequestException:  # some of which are `ValueError`s too
                raise
            except ValueError as error:
                raise _RefusedError(f"this is no address, or leads to none ({error})", final=True) from error

    try:
        pooch.retrieve(url, digest, file.name, folder, downloader=load)
    except _RefusedError as error:
        return error.fault
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        return Fault(f"the connection failed ({type(error).__name__}) after {gauge.told_bytes}", _is_final(error))
    except ValueError:
        reason = f"what came has another checksum than {digest}, after {gauge.told_bytes}"
        return Fault(reason, gauge.done == file.size_bytes)
    if gauge.done != file.size_bytes:  # the checksum fits, so the registry is wrong
        (folder / file.name).unlink()
        return Fault(f"the checksum is right, but the size is not: {gauge.told_bytes}", True)
    return None


def _read(url: str, gauge: _Gauge, stream: BinaryIO, line: Line) -> None:
    """Write the content of the answer to `stream`, each piece as soon as it has come."""
    import requests

    with requests.Session() as session, _answer(session, url, line) as answer:
        if answer.status_code != 200:
            final = answer.status_code not in _PASSING
            raise _RefusedError(f"the server answers {answer.status_code}", final=final)
        gauge.start()
        while piece := answer.raw.read1(_PIECE, decode_content=True):  # `read` would wait until a piece is full
            gauge.count(piece)
            stream.write(piece)


def _answer(session: requests.Session, url: str, line: Line) -> requests.Response:
    """Return the first answer that sends us nowhere else; those before it are not read."""
    for _ in range(1 + _HOPS):
        answer = session.get(url, headers=_HEADERS, timeout=line.timeout_s, stream=True, allow_redirects=False)
        if not answer.is_redirect:
            return answer
        answer.close()
        url = urljoin(url, answer.headers["location"])
        if not url.startswith(("http://", "https://")):
            raise _RefusedError(f"the server sends us on to {url[:200]}, which is not http or https", final=True)
    raise _RefusedError(f"the server sends us on more than {_HOPS} times", final=True)


def _is_final(error: Exception) -> bool:
    """Return whether a failed connection fails for good: an address or a certificate that is wrong."""
    from requests import exceptions
    from urllib3.exceptions import DecodeError, LocationValueError

    wrong = (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema, DecodeError, LocationValueError)
    return isinstance(error, wrong) or "CERTIFICATE_VERIFY_FAILED" in str(error)


class _RefusedError(Exception):
    """What comes is not what we want; carries the fault."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.fault = Fault(reason, final)


class _Gauge:
    """Counts what comes, tells it as progress, and ends an answer that is too long or takes too long."""

    def __init__(self, file: KnownFile, told: Told, line: Line) -> None:
        self.file, self.told, self.line, self.done = file, told, line, 0
        self.limit_s = line.limit_s(file.size_bytes)

    @property
    def told_bytes(self) -> str:
        return f"{self.done:,} of {self.file.size_bytes:,} bytes"

    def start(self) -> None:
        """Begin to measure the time."""
        self.end = time.monotonic() + self.limit_s

    def count(self, piece: bytes) -> None:
        """Count a piece that came."""
        self.done += len(piece)
        if self.done > self.file.size_bytes:
            raise _RefusedError(f"the answer is longer than the {self.file.size_bytes:,} bytes of the file", final=True)
        if time.monotonic() > self.end and self.done < self.file.size_bytes:
            raise _RefusedError(
                f"{self.told_bytes} came in {self.limit_s:,.0f} s, which is all that it may take "
                f"({self.line.grace_s:.0f} s, and its size at {self.line.slowest_bytes_per_s / 1000:g} kB a second)",
                final=True,
            )
        self.told(f"fetching {self.file.name}", self.done, self.file.size_bytes)
