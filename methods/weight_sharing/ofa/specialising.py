"""What follows the training: sub-networks are scored, a predictor learns from them, evolution asks the predictor.

Source: Cai et al., Once-for-All (ICLR 2020), section 3.5, and its release: mit-han-lab/once-for-all:
ofa/nas/search_algorithm/evolution.py. Differs: nothing is asked of the predictor twice, where the release may breed the
same child again; a slot, kernel and width together, is drawn anew, where there kernel and width are apart; what
crossover and mutation cannot fill is drawn uniformly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.harness.api import State
from nasboard.harness.space import Archs, Choice, Floats, sample
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.methods.weight_sharing.evolution import Evolution
from nasboard.methods.weight_sharing.ofa.predictor import Fit, Predictor, features
from nasboard.methods.weight_sharing.single_path import SinglePath


@dataclass(frozen=True, slots=True)
class Survey:
    """How sub-networks are scored for the predictor.

    Attributes:
        samples: how many.
        held_out: the share of them that it does not learn from, to see what it is worth.
        a_step: scored in a step.
    """

    samples: int
    held_out: float
    a_step: int

    @property
    def steps(self) -> int:
        """Return the steps that it takes."""
        return -(-self.samples // self.a_step)


@dataclass
class Specialising:
    """The state of the search over a trained supernet.

    Attributes:
        space: of elastic layers.
        survey: how sub-networks are scored.
        fit: how the predictor is made.
        evolution: over the predictor.
        archs: scored so far `(n, d)`.
        accuracy: theirs `(n,)`.
        predictor: None before it has learned.
    """

    space: LayerSpace
    survey: Survey
    fit: Fit
    evolution: Evolution
    archs: Archs = field(init=False)
    accuracy: Floats = field(default_factory=lambda: np.zeros(0))
    predictor: Predictor | None = None

    def __post_init__(self) -> None:
        """Begin with nothing scored."""
        self.archs = np.zeros((0, len(self.space.choices)), dtype=Choice)

    def look(self, run: SinglePath) -> dict[str, float]:
        """Score some more sub-networks, drawn uniformly, and return what is worth a curve."""
        wanted = min(self.survey.a_step, self.survey.samples - len(self.archs))
        drawn = sample(self.space, run.rng, wanted)
        found = run.evaluate(drawn).accuracy
        self.archs, self.accuracy = np.concatenate([self.archs, drawn]), np.concatenate([self.accuracy, found])
        return {"supernet_accuracy": float(found.mean())}

    def learn(self, rng: Generator) -> dict[str, float]:
        """Train the predictor; returns its error and tau on what it did not learn from, where there is anything."""
        encoded = features(self.space, self.archs)
        apart = round(self.survey.held_out * len(encoded))
        known, held = slice(apart, None), slice(0, apart)
        self.predictor = Predictor(encoded.shape[1], self.fit, rng)
        loss = self.predictor.learn(encoded[known], self.accuracy[known], self.fit, rng)
        logs = {"predictor_loss": loss}
        told, truth = self.predictor.predict(encoded[held]), self.accuracy[held]
        if apart:
            logs["predictor_error"] = float(np.sqrt(np.mean((told - truth) ** 2)))
        if len(np.unique(told)) > 1 and len(np.unique(truth)) > 1:
            logs["predictor_tau"] = kendall_tau(told, truth)
        return logs

    def evolve(self, generations: int, run: SinglePath) -> dict[str, float]:
        """Breed some generations more, set the incumbent, and return what the predictor says of it.

        Raises:
            UsageError: no architecture keeps the bounds, or next to none.
        """
        for _ in range(generations):
            members = self.evolution.breed(run.rng)
            if len(members):  # else all that are allowed have been seen
                self.evolution.keep(members, self.predict(members))
        run.incumbent = self.evolution.best[0]
        return {"predicted_accuracy": float(self.evolution.scores[0])}

    def predict(self, archs: Archs) -> Floats:
        """Return the predicted accuracies `(n,)` of architectures `(n, d)`."""
        assert self.predictor is not None, "the predictor has not learned yet"
        return self.predictor.predict(features(self.space, archs))

    def save(self) -> State:
        """Return all that the next step depends on."""
        return {
            "archs": self.archs,
            "accuracy": self.accuracy,
            "predictor": None if self.predictor is None else self.predictor.save(),
            "evolution": self.evolution.save(),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.archs = cast("NDArray[Choice]", state["archs"])
        self.accuracy = cast(Floats, state["accuracy"])
        self.evolution.load(cast(State, state["evolution"]))
        if state["predictor"] is not None:
            inputs = features(self.space, self.archs[:1]).shape[1]
            self.predictor = Predictor(inputs, self.fit, np.random.default_rng(0))
            self.predictor.load(cast(State, state["predictor"]))


def generations_of(total: int, a_step: int) -> Iterator[int]:
    """Yield how many generations each step breeds."""
    while total > 0:
        yield min(total, a_step)
        total -= a_step
