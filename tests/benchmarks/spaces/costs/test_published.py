"""Counts against what was published."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.spaces.costs import darts, layerwise, nb101, nb201
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.known.found_cells import FOUND
from nasboard.benchmarks.spaces.known.published import PUBLISHED, home, known
from nasboard.benchmarks.spaces.layerwise import SPACES as LAYERED
from nasboard.benchmarks.spaces.macros import DIGITS, OFA, PROXYLESS, SPOS, DartsMacro, NB1Shot1Macro, NB201Macro
from nasboard.benchmarks.spaces.nb201 import OPS, NB201Space
from nasboard.benchmarks.tabulated.digits201 import shipped_table
from nasboard.benchmarks.tabulated.imported import column
from nasboard.harness.space import from_index
from nasboard.tabular.nb101.cell_graphs import codes, prune
from nasboard.tabular.nb101.graphs import from_file
from tests.data_folder import data_file

CIFAR = DartsMacro(channels=36, cells=20)
IMAGENET = DartsMacro(image=224, channels=48, cells=14, classes=1000, imagenet=True)
OTHERWISE = {"darts-v1": 3.169, "sdarts-rs": 3.606}  # published: 3.3 and 3.4; docs/spaces.md says what is known of it
SPACE = SPACES["darts"]


def millions(spec: str, macro: DartsMacro) -> float:
    return float(darts.count(SPACE, SPACE.encode(spec)[None], macro).parameters[0] / 1e6)


@pytest.mark.parametrize("name", [name for name, cell in PUBLISHED.items() if cell.millions is not None])
def test_published_cells_have_the_published_parameters(name: str) -> None:
    """Published to one digit or two: as near as rounding goes, where the number is of this cell."""
    cell = PUBLISHED[name]
    assert cell.millions is not None
    found = millions(cell.spec, IMAGENET if cell.imagenet else CIFAR)
    digits = len(str(cell.millions).partition(".")[2])
    if name in OTHERWISE:
        assert found == pytest.approx(OTHERWISE[name], abs=1e-3)
    else:
        assert abs(found - cell.millions) < 0.5 * 10**-digits + 1e-9


def test_parameters_are_those_that_somebody_counted_one_by_one() -> None:
    """Of P-DARTS, with and without its auxiliary head: chenxin061/pdarts, issue 7."""
    alone = darts.count(SPACE, SPACE.encode(PUBLISHED["p-darts"].spec)[None], CIFAR).parameters[0]
    assert (alone, alone + darts.auxiliary(CIFAR)[0]) == (3_433_798, 3_910_224)


@pytest.mark.parametrize("name", OTHERWISE)
def test_no_way_of_counting_brings_these_two_to_the_published_parameters(name: str) -> None:
    """Not with the auxiliary head, not without batch norm, and not in the network for ImageNet."""
    row, published = SPACE.encode(PUBLISHED[name].spec)[None], PUBLISHED[name].millions
    assert published is not None
    alone, shared = (darts.count(SPACE, row, CIFAR, shared=shared).parameters[0] / 1e6 for shared in (False, True))
    head = darts.auxiliary(CIFAR)[0] / 1e6
    ways = (alone, shared, alone + head, shared + head, millions(PUBLISHED[name].spec, IMAGENET))
    assert all(abs(way - published) > 0.05 for way in ways)


def test_a_space_knows_the_published_cells_that_are_in_it() -> None:
    of_nat = {name: home(SPACES.values(), name).name for name in PUBLISHED if name not in known(SPACE)}
    assert of_nat == {"nat-darts": "nat", **dict.fromkeys(("enas", "nat-enas", "naonet-b", "naonet-v2"), "nat-enas")}
    assert list(known(SPACES["nat"])) == [*known(SPACE), "nat-darts"]
    assert set(known(SPACES["s5"])) == set(known(SPACE))
    for name in ("s1", "s2", "s3", "s4"):
        space, cells = SPACES[name], known(SPACES[name])
        methods, data = ("pc-darts", "sdarts-rs", "sdarts-adv"), ("cifar10", "cifar100", "svhn")
        assert sorted(cells) == sorted(f"{method}-{on}" for method in methods for on in data)
        assert all(space.valid(space.encode(spec)[None]).all() for spec in cells.values())


def test_cells_of_nat_are_those_of_its_release() -> None:
    """As the release writes them: triples, edges of a node in any order."""
    text = "Genotype(normal=[('sep_conv_3x3', 0, 2), ('sep_conv_3x3', 1, 2), ('skip_connect', 0, 3), "
    text += "('sep_conv_3x3', 1, 3), ('skip_connect', 1, 4), ('skip_connect', 0, 4), ('skip_connect', 0, 5), "
    text += (
        "('dil_conv_3x3', 2, 5)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0, 2), ('skip_connect', 1, 2), "
    )
    text += "('skip_connect', 2, 3), ('skip_connect', 1, 3), ('max_pool_3x3', 0, 4), ('null', 2, 4), "
    text += "('skip_connect', 2, 5), ('max_pool_3x3', 1, 5)], reduce_concat=range(2, 6))"
    assert SPACES["nat"].encode(text).tolist() == SPACES["nat"].encode(PUBLISHED["nat-darts"].spec).tolist()
    enas = PUBLISHED["nat-enas"].spec
    assert "normal_concat=range(2, 7), reduce=" in enas
    assert enas.endswith("reduce_concat=[2, 3, 6])")
    assert SPACES["nat-enas"].decode(SPACES["nat-enas"].encode(enas)) == enas


def test_what_nat_makes_of_darts_is_smaller_by_a_fifth_and_what_it_makes_of_enas_as_large() -> None:
    def counted(name: str) -> tuple[int, int]:
        space = home(SPACES.values(), name)
        cost = darts.count(space, space.encode(PUBLISHED[name].spec)[None], CIFAR)
        return int(cost.parameters[0]), int(cost.multiply_adds[0])

    assert (counted("darts-v2"), counted("nat-darts")) == ((3_349_342, 528_359_040), (2_682_334, 424_181_376))
    assert counted("enas") == counted("nat-enas") == (3_859_894, 605_719_584)  # two poolings became null


def test_cells_of_s1_to_s4_are_those_of_the_release() -> None:
    """One as the release writes it, marks of two more, and no two are the same."""
    text = "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 2), ('sep_conv_3x3', 0), "
    text += "('sep_conv_3x3', 3), ('sep_conv_3x3', 2), ('sep_conv_3x3', 4), ('sep_conv_3x3', 1)], normal_concat="
    text += "range(2, 6), reduce=[('skip_connect', 0), ('skip_connect', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 2), "
    text += "('sep_conv_3x3', 3), ('sep_conv_3x3', 0), ('sep_conv_3x3', 4), ('sep_conv_3x3', 3)], reduce_concat="
    text += "range(2, 6))"
    assert SPACES["s2"].encode(text).tolist() == SPACES["s2"].encode(FOUND["sdarts-adv", "cifar10", "s2"]).tolist()
    assert "'noise', 3" in FOUND["pc-darts", "cifar10", "s4"]
    assert FOUND["pc-darts", "svhn", "s2"].count("skip_connect") == 10
    assert len(FOUND) == len(set(FOUND.values())) == 36


def test_the_darts_cell_has_the_parameters_of_its_release_on_imagenet() -> None:
    assert abs(millions(PUBLISHED["darts-v2"].spec, IMAGENET) - 4.7) < 0.05  # quark0/darts:README.md
    row = SPACE.encode(PUBLISHED["darts-v2"].spec)[None]
    assert darts.count(SPACE, row, IMAGENET).multiply_adds[0] < 600e6  # the mobile setting


def test_a_cell_inside_a_supernet_lacks_the_numbers_of_batch_norm_alone() -> None:
    macro = DartsMacro()
    row = SPACE.encode(PUBLISHED["darts-v2"].spec)[None]
    alone, shared = (darts.count(SPACE, row, macro, shared=shared) for shared in (False, True))
    assert alone.multiply_adds[0] == shared.multiply_adds[0]
    norms = 0
    for cell, width in enumerate([16, 16, 32, 32, 32, 64, 64, 64]):
        convolutions = 0 if cell in (2, 5) else 5 * 2 + 1  # five separable ones, one dilated one
        halving_skips = 0  # the reduction cell skips from node 2 alone
        norms += 2 * width * (2 + convolutions + halving_skips)
    assert alone.parameters[0] - shared.parameters[0] == norms


@pytest.mark.parametrize(
    ("op", "params", "flops_m"), [("nor_conv_3x3", 1_531_546, 220.11969), ("skip_connect", 73_306, 7.78305)]
)
def test_nb201_networks_have_the_parameters_and_multiply_adds_that_its_authors_record(
    op: str, params: int, flops_m: float
) -> None:
    arch = np.full((1, 6), OPS.index(op), dtype=np.int16)
    cost = nb201.count(arch, NB201Macro())
    assert cost.parameters.tolist() == [params]
    assert cost.multiply_adds[0] + 10 == round(flops_m * 1e6)  # theirs count the bias of the last layer
    assert NB201Space().valid(arch).all()


def test_networks_on_digits_have_the_costs_that_their_table_was_shipped_with() -> None:
    table = shipped_table()
    cost = nb201.count(from_index(NB201Space(), column(table, "classes")), DIGITS)
    assert np.array_equal(cost.parameters, column(table, "params"))
    assert np.array_equal(cost.multiply_adds, column(table, "multiply_adds"))


def test_the_shown_network_of_single_path_one_shot_has_its_published_cost() -> None:
    arch = np.array([[2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]], dtype=np.int16)
    cost = layerwise.count(LAYERED["spos"], arch, SPOS)
    assert round(cost.multiply_adds[0] / 1e6) == 323  # megvii-model/SinglePathOneShot:README.md
    assert abs(cost.parameters[0] / 1e6 - 3.5) < 0.06  # told as 3.5 M


# (stem, first, features), widths, blocks as kernel and expansion, 00 for none, parameters; in another implementation,
# osmr/imgclsmob:pytorch/pytorchcv/models/proxylessnas.py, which asserts that number
RELEASED = {
    "cpu": (
        (40, 24, 1432),
        (32, 48, 88, 104, 216, 360),
        "36 33 33 33|36 33 33 53|36 00 00 33|56 33 33 33|56 53 53 33|56",
    ),
    "gpu": (
        (40, 24, 1728),
        (32, 56, 112, 128, 256, 432),
        "53 00 00 00|73 00 00 33|76 00 00 53|56 00 33 53|76 76 76 56|76",
    ),
    "mobile": (
        (32, 16, 1280),
        (32, 40, 80, 96, 192, 320),
        "53 33 00 00|73 33 53 53|76 53 53 53|56 53 53 53|76 76 73 73|76",
    ),
    "mobile-14": (
        (48, 24, 1792),
        (40, 56, 112, 136, 256, 448),
        "53 33 00 00|73 33 53 53|76 53 53 53|56 53 53 53|76 76 73 73|76",
    ),
}
COUNTED = {"cpu": 4_361_648, "gpu": 7_119_848, "mobile": 4_080_512, "mobile-14": 6_857_568}


@pytest.mark.parametrize("name", RELEASED)
def test_released_networks_of_proxylessnas_have_the_parameters_that_others_count(name: str) -> None:
    (stem, first, features), widths, told = RELEASED[name]
    spec = "|".join(",".join(map(_block, stage.split())) for stage in told.split("|"))
    space = LAYERED["proxyless"]
    stages = tuple(replace(stage, width=width) for stage, width in zip(space.stages, widths, strict=True))
    space = replace(space, stages=stages)
    macro = replace(PROXYLESS, stem=stem, first=first, features=features)
    cost = layerwise.count(space, space.encode(spec)[None], macro)
    assert cost.parameters.tolist() == [COUNTED[name]]


def _block(word: str) -> str:
    return "Zero" if word == "00" else f"{word[0]}x{word[0]}_MBConv{word[1]}"


OFA_SHOWN = {  # as converted: open-mmlab/mmrazor:configs/nas/mmcls/onceforall/OFA_SUBNET_NOTE8_LAT{22,31}.yaml
    22: (140, "2:3333|3333;2:5533|3333;2:7333|4333;2:5333|3433;2:3733|6636", 4.3, 70.9),
    31: (152, "2:5333|3333;2:5533|4333;3:3353|4444;3:3573|4343;4:3355|6333", 4.6, 105.4),
}


@pytest.mark.parametrize("latency_ms", OFA_SHOWN)
def test_networks_of_once_for_all_have_the_parameters_that_somebody_else_counted(latency_ms: int) -> None:
    """The two that the release specialised for a Samsung Note8; multiply-adds there hold norms and activations too."""
    side, told, millions, flops_m = OFA_SHOWN[latency_ms]
    stages = (re.fullmatch(r"(\d):(\d+)\|(\d+)", stage) for stage in told.split(";"))
    spec = "|".join(
        f"{s[1]}:" + ",".join(f"{k}x{k}_MBConv{e}" for k, e in zip(s[2], s[3], strict=True)) for s in stages if s
    )
    arch = LAYERED["ofa-mbv3"].encode(spec)[None]
    cost = layerwise.count(LAYERED["ofa-mbv3"], arch, replace(OFA, image=side))
    assert abs(cost.parameters[0] / 1e6 - millions) < 0.05
    assert 0.93 < cost.multiply_adds[0] / 1e6 / flops_m < 1


def test_layers_that_are_not_there_cost_nothing() -> None:
    space = LAYERED["ofa-mbv3"]
    rows = np.zeros((9, 25), dtype=np.int16)
    rows[:, 4] = range(9)  # the fourth layer of a stage of two
    assert len(set(layerwise.count(space, rows, OFA).parameters.tolist())) == 1
    rows[:, 0] = 2
    assert len(set(layerwise.count(space, rows, OFA).parameters.tolist())) == 9


def test_nb101_networks_have_the_recorded_parameters() -> None:
    """Every hundredth cell, with its vertices in the release's order; all of them have been compared so."""
    path = data_file("nb101/nb101_mean_test108.npz")
    with np.load(path) as file:
        vertices, bits, ops, params = (file[name][::100] for name in ("num_vertices", "adj_bits", "ops", "params"))
    macro = NB1Shot1Macro(channels=128)
    cells = prune(from_file(vertices, bits, ops))
    assert np.array_equal(nb101.count_cells(cells, macro).parameters, params)
    in_our_order = nb101.count_cells(codes(cells), macro).parameters
    assert 0.9 < (in_our_order == params).mean() < 0.92
    assert np.abs(in_our_order / params - 1).max() < 0.014
