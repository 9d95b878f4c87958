"""Before anything is imported: one thread a process, as runs have it, so that tests are quick beside each other."""

from __future__ import annotations

import os

os.environ.pop("NASBOARD_STORE", None)  # a test reads and writes its own stores alone
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from hypothesis import settings  # noqa: E402 - the variables above come first

# no deadline an example: the first one may build a cache, and the machine may be busy
settings.register_profile("nasboard", deadline=None)
settings.load_profile("nasboard")
