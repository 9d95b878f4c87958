from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from nasboard.harness.boards.kinds.making import make
from nasboard.harness.errors import UsageError
from nasboard.harness.report import write_report
from nasboard.harness.report.page import html
from tests.harness.report import fields


@pytest.fixture(scope="module")
def page() -> str:
    comparison = fields.comparison()
    return html([comparison], make([comparison]), "<title> & co")


class Tags(HTMLParser):
    """The start tags of a page, and what its scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def figures(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_equal_input_gives_equal_bytes(page: str) -> None:
    comparison = fields.comparison()
    assert html([comparison], make([comparison]), "<title> & co") == page


def test_plotly_is_in_the_page_exactly_once(page: str) -> None:
    assert page.count(get_plotlyjs()) == 1


def test_no_markup_from_outside_becomes_an_element(page: str) -> None:
    parser = Tags()
    parser.feed(page)
    names = [tag for tag, _ in parser.tags]
    assert names.count("script") == 3
    assert not {"img", "b", "link", "iframe", "object"} & set(names)
    assert not [attrs for _, attrs in parser.tags if any(name.startswith("on") for name in attrs)]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;title&gt; &amp; co" in page
    assert "{{ 7 * 7 }}" in page


def test_the_data_of_figures_cannot_end_its_script_or_a_line(page: str) -> None:
    start = page.index('id="figures">') + len('id="figures">')
    data = page[start : page.index("</script>", start)]
    assert not set("<>&\u2028\u2029") & set(data)
    assert "\\u003c" in data.lower()


def test_every_figure_has_a_place_and_every_place_a_figure(page: str) -> None:
    assert set(re.findall(r'class="plot" id="([^"]+)"', page)) == set(figures(page))
    assert len(figures(page)) == 13  # two of regret, tau, two predictions, spread; three along the search, four maps


def test_ids_are_unique(page: str) -> None:
    parser = Tags()
    parser.feed(page)
    ids = [attrs["id"] for _, attrs in parser.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_several_comparisons_have_parts_of_their_own() -> None:
    one = fields.comparison({"random_search": fields.comparison().outcomes["random_search"][:2]})
    found = html([one, one], [], "two")
    assert set(figures(found)) == {f"part-{i}-{what}" for i in (0, 1) for what in ("regret-simulated", "spread")}


def test_nothing_to_report_is_still_a_page() -> None:
    assert "No board was asked for." in html([], [], "empty")


def test_a_report_replaces_the_file_as_a_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report([], [], path, title="new")
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*No such file.*name a file in a writable folder"):
        write_report([], [], tmp_path / "nowhere" / "report.html", title="t")


def test_a_target_that_is_a_folder_is_an_error_and_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        write_report([], [], tmp_path / "report.html", title="t")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_full_disk_is_an_error_and_keeps_the_old_report(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from nasboard.harness.errors import UsageError\n"
        "from nasboard.harness.report import write_report\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"  # the report has about 5 MB
        "try:\n"
        "    write_report([], [], Path(sys.argv[1]), title='t')\n"
        "except UsageError as err:\n"
        "    print(err)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert "File too large; free some space" in done.stdout
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("missing", ["plotly", "jinja2"])
def test_without_the_extra_the_error_says_how_to_get_it(missing: str, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "from pathlib import Path\n"
        "from nasboard.harness.errors import MissingDataError\n"
        "from nasboard.harness.report import write_report\n"
        "try:\n"
        "    write_report([], [], Path(sys.argv[1]), title='t')\n"
        "except MissingDataError as err:\n"
        "    print(err)\n"
    )
    path = tmp_path / "report.html"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert f"the report needs {missing}; pip install 'nasboard[report]'" in done.stdout
    assert not path.exists()
