"""What changed between the runs of one side and those of the other: hyper-parameters, and who made them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from nasboard.harness.record import UNKNOWN, Json, Maker, RunKey

_DIGITS = 12  # of a digest, where it is shown


def changes(before: RunKey, now: RunKey) -> tuple[str, ...]:
    """Return in words what is another in two keys of one label beside the seed: `epochs 60 -> 40`, each once.

    A parameter that one of the two has not got is `absent` there; digests are cut to twelve digits.
    """
    found = list(_named("", _settings(before), _settings(now)))
    found += _named("", before.params, now.params)
    for what in ("method", "benchmark"):
        found += _maker(what, before.makers.get(what), now.makers.get(what))
    return tuple(dict.fromkeys(found))


def told(by_label: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return a line for every change, with the labels that it is a change of: `epochs 60 -> 40 (one_shot)`."""
    labels: dict[str, list[str]] = {}
    for label, found in by_label.items():
        for change in found:
            labels.setdefault(change, []).append(label)
    return tuple(f"{change} ({', '.join(dict.fromkeys(names))})" for change, names in labels.items())


def _settings(key: RunKey) -> dict[str, Json]:
    return {
        "method": key.method,
        "benchmark": key.benchmark,
        "budget_s": key.budget_s,
        "table": key.table_digest,
        "panel": key.panel,
        "rank_every": key.rank_every,
        "rank_all": key.rank_all,
    }


def _maker(what: str, before: Maker | None, now: Maker | None) -> Iterator[str]:
    if before is None or now is None:
        if before != now:
            yield f"code of {what} {_identity(before)} -> {_identity(now)}"
        return
    release = [f"{maker.distribution} {maker.version or 'of no version'}" for maker in (before, now)]
    if release[0] != release[1]:
        yield f"{release[0]} -> {release[1]}"
    yield from _named("", {f"code of {what}": before.code}, {f"code of {what}": now.code})
    yield from _named("", before.libraries, now.libraries)
    yield from _named("file ", before.files, now.files)


def _identity(maker: Maker | None) -> str:
    return UNKNOWN if maker is None else _shown(maker.code)


def _named(prefix: str, before: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        old, new = (_shown(side[name]) if name in side else "absent" for side in (before, now))
        if before.get(name) != now.get(name) or (name in before) != (name in now):
            yield f"{prefix}{name} {old} -> {new}"


def _shown(value: Json) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        is_digest = len(value) == 64 and set(value) <= set("0123456789abcdef")
        return value[:_DIGITS] if is_digest else value
    return json.dumps(value)
