"""Who a method or a benchmark is, by what its runs are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.registry import identity, sources
from tests.plugin import write_distribution

METHOD = """
from {name}_parts import SIZE
@dataclass(frozen=True)
class Any_:
    needs = frozenset({{"query"}})
    def search(self, task):
        yield Checkpoint(SIZE)
"""


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, entry: str) -> Path:
    """Install a method whose module imports another of the same distribution, and return the folder."""
    site = write_distribution(folder / "site", name, METHOD.format(name=name), {entry: f"{name}:Any_"})
    (site / f"{name}_parts.py").write_text("SIZE = 1\n")
    monkeypatch.syspath_prepend(site)
    return site


def read_of(method: str) -> tuple[str, ...]:
    module = registry.entry("methods", method).value.partition(":")[0]
    return sources.gather(module, lambda name, path: identity._is_own((), name, path)).modules


def test_of_ours_methods_spaces_and_the_live_side_count_and_nothing_else() -> None:
    assert read_of("lanas") == (
        "nasboard.methods",
        "nasboard.methods.black_box",
        "nasboard.methods.black_box.lanas",
        "nasboard.methods.black_box.lanas_tree",
    )
    read = read_of("sdarts_rs")
    assert {"nasboard.methods.differentiable.bilevel.search", "nasboard.benchmarks.live.supernets.nb201"} <= set(read)
    assert "nasboard.benchmarks.spaces.nb201" in read
    assert not [name for name in read if name.startswith(("nasboard.harness", "nasboard.tabular"))]


def test_a_maker_has_distribution_version_code_and_the_libraries_of_its_extra() -> None:
    assert dict(registry.method_by("lanas", {}).libraries) == {}
    assert set(registry.method_by("tpe", {}).libraries) == {"optuna"}
    darts = registry.method_by("darts", {})
    assert (darts.distribution, len(darts.code or "")) == ("nasboard", 64)
    assert {"torch", "sklearn"} <= set(darts.libraries)
    assert registry.benchmark_by("digits201") != registry.benchmark_by("digits201-live")
    assert registry.benchmark_by("nb201-cifar10@v1.0?seeds=mean").distribution == "nasboard"


def test_a_plug_in_is_its_distributions_code_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = plug_in(tmp_path, monkeypatch, "who_of_others", "who")
    first = registry.method_by("who", {})
    assert (first.distribution, first.version) == ("who_of_others", "1.0")
    (site / "who_of_others_parts.py").write_text('"""Parts."""\nSIZE = 1  # one\n')
    assert registry.method_by("who", {}) == first
    (site / "who_of_others_parts.py").write_text("SIZE = 10\n")
    second = registry.method_by("who", {})
    assert second.code != first.code
    (site / "unrelated_to_who.py").write_text("SIZE = 10\n")
    assert registry.method_by("who", {}) == second


def test_a_plug_in_that_builds_on_ours_is_our_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "from nasboard.methods.black_box.lanas import Lanas\nclass Mine(Lanas):\n    pass\n"
    site = write_distribution(tmp_path / "site", "mine_of_others", body, {"mine": "mine_of_others:Mine"})
    monkeypatch.syspath_prepend(site)
    module = registry.entry("methods", "mine").value.partition(":")[0]
    read = sources.gather(module, lambda name, path: identity._is_own((site,), name, path)).modules
    assert "nasboard.methods.black_box.lanas_tree" in read


def test_environments_in_a_projects_folder_are_not_its_code(tmp_path: Path) -> None:
    below = [Path("helper.py"), Path(".venv/lib/python3.11/site-packages/numpy/x.py"), Path(".tox/py/y.py")]
    assert [identity._is_own((tmp_path,), "any", tmp_path / path) for path in below] == [True, False, False]


@pytest.mark.parametrize("entry", ["lab.ns.m", "lab.ns.deep.m"])
def test_the_helpers_of_a_namespace_package_are_its_code(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = entry.replace("lab", f"lab_{entry.count('.')}")
    folder = tmp_path / Path(*module.split(".")[:-1])
    folder.mkdir(parents=True)
    (folder / "m.py").write_text("from . import h\n")
    (folder / "h.py").write_text("SIGN = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    places = identity._places("no_such_distribution", module)
    read = sources.gather(module, lambda name, path: identity._is_own(places, name, path)).modules
    assert {name.rpartition(".")[2] for name in read} >= {"m", "h"}


def test_an_imported_name_is_found_in_the_distribution_that_brings_it() -> None:
    assert identity._version("sklearn") == identity._version("scikit-learn")
    assert str(identity._version("_pytest")).startswith("pytest ")
    assert identity._version("no_such_module_here") is None


def test_files_in_hyper_parameters_count_and_bare_words_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("scores.csv", "adam"):
        (tmp_path / name).write_text("1")
    (tmp_path / "folder.d").mkdir()
    given = ["scores.csv", {"deep": [str(tmp_path / "scores.csv")]}, "adam", "none.csv", "folder.d", "a\0.csv", 0.5]
    params = {str(i): value for i, value in enumerate(given)}
    found = registry.files_in(params)  # type: ignore[arg-type]
    assert sorted(found) == sorted(["scores.csv", str(tmp_path / "scores.csv")])
    assert len(set(found.values())) == 1
    (tmp_path / "scores.csv").write_text("12")
    assert registry.files_in(params) != found  # type: ignore[arg-type]
