"""Whether accuracies are in the unit that their format states: told by the best one of a whole column.

Each number alone would pass: a fraction is a bad accuracy in percent.
"""

from __future__ import annotations

from nasboard.tabular.tables.table import TableError

PERCENT, FRACTION = 100.0, 1.0  # the value of a perfect accuracy


def check_unit(best: float, perfect: float, where: str, remedy: str) -> None:
    """Refuse a column whose best accuracy is a hundredth of a perfect one at most, as no column of a benchmark is.

    Args:
        best: the largest accuracy of the column.
        perfect: `PERCENT` or `FRACTION`, as the format states.
        where: file and column, as the message begins.
        remedy: how the file is got again.

    Raises:
        TableError: the column is in the next smaller unit.
    """
    if best > perfect / 100:
        return
    stated, found = ("percent", "fractions") if perfect == PERCENT else ("fractions", "hundredths of these")
    raise TableError(
        f"{where}: the best accuracy of all is {best:g}, and the format states {stated}, so these look like {found}; "
        f"multiply them by 100 where the file is your own; {remedy}"
    )
