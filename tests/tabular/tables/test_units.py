from __future__ import annotations

import pytest

from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.units import FRACTION, PERCENT, check_unit


@pytest.mark.parametrize(
    ("best", "perfect", "message"),
    [
        (
            0.94,
            PERCENT,
            r"^f: val: the best .* is 0\.94, .* percent, .* like fractions; multiply .* get it again$",
        ),
        (1.0, PERCENT, "look like fractions"),
        (0.0, PERCENT, "the best accuracy of all is 0,"),
        (0.0094, FRACTION, r"states fractions, so these look like hundredths of these"),
    ],
)
def test_a_column_in_the_next_smaller_unit_is_refused(best: float, perfect: float, message: str) -> None:
    with pytest.raises(TableError, match=message):
        check_unit(best, perfect, "f: val", "get it again")


@pytest.mark.parametrize(
    ("best", "perfect"), [(1.01, PERCENT), (94.37, PERCENT), (100.0, PERCENT), (0.1, FRACTION), (1.0, FRACTION)]
)
def test_a_column_in_the_unit_that_is_stated_passes(best: float, perfect: float) -> None:
    check_unit(best, perfect, "f: val", "get it again")
