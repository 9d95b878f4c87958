"""Methods that are named in the hyper-parameters of another, as what guides a search names who searches and who ranks.

A hyper-parameter `X` that is a string, beside one `X_params` that is a list of `NAME=VALUE`, names a method and gives
its hyper-parameters. A value is JSON, or else a string, so that a suite needs no table inside a table. What is stored
in a run's key is complete, as everything there: the defaults of the named method too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from nasboard.harness.errors import UsageError
from nasboard.harness.record import Json

SUFFIX = "_params"


def settings(lines: Sequence[str]) -> dict[str, Json]:
    """Return the hyper-parameters in lines of `NAME=VALUE`.

    Raises:
        UsageError: a line of another form, or a name that comes twice.
    """
    found: dict[str, Json] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not (name.strip() and equals) or name.strip() in found:
            raise UsageError(
                f"hyper-parameters of a method that is named in another are a list of NAME=VALUE, each name once, such "
                f'as ["k=1", "epochs=200"]; given {line!r}'
            )
        try:
            found[name.strip()] = cast(Json, json.loads(value))
        except json.JSONDecodeError:
            found[name.strip()] = value.strip()
    return found


def lines(params: Mapping[str, Json]) -> tuple[str, ...]:
    """Return hyper-parameters as lines of `NAME=VALUE` that `settings` reads back, in the order given."""
    return tuple(f"{name}={json.dumps(value, allow_nan=False)}" for name, value in params.items())


def named(params: Mapping[str, Json]) -> dict[str, tuple[str, dict[str, Json]]]:
    """Return hyper-parameter -> the method that it names, and that one's own hyper-parameters.

    Raises:
        UsageError: they are not a list of `NAME=VALUE`.
    """
    found = {}
    for part, name in params.items():
        given = params.get(part + SUFFIX)
        if isinstance(name, str) and isinstance(given, list | tuple) and all(isinstance(line, str) for line in given):
            found[part] = name, settings(cast("Sequence[str]", given))
    return found
