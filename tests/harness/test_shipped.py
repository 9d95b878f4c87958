from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness import shipped
from nasboard.harness.errors import UnknownNameError
from tests.places import ROOT


@pytest.mark.parametrize(("kind", "suffix"), [("suites", ".toml"), ("baselines", ".json")])
def test_all_that_the_repository_has_are_found_by_name(
    kind: shipped.Kind, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = (ROOT / kind).rglob(f"*{suffix}")
    files = {path.relative_to(ROOT / kind).with_suffix("").as_posix(): path for path in found}
    assert shipped.names(kind) == tuple(sorted(files))
    for name, path in files.items():
        assert shipped.find(kind, name).read_bytes() == path.read_bytes()


def test_a_path_wins_where_there_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nb201").mkdir()
    assert shipped.find("suites", "nb201").name == "nb201.toml"  # a folder is no suite
    Path("quick").touch()
    assert shipped.find("suites", "quick") == Path("quick")


@pytest.mark.parametrize("given", ["none.toml", "folder/quick", "/quick"])
def test_what_looks_like_a_path_is_one_though_nothing_is_there(given: str) -> None:
    assert shipped.find("suites", given) == Path(given)


def test_an_unknown_name_lists_what_ships() -> None:
    with pytest.raises(UnknownNameError, match=r"neither a file nor one that ships\): 'quik'; did you mean 'quick'"):
        shipped.find("suites", "quik")
    with pytest.raises(UnknownNameError, match=r"'sdarts/1shot'; did you mean 'sdarts/1shot1'"):
        shipped.find("suites", "sdarts/1shot")
    with pytest.raises(UnknownNameError, match=r"unknown baseline .*'zzz'; known: quick"):
        shipped.find("baselines", "zzz")
