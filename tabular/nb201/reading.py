"""Reading the official NAS-Bench-201 file or the NATS-Bench folder into the columns of a table, checked throughout.

The stream is read by `pickles.stream`, which runs nothing of it. Every training result becomes arrays as soon as it is
complete, and is appended to the table with the others of its architecture. What stays in memory of each architecture
is about a tenth of what its columns take on disk (tests/perf measures it), and there is a limit to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from nasboard.tabular.nb201.columns import TrialColumns
from nasboard.tabular.nb201.fold import REMEDY, ArchTrials, fold_arch
from nasboard.tabular.nb201.names import spec_index
from nasboard.tabular.nb201.result import fold_result
from nasboard.tabular.nb201.source import LIMITS_OF_ONE, folder_files
from nasboard.tabular.nb201.trials import SCHEDULES
from nasboard.tabular.pickles.files import open_payload
from nasboard.tabular.pickles.stream import LIMIT_BYTES, read_pickle
from nasboard.tabular.tables.table import TableError

ROOT_KEYS = ("meta_archs", "arch2infos", "evaluated_indexes")
SCHEDULE_OF = {"less": 12, "12": 12, "full": 200, "200": 200}  # names of the two trainings of an architecture
MOST_TRIALS = 256  # of one architecture under one schedule; the releases have a dozen
LIMITS_OF_ALL = (LIMIT_BYTES, 10_000_000)  # of a whole file; made-up ones of its size need 2 million values


def read_file(source: Path, columns: TrialColumns, told: Callable[[], None]) -> None:
    """Read one file that holds all architectures.

    Args:
        source: a torch file (zip or legacy) or a pickle compressed with bzip2.
        columns: where the trainings go.
        told: called after each architecture and schedule.

    Raises:
        TableError: with file, architecture, key and remedy.
    """
    root = _read(source, columns, told, LIMITS_OF_ALL)
    if not isinstance(root, dict) or any(key not in root for key in ROOT_KEYS):
        what = f"a dictionary with {sorted(map(str, root))[:8]}" if isinstance(root, dict) else type(root).__name__
        raise TableError(f"{source} holds {what}, not one with {', '.join(ROOT_KEYS)}; {REMEDY}")
    specs, infos, evaluated = (root[key] for key in ROOT_KEYS)
    rows = _rows(specs, source)
    if not isinstance(infos, dict) or not infos:
        raise TableError(f"{source}: arch2infos is no dictionary of architectures; {REMEDY}")
    for index, info in infos.items():
        _check_arch(index, info, rows, source)
    if not isinstance(evaluated, list | set | tuple) or set(evaluated) != set(infos):
        raise TableError(f"{source}: evaluated_indexes does not name the architectures of arch2infos; {REMEDY}")


def read_folder(folder: Path, columns: TrialColumns, told: Callable[[], None], partial: bool) -> None:
    """Read a folder with one file for each architecture.

    Args:
        folder: with `meta.pickle.pbz2` and `000000.pickle.pbz2`, ...
        columns: where the trainings go.
        told: called after each architecture and schedule.
        partial: accept that files are missing.

    Raises:
        TableError: with file, architecture, key and remedy.
    """
    meta, *files = folder_files(folder)
    root = _read(meta, columns, told, LIMITS_OF_ONE)
    if not isinstance(root, dict) or "meta_archs" not in root or root.get("arch2infos"):
        raise TableError(f"{meta} is not the list of architectures that belongs to such a folder; {REMEDY}")
    rows = _rows(root["meta_archs"], meta)
    numbers = [int(path.name.split(".")[0]) for path in files]
    lacking = sorted(set(range(len(rows))) - set(numbers))
    if lacking and not partial:
        raise TableError(
            f"{folder} has {len(rows) - len(lacking)} of {len(rows)} architectures; the first that lacks is "
            f"{lacking[0]:06d}.pickle.pbz2; unpack the archive again, or accept that with --partial"
        )
    for index, path in zip(numbers, files, strict=True):
        _check_arch(index, _read(path, columns, told, LIMITS_OF_ONE), rows, path)


def _read(path: Path, columns: TrialColumns, told: Callable[[], None], limits: tuple[int, int]) -> object:
    """Return what is left of a file's pickle once its trainings were appended to `columns`; `limits` as above."""
    waiting = 0

    def fold(state: dict[object, object]) -> object | None:
        nonlocal waiting
        if (result := fold_result(state)) is not None:
            waiting += 1
            if waiting > MOST_TRIALS:  # they are arrays, which a few bytes of a file can ask for
                raise ValueError(f"over {MOST_TRIALS} trainings without the record of their architecture; {REMEDY}")
            return result
        if (arch := fold_arch(state, str(path))) is None:
            return None
        waiting = 0
        columns.place(arch)
        told()
        return ArchTrials(arch.index, arch.spec, arch.row, arch.schedule, {})  # what is appended need not be kept

    limit_bytes, most_values = limits
    with open_payload(path, limit_bytes=limit_bytes) as payload:
        root = read_pickle(
            payload.stream, source=str(path), fold=fold, limit_bytes=limit_bytes, most_values=most_values
        )
        payload.finish()
    return root


def _rows(specs: object, source: Path) -> list[int]:
    """Return the lexicographic index of every entry of `meta_archs`, a list of different architectures."""
    if not isinstance(specs, list):
        raise TableError(f"{source}: meta_archs is {type(specs).__name__}, not a list of architectures; {REMEDY}")
    rows: dict[int, int] = {}
    for index, spec in enumerate(specs):
        try:
            row = spec_index(spec)
        except (ValueError, TypeError) as error:
            raise TableError(f"{source}: meta_archs[{index}]: {error}; {REMEDY}") from None
        if row in rows:
            raise TableError(f"{source}: meta_archs[{index}] ({spec!r}) is there before, at {rows[row]}; {REMEDY}")
        rows[row] = index
    return list(rows)


def _check_arch(index: object, info: object, rows: list[int], source: Path) -> None:
    """Check that what was folded under `index` is the architecture that `meta_archs` has there, in both schedules."""
    where = f"{source}: architecture {index!r}"
    if type(index) is not int or not 0 <= index < len(rows):
        raise TableError(f"{where}: indices are 0..{len(rows) - 1}, the places in meta_archs; {REMEDY}")
    if (
        not isinstance(info, Mapping)
        or {SCHEDULE_OF.get(str(name)) for name in info} != set(SCHEDULES)
        or len(info) != 2
    ):
        told = sorted(map(str, info)) if isinstance(info, Mapping) else type(info).__name__
        raise TableError(f"{where} has {told}, not its results as 'less' and 'full', or '12' and '200'; {REMEDY}")
    for name, arch in info.items():
        if not isinstance(arch, ArchTrials):
            raise TableError(f"{where}[{name!r}] is no record of an architecture's trainings; {REMEDY}")
        if arch.schedule != SCHEDULE_OF[str(name)]:
            raise TableError(f"{where} ({arch.spec!r}): {name!r} holds trainings of {arch.schedule} epochs; {REMEDY}")
        if arch.index != index or arch.row != rows[index]:
            raise TableError(
                f"{where}[{name!r}] is the record of architecture {arch.index} ({arch.spec!r}), which meta_archs "
                f"does not have at {index}; {REMEDY}"
            )
