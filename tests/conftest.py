"""Before anything is imported: one thread a process, as runs have it, so that tests are quick beside each other."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

os.environ.pop("NASBOARD_STORE", None)  # a test reads and writes its own stores alone
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# $NASBOARD_DATA says where public files are, see `data_folder`; the tables that tests import lie in a folder of this
# session, see `tables`, so that a user's own are never touched
if "NASBOARD_DATA" in os.environ:
    os.environ.setdefault("NASBOARD_PUBLIC_FILES", os.environ["NASBOARD_DATA"])
os.environ["NASBOARD_DATA"] = tempfile.mkdtemp(prefix="nasboard-tests-")
atexit.register(shutil.rmtree, os.environ["NASBOARD_DATA"], ignore_errors=True)

from hypothesis import settings  # noqa: E402 - the variables above come first

# no deadline an example: the first one may build a cache, and the machine may be busy
settings.register_profile("nasboard", deadline=None)
settings.load_profile("nasboard")
