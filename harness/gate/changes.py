"""What changed between the runs of one side and those of the other: hyper-parameters, and who made them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nasboard.harness.record import UNKNOWN, Json, Maker, RunKey

ABSENT = "absent"
CODE = "code of "  # before method or benchmark
_DIGITS = 12  # of a digest, where it is shown


@dataclass(frozen=True, slots=True)
class Change:
    """A setting, version or digest that is another: its name, what it was, what it is."""

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        """Return it in words: `epochs 60 -> 40`."""
        return f"{self.name} {self.before} -> {self.now}"


def changes(before: RunKey, now: RunKey) -> tuple[Change, ...]:
    """Return what is another in two keys of one label beside the seed, each once.

    A parameter that one of the two has not got is `absent` there; digests are cut to twelve digits.
    """
    found = [*_named(_settings(before), _settings(now)), *_named(before.params, now.params)]
    for what in ("method", "benchmark"):
        found += _maker(what, before.makers.get(what), now.makers.get(what))
    return tuple(dict.fromkeys(found))


def told(by_label: Mapping[str, tuple[Change, ...]]) -> tuple[str, ...]:
    """Return a line for every change, with the labels that it is a change of: `epochs 60 -> 40 (one_shot)`.

    Where the code of several methods or benchmarks is another, one line says of which labels, without digests.
    """
    labels: dict[Change, list[str]] = {}
    for label, found in by_label.items():
        for change in found:
            labels.setdefault(change, []).append(label)
    lines = [(str(change), names) for change, names in labels.items() if not change.name.startswith(CODE)]
    for name in dict.fromkeys(change.name for change in labels if change.name.startswith(CODE)):
        mine = [change for change in labels if change.name == name]
        said = str(mine[0]) if len(mine) == 1 else f"{name}, each another"
        lines.append((said, [label for change in mine for label in labels[change]]))
    return tuple(f"{said} ({', '.join(dict.fromkeys(names))})" for said, names in lines)


def _settings(key: RunKey) -> dict[str, Json]:
    return {
        "method": key.method,
        "benchmark": key.benchmark,
        "budget_s": key.budget_s,
        "table": key.table_digest,
        "panel": key.panel,
        "inputs": None if key.inputs is None else ", ".join(key.inputs),
        "rank_every": key.rank_every,
        "rank_all": key.rank_all,
    }


def _maker(what: str, before: Maker | None, now: Maker | None) -> Iterator[Change]:
    if before is None or now is None:
        if before != now:
            yield Change(CODE + what, *(UNKNOWN if maker is None else _shown(maker.code) for maker in (before, now)))
        return
    release = [f"{maker.distribution} {maker.version or 'of no version'}" for maker in (before, now)]
    if release[0] != release[1]:
        yield Change(f"{what} by", *release)
    yield from _named({CODE + what: before.code}, {CODE + what: now.code})
    yield from _named(before.libraries, now.libraries)
    yield from _named(*({f"file {path}": digest for path, digest in maker.files.items()} for maker in (before, now)))


def _named(before: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[Change]:
    for name in sorted(before.keys() | now.keys()):
        old, new = (_shown(side[name]) if name in side else ABSENT for side in (before, now))
        if old != new or before.get(name) != now.get(name):
            yield Change(name, old, new)


def _shown(value: Json) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        is_digest = len(value) == 64 and set(value) <= set("0123456789abcdef")
        return value[:_DIGITS] if is_digest else value
    return json.dumps(value)
