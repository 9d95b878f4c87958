"""Hyper-parameters: plain JSON values in, a method's dataclass out, and back. Types are the fields' own annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import cast, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from nasboard.harness.api import SearchMethod
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.record import Json


def make(cls: type[SearchMethod], name: str, params: Mapping[str, Json]) -> SearchMethod:
    """Return `cls` with the given hyper-parameters and its defaults for the others; `name` is for messages.

    Raises:
        UnknownNameError: no such hyper-parameter.
        UsageError: a value of the wrong type, or one that the class refuses.
    """
    assert is_dataclass(cls)
    known = [field.name for field in fields(cls) if field.init]
    for given in params:
        if given not in known:
            raise UnknownNameError(f"hyper-parameter of {name}", given, known)
    hints = get_type_hints(cls) if params else {}
    checked = {key: check(f"{name}: {key}", value, hints[key]) for key, value in params.items()}
    try:
        return cast(SearchMethod, cls(**checked))
    except TypeError as error:  # a field without default that was not given
        raise UsageError(f"{name} cannot be made from {', '.join(checked) or 'its defaults'}: {error}") from error


def resolved(method: SearchMethod) -> dict[str, Json]:
    """Return every hyper-parameter of a method, defaults included, as plain JSON values.

    Raises:
        UsageError: one of them is not a plain value.
    """
    assert is_dataclass(method)
    assert not isinstance(method, type)
    try:
        return cast("dict[str, Json]", json.loads(json.dumps(asdict(method), allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{type(method).__name__}: hyper-parameters are finite numbers, strings, booleans or lists ({error})"
        ) from error


def check(what: str, value: Json, hint: object) -> object:
    """Return `value` as a field declares it: a list may become a tuple, an integer a float, nothing else.

    Raises:
        UsageError: it does not fit; the message begins with `what`.
    """
    try:
        return _adapter(hint).validate_json(json.dumps(value, allow_nan=False), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise UsageError(f"{what} is of type {_spelled(hint)}, given {value!r} ({problem})") from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} is of type {_spelled(hint)}, given {value!r} ({error})") from error


def _spelled(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


@cache
def _adapter(hint: object) -> TypeAdapter[object]:
    return TypeAdapter(cast("type[object]", hint))
