from __future__ import annotations

import errno
from pathlib import Path

import pytest

from nasboard.tabular.tables.disk import ELSEWHERE, explained
from nasboard.tabular.tables.table import TableError


def told(error: OSError, place: Path, instead: str | None) -> str:
    with pytest.raises(TableError) as raised, explained("work", place, instead):
        raise error
    return str(raised.value)


def test_what_is_only_read_cannot_be_put_elsewhere(tmp_path: Path) -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "tables"))
    assert told(denied, tmp_path / "tables", None) == (
        f"work failed at {tmp_path}/tables: Permission denied; check the permissions (see `ls -ld`)"
    )


@pytest.mark.parametrize("name", ["home/tables/x/a.npy", "home/tables", "home"])
def test_a_folder_that_may_not_be_written_can_be_another(tmp_path: Path, name: str) -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / name))
    assert told(denied, tmp_path / "home" / "tables", ELSEWHERE).endswith(f", or {ELSEWHERE}")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOSPC])
def test_a_fault_of_another_file_is_not_mended_by_another_folder(tmp_path: Path, number: int) -> None:
    message = told(OSError(number, "fault", str(tmp_path / "source.npz")), tmp_path / "home" / "tables", ELSEWHERE)
    assert f"failed at {tmp_path}/source.npz: fault" in message
    assert "--to" not in message


def test_a_fault_without_a_name_is_that_of_the_place(tmp_path: Path) -> None:
    message = told(OSError(errno.ENOSPC, "No space left on device"), tmp_path, ELSEWHERE)
    assert message.startswith(
        f"work failed at {tmp_path}: No space left on device; make room on the disk of {tmp_path}"
    )
    assert "check the disk and try again" in told(OSError("odd"), tmp_path, None)
