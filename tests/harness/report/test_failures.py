from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from nasboard.harness.outcomes.outcome import RunOutcome
from nasboard.harness.report.failures import Failure, failures, ranges
from nasboard.harness.report.page import html
from tests.harness.report import fields

TRACEBACK = """Traceback (most recent call last):
  File "method.py", line {line}, in search
    yield fit(step)
          ^^^^^^^^^
ValueError: loss is {loss}
"""


def failed(label: str, seeds: Sequence[int], error: str | None) -> tuple[RunOutcome, ...]:
    runs = [fields.failed(label, seed) for seed in seeds]
    return tuple(replace(o, run=replace(o.run, error=error)) for o in runs)


def of(**outcomes: tuple[RunOutcome, ...]) -> tuple[Failure, ...]:
    return failures(fields.comparison(outcomes))


def test_a_failure_holds_the_whole_traceback() -> None:
    (failure,) = failures(fields.comparison())
    assert failure.seeds == ((fields.EVIL_LABEL, "19"),)
    assert failure.error == fields.EVIL_ERROR
    assert failure.message.startswith("ValueError: <script>")


def test_a_failure_without_a_traceback_says_so() -> None:
    (failure,) = of(darts=failed("darts", [0], None))
    assert failure.error == failure.message == "no traceback was stored"


def test_one_fault_of_many_runs_is_one_failure_with_its_methods_and_seeds() -> None:
    error = TRACEBACK.format(line=3, loss="nan")
    died = "the worker process died: signal SIGKILL"
    found = of(
        lost=failed("lost", [4], died),
        darts=(*failed("darts", [0, 1, 2, 7], error), fields.black_box("darts", 9, 0)),
        one_shot=failed("one_shot", [5], error.replace("line 3", "line 44")),
    )
    assert [(f.message, f.runs, f.seeds) for f in found] == [
        ("ValueError: loss is nan", 5, (("darts", "0-2, 7"), ("one_shot", "5"))),
        (died, 1, (("lost", "4"),)),
    ]
    assert found[0].error == error  # one traceback, that of the first


def test_messages_that_differ_in_numbers_alone_are_one_fault() -> None:
    runs = [run for n in range(3) for run in failed("darts", [n], TRACEBACK.format(line=9, loss=f"{n} at 0x7f{n}a"))]
    (failure,) = of(darts=tuple(runs))
    assert (failure.message, failure.runs) == ("ValueError: loss is 0 at 0x7f0a", 3)


def test_messages_of_two_kinds_are_two_faults() -> None:
    other = TRACEBACK.format(line=3, loss="nan").replace("ValueError", "TypeError")
    assert len(of(darts=failed("darts", [0], TRACEBACK.format(line=3, loss="nan")) + failed("darts", [1], other))) == 2


def test_the_page_lists_a_fault_once_and_counts_its_runs() -> None:
    comparison = fields.comparison({"darts": failed("darts", range(4), TRACEBACK.format(line=3, loss="nan"))})
    page = html([comparison], [], "t")
    assert page.count("ValueError: loss is nan") == 2  # the message, and the end of one traceback
    assert "4 × ValueError: loss is nan\n<br>darts, seeds 0-3" in page
    assert "failures (4)" in page


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([0, 1], "0-1"), ([0, 1, 2, 5, 7, 8], "0-2, 5, 7-8")]
)
def test_numbers_in_a_row_are_a_range(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
