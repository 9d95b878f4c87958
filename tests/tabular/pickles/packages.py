"""Everything a pickle may be packed in, written without torch."""

from __future__ import annotations

import bz2
import io
import pickle
import zipfile
from collections.abc import Callable, Mapping

from nasboard.tabular.pickles.files import TORCH_MAGIC


def torch_zip(raw: bytes, packed: int = zipfile.ZIP_STORED, more: Mapping[str, bytes] | None = None) -> bytes:
    """Return a torch file of today with `raw` as its pickle and `more` entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, content in {"archive/data.pkl": raw, "archive/version": b"3\n", **(more or {})}.items():
            archive.writestr(name, content)
    return out.getvalue()


def torch_legacy(raw: bytes) -> bytes:
    """Return a torch file as before 2020, but for the tensors."""
    told = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return b"".join(pickle.dumps(part, 2) for part in (TORCH_MAGIC, 1001, told)) + raw


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "torch zip": torch_zip,
    "deflated zip": lambda raw: torch_zip(raw, zipfile.ZIP_DEFLATED),
    "legacy torch": torch_legacy,
    "bz2": bz2.compress,
}
