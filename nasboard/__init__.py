"""nasboard scores neural-architecture-search methods. This is its face: what a notebook, a plug-in or a test imports.

`from nasboard import Checkpoint, neighbours, sample`, or `nasboard.load_runs("sqlite:///runs.db")`. A name is fetched
when it is asked for (PEP 562), so importing the face costs nothing and brings neither torch nor scipy nor pandas.
Nothing is defined here; the folders of the repository are the sub-packages `nasboard.harness` and so on.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same names for type checkers and editors, which do not follow `__getattr__`
    from nasboard.harness.api import API_VERSION as API_VERSION
    from nasboard.harness.api import AskTell as AskTell
    from nasboard.harness.api import Benchmark as Benchmark
    from nasboard.harness.api import Checkpoint as Checkpoint
    from nasboard.harness.api import Observation as Observation
    from nasboard.harness.api import Oracle as Oracle
    from nasboard.harness.api import Proposal as Proposal
    from nasboard.harness.api import Query as Query
    from nasboard.harness.api import SearchData as SearchData
    from nasboard.harness.api import SearchMethod as SearchMethod
    from nasboard.harness.api import Task as Task
    from nasboard.harness.asktell import play as play
    from nasboard.harness.context import Context as Context
    from nasboard.harness.context import Objective as Objective
    from nasboard.harness.context import Published as Published
    from nasboard.harness.context import Trainings as Trainings
    from nasboard.harness.errors import BudgetExhausted as BudgetExhausted
    from nasboard.harness.errors import MethodError as MethodError
    from nasboard.harness.errors import MetricError as MetricError
    from nasboard.harness.errors import MissingDataError as MissingDataError
    from nasboard.harness.errors import NasboardError as NasboardError
    from nasboard.harness.errors import SpecError as SpecError
    from nasboard.harness.errors import UnknownNameError as UnknownNameError
    from nasboard.harness.errors import UsageError as UsageError
    from nasboard.harness.frames import load_arrays as load_arrays
    from nasboard.harness.frames import load_runs as load_runs
    from nasboard.harness.frames import load_steps as load_steps
    from nasboard.harness.frames import load_trainings as load_trainings
    from nasboard.harness.registry import benchmark as benchmark
    from nasboard.harness.registry import method as method
    from nasboard.harness.running.oracle import MeteredOracle as MeteredOracle
    from nasboard.harness.space import Arch as Arch
    from nasboard.harness.space import Archs as Archs
    from nasboard.harness.space import Bools as Bools
    from nasboard.harness.space import Choice as Choice
    from nasboard.harness.space import Floats as Floats
    from nasboard.harness.space import Ints as Ints
    from nasboard.harness.space import SearchSpace as SearchSpace
    from nasboard.harness.space import check as check
    from nasboard.harness.space import enumerate_all as enumerate_all
    from nasboard.harness.space import from_index as from_index
    from nasboard.harness.space import neighbours as neighbours
    from nasboard.harness.space import one_hot as one_hot
    from nasboard.harness.space import sample as sample
    from nasboard.harness.space import size as size
    from nasboard.harness.space import to_index as to_index
    from nasboard.harness.statistics.ceiling import attainable as attainable
    from nasboard.harness.statistics.ceiling import reproducibility as reproducibility
    from nasboard.harness.statistics.rank import best_true_rank as best_true_rank
    from nasboard.harness.statistics.rank import bootstrap_interval as bootstrap_interval
    from nasboard.harness.statistics.rank import kendall_tau as kendall_tau
    from nasboard.harness.statistics.rank import precision_at_k as precision_at_k
    from nasboard.harness.statistics.rank import spearman as spearman
    from nasboard.harness.statistics.rank import top_k_tau as top_k_tau
    from nasboard.harness.statistics.rank import weighted_tau as weighted_tau
    from nasboard.harness.store import open_store as open_store

_NAMES = {  # module -> what the face shows of it
    "nasboard.harness.api": "API_VERSION AskTell Benchmark Checkpoint Observation Oracle Proposal Query SearchData "
    "SearchMethod Task",
    "nasboard.harness.context": "Context Objective Published Trainings",
    "nasboard.harness.asktell": "play",
    "nasboard.harness.errors": "BudgetExhausted MethodError MetricError MissingDataError NasboardError SpecError "
    "UnknownNameError UsageError",
    "nasboard.harness.frames": "load_arrays load_runs load_steps load_trainings",
    "nasboard.harness.registry": "benchmark method",
    "nasboard.harness.running.oracle": "MeteredOracle",
    "nasboard.harness.space": "Arch Archs Bools Choice Floats Ints SearchSpace check enumerate_all from_index "
    "neighbours one_hot sample size to_index",
    "nasboard.harness.statistics.ceiling": "attainable reproducibility",
    "nasboard.harness.statistics.rank": "best_true_rank bootstrap_interval kendall_tau precision_at_k spearman "
    "top_k_tau weighted_tau",
    "nasboard.harness.store": "open_store",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Return a name of the face, or say which are near it."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name.startswith("_"):  # what tools look for in every module
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nasboard.harness.errors import UnknownNameError

    raise AttributeError(f"{UnknownNameError('name in nasboard', name, __all__)}; dir(nasboard) lists them")


def __dir__() -> list[str]:
    return list(__all__)
