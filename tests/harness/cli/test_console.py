from __future__ import annotations

import importlib.util
import shlex
from importlib.machinery import ModuleSpec

import pytest

from nasboard.harness.cli import main
from nasboard.harness.cli.console import DEFAULT_STORE, shown_store, store_flag

SECRET = "postgresql+psycopg://me:s3:cret@host/db"


def test_a_command_that_is_shown_names_the_store_where_it_is_not_the_default_one() -> None:
    assert store_flag(DEFAULT_STORE) == ""
    for store in ("sqlite:///my runs.db", "other.db"):
        assert shlex.split(store_flag(store)) == ["--store", store]


def test_a_password_is_never_printed() -> None:
    assert shown_store(SECRET) == "postgresql+psycopg://me:***@host/db"
    assert "s3" not in store_flag(SECRET)
    for plain in ("postgresql://me@host:5432/db", "sqlite:////a/b@c.db", "runs.db"):
        assert shown_store(plain) == plain


@pytest.mark.parametrize("command", [["doctor"], ["run", "quick", "--only", "random*", "--dry-run"]])
def test_a_store_whose_driver_is_missing_is_not_taken_for_one_that_is_still_to_be_made(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "psycopg" else known(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("sys.argv", ["nasboard", *command, "--store", SECRET])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    told = capsys.readouterr()
    assert "a PostgreSQL store needs psycopg; pip install 'nasboard[postgres]'" in told.out + told.err
    assert "s3" not in told.out + told.err
