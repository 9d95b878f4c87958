"""The choice among searches: what each found is trained from scratch for a short time, and validation accuracy decides.

Source: Zela et al., RobustDARTS (ICLR 2020) and Chen & Hsieh, SmoothDARTS (ICML 2020), protocol of the tables on S1 to
S4: four searches, of which one is chosen in this way. How long the short training is, is ours: a recipe by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import cast

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.saved import load_rng, save_rng
from nasboard.benchmarks.live.supernets.stepping import on_device
from nasboard.benchmarks.live.trainings.fitting import Fitting
from nasboard.benchmarks.live.trainings.recipe import Recipe, recipe
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness.api import Logged, State, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Floats
from nasboard.methods.differentiable.bilevel.relay import Leg, links

Opener = Callable[[State], Leg]

LEAST = 1e-30  # probability of an option that a mixture leaves out


def best_of(
    searches: Sequence[Sequence[Opener]], spaces: Sequence[RelaxedSpace], task: Task, data: LiveData, by: str
) -> Sequence[Opener]:
    """Return the legs of all searches, one search after the other, and then the tryout.

    Args:
        searches: the legs of each.
        spaces: that the mixture which each hands on is of.
        task: what is searched for.
        data: that architectures are trained on, in networks of the benchmark's own size.
        by: name of the recipe.

    Raises:
        UnknownNameError: no such recipe.
        UsageError: it holds no validation images out.
    """
    told = recipe(by)
    if told.fit != "train":
        raise UsageError(
            f"recipe {by} trains on the validation images too, so that no search could be chosen by them; set "
            "pick_recipe to one that holds them out, such as quick-10"
        )
    ends = [end - 1 for end in accumulate(len(legs) for legs in searches)]

    def tryout(handed: State) -> Leg:
        every = links(handed)
        return Tryout([every[end] for end in ends], spaces, task, data, told)

    return [*(leg for legs in searches for leg in legs), tryout]


class Tryout:
    """Trains the architectures found from scratch, one after the other; a step is an epoch of one of them.

    What several searches found is trained once. The incumbent is the best by validation accuracy after its last epoch
    of those tried, the first of equal ones; before the first is done, it is what the last search found. Architectures
    are ranked by their log probability under the mixture of the incumbent's search, as its supernet is gone.
    """

    def __init__(
        self, found: Sequence[State], spaces: Sequence[RelaxedSpace], task: Task, data: LiveData, by: Recipe
    ) -> None:
        """Take `found`, with an architecture `found` `(d,)` and a mixture `mix` `(m,)` each; nothing is drawn."""
        self._mixes = [cast(Floats, state["mix"]) for state in found]
        self._spaces = spaces
        self._archs = [cast(Arch, state["found"]) for state in found]
        rows = [tuple(arch.tolist()) for arch in self._archs]
        self._distinct = sorted({rows.index(row) for row in rows})  # numbers of the searches that are tried
        self._data, self._by, self._rng, self._device = data, by, task.rng, task.device
        self._train, self._val = (on_device(part, data.pixels, task.device) for part in (data.train, data.val))
        self._scores: list[float] = []
        self._epoch = 0
        self._fitting: Fitting | None = None

    @property
    def done(self) -> int:
        """Return how many epochs were made."""
        return len(self._scores) * self._by.epochs + self._epoch

    @property
    def total(self) -> int:
        """Return how many epochs all trainings take."""
        return len(self._distinct) * self._by.epochs

    @property
    def over(self) -> bool:
        """Return whether all are trained."""
        return len(self._scores) == len(self._distinct)

    @property
    def incumbent(self) -> Arch:
        """Return the architecture `(d,)` that is the best so far."""
        return self._archs[self._leading]

    @property
    def ranker(self) -> Callable[[Archs], Floats]:
        """Return what ranks architectures."""
        return self.rank

    def rank(self, archs: Archs) -> Floats:
        """Return the log probability `(n,)` of what architectures `(n, d)` take, under the mixture of the incumbent."""
        score: Floats = self._spaces[self._leading].relax(archs) @ np.log(
            np.maximum(self._mixes[self._leading].astype(np.float64), LEAST)
        )
        return score

    def advance(self) -> Mapping[str, Logged]:
        """Train for an epoch.

        Returns:
            `tryout_loss`, `tryout_accuracy` on validation images, and `tryout_of`, the number 1, 2, ... of the search.

        Raises:
            MethodError: the loss is not finite.
        """
        of = self._distinct[len(self._scores)]
        fitting = self._fitting = self._fitting or self._fresh(of)
        loss = fitting.epoch(self._train, self._epoch)["loss"]
        accuracy = fitting.correct(self._val) / len(self._val.labels)
        self._epoch += 1
        if self._epoch == self._by.epochs:
            self._scores.append(accuracy)
            self._epoch, self._fitting = 0, None
        return {"tryout_loss": loss, "tryout_accuracy": accuracy, "tryout_of": float(of + 1)}

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        return {
            "scores": np.array(self._scores),
            "epoch": self._epoch,
            "fitting": None if self._fitting is None else self._fitting.save(),
            "rng": save_rng(self._rng),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self._scores = cast("NDArray[np.float64]", state["scores"]).tolist()
        self._epoch = cast(int, state["epoch"])
        if state["fitting"] is not None:
            self._fitting = self._fresh(self._distinct[len(self._scores)])
            self._fitting.load(cast(State, state["fitting"]))
        load_rng(self._rng, cast(State, state["rng"]))

    def handed_on(self) -> State:
        """Return the architecture chosen, and the mixture of its search."""
        return {"found": self.incumbent, "mix": self._mixes[self._leading]}

    @property
    def _leading(self) -> int:
        return self._distinct[int(np.argmax(self._scores))] if self._scores else len(self._archs) - 1

    def _fresh(self, number: int) -> Fitting:
        net = self._data.alone(self._archs[number], self._rng, self._device, self._by)
        return Fitting.of(net, self._by, self._rng)
