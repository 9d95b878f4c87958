"""What became of a contract: kept, broken or not applicable, and why.

A contract is a function of its subject. It returns None where it is kept, a reason where it does not apply, and raises
ContractError where it is broken; its name and the first line of its docstring are what is shown of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

from nasboard.harness.errors import ContractError, MissingDataError, NasboardError, gist

Subject = TypeVar("Subject")
Outcome = Literal["ok", "broken", "not applicable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one contract.

    Attributes:
        contract: its name.
        says: what it asks for, in a line.
        outcome: whether it is kept.
        why: what broke it and what to do, or why it does not apply; None where it is kept.
    """

    contract: str
    says: str
    outcome: Outcome
    why: str | None = None


@contextmanager
def foreign(who: str) -> Iterator[None]:
    """Run code that is checked: what it raises that is no error of ours, of whatever class, is its own fault.

    Raises:
        ContractError: `who` raised something, and what.
    """
    try:
        yield
    except NasboardError:
        raise
    except Exception as error:  # broad, as in the runner: the second place where a stranger's code runs
        raise ContractError(f"{who} raised {_named(error)}") from error


def judged(contract: Callable[[Subject], str | None], subject: Subject) -> Finding:
    """Return what became of one contract; an error out of the code that is checked breaks it.

    Raises:
        MissingDataError: a package or a table that the subject needs is not there.
    """
    name = contract.__name__.replace("_", " ")
    says = (contract.__doc__ or "").partition("\n")[0]
    try:
        with foreign("it"):
            why = contract(subject)
    except MissingDataError:
        raise
    except ContractError as error:
        return Finding(name, says, "broken", str(error))
    except NasboardError as error:
        return Finding(name, says, "broken", f"it raised {_named(error)}")
    return Finding(name, says, "ok") if why is None else Finding(name, says, "not applicable", why)


def settle(what: str, findings: Iterable[Finding]) -> None:
    """Raise where a contract is broken.

    Raises:
        ContractError: names `what` was checked, and each broken contract with its reason.
    """
    found = list(findings)
    broken = [f"{f.contract}: {f.why}" for f in found if f.outcome == "broken"]
    if broken:
        raise ContractError(f"{what} breaks {len(broken)} of {len(found)} contracts: " + "; ".join(broken))


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {gist(str(error))}"
