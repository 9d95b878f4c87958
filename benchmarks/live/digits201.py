"""The live benchmark `digits201-live`: images of handwritten digits and a supernet, scored by the digits201 table."""

from __future__ import annotations

from functools import cache

from nasboard.benchmarks.tabulated.digits201 import Digits201, shipped_table
from nasboard.harness.api import SearchData
from nasboard.harness.errors import MissingDataError

NAME = "digits201-live"


@cache
def live() -> Digits201:
    """Return the live benchmark `digits201-live`; torch is imported when its data is asked for."""
    return Digits201(NAME, shipped_table(), images)


def images() -> SearchData:
    """Return images and supernet.

    Raises:
        MissingDataError: torch or scikit-learn is not installed.
    """
    try:
        from nasboard.benchmarks.live.data import digits_data
    except ImportError as error:
        raise MissingDataError(f"{NAME} trains networks: pip install 'nasboard[live]' ({error})") from error
    return digits_data()
