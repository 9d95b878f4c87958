"""Who is working on a run: the identity of a process, and whether that process is still there.

An owner is `place:pid:start:random`. The place is the host name with a digest of the boot and of the process namespace,
so that a process number is only ever looked up where it means something.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import subprocess
from pathlib import Path

UNREAPED = "unreaped"
SILENT_S = 90.0  # an owner elsewhere is gone after this long without a heartbeat


def new_owner() -> str:
    """Return an identity for this process that no other process has, nor this one when it asks again."""
    pid = os.getpid()
    return f"{_place()}:{pid}:{_start(pid)}:{secrets.token_hex(4)}"


def owner_alive(owner: str, heartbeat_age_s: float) -> bool:
    """Return whether the process may still be at work.

    In the same place a process that has ended, or whose number now belongs to another one, is gone at once. Elsewhere
    it is gone once its last heartbeat is more than `SILENT_S` seconds old; so is one that has died and whose parent has
    not taken notice yet, because the parent will want to record how it died.
    """
    place, pid, start, _ = owner.rsplit(":", 3)
    if place != _place():
        return heartbeat_age_s <= SILENT_S
    found = _start(int(pid))
    if found == UNREAPED:
        return heartbeat_age_s <= SILENT_S
    return found == start


def _place() -> str:
    parts = [_text("/proc/sys/kernel/random/boot_id")]
    namespace = Path("/proc/self/ns/pid")
    if namespace.is_symlink():
        parts.append(str(namespace.readlink()))
    return f"{socket.gethostname()}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:8]}"


def _text(path: str) -> str:
    file = Path(path)
    return file.read_text().strip() if file.exists() else ""


def _start(pid: int) -> str | None:
    """Return a text that tells two processes of one number apart, None when there is no such process."""
    if not Path("/proc/self/stat").exists():
        return _start_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return UNREAPED if fields[0] in "ZX" else fields[19]  # state; clock ticks from boot to start (proc(5), field 22)


def _start_by_ps(pid: int) -> str | None:
    """Ask ps, where there is no /proc (macOS)."""
    seen = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "-".join(seen.stdout.split()).replace(":", ".") or None
