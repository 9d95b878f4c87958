"""Names and options of live benchmarks, their four parts, and what is part of a run's identity."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.live.benchmark import LiveBenchmark, Parts, representatives
from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.live.datasets.spec import BASES, DataSpec
from nasboard.benchmarks.live.sizes import with_partial
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.macros import DIGITS, DartsMacro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.nb201.published import ONE_SHOT
from nasboard.harness import registry
from nasboard.harness.entries import Suite
from nasboard.harness.errors import MissingDataError, UnknownNameError, UsageError
from nasboard.harness.planning.suite import resolve
from nasboard.harness.space import enumerate_valid, sample
from nasboard.tabular.tables import home
from tests.tables import imported

S2 = "s2-digits?channels=4&cells=3&recipe=quick-3"


def opened(name: str) -> LiveBenchmark:
    found = registry.benchmark(name)
    assert isinstance(found, LiveBenchmark)
    return found


def test_every_name_that_is_registered_is_an_attribute_of_the_catalogue() -> None:
    where = "nasboard.benchmarks.live.catalogue:"
    ours = {e.name for e in registry.catalogue("benchmarks").values() if e.value.startswith(where)}
    assert ours == set(LIVE)
    assert {f"{space}-{data}" for space in SPACES for data in ("digits", "cifar10")} <= ours


def test_a_name_without_a_table_has_the_four_parts_and_its_trainings_leave_out_what_only_supernets_have() -> None:
    found = opened(S2 + "&scored_on=50&train=200&precision=bf16")
    assert found.name == "s2-digits?cells=3&channels=4&precision=bf16&recipe=quick-3&scored_on=50&train=200"
    assert found.trained_as == "s2-digits?cells=3&channels=4&recipe=quick-3&train=200"
    assert found.dataset == "digits?train=200"
    assert found.parts.macro == DartsMacro(image=8, inputs=1, channels=4, cells=3, classes=10)
    told = found.context.trainings
    assert told is not None
    assert (told.truth, told.shows_val, told.recipe, told.epochs) == (True, True, "quick-3", 3)
    assert found.fidelities == told.fidelities == (1, 3)
    with pytest.raises(MissingDataError, match=r"its truth are trainings: nasboard train 's2-digits\?cells=3"):
        found.truth(sample(found.space, np.random.default_rng(0), 1))


def test_the_proof_of_concept_is_trained_under_one_name_and_scored_by_a_table_under_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained = LIVE["poc1296-cifar10"](size="8", train="2000", val="1000")  # not `opened`: no images here
    assert trained.name == "poc1296-cifar10?size=8&train=2000&val=1000"
    assert trained.context.trainings is not None
    assert (trained.context.trainings.truth, trained.context.trainings.recipe) == (True, "quick-10")
    monkeypatch.setenv(home.VARIABLE, str(tmp_path))
    with pytest.raises(MissingDataError, match="build it: nasboard table build poc1296-cifar10 --benchmark LIVE"):
        LIVE["poc1296-cifar10-live"]()
    for name in ("digits1296-live", "digits201-live", "poc1296-cifar10-live"):
        with pytest.raises(UsageError, match=f"{name} has one table and no versions, given 'v2'"):
            LIVE[name](version="v2")


def test_a_network_that_people_made_is_known_by_its_name_and_counted_at_its_size() -> None:
    found = LIVE["resnet20-cifar10"](size="16", channels="4", cells="2")  # not `opened`: no images here
    named, counted = found.context.named, found.context.counted
    assert list(named) == ["resnet20", "nat-resnet20"]
    assert counted is not None
    rows = np.stack([found.space.encode(spec) for spec in named.values()])
    weights = 9 * (3 * 4 + 4 * 4 * 4 + 4 * 8 + 3 * 8 * 8 + 8 * 16 + 3 * 16 * 16)
    norms = 2 * (4 + 4 * (4 + 8 + 16))
    assert counted(rows)["parameters"].tolist() == [weights + norms + 16 * 10 + 10] * 2


def test_the_share_of_skips_is_told_by_the_table_or_by_the_space() -> None:
    cell = "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|"
    for found in map(registry.benchmark, ("digits201", "digits201-live")):
        assert found.context.skips is not None
        assert found.context.skips(found.space.encode(cell)[None]).tolist() == [1 / 3]
    cells = opened(S2)
    assert cells.context.skips is not None
    archs = sample(cells.space, np.random.default_rng(0), 50)
    counted = [cells.space.decode(arch).count("skip_connect") / 16 for arch in archs]
    assert cells.context.skips(archs).tolist() == counted


def test_no_published_test_image_of_cifar100_guides_a_search_for_darts_cells() -> None:
    darts, nb201 = LIVE["darts-cifar100"], LIVE["nb201-cifar100-live"]
    assert DataSpec(darts.data).images("train", "val") == 50_000
    assert DataSpec(darts.data).images("test") == 10_000
    assert DataSpec(nb201.data).images("train") == 50_000  # its validation images are half of the published test part


def test_a_size_that_the_recipe_fixes_is_no_part_of_a_training() -> None:
    found = LIVE["s3-cifar10"](channels="8", cells="5", recipe="darts-16x8-600")  # not `opened`: no images here
    assert found.trained_as == "s3-cifar10?recipe=darts-16x8-600"
    assert (found.parts.alone.channels, found.parts.alone.cells) == (16, 8)
    assert isinstance(found.parts.alone, DartsMacro)
    assert found.parts.alone.auxiliary
    assert not found.parts.macro.auxiliary
    told = found.context.trainings
    assert told is not None
    assert not told.shows_val  # it trains on validation images too


def test_published_figures_stand_beside_the_published_supernets_and_images_alone() -> None:
    imported("nb201-compact")
    live = LIVE["nb201-cifar10-live"]
    for same in (live(), live(fused="on"), live(compiled="on", channels="16", cells="5")):
        assert same.context.published == ONE_SHOT
    for other in ({"channels": "4"}, {"cells": "1"}, {"train": "500"}, {"scored_on": "512"}, {"precision": "bf16"}):
        assert live(**other).context.published == ()  # type: ignore[arg-type]
    assert LIVE["nb201-cifar100-live"]().context.published == LIVE["digits201-live"]().context.published == ()


@pytest.mark.parametrize(
    "option",
    [
        *("recipe=quick-30", "channels=16", "channels=016", "cells=8", "scored_on=1000", "precision=fp32"),
        *("compiled=off", "train=300", "val=500", "size=8"),
    ],
)
def test_what_says_the_default_leaves_the_name_so_that_equal_parts_share_trainings(option: str) -> None:
    plain, told = opened("s2-digits"), opened(f"s2-digits?{option}")
    assert (told.name, told.trained_as, told.parts) == (plain.name, plain.trained_as, plain.parts)


def test_every_default_recipe_can_train_the_networks_of_its_benchmark() -> None:
    for live in LIVE.values():
        side = BASES[live.data].side
        assert side == 32 or not recipe(live.recipe).auxiliary, live.name
        assert isinstance(live.macro, DartsMacro) or recipe(live.recipe).packs, live.name


@pytest.mark.parametrize("option", ["train=200", "val=100", "size=4", "recipe=quick-4", "channels=8", "cells=4"])
def test_what_a_training_depends_on_changes_the_truth_and_the_parts(option: str) -> None:
    plain, other = opened(S2), opened(_with(option))
    assert plain.digest != other.digest
    assert plain.context.parts != other.context.parts


def _with(option: str) -> str:
    key = option.partition("=")[0]
    kept = [pair for pair in S2.partition("?")[2].split("&") if not pair.startswith(f"{key}=")]
    return "s2-digits?" + "&".join([*kept, option])


def test_partial_channels_are_part_of_the_name_where_supernets_differ_by_them() -> None:
    for name in ("digits201-live", "s2-digits"):
        assert opened(f"{name}?partial=1").name == f"{name}?partial=1"  # edges have weights
        assert opened(f"{name}?partial=2").trained_as == name
    shot = LIVE["nb1shot1-1-live"]
    for share, there in (("1", False), ("4", True)):
        spec = DataSpec("cifar10")
        space, macro = with_partial(shot.space, shot._sized(spec, {}), int(share))
        options, trained = shot._options(Parts(space, spec, macro, recipe(shot.recipe)))
        assert ("partial" in options) is there
        assert "partial" not in trained


def test_operations_can_be_left_out_where_a_table_knows_the_rest() -> None:
    whole, part = opened("digits201-live"), opened("digits201-live?without=avg_pool_3x3+none")
    assert part.name == "digits201-live?without=none+avg_pool_3x3"
    assert (part.trained_as, part.digest) == (whole.name, whole.digest)
    assert part.context.parts != whole.context.parts
    archs = enumerate_valid(part.space)
    assert np.array_equal(part.truth(archs), whole.truth(archs))
    both = opened("digits201-live?partial=2&without=none").space
    assert isinstance(both, NB201Space)
    assert (both.ops, both.edge_weights) == ((1, 2, 3, 4), True)


def test_none_can_be_of_mixtures_alone() -> None:
    part, without = opened("digits201-live?none=mixed&without=avg_pool_3x3"), "digits201-live?without=none+avg_pool_3x3"
    assert part.name == "digits201-live?none=mixed&without=avg_pool_3x3"
    assert opened("digits201-live?none=mixed&without=none+avg_pool_3x3").name == part.name
    assert isinstance(part.space, NB201Space)
    assert part.space.mixed == (0, 1, 2, 3)
    assert part.space.name == opened(without).space.name  # the same cells, on one board
    assert part.context.parts != opened(without).context.parts


@pytest.mark.parametrize("option", ["scored_on=50", "precision=bf16", "partial=2"])
def test_what_concerns_supernets_alone_changes_the_parts_and_leaves_the_truth(option: str) -> None:
    plain, other = opened(S2), opened(f"{S2}&{option}")
    assert plain.digest == other.digest
    assert plain.trained_as == other.trained_as
    assert plain.context.parts != other.context.parts


def test_without_images_stored_runs_can_be_read_and_none_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    found = opened("s2-cifar10?recipe=quick-3")
    how = found.context.trainings
    assert how is not None
    assert how.truth
    assert found.context.parts is None
    with pytest.raises(MissingDataError, match="nasboard data fetch cifar10"):
        _ = found.digest
    suite = Suite.model_validate({"name": "x", "runs": [{"method": "one_shot", "benchmark": found.name, "seeds": 1}]})
    with pytest.raises(MissingDataError, match="nasboard data fetch cifar10"):
        resolve(suite)


def test_a_table_scores_a_live_benchmark_of_any_size_and_they_share_a_board() -> None:
    imported("nb201-compact")
    table = registry.benchmark("nb201-cifar100")
    small = registry.benchmark("nb201-cifar100-live?channels=4&cells=1&train=100")
    archs = sample(table.space, np.random.default_rng(0), 20)
    assert np.array_equal(table.truth(archs), small.truth(archs))
    assert (table.digest, table.dataset, table.space) == (small.digest, small.dataset, small.space)
    assert small.name == "nb201-cifar100-live@v1.0-compact?cells=1&channels=4&train=100"
    assert small.context.trainings is not None
    assert not small.context.trainings.truth
    assert small.context.parts is None  # no images here: boards can be read, and runs are not planned
    with pytest.raises(MissingDataError, match="nasboard data fetch cifar100"):
        small.data()


def test_the_three_spaces_of_nas_bench_1shot1_are_scored_by_their_table() -> None:
    imported("nb101-compact")
    for number in (1, 2, 3):
        table, live = registry.benchmark(f"nb1shot1-{number}"), registry.benchmark(f"nb1shot1-{number}-live")
        archs = sample(table.space, np.random.default_rng(0), 5)
        assert np.array_equal(table.truth(archs), live.truth(archs))
        assert table.digest == live.digest


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("s1-digits?channels=0", "channels is a positive whole number, given '0'"),
        ("s1-digits?cells=two", "cells is a positive whole number, given 'two'"),
        ("s1-digits?precision=fp8", "precision is fp32 or bf16, given 'fp8'"),
        ("s1-digits?compiled=yes", "compiled is off or on, given 'yes'"),
        ("digits201-live?none=off", "none is mixed, given 'off'"),
        ("s1-digits?none=mixed", "operations are left out of nb201 alone; s1 has those of its definition"),
        ("s1-digits?without=none", "operations are left out of nb201 alone; s1 has those of its definition"),
        ("s1-digits?partial=3", "partial is a divisor of 16 channels, given 3"),
        ("digits201-live?partial=3", "partial is a divisor of 8 channels, given 3"),
        ("resnet20-digits?partial=2", "resnet20 has blocks that change their widths"),
        ("s1-digits@v1", "has no table and so no version"),
        ("digits201-live@2", "has one table and no versions"),
        ("s1-digits?size=3", "size=3: digits of 8 pixels a side is averaged down to 1, 2, 4, 8"),
        (
            "s2-cifar10?size=16",
            "an auxiliary head, made for images of 32 pixels a side; those of s2-cifar10",
        ),
        ("digits201-live?recipe=darts-16x8-600", "drops paths or has a second head, which digits201-live has not"),
        ("digits201-live?size=1", "halves its images 1 times, so that 1 pixels are too few"),
        ("s1-digits?train=301", "digits has 300 train images, given train=301"),
    ],
)
def test_wrong_options_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        registry.benchmark(name)


def test_an_unknown_recipe_or_option_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="nb201-200"):
        registry.benchmark("s1-digits?recipe=nb201-20")
    with pytest.raises(UnknownNameError, match="channels"):
        registry.benchmark("s1-digits?chanels=4")


def test_the_nominal_time_of_a_training_grows_with_epochs_and_with_work() -> None:
    told = opened(S2).context.trainings
    assert told is not None
    space = SPACES["s2"]
    skips = space.derive(np.tile([1.0, 0.0], 28))
    convolutions = space.derive(np.tile([0.0, 1.0], 28))
    assert told.cost_s(convolutions, 3) == pytest.approx(3 * told.cost_s(convolutions, 1))
    assert told.cost_s(convolutions, 1) > told.cost_s(skips, 1) > 0


@pytest.mark.parametrize("space", [NB201Space(), NB1Shot1Space.of(1), SPACES["darts"], SPACES["nat"]])
def test_the_one_that_is_trained_is_the_same_for_all_of_a_class(space) -> None:  # type: ignore[no-untyped-def]
    archs = sample(space, np.random.default_rng(1), 300)
    trained = representatives(space, archs)
    assert np.array_equal(space.canonical(trained), space.canonical(archs))
    assert np.array_equal(representatives(space, trained), trained)
    _, first = np.unique(space.canonical(archs), return_inverse=True)
    assert len(np.unique(trained, axis=0)) == first.max() + 1


def test_digits201_live_is_one_instance_of_the_same_code() -> None:
    found = opened("digits201-live")
    assert found.parts.macro == DIGITS
    assert found.trained_as == "digits201-live"
    assert replace(found.parts).digest(trained=True) == found.parts.digest(trained=True)


def test_benchmarks_open_without_torch() -> None:
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ImportError('there is no torch')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from nasboard.harness import registry\n"
        f"b = registry.benchmark({S2!r})\n"
        "print(b.context.parts is not None, b.digest is not None)\n"
        "from nasboard.harness.errors import MissingDataError\n"
        "try: b.data()\n"
        "except MissingDataError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True True\n")
    assert "trains networks: pip install 'nasboard[live]'" in done.stdout


def test_a_space_without_skip_connections_tells_no_share_of_them() -> None:
    assert opened("s4-digits").context.skips is None
    assert opened("s2-digits").context.skips is not None
