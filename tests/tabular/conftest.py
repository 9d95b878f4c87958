"""A kind of table of the tests' own, for what every kind has in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasboard.tabular.known import kinds
from nasboard.tabular.known.kinds import Kind

FAKE = """
from pathlib import Path
import numpy as np
def sources(source): return sorted(source.iterdir()) if source.is_dir() else [source]
def convert(source, writer, job):
    writer.put("value", np.frombuffer(sources(source)[0].read_bytes(), dtype=np.uint8))
    about = dict.fromkeys(["licence", "datasets", "splits", "fidelities", "seeds", "units", "archs"], 1)
    return about | {"version": job.version or "v1", "complete": True}
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kind `fake` whose converter takes any file."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "fake_converter.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path / "code")
    kind = Kind("fake", "fake_converter", "a test", "any file", ("*.fake",))
    monkeypatch.setattr(kinds, "KINDS", {"fake": kind})
    yield
    sys.modules.pop("fake_converter", None)
