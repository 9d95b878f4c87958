from __future__ import annotations

import pytest

from nasboard.tabular.nb201.names import ARCHS, EDGES, OPS, index_spec, spec_choices, spec_index


def test_string_form_and_index_are_inverse_over_the_whole_space() -> None:
    specs = [index_spec(i) for i in range(ARCHS)]
    assert len(set(specs)) == ARCHS == len(OPS) ** len(EDGES)
    assert [spec_index(spec) for spec in specs] == list(range(ARCHS))


def test_the_last_edge_runs_fastest_and_operations_are_in_the_published_order() -> None:
    assert index_spec(0) == "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    assert index_spec(1) == "|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
    assert spec_choices(index_spec(4 * 5**5 + 3)) == (4, 0, 0, 0, 0, 3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "is not of the form"),
        ("|none~0|+|none~0|none~1|", "is not of the form"),
        ("|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "is not of the form"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n", "is not of the form"),
        ("|zero~0|+|none~0|none~1|+|none~0|none~1|none~2|", "unknown operation 'zero'"),
    ],
)
def test_another_string_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec_index(spec)


@pytest.mark.parametrize("index", [-1, ARCHS])
def test_an_index_outside_the_space_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match=rf"0\.\.15624, given {index}"):
        index_spec(index)
