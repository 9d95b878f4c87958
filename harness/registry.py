"""The registry: names of methods, benchmarks and table builders, and where each is found.

Ours are `"module:attr"` strings, other packages' come from the entry points `nasboard.methods` and
`nasboard.benchmarks`. Nothing is imported before it is asked for. What `ls` says of an entry is `listing`'s.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from harness.api import Benchmark, SearchMethod
from harness.errors import MissingDataError, UnknownNameError, UsageError
from harness.record import Json

Kind = Literal["methods", "benchmarks", "tables"]
Builder = Callable[..., object]

OURS = "nasboard"
BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "methods": {
        "random_search": "methods.random_search:RandomSearch",
        "regularized_evolution": "methods.regularized_evolution:RegularizedEvolution",
        "reinforce": "methods.reinforce:Reinforce",
        "darts": "methods.darts:Darts",
        "sdarts_rs": "methods.sdarts_rs:SdartsRs",
        "one_shot": "methods.one_shot:OneShot",
        "few_shot": "methods.few_shot:FewShot",
    },
    "benchmarks": {
        "digits201": "benchmarks.digits201:tabular",
        "digits201-live": "benchmarks.digits201:live",
        "planted": "benchmarks.planted:planted",
    },
    "tables": {"digits201": "benchmarks.live.build_table:build"},
}
SINGULAR: Mapping[Kind, str] = {"methods": "method", "benchmarks": "benchmark", "tables": "table"}
EXTRA_OF = {
    "torch": "live",
    "sklearn": "live",
    "jinja2": "report",
    "plotly": "report",
    "psycopg": "postgres",
    "optuna": "optuna",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A name, where it is found, and the distribution that provides it."""

    name: str
    value: str  # "module:attr"
    distribution: str


def catalogue(kind: Kind) -> Mapping[str, Entry]:
    """Return every entry of a kind by name.

    Raises:
        UsageError: two distributions use one name.
    """
    return _catalogue(kind, tuple(sys.path))


def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of a kind, sorted."""
    return tuple(sorted(catalogue(kind)))


def entry(kind: Kind, name: str) -> Entry:
    """Return the entry of a name.

    Raises:
        UnknownNameError: there is none; the message has the nearest ones.
    """
    known = catalogue(kind)
    if name not in known:
        raise UnknownNameError(SINGULAR[kind], name, known)
    return known[name]


def method(name: str, params: Mapping[str, Json] | None = None) -> SearchMethod:
    """Return the method with the given hyper-parameters, and its own defaults for the others.

    Raises:
        UnknownNameError: no such method, or no such hyper-parameter.
        UsageError: a value of the wrong type, or what is registered is no method.
        MissingDataError: it needs a package that is not installed.
    """
    found = entry("methods", name)
    made = _resolve(found)
    if not (isinstance(made, type) and is_dataclass(made) and isinstance(made, SearchMethod)):
        raise UsageError(
            f"method {name!r} of {found.distribution} is {found.value}, which is no dataclass with "
            "`needs` and `search`; see docs/methods.md"
        )
    if not made.needs <= {"query", "data"}:
        raise UsageError(f"method {name!r} of {found.distribution} needs {sorted(made.needs)}; allowed: data, query")
    known = [field.name for field in fields(made) if field.init]
    for given in params or {}:
        if given not in known:
            raise UnknownNameError(f"hyper-parameter of {name}", given, known)
    hints = get_type_hints(made) if params else {}
    checked = {key: _checked(f"{name}: {key}", value, hints[key]) for key, value in (params or {}).items()}
    try:
        return cast(SearchMethod, made(**checked))
    except TypeError as error:
        raise UsageError(f"method {name!r} cannot be made from {sorted(checked) or 'its defaults'}: {error}") from error


def resolved(made: SearchMethod) -> dict[str, Json]:
    """Return every hyper-parameter of a method, defaults included, as plain JSON values."""
    assert is_dataclass(made)
    assert not isinstance(made, type)
    return cast("dict[str, Json]", json.loads(json.dumps(asdict(made), allow_nan=False)))


def benchmark(name: str) -> Benchmark:
    """Return a benchmark; it is opened once a process.

    Raises:
        UnknownNameError: no such benchmark.
        MissingDataError: its table or a package it needs is not there.
        UsageError: what is registered cannot be called.
    """
    return _opened(entry("benchmarks", name))


def builder(name: str) -> Builder:
    """Return the function that builds a table.

    Raises:
        UnknownNameError: no such table.
        MissingDataError: it needs a package that is not installed.
    """
    return _callable(entry("tables", name))


def load(found: Entry) -> object:
    """Import what an entry points at, with errors that name the remedy.

    Raises:
        MissingDataError: it needs a package that is not installed.
        UsageError: its module or attribute does not exist.
    """
    return _resolve(found)


@cache
def _catalogue(kind: Kind, path: tuple[str, ...]) -> Mapping[str, Entry]:
    """Return the catalogue under one `sys.path`, which is read anew when the path changes."""
    found = {name: Entry(name, value, OURS) for name, value in BUILT_IN[kind].items()}
    for point in sorted(entry_points(group=f"nasboard.{kind}"), key=lambda p: (p.name, _distribution(p))):
        theirs = Entry(point.name, point.value, _distribution(point))
        before = found.setdefault(theirs.name, theirs)
        if before != theirs:
            raise UsageError(
                f"{SINGULAR[kind]} {theirs.name!r} is provided by two distributions, {before.distribution} and "
                f"{theirs.distribution}; uninstall one of them"
            )
    return found


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unnamed distribution"


@cache
def _opened(found: Entry) -> Benchmark:
    return cast(Benchmark, _callable(found)())


def _callable(found: Entry) -> Builder:
    made = _resolve(found)
    if not callable(made):
        raise UsageError(f"{found.name!r} of {found.distribution} is {found.value}, which cannot be called")
    return made


def _resolve(found: Entry) -> object:
    module, _, attr = found.value.partition(":")
    try:
        made: object = import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(found, error) from error
    for part in attr.split(".") if attr else ():
        try:
            made = getattr(made, part)
        except AttributeError as error:
            raise UsageError(
                f"{found.distribution} registers {found.name!r} as {found.value}, but {module} has no {part!r}; "
                "mend its entry point"
            ) from error
    return made


def _missing(found: Entry, error: ModuleNotFoundError) -> Exception:
    """Return the error for a module that is not there: an extra of ours, or something the plug-in should bring."""
    name = error.name or str(error)
    who = f"{found.name!r} of {found.distribution}"
    if f"{found.value.partition(':')[0]}.".startswith(f"{name}."):
        return UsageError(f"{who} is {found.value}, but there is no module {name}; mend its entry point")
    absent = name.partition(".")[0]
    if absent in EXTRA_OF:
        return MissingDataError(f"{who} needs {absent}: pip install '{OURS}[{EXTRA_OF[absent]}]'")
    return MissingDataError(f"{who} needs {absent}, which is not installed: pip install {absent}")


def _checked(what: str, value: Json, hint: object) -> object:
    """Return `value` as a field declares it: a list may become a tuple, an integer a float, nothing else."""
    try:
        return _adapter(hint).validate_json(json.dumps(value, allow_nan=False), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise UsageError(f"{what} is {getattr(hint, '__name__', hint)}, given {value!r} ({problem})") from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} is a number, string, boolean or list, given {value!r} ({error})") from error


@cache
def _adapter(hint: object) -> TypeAdapter[object]:
    return TypeAdapter(cast("type[object]", hint))
