"""Under which name boards show a run: its label, and where one label has several configurations, what sets them apart.

Configurations are never averaged, nor are runs of two identities. What they differ in is said in words
(`random_search@fidelity=12`), and by a hash where words would be too long or not enough.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nasboard.harness.record import RunKey, RunRecord
from nasboard.harness.registry import split_name

LONGEST = 40  # characters of words behind a label
ABSENT = "no"
_SELF = ("method", "benchmark", "version", "made by")  # facts whose value says by itself what it is

Configuration = tuple[object, ...]
Fact = tuple[str, str]  # group (method, benchmark, version, option, params, ...), name within it


def labels(runs: Sequence[RunRecord]) -> dict[str, str]:
    """Return run id -> the name under which boards show it, one configuration each."""
    by_label: dict[str, dict[Configuration, RunKey]] = defaultdict(dict)  # label -> configuration -> one of its keys
    apart = {run.run_id: (*configuration(run.key), run.key.identity) for run in runs}
    for run in runs:
        by_label[run.label].setdefault(apart[run.run_id], run.key)
    names = {label: _names(label, keys, by_label.keys() - {label}) for label, keys in by_label.items()}
    return {run.run_id: names[run.label][apart[run.run_id]] for run in runs}


def configuration(key: RunKey) -> Configuration:
    """Return everything in the key but seed and makers, quick to make and to compare: there are thousands of runs."""
    rest = (key.benchmark, key.dataset, key.space, key.table_digest, key.live, key.budget_s, key.panel, key.inputs)
    return (key.method, repr(sorted(key.params.items())), *rest, key.rank_every, key.rank_all)


def _hash(key: RunKey) -> str:
    """Return a hash of everything in the key but the seed."""
    return hashlib.sha256(replace(key, seed=0).canonical().encode()).hexdigest()


def _names(label: str, keys: Mapping[Configuration, RunKey], taken: set[str]) -> dict[Configuration, str]:
    """Return configuration -> name, different from one another and from the labels that are taken."""
    if len(keys) == 1:
        return dict.fromkeys(keys, label)
    told = {configuration: _facts(key) for configuration, key in keys.items()}
    every = sorted({fact for facts in told.values() for fact in facts})
    apart = [fact for fact in every if len({facts.get(fact) for facts in told.values()}) > 1]
    found = {c: f"{label}@{', '.join(_words(fact, facts.get(fact)) for fact in apart)}" for c, facts in told.items()}
    uses = Counter(found.values())
    fits = all(len(name) <= len(label) + 1 + LONGEST for name in found.values())
    if fits and all(uses[name] == 1 and name not in taken for name in found.values()):
        return found
    return {configuration: f"{label}@{_hash(key)[:6]}" for configuration, key in keys.items()}


def _facts(key: RunKey) -> dict[Fact, str]:
    """Return what is in a key but the seed, one short text each."""
    base, version, options = split_name(key.benchmark)
    found: dict[Fact, str] = {("method", ""): key.method, ("benchmark", ""): base}
    found |= {("version", ""): version} if version else {}
    found["made by", ""] = _made_by(key)
    found |= {("option", name): value for name, value in options.items()}
    found |= {("params", name): json.dumps(value, sort_keys=True) for name, value in key.params.items()}
    if key.live is not None:
        found["", "live"] = key.live[:6]
    if key.budget_s is not None:
        found["", "budget"] = f"{key.budget_s:g}s"
    if key.panel is not None:
        found["", "panel"] = key.panel
    if key.inputs is not None:
        found["", "inputs"] = ", ".join(key.inputs)
    return found | {("", "rank_every"): str(key.rank_every), ("", "rank_all"): str(key.rank_all).lower()}


def _made_by(key: RunKey) -> str:
    if key.method_by is None or key.benchmark_by is None:
        return key.identity
    return f"{key.method_by.distribution} {key.method_by.version or 'of no version'}, {key.identity[:6]}"


def _words(fact: Fact, value: str | None) -> str:
    group, name = fact
    if value is None:
        return f"{ABSENT} {name or group}"
    return value if group in _SELF else f"{name}={value}"
