from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasboard.tabular.known.files import known, read_registry
from nasboard.tabular.known.kinds import KINDS
from nasboard.tabular.tables.table import TableError
from tests.data_folder import data_file

FOLDER = {
    "nb201-compact": "nb201",
    "hw-nas-bench": "nb201",
    "nb101-compact": "nb101",
    "naslib-one-shot": "nb201/naslib_one_shot",
}
IN_HAND = [file for file in read_registry().files.values() if file.checked]
PINNED = re.compile(
    r"https://(raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/|cdn\.jsdelivr\.net/gh/[\w.-]+/[\w.-]+@)[0-9a-f]{40}/[\w./-]+"
)


IMAGES = {
    "cifar10": "https://www.cs.toronto.edu/~kriz",
    "cifar100": "https://www.cs.toronto.edu/~kriz",
    "svhn": "http://ufldl.stanford.edu/housenumbers",
}


@pytest.mark.parametrize("file", IN_HAND, ids=lambda file: file.name)
def test_size_and_digest_are_those_of_the_public_file(file: Any) -> None:
    content = data_file(f"{FOLDER[file.group]}/{file.name}").read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)


def test_every_public_file_that_tests_read_is_in_the_registry() -> None:
    assert {file.name for file in IN_HAND} == {
        *(f"hw_{dataset}.csv" for dataset in ("cifar10", "cifar100", "ImageNet16-120")),
        *(f"nb201_{dataset}_val_test_v1_0.pickle" for dataset in ("cifar10-valid", "cifar100", "ImageNet16-120")),
        "mini-bench-arch-cell-accs.pd",
        "nb2_cf10_hp12_info.p",
        "nb101_mean_test108.npz",
        *(f"{name}_{seed}.json" for name in ("darts", "pcdarts", "sdartsdarts", "sdartspcdarts") for seed in range(4)),
        *(f"{name}_{seed}.json" for name in ("gdas", "sdartsgdas") for seed in range(1, 5)),
    }


def test_addresses_are_two_mirrors_at_a_pinned_commit() -> None:
    for file in read_registry().files.values():
        if file.group in IMAGES:  # at their publishers' alone
            assert file.urls == (f"{IMAGES[file.group]}/{file.name}",)
            assert not file.checked
        elif file.urls:
            assert all(PINNED.fullmatch(url) for url in file.urls), file.urls
            assert len({re.search("[0-9a-f]{40}", url)[0] for url in file.urls}) == 1  # type: ignore[index]
            assert len(file.urls) == 2
            named = file.name if file.group != "naslib-one-shot" else file.origin.rpartition(" ")[2]
            assert all(url.endswith("/" + named) for url in file.urls)


def test_what_was_never_in_hand_says_so() -> None:
    cifar = known("cifar-10-binary.tar.gz")
    assert cifar is not None
    assert (cifar.checked, cifar.tried, cifar.licence, cifar.size_bytes) == (False, False, "none stated", 170_052_171)
    assert (cifar.sha256, cifar.md5) == (None, "c32a1d4ab5d03f1284b67883e8d87530")
    assert known("another") is None


def test_groups_are_kinds_or_files_and_those_without_an_address_say_what_to_do_instead() -> None:
    for group in read_registry().groups.values():
        assert group.kind is None or group.kind == group.name
        assert group.kind is None or group.kind in KINDS
        addressed = bool(group.files) and all(file.urls for file in group.files)
        assert addressed == (group.instead is None)
        if group.instead is not None:
            assert "nasboard data import" in group.instead
    assert set(KINDS) <= set(read_registry().groups)


GOOD: dict[str, Any] = {
    "format": 1,
    "groups": {"g": {"kind": None, "summary": "s"}},
    "files": {
        "f.bin": {
            "group": "g",
            "size_bytes": 3,
            "sha256": "0" * 64,
            "licence": "MIT",
            "origin": "here",
            "urls": ["http://localhost/f.bin"],
        }
    },
}


def test_another_registry_is_read_in_the_same_form(tmp_path: Path) -> None:
    (tmp_path / "files.json").write_text(json.dumps(GOOD))
    read = read_registry(tmp_path / "files.json")
    assert read.groups["g"].files == (read.files["f.bin"],)
    assert not read.files["f.bin"].checked


def in_file(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda told: told["files"]["f.bin"].__setitem__(key, value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda told: told.__setitem__("format", 2), r"not a registry of files of format 1"),
        (lambda told: told.pop("files"), r"'files' is no object of objects"),
        (lambda told: told["groups"].__setitem__("g", 3), r"'groups' is no object of objects"),
        (
            lambda told: told["files"].__setitem__("../f", told["files"]["f.bin"]),
            r"'\.\./f' in 'files' is no plain name",
        ),
        (lambda told: told["groups"].__setitem__("a/b", told["groups"]["g"]), r"'a/b' in 'groups' is no plain name"),
        (in_file("group", "h"), r"file f\.bin is of group 'h', which is not there"),
        (in_file("size_bytes", -3), r"file f\.bin: 'size_bytes' is -3, not a size"),
        (in_file("size_bytes", True), r"file f\.bin: 'size_bytes' is True"),
        (in_file("sha256", "00"), r"file f\.bin: 'sha256' is '00', not 64 hexadecimal digits"),
        (in_file("sha256", None), r"file f\.bin has neither `sha256` nor `md5`"),
        (in_file("urls", ["file:///etc/passwd"]), r"address 'file:///etc/passwd' is not http or https"),
        (in_file("urls", "http://localhost"), r"'urls' is 'http://localhost', not strings"),
        (in_file("licence", ""), r"'licence' is '', not a string"),
    ],
)
def test_a_registry_of_another_form_is_refused_with_its_place(
    tmp_path: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    told = json.loads(json.dumps(GOOD))
    edit(told)
    path = tmp_path / "files.json"
    path.write_text(json.dumps(told))
    with pytest.raises(TableError, match=message) as refused:
        read_registry(path)
    assert str(path) in str(refused.value)


def test_a_registry_that_is_absent_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no registry of files") as refused:
        read_registry(tmp_path / "files.json")
    assert refused.value.missing
    (tmp_path / "files.json").write_text("{")
    with pytest.raises(TableError, match=r"files\.json cannot be read"):
        read_registry(tmp_path / "files.json")
