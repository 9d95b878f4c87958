"""A real PostgreSQL server in a temporary folder, for tests: started once, with a fresh database for each test.

Import `postgres_server` and `postgres_url` into a test module to use them. Skips, with the reason, where PostgreSQL or
psycopg is not installed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_USUAL = ("/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt", "/usr/pgsql-16", "/usr/local/pgsql")


@dataclass(frozen=True)
class Server:
    """A running server: its programs, its folder (which holds the socket), and the account it runs under."""

    programs: Path
    folder: Path
    account: str | None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://nasboard@/{database}?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        call = [str(self.programs / program), *arguments]
        done = subprocess.run(
            call, user=self.account, cwd=self.folder, capture_output=True, text=True, check=False, env=_environment()
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stderr or done.stdout}")


def find_programs() -> Path | None:
    """Return the folder that holds initdb and pg_ctl: on PATH, by pg_config, or where distributions put them."""
    beside = shutil.which("initdb")
    candidates = [Path(beside).resolve().parent] if beside else []
    config = shutil.which("pg_config")
    if config:
        candidates.append(Path(subprocess.check_output([config, "--bindir"], text=True).strip()))
    candidates += sorted((found.parent for root in _USUAL for found in Path(root).glob("**/bin/initdb")), reverse=True)
    return next((at for at in candidates if (at / "initdb").exists() and (at / "pg_ctl").exists()), None)


def _environment() -> dict[str, str]:
    """Return our environment without what would point the programs at another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _account() -> str | None:
    """Return the account to run under: our own, unless we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (initdb and pg_ctl are neither on PATH nor in the usual places)")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (pip install 'nasboard[postgres]')")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="nbpg-"))  # short: a socket's path is limited to about 100 characters
    if account is not None:
        shutil.chown(folder, account)
    server = Server(programs, folder, account)
    data = str(folder / "data")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    try:
        server.run("initdb", "-D", data, "-U", "nasboard", "-A", "trust", "-E", "UTF8", "--no-sync")
        server.run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """Return the URL of a new, empty database."""
    name = f"t{uuid.uuid4().hex[:12]}"
    postgres_server.run("createdb", "-h", str(postgres_server.folder), "-U", "nasboard", name)
    return postgres_server.url(name)
