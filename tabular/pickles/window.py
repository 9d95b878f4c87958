"""The window on the bytes of a pickle that is being read: a bytes object that is replaced as reading goes on.

A handler gets a position in it and returns the position after its arguments; one that had to move the window returns
`AWAY` and leaves the true position in `resume`. After the end of the stream the window is padded with zeros, so that an
opcode with arguments of fixed size never reads past it: the loop sees afterwards that the position lies beyond the end.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from nasboard.tabular.tables.table import TableError

CHUNK: Final = 1 << 18  # bytes read at a time: nothing is set aside for a length that is only declared
MARGIN: Final = 16  # an opcode with its arguments of fixed size is shorter
AWAY: Final = 1 << 62
LONGEST_ITEM: Final = 1 << 24  # bytes of one string or array; those of recorded trainings are far below a megabyte
DOWNLOAD: Final = "the file is damaged or cut short: download it again"


class RefusedError(ValueError):
    """What is being read cannot be accepted; becomes a `TableError` that names source, position and opcode."""


class Window:
    """What of the stream is before the reader."""

    __slots__ = ("base", "data", "ended", "limit", "longest", "real", "resume", "safe", "source", "stream")

    def __init__(self, stream: BinaryIO, source: str, limit: int) -> None:
        self.stream, self.source, self.limit = stream, source, limit
        self.longest = min(limit, LONGEST_ITEM)
        self.data, self.base, self.real, self.safe, self.ended = b"", 0, 0, 0, False
        self.resume = 0

    def spend(self, values: int) -> None:
        """Count values that are held, also when there are none to add.

        Raises:
            RefusedError: there are too many.
        """
        raise NotImplementedError

    def refill(self, pos: int) -> int:
        """Drop the window before `pos` and read on; return the position in the new window."""
        rest = self.data[pos : self.real]
        if self.ended or pos > self.real:
            raise TableError(f"{self.source}: the pickle breaks off at byte {self.base + self.real}; {DOWNLOAD}")
        self.base += pos
        self._show(rest + self._more())
        return 0

    def cut(self, pos: int, size: int) -> tuple[bytes, int]:
        """Return `size` bytes from `pos` on and the position after them."""
        stop = pos + size
        if size > 31:
            self.spend(size >> 5 if size <= self.longest else 0)
        if stop <= self.real:
            return self.data[pos:stop], stop
        if size > self.longest:
            raise RefusedError(f"an item of {size} bytes is declared, at most {self.longest} are read; {DOWNLOAD}")
        pieces = [self.data[pos : self.real]]
        self.base += self.real
        missing = size - len(pieces[0])
        while missing > 0:
            piece = self._more()
            if not piece:
                raise RefusedError(f"an item of {size} bytes is declared, the last {missing} are not there; {DOWNLOAD}")
            pieces.append(piece)
            missing -= len(piece)
            self.base += len(piece)
        surplus = pieces.pop()
        kept = len(surplus) + min(missing, 0)
        self.base -= len(surplus) - kept
        self._show(surplus[kept:])
        self.resume = 0
        return b"".join([*pieces, surplus[:kept]]), AWAY

    def line(self, pos: int) -> tuple[bytes, int]:
        """Return the bytes up to the next newline and the position after it."""
        stop = self.data.find(b"\n", pos, self.real)
        if stop >= 0:
            if stop - pos > 63:
                self.spend((stop - pos) >> 6)
            return self.data[pos:stop], stop + 1
        pieces, size = [self.data[pos : self.real]], 0
        self.base += self.real
        while size <= self.longest:
            piece = self._more()
            stop = piece.find(b"\n")
            if stop >= 0:
                self.base += stop + 1
                self.spend(size >> 6)
                self._show(piece[stop + 1 :])
                self.resume = 0
                return b"".join([*pieces, piece[:stop]]), AWAY
            if not piece:
                raise RefusedError(f"the end of a line is not there; {DOWNLOAD}")
            pieces.append(piece)
            size += len(piece)
            self.base += len(piece)
        raise RefusedError(f"a line is longer than {self.longest} bytes; {DOWNLOAD}")

    def _more(self) -> bytes:
        """Read on, unless too much is held already."""
        self.spend(0)
        piece = b"" if self.ended else self.stream.read(CHUNK)
        self.ended = not piece
        return piece

    def _show(self, data: bytes) -> None:
        self.real = len(data)
        if self.base + self.real > self.limit + CHUNK:
            raise RefusedError(f"more than {self.limit} bytes; no file of this kind is so large")
        self.data = data + bytes(MARGIN) if self.ended else data
        self.safe = self.real if self.ended else max(0, self.real - MARGIN)
