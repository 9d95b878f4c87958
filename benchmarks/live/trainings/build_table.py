"""From shards to a table: sizes, reproducibility and manifest around what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.trainings import build
from nasboard.benchmarks.live.trainings.build import Work
from nasboard.benchmarks.spaces.macros import as_told
from nasboard.benchmarks.tabulated.built import QUERY_SEEDS, describe_columns
from nasboard.harness.errors import MetricError, UsageError
from nasboard.harness.space import from_index
from nasboard.harness.statistics.ceiling import attainable, reproducibility
from nasboard.harness.statistics.rank import HALF, TENTH, share_of, top_k_tau
from nasboard.tabular.tables.table import Table
from nasboard.tabular.tables.writing import write_table

if TYPE_CHECKING:
    from nasboard.benchmarks.spaces.costs.layers import Cost
    from nasboard.harness.space import Archs

FEW_ROWS = np.iinfo(np.int16).max


@dataclass(frozen=True, slots=True)
class Plan:
    """A table to build.

    Attributes:
        work: what is trained.
        to: folder of the table.
        shards: folder of what is trained so far.
        about: what the manifest says of data set, licence and versions.
        cost: `(n, d)` -> what the networks cost.
        seeds: trainings of every class behind the truth, beside those that answer queries.
        queried: how many of these.
    """

    work: Work
    to: Path
    shards: Path
    about: Mapping[str, object]
    cost: Callable[[Archs], Cost]
    seeds: int
    queried: int = QUERY_SEEDS


def build_table(
    plan: Plan,
    *,
    jobs: int = 2,
    limit: int | None = None,
    finished: bool = False,
    progress: Callable[[int, int], None],
) -> Table | None:
    """Train what is missing and write the table.

    Args:
        plan: what is built.
        jobs: worker processes, one thread each.
        limit: train that many classes only, spread over the space; no table is written then.
        finished: train nothing; write the table of the seeds that every class has been trained with by now.
        progress: called with trainings finished and trainings in all.

    Returns:
        The table, or None when `limit` left it incomplete.

    Raises:
        UsageError: no jobs or seeds, a recipe that holds no validation images out, or a folder that cannot be written.
    """
    if jobs < 1 or plan.seeds < 1:
        raise UsageError(f"--jobs and --seeds are at least 1, given {jobs} and {plan.seeds}")
    if plan.work.recipe.fit != "train":
        raise UsageError(
            f"recipe {plan.work.recipe.name} trains on the validation images too, so that no query could be answered; "
            "choose one that holds them out"
        )
    try:
        plan.shards.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the table cannot be built in {plan.shards.parent} ({error}); choose another folder with --to"
        ) from error
    planned = [
        job
        for group in (range(plan.queried), range(plan.queried, plan.queried + plan.seeds))
        for job in build.plan(plan.work, plan.shards, group, limit, curves=group.start == 0)
    ]
    if finished:
        return write_table(plan.to, *assemble(plan, build.gather(_enough(build.finished(planned), plan.queried))))
    total, done = sum(job.trainings for job in planned), 0

    def more(trainings: int) -> None:
        nonlocal done
        done += trainings
        progress(done, total)

    build.run(planned, jobs, more)
    if limit is not None:
        return None
    return write_table(plan.to, *assemble(plan, build.gather(planned)))


def _enough(ready: list[build.Job], queried: int) -> list[build.Job]:
    seeds = {seed for job in ready for seed in job.seeds}
    if len(seeds) <= queried or 0 not in seeds:
        raise UsageError(
            f"every class has seeds {sorted(seeds)} by now, a table takes 0..{queried - 1} and one "
            "more; go on without --finished"
        )
    return ready


def assemble(plan: Plan, found: build.Gathered) -> tuple[dict[str, NDArray[np.generic]], dict[str, object]]:
    """Return the columns of the table and what its manifest says, from the gathered shards."""
    measured, work = found.columns, plan.work
    classes, row_of = build.representatives(work.space)
    cost = plan.cost(from_index(work.space, classes))
    columns: dict[str, NDArray[np.generic]] = {
        "classes": measured["classes"],
        "row_of": row_of.astype(np.int16 if len(classes) <= FEW_ROWS else np.int32),
        "val_correct": measured["val_correct"][:, : plan.queried],
        "train_s": measured["train_s"][:, : plan.queried],
        "queried_test_correct": measured["test_correct"][:, : plan.queried],
        "test_correct": measured["test_correct"][:, plan.queried :],
        "params": cost.parameters.astype(np.int32),
        "multiply_adds": cost.multiply_adds.astype(np.int32),
    }
    splits = work.splits()
    by_seed = np.asarray(columns["test_correct"], dtype=np.float64) / splits["test"]  # (rows, seeds)
    return columns, dict(plan.about) | {
        "splits": splits,
        "units": describe_columns(work.space, splits["val"], splits["test"]),
        "training": _told(work, found),
        "truth": {
            "seeds": by_seed.shape[1],
            "of": "tau-b, see docs/statistics.md; per architecture, a class counts as often as it has members",
            "per_architecture": bounds(by_seed[row_of[row_of >= 0]]),
            "per_class": bounds(by_seed),
        },
    }


def bounds(by_seed: NDArray[np.float64]) -> dict[str, dict[str, float | None]]:
    """Return reproducibility and attainable tau of a truth `(n, seeds)`, of all n, the top half and the top tenth."""
    shares = {"whole": 1.0, "top_half": HALF, "top_tenth": TENTH}

    def within(share: float) -> float:
        return reproducibility(by_seed, partial(top_k_tau, k=share_of(len(by_seed), share)))

    return {
        "reproducibility": {name: _number(partial(within, share)) for name, share in shares.items()},
        "attainable": {name: _number(partial(attainable, by_seed, share)) for name, share in shares.items()},
    }


def _number(compute: Callable[[], float]) -> float | None:
    try:
        return round(compute(), 4)
    except MetricError:  # too few seeds
        return None


def _told(work: Work, found: build.Gathered) -> dict[str, object]:
    recipe, made_with = work.recipe, [told | {"seeds": list(seeds)} for told, seeds in found.made_with]
    return {"macro": as_told(work.macro), "recipe": asdict(recipe) | {"digest": recipe.digest}, "made_with": made_with}
