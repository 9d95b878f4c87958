from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from nasboard.tabular.imports.downloading import Line
from nasboard.tabular.imports.fetching import Fetched, fetch
from nasboard.tabular.known.files import read_registry
from nasboard.tabular.tables.table import TableError, verify
from tests.local_server import Answer, Server, serving
from tests.tabular.nb201.hw_format import DATASETS, write_hw

BODY = bytes(range(256)) * 1200  # 307,200 bytes
QUICK = Line(tries=3, wait_s=0.01, timeout_s=5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as running:
        yield running


class Site(NamedTuple):
    """A data folder, and a registry whose only file `data.bin` has the two mirrors `/a` and `/b`."""

    home: Path
    files: Path

    def fetch(self, name: str = "data", **more: object) -> Fetched:
        return fetch(name, read_registry(self.files), to=self.home, line=QUICK, **more)  # type: ignore[arg-type]


def registry(path: Path, group: dict[str, object], files: dict[str, tuple[bytes, list[str]]]) -> Path:
    entries = {
        name: {
            "group": "data",
            "size_bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "licence": "MIT",
            "origin": "a test",
            "urls": urls,
        }
        for name, (body, urls) in files.items()
    }
    path.write_text(json.dumps({"format": 1, "groups": {"data": {"summary": "s"} | group}, "files": entries}))
    return path


@pytest.fixture
def site(tmp_path: Path, server: Server) -> Site:
    urls = [f"{server.address}/a", f"{server.address}/b"]
    return Site(tmp_path / "home", registry(tmp_path / "files.json", {}, {"data.bin": (BODY, urls)}))


def test_a_good_answer_is_stored_and_not_asked_for_again(site: Site, server: Server) -> None:
    server.put("/a", Answer(BODY))
    told: list[tuple[str, int, int | None]] = []
    fetched = site.fetch(told=lambda *step: told.append(step))
    assert (fetched.folder / "data.bin").read_bytes() == BODY
    assert fetched.folder == site.home / "downloads" / "data"
    assert fetched.table is None
    assert told[-1] == ("fetching data.bin", len(BODY), len(BODY))
    site.fetch()
    assert server.asked == ["/a"]
    assert [p.name for p in fetched.folder.parent.iterdir()] == ["data"]


def test_a_damaged_download_is_fetched_again(site: Site, server: Server) -> None:
    server.put("/a", Answer(BODY))
    path = site.fetch().folder / "data.bin"
    path.write_bytes(BODY[:-1] + b"x")
    site.fetch()
    assert path.read_bytes() == BODY
    assert server.asked == ["/a", "/a"]


@pytest.mark.parametrize(
    ("bad", "asked"),
    [
        (Answer(status=404), ["/a", "/b"]),
        (Answer(status=422), ["/a", "/b"]),
        (Answer(status=429), ["/a", "/a", "/a", "/b"]),
        (Answer(status=204), ["/a", "/b"]),
        (Answer(BODY, status=206), ["/a", "/b"]),  # a part, whatever its size
        (Answer(status=300), ["/a", "/b"]),
        (Answer(status=501), ["/a", "/b"]),
        (Answer(status=302, location="file:///etc/hosts"), ["/a", "/b"]),
        (Answer(status=302, location="http://[1/"), ["/a", "/b"]),
        (Answer(status=500), ["/a", "/a", "/a", "/b"]),
        (Answer(BODY[:-1] + b"x"), ["/a", "/b"]),  # wrong checksum: asking again is of no use
        (Answer(BODY + b"more"), ["/a", "/b"]),  # longer than the file
        (Answer(BODY, cut=100_000), ["/a", "/a", "/a", "/b"]),  # closed mid-way, length announced
        (Answer(BODY, cut=100_000, length=-1), ["/a", "/a", "/a", "/b"]),  # closed mid-way, no length
        (Answer(BODY[:99_999]), ["/a", "/a", "/a", "/b"]),  # a complete answer that is too short
        (Answer(b""), ["/a", "/a", "/a", "/b"]),
    ],
)
def test_the_second_mirror_is_asked_where_the_first_is_bad(
    site: Site, server: Server, bad: Answer, asked: list[str]
) -> None:
    server.put("/a", bad)
    server.put("/b", Answer(BODY))
    assert (site.fetch().folder / "data.bin").read_bytes() == BODY
    assert server.asked == asked


def test_redirects_are_followed_and_a_ring_of_them_is_left_at_once(site: Site, server: Server) -> None:
    server.put("/a", Answer(status=302, location="/ring"))
    server.put("/ring", Answer(status=307, location=f"{server.address}/ring"))
    server.put("/b", Answer(status=301, location="there"))
    server.put("/there", Answer(BODY))
    assert (site.fetch().folder / "data.bin").read_bytes() == BODY
    assert server.asked == ["/a", *["/ring"] * 10, "/b", "/there"]


def test_an_answer_that_only_drips_comes_to_an_end(tmp_path: Path, server: Server) -> None:
    url = server.put("/a", Answer(BODY[:1000], drip_s=0.05))
    files = registry(tmp_path / "files.json", {}, {"data.bin": (BODY[:1000], [url])})
    line = Line(tries=3, wait_s=0.01, timeout_s=5, grace_s=0.2, slowest_bytes_per_s=5000)
    with pytest.raises(TableError, match=r"/a: \d+ of 1,000 bytes came in 0 s, which is all that it may") as told:
        fetch("data", read_registry(files), to=tmp_path / "home", line=line)
    assert "(0 s, and its size at 5 kB a second)" in str(told.value)
    assert server.asked == ["/a"]


def test_the_time_that_a_file_may_take_grows_with_its_size() -> None:
    assert Line().limit_s(0) == 60
    assert Line().limit_s(170_000_000) == 60 + 8500


@pytest.mark.parametrize("cut", [1, 500, 999])
def test_a_truncated_answer_says_how_much_came(tmp_path: Path, server: Server, cut: int) -> None:
    url = server.put("/a", Answer(BODY[:1000], cut=cut))
    files = registry(tmp_path / "files.json", {}, {"data.bin": (BODY[:1000], [url])})
    with pytest.raises(TableError, match=rf"/a: the connection failed \(ProtocolError\) after {cut} of 1,000 bytes"):
        Site(tmp_path / "home", files).fetch()
    assert server.asked == ["/a"] * 3


def test_a_connection_closed_mid_way_is_tried_again(site: Site, server: Server) -> None:
    server.put("/a", Answer(BODY, cut=70_000), Answer(BODY, cut=0), Answer(BODY))
    assert (site.fetch().folder / "data.bin").read_bytes() == BODY
    assert server.asked == ["/a"] * 3


@pytest.mark.parametrize(
    ("first", "second", "messages"),
    [
        (Answer(status=404), Answer(status=503), ["/a: the server answers 404", "/b: the server answers 503"]),
        (
            Answer(BODY, cut=9),
            Answer(BODY[:-1] + b"x"),
            [
                "/a: the connection failed (ProtocolError) after 9 of 307,200",
                "/b: what came has another checksum",
            ],
        ),
        (
            Answer(BODY * 2),
            Answer(BODY[:7]),
            ["/a: the answer is longer than the 307,200 bytes", "/b: what came has another checksum", "7 of 307,200"],
        ),
    ],
)
def test_dead_mirrors_are_all_named_and_nothing_is_left(
    site: Site, server: Server, first: Answer, second: Answer, messages: list[str]
) -> None:
    server.put("/a", first)
    server.put("/b", second)
    with pytest.raises(TableError, match=r"data\.bin could not be fetched") as told:
        site.fetch()
    assert told.value.missing
    for message in messages:
        assert message in str(told.value)
    assert not site.home.exists()


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with serving() as gone:
        address = gone.address
    files = registry(tmp_path / "files.json", {}, {"data.bin": (BODY, [f"{address}/a"])})
    with pytest.raises(TableError, match=r"/a: the connection failed \(ConnectionError\) after 0 of"):
        Site(tmp_path / "home", files).fetch()
    assert not (tmp_path / "home").exists()


def test_a_wrong_size_in_the_registry_is_told_though_the_checksum_is_right(site: Site, server: Server) -> None:
    told = json.loads(site.files.read_text())
    told["files"]["data.bin"]["size_bytes"] += 1
    site.files.write_text(json.dumps(told))
    server.put("/a", Answer(BODY))
    with pytest.raises(TableError, match=r"checksum is right, but the size is not: 307,200 of 307,201 bytes"):
        site.fetch()
    assert not site.home.exists()


def test_an_md5_will_do_where_no_sha256_was_published(site: Site, server: Server) -> None:
    told = json.loads(site.files.read_text())
    told["files"]["data.bin"] |= {"sha256": None, "md5": hashlib.md5(BODY).hexdigest()}
    site.files.write_text(json.dumps(told))
    server.put("/a", Answer(BODY[:-1] + b"x"))
    server.put("/b", Answer(BODY))
    assert (site.fetch().folder / "data.bin").read_bytes() == BODY


def test_of_several_files_all_appear_or_none(tmp_path: Path, server: Server) -> None:
    good, bad = server.put("/good", Answer(BODY)), server.put("/bad", Answer(status=404))
    files = registry(tmp_path / "files.json", {}, {"one.bin": (BODY, [good]), "two.bin": (BODY, [bad])})
    with pytest.raises(TableError, match=r"two\.bin could not be fetched"):
        Site(tmp_path / "home", files).fetch()
    assert not (tmp_path / "home").exists()


def test_a_disk_that_fills_up_is_told_with_the_remedy(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("/a", Answer(BODY))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nasboard.tabular.imports.downloading._Gauge.count", full)
    with pytest.raises(TableError, match=r"No space left on device; make room on the disk of .*NASBOARD_DATA"):
        site.fetch()
    assert not site.home.exists()


def test_files_larger_than_the_disk_are_refused_before_anything_is_asked_for(site: Site, server: Server) -> None:
    told = json.loads(site.files.read_text())
    told["files"]["data.bin"]["size_bytes"] = 10**18
    site.files.write_text(json.dumps(told))
    with pytest.raises(TableError, match=r"MB free, the files need 1000000000000 MB"):
        site.fetch()
    assert server.asked == []
    assert not site.home.exists()


@pytest.mark.parametrize("link", ["downloads", "downloads/data"])
def test_a_folder_that_leads_elsewhere_is_refused(site: Site, server: Server, tmp_path: Path, link: str) -> None:
    server.put("/a", Answer(BODY))
    (tmp_path / "elsewhere").mkdir()
    (site.home / link).parent.mkdir(parents=True)
    (site.home / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TableError, match=r"is a link that leads out of .*elsewhere; remove the link"):
        site.fetch()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_interrupt_leaves_nothing(site: Site, server: Server) -> None:
    server.put("/a", Answer(BODY))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.fetch(told=interrupt)
    assert not site.home.exists()


def test_what_makes_a_table_is_imported(tmp_path: Path, server: Server) -> None:
    made = write_hw(tmp_path / "made")
    bodies = {f"hw_{dataset}.csv": (made / f"hw_{dataset}.csv").read_bytes() for dataset in DATASETS}
    urls = {name: [server.put(f"/{name}", Answer(body))] for name, body in bodies.items()}
    files = registry(
        tmp_path / "files.json", {"kind": "hw-nas-bench"}, {name: (body, urls[name]) for name, body in bodies.items()}
    )
    fetched = Site(tmp_path / "home", files).fetch()
    assert fetched.table is not None
    assert fetched.table.folder == tmp_path / "home" / "tables" / "hw-nas-bench-v1.0"
    verify(fetched.table)


@pytest.mark.parametrize(
    ("name", "message", "missing"),
    [
        ("dat", r"nothing is known as 'dat'; did you mean 'data'\?", False),
        ("nb101-compact", r"nothing is known as 'nb101-compact'; known: data", False),
        ("data", r"data cannot be downloaded by this command: ask a friend", True),
    ],
)
def test_what_cannot_be_fetched_says_what_to_do(tmp_path: Path, name: str, message: str, missing: bool) -> None:
    files = registry(tmp_path / "files.json", {"instead": "ask a friend"}, {"data.bin": (BODY, [])})
    with pytest.raises(TableError, match=message) as told:
        Site(tmp_path / "home", files).fetch(name)
    assert told.value.missing == missing


@pytest.mark.parametrize(("name", "hint"), [("nb101-compact", "FreeREA"), ("nb201", "e61699"), ("nb101", "only108")])
def test_what_lies_at_no_public_address_says_where_its_origin_is(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(TableError, match=f"{hint}.*nasboard data import {name} PATH"):
        fetch(name, read_registry(), to=tmp_path, line=QUICK)
    assert list(tmp_path.iterdir()) == []
