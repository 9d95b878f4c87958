"""The genotypes of the field: every way of writing one is read, nothing is run, and what is no cell is refused."""

from __future__ import annotations

import re

import pytest

from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.genotype import read_genotype, write_genotype
from nasboard.benchmarks.spaces.known.published import PUBLISHED, known
from nasboard.harness.errors import SpecError

SPACE = SPACES["darts"]
V2 = (  # as the release writes it
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)


def test_a_known_genotype_is_read_pair_by_pair() -> None:
    normal, reduction = read_genotype(V2, "darts")
    assert normal[4:6] == (("skip_connect", 0), ("sep_conv_3x3", 1))  # ascending by source
    assert reduction[2:4] == (("max_pool_3x3", 1), ("skip_connect", 2))
    assert SPACE.encode(V2).tolist() == [3, 3, 0, 3, 3, 0, 2, 3, 1, 2, 5, 0, 0, 2, 0, 2, 1, 0, 2, 4, 0, 2]


@pytest.mark.parametrize(
    "other",
    [
        V2.replace("[2, 3, 4, 5]", "range(2, 6)"),
        V2.replace("[2, 3, 4, 5]", "(5, 4, 3, 2)"),
        "genotypes." + V2,
        V2.replace("('sep_conv_3x3', 0), ('sep_conv_3x3', 1)", "('sep_conv_3x3', 1), ('sep_conv_3x3', 0)"),
        V2.replace("normal=", "").replace("normal_concat=", ""),
        V2.replace("('max_pool_3x3', 0)", "['max_pool_3x3', 0]").replace(", ", ",\n  "),
    ],
)
def test_every_way_of_writing_the_same_cells_is_read_the_same(other: str) -> None:
    assert other != V2
    assert read_genotype(other, "darts") == read_genotype(V2, "darts")


@pytest.mark.parametrize("name", known(SPACE))
def test_what_is_written_is_read_back(name: str) -> None:
    pairs = read_genotype(PUBLISHED[name].spec, "darts")
    assert read_genotype(write_genotype(*pairs), "darts") == pairs
    assert write_genotype(*pairs) == SPACE.decode(SPACE.encode(PUBLISHED[name].spec))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("Genotype()", "is not of the form"),
        ("genotype" + V2[8:], "is not of the form"),
        (V2 + " ", "is not of the form"),
        (V2[:-1], "is not of the form"),
        (V2[:-1] + ", more=1)", "is not of the form"),
        (V2.replace("normal_concat", "reduce_concat"), "is not of the form"),
        ("(" * 5000 + V2, "is not of the form"),
        ("\0" + V2, "is not of the form"),
        (V2.replace("[2, 3, 4, 5]", "[2, 3, 4]", 1), "normal_concat is [2, 3, 4]; a cell joins nodes [2, 3, 4, 5]"),
        (V2.replace("[2, 3, 4, 5])", "range(2, 10**9))"), "reduce_concat is range(2, 10 ** 9); a cell joins"),
        (V2.replace("[2, 3, 4, 5])", "range(2, 999999999))"), "reduce_concat is range(2, 999999999); a cell joins"),
        (V2.replace("[2, 3, 4, 5])", "list(2, 6))"), "reduce_concat is list(2, 6); a cell joins"),
        (V2.replace("[2, 3, 4, 5])", "[2, 3, 4, '5'])"), "reduce_concat is [2, 3, 4, '5']; a cell joins"),
        (V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)"), "node 5 of normal takes sources 0 and 5"),
        (V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)"), "node 5 of normal takes sources 0 and 0"),
        (V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', -1)"), "allowed are 8 pairs"),
        (V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', True)"), "allowed are 8 pairs"),
        (V2.replace("('dil_conv_3x3', 2)", "(dil_conv_3x3, 2)"), "allowed are 8 pairs"),
        (V2.replace("('dil_conv_3x3', 2)", "open('x')"), "allowed are 8 pairs"),
        (V2.replace(", ('dil_conv_3x3', 2)", ""), "allowed are 8 pairs"),
        (
            V2.replace("dil_conv_3x3", "none"),
            "'none' is no operation of edge 5<-2 of the normal cell; allowed: ",
        ),
        (V2.replace("dil_conv_3x3", "sep_conv_7x7"), "'sep_conv_7x7' is no operation of edge 5<-2"),
    ],
)
def test_what_is_no_such_cell_is_refused(spec: str, says: str) -> None:
    with pytest.raises(SpecError, match=f"darts: .*{re.escape(says)}"):
        SPACE.encode(spec)


def test_an_operation_of_another_edge_is_refused() -> None:
    with pytest.raises(SpecError, match="s1: 'sep_conv_3x3' is no operation of edge 2<-0 of the normal cell"):
        SPACES["s1"].encode(V2)
