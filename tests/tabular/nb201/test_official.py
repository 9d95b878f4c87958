"""Import of official files and folders: what comes out, whichever of the formats it went in by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201.names import ARCHS, spec_index
from nasboard.tabular.nb201.official import convert, sources
from nasboard.tabular.nb201.source import folder_files
from nasboard.tabular.nb201.trials import DATASETS, FIELDS, SCHEDULES, SETS, TrialTable, open_trials
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import Table, TableError, verify
from nasboard.tabular.tables.writing import TableWriter
from tests.tabular.nb201.hw_format import vouched
from tests.tabular.nb201.official_format import (
    Content,
    nats_content,
    official_content,
    write_nats_file,
    write_nats_folder,
    write_pth,
)

N = 4


@pytest.fixture(scope="module")
def content() -> Content:
    return official_content(N, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("official")


@pytest.fixture(scope="module")
def pth(content: Content, folder: Path) -> Path:
    return write_pth(folder / "made-up.pth", content)


@pytest.fixture(scope="module")
def trials(pth: Path, folder: Path) -> TrialTable:
    return open_trials(imported(pth, folder))


def imported(source: Path, to: Path, version: str = "test", sha256: str | None = None) -> Table:
    return import_table("nb201", source, to=to, version=version, partial=True, sha256=sha256)


def everything(trials: TrialTable) -> dict[str, np.ndarray]:
    """Return every number of every training, wherever it lies in the columns."""
    told: dict[str, np.ndarray] = {"published": trials.columns["published_index"]}
    at, seeds = np.arange(ARCHS)[:, None], trials.all_seeds
    present = np.flatnonzero(trials.columns["published_index"] >= 0)
    for schedule in SCHEDULES:
        for dataset in DATASETS:
            for cost in ("params_m", "flops_m", "latency_s"):
                told[f"{cost} {dataset} {schedule}"] = trials.costs(cost, dataset, schedule, at)[0]  # type: ignore[arg-type]
            for field in FIELDS:
                for of in SETS:
                    where = present[:, None, None], np.array(seeds)[:, None], np.arange(schedule)
                    values, known = trials.values(field, of, dataset, schedule, *where)  # type: ignore[arg-type]
                    assert np.isnan(values[~known]).all()
                    told[f"{field} {of} {dataset} {schedule}"] = values
    return told


def test_what_the_table_holds_and_says(trials: TrialTable, content: Content) -> None:
    manifest = trials.table.manifest
    assert manifest["name"] == "nb201-test"
    assert (manifest["archs"], manifest["complete"]) == (N, False)
    assert manifest["seeds"] == [111, 777, 888, 999] == list(trials.all_seeds)
    assert manifest["datasets"] == list(DATASETS)
    assert manifest["splits"] == list(SETS)
    assert manifest["fidelities"] == [12, 200]
    assert manifest["trained"]["200"] == dict.fromkeys(DATASETS, N)  # type: ignore[index]
    assert manifest["units"]["accuracy"] == "percent"  # type: ignore[index]
    published = trials.columns["published_index"]
    for index, spec in enumerate(content["meta_archs"]):
        assert published[spec_index(spec)] == index
    assert (published >= 0).sum() == N
    verify(trials.table)


def test_every_number_of_the_file_is_in_the_table(trials: TrialTable, content: Content) -> None:
    for info in content["arch2infos"].values():
        for state in info.values():
            for (dataset, seed), result in state["all_results"].items():
                at = spec_index(state["arch_str"]), dataset, result["epochs"], seed
                for epoch, accuracy in result["train_acc1es"].items():
                    assert trials.value("accuracy", "train", *at, epoch) == accuracy
                for key, loss in result["eval_losses"].items():
                    of, epoch = key.split("@")
                    assert trials.value("loss", of, *at, int(epoch)) == loss
                for key, seconds in result["eval_times"].items():
                    of, epoch = key.split("@")
                    assert trials.value("time_s", of, *at, int(epoch)) == seconds


def test_what_was_not_recorded_is_none(content: Content, tmp_path: Path) -> None:
    old = official_content(1, seed=1, style="v1.0")
    trials = open_trials(imported(write_pth(tmp_path / "old.pth", old), tmp_path))
    arch = spec_index(old["meta_archs"][0])
    seed = trials.seeds(arch, "cifar100", 200)[0]
    assert trials.value("accuracy", "x-valid", arch, "cifar100", 200, seed) is not None
    assert trials.value("accuracy", "x-valid", arch, "cifar100", 200, seed, epoch=12) is None
    assert trials.value("accuracy", "x-valid", arch, "cifar10", 200, seed) is None
    assert trials.value("time_s", "train", arch, "cifar100", 200, seed) is None
    assert trials.value("accuracy", "train", arch, "cifar100", 12, seed) is None  # that training never was
    assert trials.seeds(arch, "cifar100", 12) == ()
    assert not trials.costs("latency_s", "cifar10-valid", 12, arch)[1]
    assert trials.value("accuracy", "train", (arch + 1) % ARCHS, "cifar10", 200, seed) is None
    values, known = trials.mean("accuracy", "x-valid", "cifar100", 200, np.arange(ARCHS), epoch=12)
    assert not known.any()
    assert np.isnan(values).all()


def test_running_time_is_unknown_after_a_gap(content: Content, tmp_path: Path) -> None:
    part = official_content(1, seed=1)
    record = part["arch2infos"][0]["full"]["all_results"]["cifar10", 777]
    del record["train_times"][7]
    trials = open_trials(imported(write_pth(tmp_path / "gap.pth", part), tmp_path))
    at = spec_index(part["meta_archs"][0]), "cifar10", 200, 777
    assert trials.value("time_total_s", "train", *at, 6) == sum(record["train_times"][e] for e in range(7))
    assert trials.value("time_s", "train", *at, 7) is None
    assert trials.value("time_s", "train", *at, 8) == record["train_times"][8]
    assert trials.value("time_total_s", "train", *at, 8) is None


def test_a_legacy_file_gives_the_same_table(trials: TrialTable, content: Content, tmp_path: Path) -> None:
    import hashlib

    legacy = write_pth(tmp_path / "legacy.pth", content, legacy=True)
    table = imported(legacy, tmp_path, sha256=hashlib.sha256(legacy.read_bytes()).hexdigest())
    assert table.digest == trials.table.digest


@pytest.mark.parametrize("form", ["folder", "file"])
def test_nats_bench_gives_the_same_answers(form: str, trials: TrialTable, content: Content, tmp_path: Path) -> None:
    if form == "folder":
        source = write_nats_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", content)
    else:
        source = write_nats_file(tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2", content)
    sha256 = vouched(source) if form == "file" else None  # no made-up file has the MD5 of the official name
    table = import_table("nb201", source, to=tmp_path / "data", partial=True, sha256=sha256)
    own = "" if sha256 is None else f"+sha256.{sha256[:8]}"
    assert table.manifest["version"] == f"nats-tss-v1.0{own}"
    expected, found = everything(trials), everything(open_trials(table))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_the_answers_do_not_depend_on_how_a_file_is_ordered(
    trials: TrialTable, content: Content, tmp_path: Path
) -> None:
    infos = {index: dict(reversed(info.items())) for index, info in reversed(content["arch2infos"].items())}
    turned = {
        "evaluated_indexes": content["evaluated_indexes"],
        "arch2infos": infos,
        "meta_archs": content["meta_archs"],
    }
    found = everything(open_trials(imported(write_pth(tmp_path / "turned.pth", turned), tmp_path)))
    for name, values in everything(trials).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_shared_times_are_stored_once(trials: TrialTable, content: Content) -> None:
    recorded = sum(
        len(result["train_times"]) + len(result["eval_times"])
        for info in content["arch2infos"].values()
        for state in info.values()
        for result in state["all_results"].values()
    )
    assert len(trials.columns["time_s"]) < 0.8 * recorded


def test_progress_is_told_and_never_runs_back(pth: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with TableWriter(tmp_path / "table") as writer:
        convert(pth, writer, Job("test", True, lambda _, done, total: told.append((done, total))))
    assert told == [(done, None) for done in range(1, 2 * N + 1)]


def test_sources_are_listed_in_a_fixed_order(pth: Path, content: Content, tmp_path: Path) -> None:
    assert sources(pth) == [pth]
    folder = write_nats_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", content)
    for junk in ("README", "md5sum.txt", ".DS_Store", "._000001.pickle.pbz2"):
        (folder / junk).write_text("not read")
    names = [path.name for path in sources(folder)]
    assert names == ["meta.pickle.pbz2", *(f"{index:06d}.pickle.pbz2" for index in range(N))]


@pytest.mark.parametrize(
    "name",
    [
        "1.pickle.pbz2",
        "0000001.pickle.pbz2",
        "000001 (2).pickle.pbz2",
        "000001.pickle",
        "000001.PICKLE.PBZ2",
        "٠٠٠٠٠١.pickle.pbz2",
        "meta.pickle",
        "copy of 000001.pickle.pbz2",
    ],
)
def test_an_architecture_under_another_name_is_refused(content: Content, tmp_path: Path, name: str) -> None:
    folder = write_nats_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", content)
    (folder / name).write_bytes((folder / "000001.pickle.pbz2").read_bytes())
    with pytest.raises(TableError) as told:
        import_table("nb201", folder, to=tmp_path / "home", partial=True)
    assert f"{folder / name} is neither meta.pickle.pbz2 nor an architecture by six digits" in str(told.value)
    assert not (tmp_path / "home").exists()


def test_sources_refuses_other_things(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no file or folder") as absent:
        sources(tmp_path / "nothing.pth")
    assert absent.value.missing
    (tmp_path / "table.csv").write_text("a,b\n")
    with pytest.raises(TableError, match="no NAS-Bench-201 file"):
        sources(tmp_path / "table.csv")
    with pytest.raises(TableError, match=r"has no meta.pickle.pbz2"):
        sources(tmp_path)
    (tmp_path / "meta.pickle.pbz2").write_bytes(b"")
    with pytest.raises(TableError, match=r"no 000000.pickle.pbz2"):
        folder_files(tmp_path)
    (tmp_path / "NATS-tss-v1_0-3ffb9-full").mkdir()
    with pytest.raises(TableError, match=r"trained weights.*-simple"):
        sources(tmp_path / "NATS-tss-v1_0-3ffb9-full")


def test_the_made_up_file_has_the_official_form(content: Content) -> None:
    api = pytest.importorskip("nas_201_api").NASBench201API(content, verbose=False)
    assert len(api) == N
    nats = pytest.importorskip("nats_bench").create(nats_content(content), "tss", fast_mode=False, verbose=False)
    assert len(nats.evaluated_indexes) == N
