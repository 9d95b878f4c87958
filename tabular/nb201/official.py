"""Import of the official NAS-Bench-201 file, and of NATS-Bench's topology benchmark as one file or as a folder.

    NAS-Bench-201-v1_0-e61699.pth, -v1_1-096897.pth     {'meta_archs', 'arch2infos': {index: {'less', 'full'}}, ...}
    NATS-tss-v1_0-3ffb9.pickle.pbz2                     the same with the keys '12' and '200'
    NATS-tss-v1_0-3ffb9-simple/                         a file for each architecture

`source` tells these from what else people have, `reading` checks and folds what is in them; this module says which
version it is, and the licence. The one file of NATS-Bench has the start of its MD5 in its name, which `trust` checks;
the folder's name has that same MD5, which no file in it can be checked against: each of them has the CRC-32 of bzip2,
and that is all.
"""

from __future__ import annotations

from pathlib import Path

from nasboard.tabular.nb201.columns import TrialColumns
from nasboard.tabular.nb201.names import ARCHS
from nasboard.tabular.nb201.reading import read_file, read_folder
from nasboard.tabular.nb201.source import OFFICIAL, source_files
from nasboard.tabular.nb201.trials import DATASETS, SCHEDULES, SETS
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

_UNVOUCHED = (
    "the name of a folder vouches for no file in it: each carries the CRC-32 of bzip2, so that damage is told, but "
    "whether they are the published ones rests on where the folder was got"
)


def sources(source: Path) -> list[Path]:
    """Return every file that is read: the one file, or the files of the folder with `meta` first.

    Raises:
        TableError: it is neither; `source` says what it is.
    """
    return source_files(source)


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Fill the columns that `trials` describes; returns what the manifest says.

    Raises:
        TableError: something in the source is wrong or missing; names file, architecture, key and remedy.
    """
    version = version_of(source, job)
    columns = TrialColumns(writer, str(source))

    def told() -> None:
        job.told("trainings of architectures", columns.placed, None if job.partial else ARCHS * len(SCHEDULES))

    if source.is_dir():
        read_folder(source, columns, told, job.partial)
    else:
        read_file(source, columns, told)
    found = columns.finish(job.partial)
    return found | {
        "version": version,
        "licence": "MIT (NAS-Bench-201 and NATS-Bench, Xuanyi Dong)",
        "datasets": list(DATASETS),
        "splits": list(SETS),
        "fidelities": list(SCHEDULES),
        "units": {
            "accuracy": "percent", "time_s": "seconds", "time_total_s": "seconds", "latency_s": "seconds",
            "params_m": "millions", "flops_m": "millions",
        },
        "costs": "as the source recorded them; absent where it did not. The file of v1.1 and NATS-Bench give every "
        "training of a data set the time of the 12-epoch training, scaled by its authors to the number of images",
        "notes": [
            "one row of trial_at an architecture in lexicographic order; published_index is the order of the source",
            "weights, top-5 accuracies and network configurations are left out",
            *([_UNVOUCHED] if source.is_dir() else []),
        ],
    }  # fmt: skip


def version_of(source: Path, job: Job) -> str:
    """Return the version from the official name, or as told.

    Raises:
        TableError: neither says it, or they disagree.
    """
    name = source.absolute().name  # of the folder, too, that is given as "."
    if name in OFFICIAL:
        return job.known_version(OFFICIAL[name], source, "by its name")
    if job.version is None:
        raise TableError(
            f"the name of {source} does not say which version it is, as those of {', '.join(OFFICIAL)} do; the "
            "versions differ by up to 21 points for single architectures; give it back the name under which it was "
            "published, or say a version of your own with --version"
        )
    return job.version
