from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nasboard.benchmarks.tabulated.planted import Planted, PlantedSpace, planted
from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.errors import SuiteError, UnknownNameError, UsageError
from nasboard.harness.planning import suite
from nasboard.harness.record import Maker
from nasboard.methods.black_box.random_search import RandomSearch
from tests.tables import imported

GOOD = """
name = "tiny"
[panel]
size = 50
[[runs]]
method = "random_search"
benchmark = "digits201"
seeds = 3
budget_s = 5
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.toml"
    path.write_text(text)
    return path


def test_a_suite_resolves_to_one_planned_run_a_seed(tmp_path: Path) -> None:
    planned, panels = suite.resolve(suite.read(written(tmp_path, GOOD)))
    assert [p.key.seed for p in planned] == [0, 1, 2]
    assert {p.cost_kind for p in planned} == {"simulated"}
    assert len({p.key.run_id for p in planned}) == 3
    assert panels == []  # nothing that ranks, nothing to rank on


def test_the_resolved_configuration_is_what_is_stored(tmp_path: Path) -> None:
    text = GOOD.replace('"random_search"', '"regularized_evolution"')
    given = suite.resolve(suite.read(written(tmp_path, text + "[runs.params]\npopulation = 10\n")))[0][0].key
    default = suite.resolve(suite.read(written(tmp_path, text)))[0][0].key
    assert default.params["population"] == 10
    assert given.run_id == default.run_id


def test_every_combination_of_hyper_parameters_is_an_entry_that_its_label_tells(tmp_path: Path) -> None:
    evolution = GOOD.replace('"random_search"', '"regularized_evolution"')
    text = evolution + "each.population = [5, 10]\neach.tournament = [2, 3]\n"
    made = suite.read(written(tmp_path, text)).runs
    assert [(entry.shown, entry.params["population"], entry.params["tournament"]) for entry in made] == [
        (f"regularized_evolution, population={p}, tournament={t}", p, t) for p in (5, 10) for t in (2, 3)
    ]
    lists = suite.read(written(tmp_path, GOOD + "each.split_order = [[0], [1, 2]]\n")).runs
    assert [entry.shown.partition(", ")[2] for entry in lists] == ["split_order=0", "split_order=1-2"]
    with pytest.raises(SuiteError, match="at least 1 item"):
        suite.read(written(tmp_path, GOOD + "each.population = []\n"))


def test_an_entry_over_several_benchmarks_is_an_entry_for_each(tmp_path: Path) -> None:
    text = GOOD.replace('"digits201"', '["digits201", "planted"]')
    planned, _ = suite.resolve(suite.read(written(tmp_path, text)))
    assert [(p.key.benchmark, p.key.seed) for p in planned] == [
        (name, seed) for name in ("digits201", "planted") for seed in range(3)
    ]
    alone, _ = suite.resolve(suite.read(written(tmp_path, GOOD)))
    assert [p.key for p in planned[:3]] == [p.key for p in alone]
    with pytest.raises(SuiteError, match="benchmark"):
        suite.read(written(tmp_path, GOOD.replace('"digits201"', "[]")))


def test_what_is_said_of_tuning_goes_with_the_runs_and_makes_no_other_ones(tmp_path: Path) -> None:
    plain, said = (
        suite.resolve(suite.read(written(tmp_path, GOOD + line)))[0] for line in ("", 'tuning = "2 settings x 3 seeds"')
    )
    assert {p.tuning for p in plain} == {None}
    assert {p.tuning for p in said} == {"2 settings x 3 seeds"}
    assert [p.key for p in plain] == [p.key for p in said]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("sedes = 3", r"runs\.0\.sedes.*did you mean 'seeds'"),
        ("seeds = 0", r"runs\.0\.seeds: Input should be greater than or equal to 1"),
        ('seeds = "3"', r"runs\.0\.seeds: Input should be a valid integer"),
        ("seeds = true", r"runs\.0\.seeds"),
        ("", r"runs\.0\.seeds: Field required"),
        ("seeds = 3\nfirst_seed = -1", r"runs\.0\.first_seed"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(tmp_path: Path, wrong: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        suite.read(written(tmp_path, GOOD.replace("seeds = 3", wrong)))


BRACKETS = [
    (GOOD.replace("[[runs]]", "[runs]"), r"runs: write \[\[runs\]\], in double brackets, above every entry"),
    (GOOD.replace("[[runs]]", "[runs]") + "[runs]\n", r"twice .*; write \[\[runs\]\]"),
    (GOOD.replace("[panel]", "[[panel]]"), r"panel: write \[panel\], once and in single brackets"),
    (GOOD + "[[runs.params]]\nlr = 1\n", r"runs\.0\.params: write \[runs\.params\], in single brackets"),
    (GOOD.partition("[panel]")[0] + "runs = [3]", r"runs\.0: write \[\[runs\]\] above every entry"),
]


@pytest.mark.parametrize(("text", "message"), BRACKETS)
def test_wrong_brackets_are_told_how_they_are_written_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message) as caught:
        suite.read(written(tmp_path, text))
    assert "write [" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ";" not in str(caught.value).partition(" cannot be read: ")[0]


@pytest.mark.parametrize("value", ["{a = 1}", '[1, "a"]', "1979-05-27", "[[1], [2]]"])
def test_a_hyper_parameter_that_is_no_plain_value_is_told_once(tmp_path: Path, value: str) -> None:
    with pytest.raises(SuiteError) as caught:
        suite.read(written(tmp_path, GOOD + f"[runs.params]\nx = {value}\n"))
    told = str(caught.value)
    assert told.count("runs.0.params.x") == 1
    assert "a hyper-parameter is a string, a number, true or false, or a list" in told
    assert "write x = VALUE under [runs.params]" in told


def test_a_nested_table_of_hyper_parameters_is_told_as_well(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"given \{'lr': 1, 'wd': 2\}; write adam = VALUE under"):
        suite.read(written(tmp_path, GOOD + "[runs.params.adam]\nlr = 1\nwd = 2\n"))


@pytest.mark.parametrize("budget_s", ["inf", "-inf", "nan", "0", "-1.5"])
def test_a_budget_is_positive_and_finite(tmp_path: Path, budget_s: str) -> None:
    with pytest.raises(SuiteError, match=r"runs\.0\.budget_s: Input should be"):
        suite.read(written(tmp_path, GOOD.replace("budget_s = 5", f"budget_s = {budget_s}")))


def test_unknown_keys_name_the_nearest_known_one_at_every_level(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"panel\.sise.*did you mean 'size'"):
        suite.read(written(tmp_path, GOOD.replace("size = 50", "sise = 50")))
    with pytest.raises(SuiteError, match=r"key at nmae.*did you mean 'name'"):
        suite.read(written(tmp_path, GOOD.replace("name =", "nmae =", 1)))


def test_names_are_checked_before_anything_runs(tmp_path: Path) -> None:
    read = suite.read(written(tmp_path, GOOD.replace("random_search", "randon_search")))
    with pytest.raises(UnknownNameError, match="did you mean 'random_search'"):
        suite.resolve(read)
    read = suite.read(written(tmp_path, GOOD.replace('"digits201"', '"digits202"')))
    with pytest.raises(UnknownNameError, match="did you mean 'digits201"):
        suite.resolve(read)
    read = suite.read(written(tmp_path, GOOD + "[runs.params]\npopluation = 3\n"))
    with pytest.raises(UnknownNameError, match="popluation"):
        suite.resolve(read)


def test_a_budget_belongs_to_queries_alone(tmp_path: Path) -> None:
    read = suite.read(written(tmp_path, GOOD.replace("budget_s = 5", "")))
    with pytest.raises(SuiteError, match="set budget_s"):
        suite.resolve(read)
    pytest.importorskip("torch")
    read = suite.read(written(tmp_path, GOOD.replace("random_search", "darts").replace("digits201", "digits201-live")))
    with pytest.raises(SuiteError, match="remove budget_s"):
        suite.resolve(read)


def test_a_method_that_asks_nothing_has_its_cost_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomSearch, "needs", frozenset())
    planned, _ = suite.resolve(suite.read(written(tmp_path, GOOD.replace("budget_s = 5", ""))))
    assert {p.cost_kind for p in planned} == {"measured"}


def test_a_method_on_the_wrong_side_of_a_benchmark_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def live(name: str) -> Benchmark:
        return replace(planted(), cost_kind="measured")

    monkeypatch.setattr(Planted, "query", None)
    with pytest.raises(SuiteError, match="use the tabular benchmark"):
        suite.resolve(suite.read(written(tmp_path, GOOD.replace("digits201", "planted"))), benchmark=live)


def test_a_table_without_queries_is_not_called_live(tmp_path: Path) -> None:
    imported("nb101-compact")
    text = GOOD.replace('"digits201"', '"nb1shot1-1@mean108"')
    with pytest.raises(SuiteError) as caught:
        suite.resolve(suite.read(written(tmp_path, text)))
    assert "the table of nb1shot1-1@mean108 has neither validation accuracies nor costs" in str(caught.value)
    assert "nasboard data import nb101 nasbench_full.tfrecord" in str(caught.value)
    assert "live" not in str(caught.value)


ENTRY = GOOD[GOOD.index("[[runs]]") :]


@dataclass(frozen=True)
class SmallSpace(PlantedSpace):
    """Planted with 243 architectures."""

    name: str = "small"
    choices: tuple[int, ...] = (3, 3, 3, 3, 3, 1)


def test_only_who_ranks_needs_a_panel(tmp_path: Path) -> None:
    def opened(name: str) -> Benchmark:
        return replace(planted(), name=name, space=SmallSpace())

    black_box = suite.read(written(tmp_path, GOOD.replace("size = 50", "size = 1000")))
    planned, panels = suite.resolve(black_box, benchmark=opened)
    assert (len(planned), {p.key.panel for p in planned}, panels) == (3, {None}, [])
    ranking = GOOD.replace("budget_s = 5", "budget_s = 5\nrank_every = 1").replace("size = 50", "size = 1000")
    with pytest.raises(
        UsageError, match=r"small has 2\.\.243 valid architectures, given 1,000; set another `size` under"
    ):
        suite.resolve(suite.read(written(tmp_path, ranking)), benchmark=opened)


def test_the_seed_of_the_panel_is_part_of_what_is_run(tmp_path: Path) -> None:
    text = GOOD.replace("size = 50", "size = 50\nseed = 7") + "rank_every = 2\n"
    keys = [suite.resolve(suite.read(written(tmp_path, each)))[0][0].key for each in (text, text.replace("7", "1000"))]
    assert [str(key.panel).partition(":")[0] for key in keys] == ["nb201-uniform-50-seed-7", "nb201-uniform-50"]
    assert keys[0].run_id != keys[1].run_id
    unsaid = suite.resolve(suite.read(written(tmp_path, GOOD + "rank_every = 2\n")))[0][0].key
    assert keys[1].run_id == unsaid.run_id


def test_a_panel_is_stored_of_the_spaces_that_are_ranked_alone(tmp_path: Path) -> None:
    text = GOOD.replace("budget_s = 5", "budget_s = 5\nrank_every = 1") + ENTRY.replace('"digits201"', '"planted"')
    planned, panels = suite.resolve(suite.read(written(tmp_path, text)))
    assert [(panel.identity, space) for panel, space in panels] == [(planned[0].key.panel, "nb201")]
    assert [p.key.panel is None for p in planned] == [False] * 3 + [True] * 3


def test_a_space_too_large_to_list_is_not_ranked_whole(tmp_path: Path) -> None:
    def opened(name: str) -> Benchmark:
        return replace(planted(), space=replace(PlantedSpace(), choices=(100,) * 6))

    text = GOOD.replace("budget_s = 5", "budget_s = 5\nrank_every = 1")
    assert len(suite.resolve(suite.read(written(tmp_path, text)), benchmark=opened)[1]) == 1
    whole = suite.read(written(tmp_path, text.replace("size = 50", "size = 50\nrank_all = true")))
    with pytest.raises(SuiteError, match="random_search: planted is too large to be ranked whole; remove rank_all"):
        suite.resolve(whole, benchmark=opened)


def test_two_entries_on_one_data_set_need_two_labels(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="share the label 'random_search' on digits; give one of them a label"):
        suite.resolve(suite.read(written(tmp_path, GOOD + ENTRY)))
    told_apart = GOOD + ENTRY.replace("seeds = 3", 'seeds = 3\nlabel = "again"')
    with pytest.raises(SuiteError, match="random_search and again are the same runs under two labels"):
        suite.resolve(suite.read(written(tmp_path, told_apart)))
    other = told_apart.replace('label = "again"', 'label = "again"\nfirst_seed = 7')
    assert len(suite.resolve(suite.read(written(tmp_path, other)))[0]) == 6


def test_one_method_may_be_on_two_data_sets_under_its_own_name(tmp_path: Path) -> None:
    text = GOOD + ENTRY.replace('"digits201"', '"planted"')
    planned, _ = suite.resolve(suite.read(written(tmp_path, text)))
    assert {(p.label, p.key.dataset) for p in planned} == {("random_search", "digits"), ("random_search", "planted")}


def test_two_versions_of_a_benchmark_are_not_put_into_one_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "benchmark_by", lambda name: Maker("toys", "1.0", None))

    def opened(name: str) -> Benchmark:  # what a benchmark with versions and options calls itself
        return replace(planted(), name=name, dataset=name)

    def entries(*names: str) -> suite.Suite:
        text = "".join(ENTRY.replace('"digits201"', f'"{name}"') for name in names)
        return suite.read(written(tmp_path, 'name = "tiny"\n' + text))

    assert len(suite.resolve(entries("toy@v1", "toy@v1?seeds=mean", "other@v2"), benchmark=opened)[0]) == 9
    with pytest.raises(SuiteError, match=r"toy@v2\?seeds=mean and toy@v1 are two versions of one benchmark"):
        suite.resolve(entries("toy@v1", "toy@v2?seeds=mean"), benchmark=opened)


@pytest.mark.parametrize("text", ["name = ", "[[runs]", "\x00", 'name = "x"\nruns = []'])
def test_what_is_no_suite_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SuiteError, match=r"suite\.toml"):
        suite.read(written(tmp_path, text))


def test_a_missing_file_says_where_suites_are(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"no suite file .*none\.toml; .* nasboard run NAME: .*quick"):
        suite.read(tmp_path / "none.toml")
