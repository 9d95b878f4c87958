from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata

import pytest

from nasboard.harness.running import provenance


@pytest.mark.parametrize(
    ("origin", "release"),
    [
        (None, "9.8.7"),  # from an index
        (
            {"url": "https://example.org/nasboard.whl", "archive_info": {"hash": "sha256=00"}},
            "9.8.7",
        ),
        ({"url": "file:///home/me/nasboard", "dir_info": {"editable": True}}, None),
        ({"url": "file:///home/me/nasboard", "dir_info": {}}, None),
        ({"url": "https://example.org/nasboard.git", "vcs_info": {"vcs": "git", "commit_id": "00"}}, None),
    ],
)
def test_a_release_is_what_was_installed_ready_made(
    monkeypatch: pytest.MonkeyPatch, origin: Mapping[str, object] | None, release: str | None
) -> None:
    class Installed:
        version = "9.8.7"

        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr(metadata, "distribution", lambda name: Installed())
    provenance._release.cache_clear()
    try:
        assert provenance.collect("cpu", 1)["release"] == release
    finally:
        provenance._release.cache_clear()
