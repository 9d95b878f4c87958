"""The NAS-Bench-201 space: published strings, order and counts, and the graphs behind them."""

from __future__ import annotations

import ast
import io
import json
import pickle
import re
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given

from nasboard.benchmarks.spaces.nb201 import (
    CLASSES,
    CONV1,
    CONV3,
    EDGES,
    NONE,
    OPS,
    PARAMETER_FREE,
    POOL,
    SKIP,
    NB201Space,
    class_representatives,
    isomorphism_string,
    learned,
    merge,
    prune,
    published_order,
    skips,
    without,
)
from nasboard.harness import registry
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, enumerate_all, enumerate_valid, from_index, size
from tests.data_folder import data_file
from tests.places import ROOT
from tests.strategies import archs, batches
from tests.tables import imported

SPACE = NB201Space()
FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


class PlainUnpickler(pickle.Unpickler):
    """Reads containers, numbers, strings and numpy scalars, and refuses every other class."""

    ALLOWED = frozenset({("numpy", "dtype"), ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")})

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def function_of(arch: Arch) -> object:
    """Return the function a cell computes, as a nested expression over paths; equal means equal."""
    nodes: list[object] = ["x", None, None, None]
    for target in (1, 2, 3):
        terms = []
        for (source, end), op in zip(EDGES, arch.tolist(), strict=True):
            if end == target and op != NONE and nodes[source] is not None:
                terms.append(nodes[source] if op == SKIP else (op, nodes[source]))
        nodes[target] = ("sum", *sorted(terms, key=repr)) if terms else None
    return nodes[3]


def test_counts_are_the_published_ones() -> None:
    everything = enumerate_all(SPACE)
    assert len(everything) == size(SPACE) == 15_625
    assert len(np.unique(SPACE.canonical(everything))) == CLASSES == 6_466
    assert len(np.unique(prune(everything), axis=0)) == 9_445
    assert len(np.unique(merge(everything), axis=0)) == 7_548


def test_what_stands_for_a_cell_is_pruned_and_stands_for_itself() -> None:
    merged = merge(enumerate_all(SPACE))
    assert np.array_equal(merge(merged), merged)
    assert np.array_equal(prune(merged), merged)
    pooled_first, pooled_last, twice, once = merge(
        np.array(
            [[POOL, 0, 0, 0, SKIP, 0], [SKIP, 0, 0, 0, POOL, 0], [SKIP, 0, 0, SKIP, SKIP, 0], [SKIP, 0, 0, 0, SKIP, 0]]
        )
    )
    assert np.array_equal(pooled_first, pooled_last)
    assert not np.array_equal(twice, once)


def test_the_published_enumeration_begins_as_published() -> None:
    order = published_order()
    assert np.array_equal(np.sort(order), np.arange(15_625))
    assert SPACE.decode(from_index(SPACE, order[:1])[0]) == FIRST


def test_the_whole_published_enumeration_is_ours() -> None:
    with data_file("nb201/nb2_cf10_hp12_info.p").open("rb") as file:
        rows = PlainUnpickler(file).load()
    assert len(rows) == 15_625
    ours = [SPACE.decode(arch) for arch in from_index(SPACE, published_order())]
    assert ours == [row["arch"] for row in rows]


def test_the_restricted_reader_refuses_code() -> None:
    with pytest.raises(pickle.UnpicklingError, match="is not allowed"):
        PlainUnpickler(io.BytesIO(pickle.dumps(product))).load()


@given(archs(SPACE))
def test_encode_and_decode_are_inverse(arch: Arch) -> None:
    spec = SPACE.decode(arch)
    assert np.array_equal(SPACE.encode(spec), arch)
    assert SPACE.decode(SPACE.encode(spec)) == spec
    assert SPACE.encode(spec).dtype == np.int16


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "is not of the form"),
        (FIRST + " ", "is not of the form"),
        (FIRST.replace("~2", "~1"), "is not of the form"),
        (
            FIRST.replace("avg_pool_3x3", "max_pool_3x3"),
            "unknown operation 'max_pool_3x3' .* allowed: none, skip_connect",
        ),
    ],
)
def test_other_strings_are_refused(spec: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        SPACE.encode(spec)


@given(batches(SPACE))
def test_the_canonical_form_is_a_member_of_its_class(some: Archs) -> None:
    canonical = SPACE.canonical(some)
    representatives = from_index(SPACE, canonical)
    assert np.array_equal(SPACE.canonical(representatives), canonical)
    for arch, representative in zip(some, representatives, strict=True):
        assert isomorphism_string(arch) == isomorphism_string(representative)


def test_equal_classes_compute_equal_functions() -> None:
    """The published string may tell equal functions apart, but never calls different ones equal."""
    functions: dict[int, object] = {}
    for arch, representative in zip(enumerate_all(SPACE), class_representatives().tolist(), strict=True):
        assert functions.setdefault(representative, _flat(function_of(arch))) == _flat(function_of(arch))


def test_a_skipped_node_and_its_source_are_the_same() -> None:
    direct, round_about = (
        SPACE.encode("|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"),
        SPACE.encode("|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|"),
    )
    same = SPACE.canonical(np.stack([direct, round_about]))
    assert same[0] == same[1]


@given(batches(SPACE))
def test_pruning_keeps_the_function_and_is_idempotent(some: Archs) -> None:
    before = some.copy()
    pruned = prune(some)
    assert np.array_equal(some, before)
    assert np.array_equal(prune(pruned), pruned)
    for arch, short in zip(some, pruned, strict=True):
        assert function_of(arch) == function_of(short)


def test_slots_are_edges_in_target_major_order() -> None:
    assert len(EDGES) == len(SPACE.choices)
    assert all((a[1], a[0]) < (b[1], b[0]) for a, b in pairwise(EDGES))
    assert SPACE.choices == (len(OPS),) * 6


def _flat(found: object) -> object:
    """Return the expression with sums spread out into their terms: a skip passes a sum on, as published."""
    if not isinstance(found, tuple):
        return found
    if found[0] != "sum":
        return (found[0], _flat(found[1]))
    terms: list[object] = []
    for term in map(_flat, found[1:]):
        terms += term[1:] if isinstance(term, tuple) and term[0] == "sum" else [term]
    return terms[0] if len(terms) == 1 else ("sum", *sorted(terms, key=repr))


def told_by_the_docs(whose: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Return edges and operations in the order in which docs/nb201.md says that a library numbers them."""
    lines = (ROOT / "docs" / "nb201.md").read_text(encoding="utf-8").splitlines()
    [edges] = [line for line in lines if line.startswith(f"| edge, {whose}")]
    [ops] = [line for line in lines if line.startswith(f"| operation, {whose}")]
    pairs = [(int(a), int(b)) for a, b in re.findall(r"(\d) -> (\d) (?=\|)", edges)]
    return pairs, re.findall(r"`(\w+)`", ops)


def test_the_docs_tell_our_own_coding() -> None:
    assert told_by_the_docs("nasboard") == (list(EDGES), list(OPS))


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "ImageNet16-120"])
def test_the_docs_tell_the_coding_of_tuples_that_others_published(dataset: str) -> None:
    recorded = json.loads(data_file("zero_cost/zc_nasbench201.json").read_text())[dataset]
    imported("nb201-compact")
    query = registry.benchmark(f"nb201-{dataset}@v1.0-compact").query
    assert query is not None
    tuples = np.array([ast.literal_eval(key) for key in recorded])
    theirs = [told["val_accuracy"] for told in recorded.values()]
    edges, ops = told_by_the_docs("NASLib")
    assert len(edges) == 6
    assert len(ops) == 5
    rows = np.array([[OPS.index(ops[row[edges.index(edge)]]) for edge in EDGES] for row in tuples], dtype=np.int16)

    def agreement(archs: np.ndarray) -> float:
        ours = [query(arch, 200, np.random.default_rng(0)).val_accuracy for arch in archs]
        return float(np.corrcoef(ours, theirs)[0, 1])

    assert agreement(rows) > 0.995  # of another version of the trainings, so not 1
    assert agreement(tuples.astype(np.int16)) < 0.5


def test_a_cell_learns_where_a_convolution_is_left_after_pruning() -> None:
    cells = enumerate_all(SPACE)
    learns = learned(cells)
    assert int((~learns).sum()) == 1_983
    bare = np.isin(cells, PARAMETER_FREE).all(axis=1)
    assert int(bare.sum()) == 729
    assert not learns[bare].any()
    idle = SPACE.encode("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    fed = SPACE.encode("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|")
    assert learned(np.stack([idle, fed])).tolist() == [False, True]


def test_skips_are_a_share_of_the_operations_that_are_not_none() -> None:
    told = {
        "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|": 1.0,
        "|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|": 1 / 3,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|skip_connect~2|": 0.5,
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|": 0.0,
    }
    assert skips(np.stack([SPACE.encode(spec) for spec in told])).tolist() == list(told.values())


def test_a_part_of_the_space_has_the_rows_of_the_whole_and_a_relaxation_of_its_own_operations() -> None:
    part = NB201Space(ops=without("avg_pool_3x3+none"))
    assert part.name == "nb201-without-none+avg_pool_3x3"
    assert part.ops == (SKIP, CONV1, CONV3)
    cells = enumerate_valid(part)
    assert len(cells) == 3**6
    assert np.array_equal(np.unique(cells), part.ops)
    mixes = part.relax(cells)
    assert mixes.shape == (3**6, 18)
    assert np.array_equal(np.stack([part.derive(mix) for mix in mixes]), cells)
    assert {group.options for group in part.groups} == {("skip_connect", "nor_conv_1x1", "nor_conv_3x3")}
    assert np.array_equal(part.canonical(cells), SPACE.canonical(cells))


def test_none_of_mixtures_alone_is_never_derived() -> None:
    part = NB201Space(ops=without("none"), mixes_none=True)
    assert part.name == "nb201-without-none"
    assert {group.options for group in part.groups} == {OPS}
    assert {group.takeable for group in part.groups} == {(SKIP, CONV1, CONV3, POOL)}
    mix = np.tile([0.6, 0.1, 0.05, 0.2, 0.05], 6)
    assert part.derive(mix).tolist() == [CONV3] * 6
    assert NB201Space().derive(mix).tolist() == [NONE] * 6
    cells = enumerate_valid(part)
    assert np.array_equal(part.relax(cells), NB201Space().relax(cells))


@pytest.mark.parametrize("names", ["pool", "none+none", "none+skip_connect+nor_conv_1x1+nor_conv_3x3"])
def test_operations_that_are_not_there_or_leave_no_choice_cannot_be_left_out(names: str) -> None:
    with pytest.raises(SpecError, match="at most 3 different operations of none, skip_connect"):
        without(names)


def test_edge_weights_are_of_nodes_that_several_edges_lead_to_and_multiply_the_operations() -> None:
    space = NB201Space(edge_weights=True)
    assert [(g.name, g.options, g.chosen) for g in space.groups[6:]] == [
        ("edges into 2", ("2<-0", "2<-1"), 2),
        ("edges into 3", ("3<-0", "3<-1", "3<-2"), 3),
    ]
    mix = np.concatenate([np.random.default_rng(0).dirichlet(np.ones(5), 6).ravel(), [0.9, 0.1, 0.2, 0.3, 0.5]])
    plain = NB201Space().derive(mix[:30])
    assert np.array_equal(space.derive(mix), plain)
    mix[31] = 0.0
    assert space.derive(mix).tolist() == [*plain[:2], NONE, *plain[3:]]
