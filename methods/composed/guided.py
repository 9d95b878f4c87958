"""A search that asks a supernet instead of training: any black-box method, guided by anything that ranks.

The ranker runs to its end; then the searcher asks for architectures, and is told their validation score under the
ranker's shared weights. How good what it looked at truly is, is not known here: the harness says it of every `visited`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, Self, cast

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from nasboard.harness import registry
from nasboard.harness.api import Checkpoint, Need, SearchMethod, State, Task
from nasboard.harness.errors import BudgetExhausted, MethodError, UsageError
from nasboard.harness.space import Arch, Choice
from nasboard.methods.composed.scoring import Look, ScoreOracle

SEEDS = 2**63  # of the searcher's generator


@dataclass(frozen=True, slots=True)
class Guided:
    """A black-box method that is guided by the scores of shared weights.

    Source: Zhao et al., Few-shot Neural Architecture Search (ICML 2021), search methods on NAS-Bench-201, and its
    release: random search, evolution, REINFORCE, BOHB, Hyperband and TPE see a supernet's accuracy in place of that of
    a training, and what is drawn is the best true accuracy of what they looked at against how many samples that were.
    An architecture that comes again is told its score again and is no sample, as in the release's evolution; rows that
    are isomorphic are several. The search ends after `samples` of them.

    A supernet's score has one fidelity, whatever the benchmark offers: with it every bracket of Hyperband is one
    architecture, so that it is random search draw by draw, and BOHB draws from its model alone.

    Differs from the release: scores are taken on validation images (there: on the test images of CIFAR-10), by the
    ranker's own rule; the search ends by number, not where the best of the space is met, which no search can know.

    The steps of a run are those of the ranker, then one for every sample. Before the first there is no incumbent.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})

    searcher: str = "regularized_evolution"  # a method that needs queries alone
    searcher_params: tuple[str, ...] = ()  # NAME=VALUE each; its own defaults for the others
    ranker: str = "few_shot"  # a method that needs data alone and ranks by scores in [0, 1]
    ranker_params: tuple[str, ...] = ()
    samples: int = 1000  # different architectures; ours. The release goes on to 15,625, its TPE to 3,000
    dry: int = 1000  # known ones in a row after which the search ends, as one that has nothing new to ask for; ours

    def __post_init__(self) -> None:
        """Refuse methods that do not fit together when they are named, so that a suite is refused before it runs."""
        if self.samples < 1 or self.dry < 1:
            raise UsageError(f"guided: samples and dry are at least 1, given {self.samples} and {self.dry}")
        for part, need in (("searcher", "query"), ("ranker", "data")):
            name = getattr(self, part)
            if registry.method_class(name).needs != {need}:
                raise UsageError(
                    f"guided: {part} is a method that needs {need} and nothing else (nasboard ls methods), given {name}"
                )
            registry.named_method(name, getattr(self, f"{part}_params"))

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(
            searcher_params=("population=3",),
            ranker="one_shot",
            ranker_params=("epochs=3", "derive_every=3", "candidates=2"),
            samples=6,
            dry=50,
        )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield the ranker's checkpoints, then one for every sample.

        Raises:
            UsageError: the ranker cannot run on the task.
            MethodError: it ends without a ranking, or its scores are not in [0, 1].
        """
        state: State = task.resume or {"rng": task.rng.bit_generator.state, "ranker": None, "search": None}
        begun = cast("State | None", state["search"])
        if begun is not None and begun["over"]:
            return
        ranker = registry.named_method(self.ranker, self.ranker_params)
        ranking = _Ranking(ranker, self.ranker, task, cast(State, state["rng"]), cast("State | None", state["ranker"]))
        for checkpoint in ranking.checkpoints():
            if begun is None and not checkpoint.last:
                yield self._passed_on(checkpoint, partial(ranking.saved, checkpoint))
        end = ranking.end
        assert end is not None
        assert end.rank is not None
        seed = int(task.rng.integers(SEEDS)) if begun is None else cast(int, begun["seed"])
        sampling = _Sampling(seed, ScoreOracle(end.rank, self.ranker, self.dry))
        if begun is None:
            yield self._passed_on(end, partial(ranking.saved, None, sampling))
        else:
            sampling.load(begun)
        yield from self._sampled(task, ranking, sampling, end.step)

    def _passed_on(self, checkpoint: Checkpoint, state: Callable[[], State]) -> Checkpoint:
        """Return a checkpoint of the ranker as one of this method; what it has derived is not its answer."""
        total = None if checkpoint.total is None else checkpoint.total + self.samples
        saved = None if checkpoint.state is None else state
        return replace(checkpoint, incumbent=None, state=saved, last=False, total=total)

    def _sampled(self, task: Task, ranking: _Ranking, sampling: _Sampling, ranked: int) -> Iterator[Checkpoint]:
        """Yield a checkpoint for every sample; `ranked` are the steps of the ranker."""
        searcher = registry.named_method(self.searcher, self.searcher_params)
        rng, resume = default_rng(sampling.seed), sampling.player
        inner = Task(task.space, rng, float("inf"), task.device, query=sampling.oracle, resume=resume)
        made = partial(Checkpoint, rank=sampling.oracle.rank, total=ranked + self.samples)
        step = ranked + len(sampling.scores)
        for seen, looks in sampling.looks(searcher, inner):
            step += 1
            sampling.over = len(sampling.scores) >= self.samples
            yield made(
                step,
                sampling.incumbent,
                state=None if seen.state is None else partial(ranking.saved, None, sampling),
                logs={"score": looks[-1][1].val_accuracy},
                last=sampling.over,
                visited=looks,
            )
            if sampling.over:
                return
        sampling.over = True  # it has nothing new to ask for
        yield made(step + 1, sampling.incumbent, state=partial(ranking.saved, None, sampling), last=True)


@dataclass
class _Ranking:
    """A ranker on its way to its end, and back there in a run that is resumed later.

    Attributes:
        made: the ranker.
        who: its name.
        task: that it is played on.
        rng: state of the generator before its first step.
        kept: its state from which it is played to the end once more, as one that has ended ranks nothing; None: from
            its start. It is of the last step but one where the ranker tells its length, so that one step is made twice.
        end: its last checkpoint, once that is there.
    """

    made: SearchMethod
    who: str
    task: Task
    rng: State
    kept: State | None
    end: Checkpoint | None = None
    playing: Iterator[Checkpoint] | None = None  # held, so that what its last checkpoint ranks by stays

    def checkpoints(self) -> Iterator[Checkpoint]:
        """Yield its checkpoints, from the state kept on.

        Raises:
            MethodError: none is the last one, or that one does not rank.
        """
        if self.kept is None:
            self.task.rng.bit_generator.state = dict(self.rng)
        self.playing = self.made.search(replace(self.task, query=None, resume=self.kept))
        for checkpoint in self.playing:
            if checkpoint.last and checkpoint.rank is not None:
                self.end = checkpoint
                yield checkpoint
                return
            if checkpoint.state is not None and (checkpoint.total is None or checkpoint.step >= checkpoint.total - 1):
                self.kept = checkpoint.state()
            yield checkpoint
        raise MethodError(
            f"{self.who} has no last checkpoint that ranks; a ranker marks its last checkpoint by last=True, with rank"
        )

    def saved(self, at: Checkpoint | None, sampling: _Sampling | None = None) -> State:
        """Return the state of a run that stands at a checkpoint of the ranker, or is sampling."""
        if at is not None and at.state is not None:
            return {"rng": self.rng, "ranker": at.state(), "search": None}
        return {"rng": self.rng, "ranker": self.kept, "search": None if sampling is None else sampling.save()}


@dataclass
class _Sampling:
    """What was looked at so far.

    Attributes:
        seed: of the searcher's generator.
        oracle: that it asks.
        archs: looked at, in order.
        scores: theirs.
        player: state of the searcher, None before its first checkpoint.
        over: whether the search has ended.
    """

    seed: int
    oracle: ScoreOracle
    archs: list[Arch] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    player: State | None = None
    over: bool = False
    _seen: Checkpoint | None = None

    def looks(self, searcher: SearchMethod, task: Task) -> Iterator[tuple[Checkpoint, tuple[Look, ...]]]:
        """Yield the searcher's checkpoints at which something new was looked at, with what that was."""
        try:
            for checkpoint in searcher.search(task):
                looks = self.oracle.take()
                self._seen = checkpoint
                self.archs += [arch for arch, _ in looks]
                self.scores += [seen.val_accuracy for _, seen in looks]
                if looks:
                    yield checkpoint, looks
        except BudgetExhausted:
            return

    @property
    def incumbent(self) -> Arch | None:
        """Return the architecture `(d,)` of the best score, the first of equal ones."""
        return self.archs[int(np.argmax(self.scores))] if self.archs else None

    def save(self) -> State:
        """Return all that the next sample depends on."""
        return {
            "seed": self.seed,
            "over": self.over,
            "archs": np.array(self.archs, dtype=Choice),
            "scores": np.array(self.scores),
            "player": None if self._seen is None or self._seen.state is None else self._seen.state(),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.archs = list(cast("NDArray[Choice]", state["archs"]))
        self.scores = cast("NDArray[np.float64]", state["scores"]).tolist()
        self.oracle.known = {arch.tobytes(): seen for arch, seen in zip(self.archs, self.scores, strict=True)}
        self.player = cast("State | None", state["player"])
