"""The searches that RobustDARTS' release recorded, and what they say of the eigenvalue rule, as lines of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy import stats

from nasboard.harness.space import Floats
from nasboard.harness.statistics import bootstrap
from nasboard.harness.statistics.rank import kendall_tau, spearman
from nasboard.methods.differentiable.bilevel.stopping import WINDOW, gone_too_far
from tests.data_folder import data_file

FACTOR, START = 1.3, 10
PAPERS_FACTOR = 1 / 0.75
RESAMPLES = 2000


@dataclass(frozen=True)
class Series:
    """A recorded search of 50 epochs, which count from 0.

    Attributes:
        space: `s1` (on CIFAR-10) or `s3` (on SVHN).
        setting: drop path and decay of the weights, as they are written in the files.
        seed: as recorded.
        epochs: `(26,)` after which eigenvalues were taken.
        eigenvalues: `(26,)` of the Hessian of the validation loss, alpha's decay included.
        errors: `(50,)` percent, of the supernet on the search's validation images.
        skips: skip connections among the 8 operations of the last normal cell, None where the cell on file is not
            that of this search.
    """

    space: str
    setting: tuple[str, str]
    seed: int
    epochs: tuple[int, ...]
    eigenvalues: tuple[float, ...]
    errors: tuple[float, ...]
    skips: int | None

    @property
    def group(self) -> tuple[str, tuple[str, str]]:
        """Return what its seeds have in common."""
        return self.space, self.setting

    @property
    def learned(self) -> bool:
        """Return whether the supernet is better than always the most frequent class of SVHN."""
        return self.errors[-1] < 80

    @property
    def last(self) -> float:
        """Return the mean of the last eigenvalues, as many as the rule averages."""
        return float(np.mean(self.eigenvalues[-WINDOW:]))

    def stopped(self, factor: float = FACTOR) -> tuple[int, int] | None:
        """Return the epoch gone back to and the one in which that is known; as in the release, none is the last."""
        for n in range(1, len(self.epochs)):
            place = gone_too_far(self.epochs[:n], self.eigenvalues[:n], factor, START)
            if place is not None:
                return self.epochs[place], self.epochs[n - 1]
        return None


def series() -> list[Series]:
    """Return the recorded searches, or skip the test where the files are not at hand."""
    told = json.loads(data_file("robustdarts/eigenvalues.json").read_text())
    cells, finals = _filed("results_arch"), _filed("results_perf")
    found = []
    for row in told:
        setting = (str(row["drop_path"]), str(row["weight_decay"]))
        key = (f"{row['space']}_{row['dataset']}", "_".join(setting), row["seed"])
        errors = tuple(row["errors"]["valid_acc"])
        same = key in cells and float(finals[key]) == errors[-1]
        skips = cells[key].split("normal_concat")[0].count("skip_connect") if same else None
        epochs, eigenvalues = zip(*((epoch, value) for epoch, value, _ in row["eigenvalues"]), strict=True)
        found.append(Series(row["space"], setting, row["seed"], epochs, eigenvalues, errors, skips))
    return found


def table(found: Sequence[Series]) -> list[str]:
    """Return a row for every search."""
    return [
        f"| {s.space.upper()} | {s.setting[0]} | {s.setting[1]} | {s.seed} | {_told(s)} | {s.last:.3f} "
        f"| {s.errors[-1]:.2f} | {'-' if s.skips is None else s.skips} |"
        for s in found
    ]


def counts(found: Sequence[Series]) -> list[str]:
    """Return how many searches the rule stops, how many of them lose by it, and so with the paper's factor."""
    out = []
    for name, part in _parts(found):
        stopped = [(s, at[0]) for s in part if (at := s.stopped()) is not None]
        worse = sum(s.errors[epoch] > s.errors[-1] for s, epoch in stopped)
        papers = sum(s.stopped(PAPERS_FACTOR) is not None for s in part)
        back = int(np.median([epoch for _, epoch in stopped]))
        out.append(f"| {name} | {len(part)} | {len(stopped)} | {back} | {worse} | {papers} |")
    return out


def associations(found: Sequence[Series]) -> list[str]:
    """Return how the last eigenvalues go with the recorded error, and with skip connections."""
    out = []
    for name, part in _parts(found):
        for what, value in (("supernet's error", _error), ("skip connections", _skips)):
            known = [s for s in part if value(s) is not None]
            x, y = np.array([s.last for s in known]), np.array([value(s) for s in known], dtype=float)
            weights = _draws(known)
            tau, rho = stats.kendalltau(x, y).statistic, stats.spearmanr(x, y).statistic
            bands = [_band(bootstrap.loop(of, x[None], y, weights)[0]) for of in (kendall_tau, spearman)]
            out.append(f"| {name} | {what} | {len(known)} | {tau:.2f} {bands[0]} | {rho:.2f} {bands[1]} |")
    return out


def verdicts(found: Sequence[Series]) -> list[str]:
    """Return how searches that the rule stops differ at their end from those that it lets go on."""
    out = []
    for name, part in _parts(found):
        for what, value in (("supernet's error", _error), ("skip connections", _skips)):
            known = [s for s in part if value(s) is not None]
            y, hit = np.array([value(s) for s in known], float), np.array([s.stopped() is not None for s in known])
            more = (y[hit][:, None] > y[~hit]) + 0.5 * (y[hit][:, None] == y[~hit])
            weights = _draws(known)
            pairs = weights[:, hit].sum(1) * weights[:, ~hit].sum(1)
            drawn = np.einsum("bi,ij,bj->b", weights[:, hit], more, weights[:, ~hit])[pairs > 0] / pairs[pairs > 0]
            medians = f"{np.median(y[hit]):.1f} | {np.median(y[~hit]):.1f}"
            out.append(
                f"| {name} | {what} | {hit.sum()}, {(~hit).sum()} | {medians} | {more.mean():.2f} {_band(drawn)} |"
            )
    return out


def _parts(found: Sequence[Series]) -> list[tuple[str, list[Series]]]:
    """Return what is looked at: either space, and of S3 those that learned; of a search filed twice, the latter."""
    once = {(s.group, s.seed): s for s in found}.values()
    return [
        ("S1", [s for s in once if s.space == "s1"]),
        ("S3", [s for s in once if s.space == "s3"]),
        ("S3, learned", [s for s in once if s.space == "s3" and s.learned]),
    ]


def _draws(known: Sequence[Series]) -> bootstrap.Weights:
    """Return multiplicities of resamples that draw settings, with all seeds of each, so not always as many series."""
    sizes = [len(list(group)) for _, group in groupby(known, lambda s: s.group)]
    return np.repeat(bootstrap.draw(len(sizes), RESAMPLES, seed=0), sizes, axis=1)


def _band(values: Floats) -> str:
    low, high = np.percentile(values[np.isfinite(values)], [2.5, 97.5])
    return f"[{low:.2f}, {high:.2f}]"


def _error(s: Series) -> float | None:
    return s.errors[-1]


def _skips(s: Series) -> float | None:
    return s.skips


def _told(s: Series) -> str:
    at = s.stopped()
    return "- | - | -" if at is None else f"{at[1]} | {at[0]} | {s.errors[at[0]]:.2f}"


def _filed(name: str) -> dict[tuple[str, str, int], str]:
    """Return what one of the release's result files says: a mapping of spaces of settings of seeds."""
    out, space, setting, seed = {}, "", "", 0
    for line in data_file(f"robustdarts/{name}.yaml").read_text().splitlines():
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            space = line.rstrip(":")
        elif depth == 2:
            setting = line.strip().rstrip(":")
        elif found := re.match(r"    (\d+): (.*)", line):
            seed = int(found[1])
            out[space, setting, seed] = found[2]
        else:
            out[space, setting, seed] += " " + line.strip()
    return out


SECTIONS: dict[str, Callable[[Sequence[Series]], list[str]]] = {
    "| space | drop path |": table,
    "| searches | n |": counts,
    "| searches | eigenvalue against |": associations,
    "| searches | at the end |": verdicts,
}
