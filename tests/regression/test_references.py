from __future__ import annotations

from tests import golden


def test_the_stored_references_are_what_is_derived_now() -> None:
    assert golden.derive() == golden.REFERENCES.read_text(encoding="utf-8"), (
        "a reference changed; look at `tox -e golden`, and store it with `tox -e golden -- --write`, "
        "with a reason in CHANGELOG.md"
    )
