"""Turns what a database says into nasboard's own errors, each with its remedy. No raw SQLAlchemy error passes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from nasboard.harness.errors import MissingDataError, StoreError, StoreFullError, UnstorableError

_DAMAGED = "is damaged; take a copy of it from before, or `nasboard export` what can still be read and import that"
_FULL = "cannot grow; free space on its disk and run again: nothing was half-written and finished runs are kept"
_READ_ONLY = "cannot be written; give write permission to the file and its folder, or name another store"
_BUSY = "was locked by another process for a minute; wait for it, or end it, and run again"
_REFUSED = "does not hold what was given"
_OTHER = "could not be used"

_Kind = tuple[type[StoreError] | type[MissingDataError], str]

# SQLite's own names of result codes (https://www.sqlite.org/rescode.html), longest prefix first.
_SQLITE: tuple[tuple[str, _Kind], ...] = (
    ("SQLITE_FULL", (StoreFullError, _FULL)),
    ("SQLITE_IOERR", (StoreFullError, _FULL)),
    ("SQLITE_READONLY", (StoreFullError, _READ_ONLY)),
    ("SQLITE_CANTOPEN", (StoreFullError, _READ_ONLY)),
    ("SQLITE_PERM", (StoreFullError, _READ_ONLY)),
    ("SQLITE_BUSY", (StoreError, _BUSY)),
    ("SQLITE_LOCKED", (StoreError, _BUSY)),
    ("SQLITE_CORRUPT", (StoreError, _DAMAGED)),
    ("SQLITE_NOTADB", (StoreError, _DAMAGED)),
    ("SQLITE_TOOBIG", (UnstorableError, _REFUSED)),
)

# SQLSTATE prefixes (PostgreSQL manual, appendix A).
_POSTGRES: tuple[tuple[str, _Kind], ...] = (
    ("3D000", (MissingDataError, "is not there; make the database with `createdb`")),
    ("28", (StoreError, "refused the user or the password; see the URL")),
    ("42501", (StoreFullError, "may not be written by this user; grant CREATE on its schema")),
    ("25006", (StoreFullError, "is read-only; name the primary server")),
    ("53", (StoreFullError, "has no disk, memory or connections left; free some and run again")),
    ("22", (UnstorableError, _REFUSED)),
    ("54", (UnstorableError, _REFUSED)),
    ("XX001", (StoreError, _DAMAGED)),
    ("XX002", (StoreError, _DAMAGED)),
)


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Raise nasboard's errors instead of the database's; `shown` names the store.

    Raises:
        StoreFullError: no space left, or not writable.
        MissingDataError: no such PostgreSQL database.
        UnstorableError: a value that the database does not hold.
        StoreError: anything else.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise explain(error, shown) from error
    except UnicodeDecodeError as error:  # SQLite quotes the damaged bytes in its own message
        raise StoreError(f"{shown} {_DAMAGED} ({error.reason})") from error
    except (OverflowError, UnicodeEncodeError) as error:  # on the way to the database
        raise UnstorableError(f"{shown} {_REFUSED} ({error})") from error


@contextmanager
def decoded(shown: str) -> Iterator[None]:
    """Raise StoreError when a stored value is not what nasboard writes: the file was damaged or edited."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise StoreError(f"{shown} {_DAMAGED} (a stored value does not decode: {error})") from error


def explain(error: Exception, shown: str) -> StoreError | MissingDataError:
    """Return the error of our tree that says what `error` means and what to do about it."""
    cause = getattr(error, "orig", None) or error
    kind, sentence = _kind(cause)
    detail = str(cause).strip().splitlines() or [type(cause).__name__]
    return kind(f"{shown} {sentence} ({detail[0]})")


def _kind(cause: BaseException) -> _Kind:
    state = getattr(cause, "sqlstate", None)
    code = getattr(cause, "sqlite_errorname", None) or ""
    known = _POSTGRES if state else _SQLITE
    for prefix, kind in known:
        if (state or code).startswith(prefix):
            return kind
    text = str(cause)
    if "decode to UTF-8" in text:
        return StoreError, _DAMAGED
    if "does not exist" in text and "database" in text:  # a refused connection carries no SQLSTATE
        return _POSTGRES[0][1]
    if "connection" in text.lower():
        return StoreError, "cannot be reached; start the server, or correct the URL"
    return StoreError, _OTHER
