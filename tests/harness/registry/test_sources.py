"""Digests of code: what counts, what does not, and how far they follow imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness.registry.sources import bare, find, gather

CODE = b"""
\"\"\"A module.\"\"\"
import math

class Search:
    \"\"\"Search
    widely.\"\"\"

    rate = 0.5  # per step

    def step(self, x):
        return f"{x + self.rate:.2f}" if x else math.pi
"""


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"A module.", b"Another word."),
        (b"Search\n    widely.", b"Search."),
        (b"  # per step", b""),
        (b"\n\n    def", b"\n    # speaks\n    def"),
        (b"return f", b"return  f"),
    ],
)
def test_words_and_layout_do_not_count(before: bytes, after: bytes) -> None:
    assert before in CODE
    assert bare(CODE.replace(before, after)) == bare(CODE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"0.5", b"0.25"),
        (b"x + self", b"x - self"),
        (b"if x else", b"if not x else"),
        (b".2f", b".3f"),
        (b"    def step", b"def step"),
        (b"import math", b"import cmath as math"),
    ],
)
def test_code_counts(before: bytes, after: bytes) -> None:
    assert before in CODE
    assert bare(CODE.replace(before, after)) != bare(CODE)


def test_the_code_is_what_it_is_under_every_version_of_python() -> None:
    assert bare(CODE).splitlines() == [
        "import math",
        "class Search :",
        "{",
        "rate = 0.5",
        "def step ( self , x ) :",
        "{",
        'return f"{x + self.rate:.2f}" if x else math . pi',
        "}",
        "}",
    ]


def test_imports_are_followed_through_own_code_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "mine_pkg/__init__.py": "from . import first\nraise ImportError('never run')\n",
        "mine_pkg/first.py": "old style print\n",
        "mine_pkg/entry.py": "from . import near\ndef late():\n    from mine_pkg.deep.far import thing\nimport json\n",
        "mine_pkg/near.py": "import theirs_pkg\n",
        "mine_pkg/deep/far.py": "from importlib import import_module\nimport_module('..named', __package__)\n",
        "mine_pkg/named.py": "thing = 1\n",
        "mine_pkg/unused.py": "thing = 2\n",
        "theirs_pkg.py": "thing = 3\n",
    }
    written(tmp_path, files)
    monkeypatch.syspath_prepend(tmp_path)

    def own(name: str, path: Path) -> bool:
        return path.is_relative_to(tmp_path / "mine_pkg")

    found = gather("mine_pkg.entry", own)
    assert list(found.modules) == [
        "mine_pkg",
        "mine_pkg.deep.far",
        "mine_pkg.entry",
        "mine_pkg.first",
        "mine_pkg.named",
        "mine_pkg.near",
    ]
    assert found.others == ("importlib", "json", "theirs_pkg")
    for name, text in {"unused": "thing = 7\n", "named": "thing = 1  # one\n"}.items():
        (tmp_path / "mine_pkg" / f"{name}.py").write_text(text)
        assert gather("mine_pkg.entry", own).digest == found.digest
    (tmp_path / "mine_pkg" / "named.py").write_text("thing = 1 + 0\n")
    assert gather("mine_pkg.entry", own).digest != found.digest


def test_odd_lines_cut_nothing_out_of_formatted_strings() -> None:
    odd = "a = '\u2028'\n\x0c\nb = 2\nx = f'{1}'\nf'{print()}'\n".encode()
    assert bare(odd).splitlines()[-2:] == ["x = f'{1}'", "f'{print()}'"]
    assert bare(odd) != bare(odd.replace(b"{1}", b"{2}"))


def test_a_module_without_a_file_has_no_digest() -> None:
    assert find("sys") is None
    assert gather("sys", lambda name, path: True).digest is None
    assert gather("no_such_module_here", lambda name, path: True).digest is None
