"""The registry: names of methods, benchmarks and table builders, and where each is found.

Ours are `"module:attr"` strings, other packages' come from the entry points `nasboard.methods` and
`nasboard.benchmarks`. Nothing is imported before it is asked for. What an entry says of itself is `outline`'s to read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from pathlib import Path
from typing import Protocol, cast

from nasboard.harness.api import Benchmark, SearchMethod
from nasboard.harness.errors import MissingDataError, NasboardError, UnknownNameError, UsageError
from nasboard.harness.record import Json
from nasboard.harness.registry import nested, outline
from nasboard.harness.registry import params as params_of
from nasboard.harness.registry.admission import admit
from nasboard.harness.registry.built_in import BUILT_IN, OURS, Kind
from nasboard.harness.registry.data_tool import DataTool
from nasboard.harness.registry.naming import split_name
from nasboard.harness.truth import blamed

SINGULAR: Mapping[Kind, str] = {"methods": "method", "benchmarks": "benchmark", "tables": "table"}
OLD_NAMES = ("harness", "tabular", "benchmarks", "methods")  # at the top, before they were in the namespace
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


class TableTool(Protocol):
    """Builds an embedded table and tells what is in one; a module with two functions will do."""

    def build(
        self,
        to: Path | None,
        *,
        benchmark: str | None,
        by: str | None,
        seeds: int,
        jobs: int,
        limit: int | None,
        finished: bool,
        progress: Callable[[int, int], None],
    ) -> Path | None:
        """Train what is missing (nothing where `finished`) and write the table; returns its folder.

        Args:
            to: folder to write; None: where tables of that name belong.
            benchmark: live benchmark whose architectures are trained; None: the one the table is of.
            by: name of the recipe; None: the benchmark's own.
            seeds: trainings of every class behind the truth.
            jobs: worker processes.
            limit: train that many classes only; returns None then, and writes no table.
            finished: train nothing; write the table of the seeds that all classes have by now.
            progress: called with trainings finished and trainings in all.
        """

    def info(self, folder: Path | None, check: bool) -> Mapping[str, object]:
        """Return the manifest of the table in `folder` (None: the shipped one); `check` verifies every digest."""


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

    So are those of a method that is named in them (`nested`).

    Raises:
        UnknownNameError: no such method, or no such hyper-parameter.
        UsageError: a value of the wrong type, or what is registered is no method.
        MissingDataError: it needs a package that is not installed.
    """
    made = params_of.make(method_class(name), name, params or {})
    given = {field.name: getattr(made, field.name) for field in fields(made)}  # type: ignore[arg-type]
    inner = {part: method(*told) for part, told in nested.named(given).items()}
    whole = {f"{part}{nested.SUFFIX}": nested.lines(resolved(each)) for part, each in inner.items()}
    return replace(made, **whole) if whole else made  # type: ignore[type-var]


def named_method(name: str, lines: Sequence[str]) -> SearchMethod:
    """Return the method that is named in the hyper-parameters of another, with its own as lines of `NAME=VALUE`.

    Raises:
        UnknownNameError, UsageError, MissingDataError: as `method`.
    """
    return method(name, nested.settings(lines))


def method_class(name: str) -> type[SearchMethod]:
    """Return the class of a method, without making one.

    Raises:
        UnknownNameError: no such method.
        UsageError: what is registered is no method.
        MissingDataError: it needs a package that is not installed.
    """
    found = entry("methods", name)
    made = _resolve(found)
    if not (isinstance(made, type) and is_dataclass(made) and isinstance(made, SearchMethod)):
        raise UsageError(
            f"method {name!r} of {found.distribution} is {found.value}, which is no dataclass with "
            "`needs` and `search`; see docs/method.md"
        )
    if not made.needs <= set(outline.NEEDS):
        raise UsageError(f"method {name!r} of {found.distribution} needs {sorted(made.needs)}; allowed: data, query")
    return cast("type[SearchMethod]", made)


def resolved(made: SearchMethod) -> dict[str, Json]:
    """Return every hyper-parameter of a method, defaults included, as plain JSON values."""
    return params_of.resolved(made)


def benchmark(name: str) -> Benchmark:
    """Return a benchmark; it is opened once a process.

    Args:
        name: `NAME[@VERSION][?key=value&...]`: a registered name, which version of its table, and the benchmark's own
            options, such as `nb201-cifar10@v1.1?seeds=strict`. The benchmark's `name` is the complete form of it.

    Raises:
        UnknownNameError: no such benchmark, or no such option.
        MissingDataError: its table or a package it needs is not there.
        UsageError: what is registered cannot be called or makes no benchmark (`admission`), or an option's value is not
            allowed.
    """
    base, version, options = split_name(name)
    return _opened(entry("benchmarks", base), version, tuple(sorted(options.items())))


def table(name: str) -> TableTool:
    """Return what builds and describes a table; of a name that is not registered, a table of one's own.

    Raises:
        MissingDataError: it needs a package that is not installed.
    """
    if name in catalogue("tables"):
        return cast(TableTool, _resolve(entry("tables", name)))
    own = _resolve(Entry("table", "nasboard.benchmarks.live.built_table:BuiltTable", OURS))
    return cast("Callable[[str], TableTool]", own)(name)


def data_tool() -> DataTool:
    """Return what imports, fetches, lists, checks and removes tables of public benchmarks."""
    return cast(DataTool, _resolve(Entry("data", "nasboard.benchmarks.data_tool", OURS)))


def check_cuda() -> None:
    """Raise where live methods could not run on a CUDA device.

    Raises:
        MissingDataError: torch is not installed, or sees no device.
    """
    check = cast(
        "Callable[[], None]", _resolve(Entry("cuda", "nasboard.benchmarks.live.supernets.stepping:check_cuda", OURS))
    )
    check()


def describe(kind: Kind) -> tuple[Mapping[str, object], ...]:
    """Return name, needs (methods only), distribution and summary of every entry of a kind, sorted by name.

    What the source does not show is imported; an entry that cannot be imported says why in its summary.
    """
    return tuple(_described(kind, found) for _, found in sorted(catalogue(kind).items()))


def _described(kind: Kind, found: Entry) -> Mapping[str, object]:
    shown = outline.read(found.value)
    if shown is None:
        try:
            made = _resolve(found)
            shown = outline.Outline(outline.first_line(made.__doc__), tuple(sorted(getattr(made, "needs", ()))))
        except NasboardError as error:
            shown = outline.Outline(f"unusable: {error}", ())
    needs = {"needs": ", ".join(shown.needs)} if kind == "methods" else {}
    return {"name": found.name, **needs, "distribution": found.distribution, "summary": shown.summary}


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
def _opened(found: Entry, version: str | None, options: tuple[tuple[str, str], ...]) -> Benchmark:
    made = _resolve(found)
    if not callable(made):
        raise UsageError(f"{found.name!r} of {found.distribution} is {found.value}, which cannot be called")
    given = dict(options) | ({} if version is None else {"version": version})
    allowed = signature(made).parameters
    unknown = sorted(set(given) - set(allowed))
    if unknown and not allowed:
        raise UsageError(f"benchmark {found.name!r} has neither versions nor options, given {unknown[0]}")
    if unknown:
        raise UnknownNameError(f"option of benchmark {found.name!r}:", unknown[0], set(allowed) - {"version"})
    with blamed(f"benchmark {found.name!r} of {found.distribution}: {found.value}"):
        benchmark = made(**given)
    return admit(benchmark, found.name, found.distribution)


def _resolve(found: Entry) -> object:
    module, _, attr = found.value.partition(":")
    try:
        made: object = import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(found, error) from error
    except (ImportError, SyntaxError) as error:
        raise UsageError(
            f"{found.name!r} of {found.distribution} cannot be imported ({type(error).__name__}: {error}); "
            "mend it, or install another version of it"
        ) from error
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
    if absent in OLD_NAMES:
        return UsageError(f"{who} was written for nasboard 0.1: it imports {name}, which is {OURS}.{name} now")
    if absent in EXTRA_OF:
        return MissingDataError(f"{who} needs {absent}: pip install '{OURS}[{EXTRA_OF[absent]}]'")
    return MissingDataError(f"{who} needs {absent}, which is not installed: pip install {absent}")
