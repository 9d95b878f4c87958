"""Wrong official files: each is refused with file, architecture, key and remedy; none imports as something else."""

from __future__ import annotations

import bz2
import pickle
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201.columns import check_percent
from nasboard.tabular.nb201.official import convert
from nasboard.tabular.nb201.trials import DATASETS
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter
from tests.tabular.nb201.official_format import Content, official_content, write_nats_folder, write_pth

SEED = 777


def fresh(n: int = 2) -> Content:
    return official_content(n, seed=8, style="v1.0", most_seeds=1)


def refusal(content: object, folder: Path, partial: bool = True) -> str:
    """Convert a plain pickle of `content` and return why that is refused; nothing may be left behind."""
    source = folder / "wrong.pth"
    source.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(TableError) as refused, TableWriter(folder / "tables" / "wrong") as writer:
        writer.commit(convert(source, writer, Job("test", partial)))
    assert not (folder / "tables").exists()
    assert str(source) in str(refused.value)
    return str(refused.value)


def state(content: Content, which: str = "full", index: int = 1) -> Content:
    found: Content = content["arch2infos"][index][which]
    return found


def record(content: Content, dataset: str = "cifar100", which: str = "full") -> Content:
    found: Content = state(content, which)["all_results"][dataset, SEED]
    return found


def rename(results: dict[object, object], old: object, new: object) -> None:
    results[new] = results.pop(old)


Change = Callable[[Content], object]
WRONG_FILES: dict[str, tuple[Change, str]] = {
    "no meta_archs": (lambda c: c.pop("meta_archs"), "holds a dictionary with .*not one with meta_archs, arch2infos"),
    "no arch2infos": (lambda c: c.pop("arch2infos"), "not one with meta_archs, arch2infos"),
    "meta_archs no list": (lambda c: c.update(meta_archs="|none~0|"), "meta_archs is str, not a list"),
    "not a string": (lambda c: c["meta_archs"].__setitem__(1, 5), r"meta_archs\[1\]"),
    "unknown operation": (
        lambda c: c["meta_archs"].__setitem__(1, "|max_pool~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
        r"meta_archs\[1\]: unknown operation 'max_pool'",
    ),
    "unparsable": (
        lambda c: c["meta_archs"].__setitem__(0, "|none~0|"),
        r"meta_archs\[0\]: '\|none~0\|' is not of the",
    ),
    "twice in meta_archs": (lambda c: c["meta_archs"].append(c["meta_archs"][0]), r"meta_archs\[2\] .* before, at 0"),
    "no architectures": (lambda c: c.update(arch2infos={}), "arch2infos is no dictionary of architectures"),
    "index as text": (lambda c: rename(c["arch2infos"], 1, "1"), "architecture '1': indices are 0..1"),
    "index beyond": (lambda c: rename(c["arch2infos"], 1, 2), "architecture 2: indices are 0..1"),
    "no 12 epochs": (lambda c: c["arch2infos"][1].pop("less"), r"architecture 1 has \['full'\], not its results as"),
    "schedules exchanged": (
        lambda c: c["arch2infos"].__setitem__(1, {"less": state(c), "full": state(c, "less")}),
        r"architecture 1 .*: 'less' holds trainings of 200 epochs",
    ),
    "exchanged strings": (
        lambda c: c["meta_archs"].reverse(),
        r"architecture 0\['full'\] is the record of architecture 0",
    ),
    "not all evaluated": (lambda c: c["evaluated_indexes"].pop(), "evaluated_indexes does not name"),
    "the same twice": (
        lambda c: c["arch2infos"].__setitem__(2, fresh()["arch2infos"][1]),
        r"architecture 1 \('\|.*'\) is there twice for the 200-epoch schedule",
    ),
    "two indices": (lambda c: state(c, "less").update(arch_index=5), r"has the index 5, .* \(1 before\)"),
    "index not a number": (lambda c: state(c).update(arch_index="1"), "arch_index is '1', not a number"),
    "no string": (lambda c: state(c).update(arch_str=None), "arch_str is None, not a string"),
    "bad string": (lambda c: state(c).update(arch_str="|none~1|"), "arch_str: '|none~1|' is not of the form"),
    "no results": (lambda c: state(c).update(all_results={}), "all_results is no dictionary"),
    "key no pair": (lambda c: rename(state(c)["all_results"], ("cifar100", SEED), "cifar100"), "key 'cifar100', not "),
    "data set": (
        lambda c: rename(state(c)["all_results"], ("cifar100", SEED), ("svhn", SEED)),
        "unknown data set 'svhn'; known: cifar10-valid",
    ),
    "result incomplete": (lambda c: record(c).pop("epochs"), r"\('cifar100', 777\)\] is no .*it lacks \['epochs'\]"),
    "another data set": (lambda c: record(c).update(name="cifar10"), r"says that it is of \('cifar10', 777\)"),
    "another seed": (lambda c: record(c).update(seed="888"), r"says that it is of \('cifar100', 888\)"),
    "seed no digits": (lambda c: record(c).update(seed="77x"), "seed is '77x'"),
    "seed negative": (lambda c: record(c).update(seed=-1), "seed is -1"),
    "another architecture": (
        lambda c: record(c)["arch_config"].update(arch_str=c["meta_archs"][0]),
        "is of another architecture",
    ),
    "no configuration": (lambda c: record(c).update(arch_config=None), "arch_config has no arch_str"),
    "schedule": (lambda c: record(c).update(epochs=90), "epochs is 90; known schedules: 12, 200"),
    "mixed schedules": (
        lambda c: state(c)["all_results"].__setitem__(
            ("cifar10-valid", 111), deepcopy(record(c, "cifar10-valid", "less") | {"seed": 111})
        ),
        r"mixes trainings of \[12, 200\] epochs",
    ),
    "dataset_seed": (lambda c: state(c)["dataset_seed"]["cifar100"].append(888), "dataset_seed is .*all_results has"),
    "no dataset_seed": (lambda c: state(c).update(dataset_seed=[777]), "dataset_seed is .*all_results has"),
    "weights": (lambda c: record(c).update(net_state_dict={"stem": 1.0}), "net_state_dict holds trained weights"),
    "epoch beyond": (
        lambda c: rename(record(c)["train_losses"], 199, 200),
        "train_losses has the key 200; epochs are 0..199",
    ),
    "epoch beyond 12": (
        lambda c: record(c, "cifar10-valid", "less")["train_times"].update({12: 1.0}),
        "train_times has the key 12; epochs are 0..11",
    ),
    "epoch below": (lambda c: rename(record(c)["train_acc1es"], 0, -1), "train_acc1es has the key -1"),
    "epoch as text": (lambda c: rename(record(c)["train_acc1es"], 0, "0"), "train_acc1es has the key '0'"),
    "set": (
        lambda c: rename(record(c)["eval_acc1es"], "ori-test@0", "test@0"),
        "eval_acc1es has the key 'test@0'; .*x-valid",
    ),
    "set epoch": (
        lambda c: record(c).update(eval_losses={"ori-test@200": 1.0}),
        "eval_losses has the key 'ori-test@200'",
    ),
    "not together": (lambda c: record(c)["eval_losses"].pop("ori-test@7"), "are not recorded at the same epochs"),
    "no series": (lambda c: record(c).update(train_losses=None), "train_losses is NoneType, not a dictionary"),
    "NaN accuracy": (
        lambda c: record(c)["eval_acc1es"].update({"x-valid@199": float("nan")}),
        r"eval_acc1es\['x-valid@199'\] is nan, not a finite number",
    ),
    "infinite loss": (lambda c: record(c)["train_losses"].update({5: float("inf")}), r"train_losses\[5\] is inf"),
    "NaN time": (
        lambda c: record(c, "cifar10-valid", "less")["eval_times"].update({"x-valid@0": np.float64("nan")}),
        r"eval_times\['x-valid@0'\] is nan",
    ),
    "negative time": (lambda c: record(c).update(train_times={0: -1.0}), "negative time"),
    "accuracy above 100": (
        lambda c: record(c)["train_acc1es"].update({7: 100.01}),
        r"accuracy of train@7 is 100.01, .*0..100",
    ),
    "accuracy below 0": (
        lambda c: record(c)["eval_acc1es"].update({"x-test@199": -0.5}),
        "accuracy of x-test@199 is -0.5",
    ),
    "text for a number": (
        lambda c: record(c)["train_losses"].update({3: "2.3"}),
        r"train_losses\[3\] is '2.3', not a number",
    ),
    "truth for a number": (
        lambda c: record(c)["train_losses"].update({3: True}),
        r"train_losses\[3\] is True, not a number",
    ),
    "huge number": (lambda c: record(c)["train_losses"].update({3: 1 << 1100}), r"train_losses\[3\] is .*not a finite"),
    "parameters": (lambda c: record(c).update(params=np.float64("nan")), "params is nan"),
    "FLOPs": (lambda c: record(c).update(flop=-3.0), "flop is -3.0"),
    "latency empty": (lambda c: record(c).update(latency=[]), r"latency is \[\], not a list of seconds"),
    "latency zero": (lambda c: record(c).update(latency=[0.0, 0.0]), "latency is 0.0 s; it is above 0"),
    "latency infinite": (lambda c: record(c).update(latency=[float("inf")]), "latency is inf"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_refused_with_place_and_remedy(name: str, tmp_path: Path) -> None:
    change, expected = WRONG_FILES[name]
    content = fresh()
    change(content)
    said = refusal(content, tmp_path)
    assert re.search(expected, said), said
    assert "get it again" in said or "--" in said


@pytest.mark.parametrize("what", [[1, 2], "text", None, 5.0])
def test_a_file_of_something_else_is_refused(what: object, tmp_path: Path) -> None:
    assert "not one with meta_archs" in refusal(what, tmp_path)


def test_the_message_names_the_architecture_by_index_and_string(tmp_path: Path) -> None:
    content = fresh()
    record(content)["train_losses"][3] = "x"
    said = refusal(content, tmp_path)
    spec = content["meta_archs"][1]
    assert f"architecture 1 ({spec}): all_results[('cifar100', 777)]: train_losses[3] is 'x'" in said


def test_missing_architectures_are_told_with_the_way_to_accept_that(tmp_path: Path) -> None:
    said = refusal(fresh(), tmp_path, partial=False)
    assert "has 2 of 15625 architectures; the first that lacks is '|none~0|+|none~0|none~1|" in said
    assert "--partial" in said


def test_no_whole_architecture_is_no_table_even_in_part(tmp_path: Path) -> None:
    content = fresh(1)
    results = content["arch2infos"][0]["full"]
    del results["all_results"]["cifar10", SEED], results["dataset_seed"]["cifar10"]
    assert "has no architecture that is whole under both schedules" in refusal(content, tmp_path)


def in_fractions(content: Content, *datasets: str) -> Content:
    """Divide every accuracy on some data sets by 100."""
    for info in content["arch2infos"].values():
        for of in info.values():
            for (dataset, _), result in of["all_results"].items():
                for name in ("train_acc1es", "eval_acc1es") if dataset in datasets else ():
                    result[name] = {at: value / 100 for at, value in result[name].items()}
    return content


def test_fractions_are_not_taken_for_percent(tmp_path: Path) -> None:
    said = refusal(in_fractions(fresh(), *DATASETS), tmp_path)
    assert re.search(r"accuracies: the best accuracy of all is (0\.\d+|1), and the format states percent, so", said)


def test_one_data_set_in_fractions_is_told_where_the_table_is_complete() -> None:
    best = np.array([99.9, 94.4, 0.735, 60.0])
    with pytest.raises(TableError, match=r"^f: cifar100: the best accuracy of all is 0\.735, and the format"):
        check_percent(best, complete=True, source="f")
    check_percent(best, complete=False, source="f")  # which may be of architectures that do not train
    check_percent(np.maximum(best, 73.5), complete=True, source="f")


def test_the_best_accuracy_is_that_of_every_set_and_epoch(tmp_path: Path) -> None:
    content = in_fractions(fresh(), *DATASETS)
    record(content, "ImageNet16-120", "full")["train_acc1es"][7] = 1.5
    source = tmp_path / "right.pth"
    source.write_bytes(pickle.dumps(content, protocol=2))
    with TableWriter(tmp_path / "tables" / "right") as writer:
        assert convert(source, writer, Job("test", partial=True))["archs"] == 2


def test_too_many_seeds_are_refused(tmp_path: Path) -> None:
    content = fresh(1)
    results = content["arch2infos"][0]["full"]
    one = results["all_results"]["cifar10", SEED]
    small = {name: {199: one[name][199]} for name in ("train_acc1es", "train_losses")}
    small |= {name: {} for name in ("eval_acc1es", "eval_losses", "eval_times")}
    seeds = list(range(65))
    results["all_results"] |= {("cifar10", seed): deepcopy({**one, **small, "seed": seed}) for seed in seeds}
    results["dataset_seed"]["cifar10"] = [SEED, *seeds]
    assert "64 others went before" in refusal(content, tmp_path)


def test_trained_weights_are_refused_without_being_loaded(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch writes the official file: pip install 'nasboard[live]'")
    content = fresh(1)
    content["arch2infos"][0]["full"]["all_results"]["cifar10", SEED]["net_state_dict"] = {"stem": torch.zeros(3)}
    source = write_pth(tmp_path / "weights.pth", content)
    with pytest.raises(TableError, match=r"weights.pth: byte \d+.*torch") as refused:
        import_table("nb201", source, to=tmp_path, version="test", partial=True)
    assert "_rebuild_tensor" in str(refused.value)
    assert not (tmp_path / "tables").exists()


FOLDER = "NATS-tss-v1_0-3ffb9-simple"
WRONG_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file missing": (
        lambda f: (f / "000001.pickle.pbz2").unlink(),
        r"has 2 of 3 .* first that lacks is 000001.pickle",
    ),
    "exchanged files": (
        lambda f: (f / "000001.pickle.pbz2").rename(f / "000000.pickle.pbz2"),
        r"000000.pickle.pbz2: architecture 0\['12'\] is the record of architecture 1",
    ),
    "beyond meta": (
        lambda f: (f / "000001.pickle.pbz2").rename(f / "000009.pickle.pbz2"),
        "architecture 9: indices are 0..2",
    ),
    "no meta": (lambda f: (f / "meta.pickle.pbz2").unlink(), "has no meta.pickle.pbz2"),
    "meta of something else": (
        lambda f: (f / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps([1]))),
        "meta.pickle.pbz2 is not the list of architectures",
    ),
    "empty file": (lambda f: (f / "000002.pickle.pbz2").write_bytes(b""), "000002.pickle.pbz2"),
    "twice": (
        lambda f: (f / "000002.pickle.pbz2").write_bytes((f / "000001.pickle.pbz2").read_bytes()),
        r"-simple: architecture 1 .* is there twice",
    ),
}


@pytest.mark.parametrize("name", WRONG_FOLDERS)
def test_a_wrong_folder_is_refused_with_the_file(name: str, tmp_path: Path) -> None:
    change, expected = WRONG_FOLDERS[name]
    folder = write_nats_folder(tmp_path / FOLDER, fresh(3))
    change(folder)
    with (
        pytest.raises(TableError, match=expected) as refused,
        TableWriter(tmp_path / "tables" / "wrong") as writer,
    ):
        writer.commit(convert(folder, writer, Job(partial=name not in ("a file missing",))))
    assert FOLDER in str(refused.value)
    assert not (tmp_path / "tables").exists()
