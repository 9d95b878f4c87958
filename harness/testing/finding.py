"""What became of a contract: kept, broken or not applicable, and why.

A contract is a function of its subject. It returns None where it is kept, a reason where it does not apply, and raises
ContractError where it is broken; its name and the first line of its docstring are what is shown of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from nasboard.harness.errors import ContractError, MissingDataError, NasboardError, gist
from nasboard.harness.truth import FAULTS

Subject = TypeVar("Subject")
Outcome = Literal["ok", "broken", "not applicable"]
CRASHES = (
    NasboardError,
    *FAULTS,
    AssertionError,
    ImportError,
    NameError,
    OSError,
    RuntimeError,
)  # of the code that is checked


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


def judged(contract: Callable[[Subject], str | None], subject: Subject) -> Finding:
    """Return what became of one contract; an error out of the code that is checked breaks it.

    Raises:
        MissingDataError: a package or a table that the subject needs is not there.
    """
    name = contract.__name__.replace("_", " ")
    says = (contract.__doc__ or "").partition("\n")[0]
    try:
        why = contract(subject)
    except MissingDataError:
        raise
    except ContractError as error:
        return Finding(name, says, "broken", str(error))
    except CRASHES as error:
        return Finding(name, says, "broken", f"raised {type(error).__name__}: {gist(str(error))}")
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
