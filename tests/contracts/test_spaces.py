"""What our spaces refuse, and how they say so; the laws of a space are among the shipped contracts."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.spaces import darts_lists, layerwise
from nasboard.benchmarks.spaces.autogan import GanSpace
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.handcrafted import space as handcrafted
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.errors import SpecError
from nasboard.harness.space import SearchSpace, check, sample
from tests.contracts.catalogue import BENCHMARKS, opened
from tests.strategies import batches

SPACES: dict[str, SearchSpace] = {
    space.name: space
    for space in (
        NB201Space(),
        PlantedSpace(),
        NB101Space(),
        Poc1296Space(),
        *map(NB1Shot1Space.of, (1, 2, 3)),
        *darts_lists.SPACES.values(),
        *layerwise.SPACES.values(),
        *handcrafted.SPACES.values(),
        *map(GanSpace, (2, 3)),
    )
}

SMALLER = {"proxyless-digits": layerwise.shallower(layerwise.SPACES["proxyless"], 2)}  # of the same name


def any_space() -> st.SearchStrategy[SearchSpace]:
    return st.sampled_from([*SPACES.values(), *SMALLER.values()])


@pytest.mark.parametrize("name", SPACES)
def test_a_space_follows_the_protocol(name: str) -> None:
    space = SPACES[name]
    assert isinstance(space, SearchSpace)
    assert space.name == name
    assert all(isinstance(n, int) and n >= 1 for n in space.choices)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_space_of_every_benchmark_is_among_those_tested_here(name: str) -> None:
    space = opened(name).space
    assert SMALLER.get(name, SPACES[space.name]) == space


@given(st.data())
def test_check_takes_what_is_in_the_space_and_nothing_else(data: st.DataObject) -> None:
    space = data.draw(any_space())
    batch = data.draw(batches(space))
    assert np.array_equal(check(space, batch), batch)
    row = data.draw(st.integers(0, len(batch) - 1))
    slot = data.draw(st.integers(0, len(space.choices) - 1))
    outside = batch.copy()
    outside[row, slot] = data.draw(st.sampled_from([-1, space.choices[slot], 127]))
    with pytest.raises(SpecError, match=f"architecture {row} has {outside[row, slot]} in slot {slot}"):
        check(space, outside)


@given(st.data())
def test_a_text_that_is_no_string_form_is_refused(data: st.DataObject) -> None:
    space = data.draw(any_space())
    text = data.draw(st.text(max_size=20))
    with pytest.raises(SpecError, match=space.name):
        space.encode(text)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("given_", [["a"], [0, 1], (0, 1, 2, 3), 7, None, b"bytes"], ids=repr)
def test_what_is_no_text_is_refused_with_an_example_of_one(name: str, given_: object) -> None:
    space = SPACES[name]
    with pytest.raises(SpecError, match=f"{name}: encode takes .* given a {type(given_).__name__}") as caught:
        space.encode(given_)  # type: ignore[arg-type]
    example = ast.literal_eval(str(caught.value).partition("such as ")[2].partition(", given a")[0])
    assert space.decode(space.encode(example)) == example


@pytest.mark.parametrize("name", SPACES)
def test_an_array_is_no_string_form(name: str) -> None:
    arch = sample(SPACES[name], np.random.default_rng(0), 1)[0]
    with pytest.raises(SpecError, match="given a ndarray; an array is an architecture already, and decode tells"):
        SPACES[name].encode(arch)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SPACES)
def test_a_tuple_or_a_list_is_never_taken_for_a_row(name: str) -> None:
    space = SPACES[name]
    arch = sample(space, np.random.default_rng(0), 1)[0]
    for other in (arch.tolist(), tuple(arch.tolist())):
        with pytest.raises(SpecError, match="other libraries number operations and edges in their own way"):
            space.decode(other)  # type: ignore[arg-type]
        with pytest.raises(SpecError, match="other libraries number operations and edges in their own way"):
            check(space, [other])


@pytest.mark.parametrize("name", SPACES)
def test_a_row_outside_the_space_has_no_string_form(name: str) -> None:
    space = SPACES[name]
    arch = sample(space, np.random.default_rng(0), 1)[0]
    below, above = arch.copy(), arch.copy()
    below[0], above[-1] = -1, space.choices[-1]
    for row in (arch[:-1], np.append(arch, arch[:1]), below, above, arch.astype(np.float64), arch[None]):
        with pytest.raises(SpecError, match=f"{name}: a"):
            space.decode(row)
