"""The gate's reference values: what a baseline file holds, how it is written and read. Judging is `verdict`'s.

Version 2: of every label the values seed by seed, the key of its runs without the seed (benchmark, budget, every
hyper-parameter, who method and benchmark were) and how it is to be judged. Values are taken only from runs that could
be judged in turn: all ended well, enough seeds, a panel that is large enough. Settings survive a file being rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.record import RunKey

VERSION = 2
MIN_SEEDS = 3
MIN_ARCHITECTURES = 100

Values = Annotated[dict[int, float], Field(min_length=MIN_SEEDS)]  # seed -> value
Tolerance = Annotated[float, Field(ge=0)]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Settings(_Stored):
    """How a label is judged.

    Attributes:
        judge: False for what nobody develops, such as random search: it is shown, spends no error rate, closes nothing.
        quantities: that are judged; None for all.
        tolerance: quantity -> how much worse its mean may be, in place of the test; it spends no error rate.
    """

    judge: bool = True
    quantities: tuple[Quantity, ...] | None = None
    tolerance: dict[Quantity, Tolerance] = {}


class Entry(_Stored):
    """The reference of one label: its values over seeds, and the key of the runs that gave them, seed 0 in it."""

    label: str
    key: dict[str, JsonValue]
    architectures: int | None = None  # in the panel
    settings: Settings = Settings()
    values: dict[Quantity, Values]

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, told: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            RunKey.parse(told)
        except TypeError as error:
            raise ValueError(f"not the key of a run ({error})") from error
        return told

    @property
    def made(self) -> RunKey:
        """Return the key of the runs, of seed 0."""
        return RunKey.parse(self.key)

    def is_judged(self, quantity: Quantity) -> bool:
        """Return whether a quantity can close the gate."""
        chosen = self.settings.quantities
        return self.settings.judge and (chosen is None or quantity in chosen)


class ReferenceComparison(_Stored):
    """The references of one comparison."""

    dataset: str
    space: str
    table_digest: str | None
    version: str | None = None
    entries: tuple[Entry, ...]


class Baseline(_Stored):
    """What `baselines/*.json` holds, and when and by which nasboard it was written."""

    version: Literal[2] = 2
    written_utc: str
    nasboard: str
    comparisons: tuple[ReferenceComparison, ...]

    def entries(self) -> list[Entry]:
        """Return the entries of all comparisons."""
        return [entry for comparison in self.comparisons for entry in comparison.entries]

    def each(self, change: Callable[[ReferenceComparison, Entry], Settings]) -> Baseline:
        """Return the baseline with other settings for its entries."""

        def changed(of: ReferenceComparison) -> ReferenceComparison:
            entries = tuple(entry.model_copy(update={"settings": change(of, entry)}) for entry in of.entries)
            return of.model_copy(update={"entries": entries})

        return self.model_copy(update={"comparisons": tuple(map(changed, self.comparisons))})


def take(comparisons: Sequence[Comparison]) -> Baseline:
    """Return the values of every label as a reference; of random search they are not judged unless settings ask.

    Raises:
        UsageError: a label has failed or incomplete runs, too few seeds or a panel too small to be judged later; or
            there is none.
    """
    found = Baseline(
        written_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        nasboard=metadata.version("nasboard"),
        comparisons=tuple(_reference(comparison) for comparison in comparisons),
    )
    if not found.entries():
        raise UsageError("there is no run to take a reference from; make some with `nasboard run`")
    return found


def write_baseline(
    comparisons: Sequence[Comparison], path: Path, change: Callable[[Baseline], Baseline] = lambda made: made
) -> Baseline:
    """Write the values of every label as the new reference, and return it.

    Args:
        comparisons: from `outcomes.load.load`.
        path: of the file; settings that stand there of the same labels are kept.
        change: of settings, after that.

    Raises:
        UsageError: what `take` or `check_name` refuses, or the file cannot be written.
    """
    check_name(path)
    baseline = change(_with_settings_of(path, take(comparisons)))
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(baseline.model_dump(), indent=1) + "\n")
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"the baseline cannot be written to {path} ({error}); choose another place") from error
    return baseline


def check_name(path: Path) -> None:
    """Refuse to write a file that has no suffix: a bare name means a baseline, or a suite, that ships.

    Raises:
        UsageError: it has none.
    """
    if not path.suffix:
        raise UsageError(
            f"{path.name!r} names a baseline that ships, and is no file to write; end it in .json: {path.name}.json"
        )


def read_baseline(path: Path) -> Baseline:
    """Return a written baseline.

    Raises:
        MissingDataError: there is no such file.
        UsageError: it is not a baseline of this version.
    """
    if not path.is_file():
        raise MissingDataError(f"there is no baseline {path}; write one from good runs: nasboard gate {path} --write")
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = next((e for e in error.errors() if e["loc"] == ("version",)), error.errors()[0])
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path} is not a baseline of version {VERSION}: {where}: {first['msg']}; "
            f"write it anew from good runs: nasboard gate {path} --write"
        ) from error


def too_little(comparison: Comparison, outcomes: Sequence[RunOutcome], quantity: Quantity) -> str | None:
    """Return why the runs of a label do not allow a judgement, None when they do."""
    counted = measures.counts(outcomes)
    if counted.failed or counted.incomplete:
        count = f"{counted.failed} failed and {counted.incomplete} incomplete runs of {len(outcomes)}"
        return f"{count}; make them again: nasboard run SUITE --retry-failed"
    if counted.ended < MIN_SEEDS:
        return f"{counted.ended} seeds, judged from {MIN_SEEDS} on"
    panel = measures.panel_of(comparison, outcomes[0])
    if quantity == "tau" and not isinstance(panel, Undefined) and len(panel.truth) < MIN_ARCHITECTURES:
        return f"a panel of {len(panel.truth)} architectures, judged from {MIN_ARCHITECTURES} on"
    return None


def _with_settings_of(path: Path, made: Baseline) -> Baseline:
    """Return a baseline with the settings that stand in a file for the same labels.

    Raises:
        UsageError: the file is no baseline, so that what was set in it by hand would be lost.
    """
    try:
        before = read_baseline(path)
    except MissingDataError:
        return made
    except UsageError as error:
        if _is_of_version_1(path):  # which had no settings
            return made
        raise UsageError(f"{error}; mend what was edited in it, or remove the file") from error
    kept = {(of.dataset, of.space, entry.label): entry.settings for of in before.comparisons for entry in of.entries}
    return made.each(lambda of, entry: kept.get((of.dataset, of.space, entry.label), entry.settings))


def _is_of_version_1(path: Path) -> bool:
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("version") == 1


def _reference(comparison: Comparison) -> ReferenceComparison:
    entries = (_entry(comparison, label, outcomes) for label, outcomes in comparison.outcomes.items())
    return ReferenceComparison(
        dataset=comparison.dataset,
        space=comparison.space.name,
        table_digest=comparison.table_digest,
        version=contexts.version(comparison),
        entries=tuple(entry for entry in entries if entry.values),
    )


def _entry(comparison: Comparison, label: str, outcomes: Sequence[RunOutcome]) -> Entry:
    values = {name: found for name in QUANTITIES if (found := _taken(comparison, label, outcomes, name)) is not None}
    panel, key = measures.panel_of(comparison, outcomes[0]), replace(outcomes[0].run.key, seed=0)
    return Entry(
        label=label,
        key=json.loads(key.canonical()),
        architectures=None if isinstance(panel, Undefined) else len(panel.truth),
        settings=Settings(judge=key.method != measures.RANDOM_SEARCH),
        values=values,
    )


def _taken(
    comparison: Comparison, label: str, outcomes: Sequence[RunOutcome], quantity: Quantity
) -> dict[int, float] | None:
    """Return seed -> value, None where the method has no such quantity."""
    values = measures.by_seed(comparison, outcomes, QUANTITIES[quantity].measure)
    if values in measures.NOT_MEASURED:
        return None
    refusal = too_little(comparison, outcomes, quantity)
    if isinstance(values, Undefined) or refusal is not None:
        reason = refusal or (values.reason if isinstance(values, Undefined) else "")
        raise UsageError(
            f"no reference can be taken from {label}, {quantity}: {reason}; complete the suite, or mend it"
        )
    return values
