"""The public face: what `nasboard` itself offers, that it is what it says, and that importing it costs nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module

import pytest

import nasboard
from nasboard.harness import api
from tests.places import ROOT

HEAVY = ("numpy", "scipy", "torch", "pandas", "pydantic", "sqlalchemy")
# what may come along with a name: numpy alone for the vocabulary, nothing of the sort for metrics but their scipy
BROUGHT = {"Checkpoint": {"numpy"}, "sample": {"numpy"}, "play": {"numpy"}, "kendall_tau": {"numpy", "scipy"}}


def fresh(code: str) -> object:
    """Run `code`, which sets `found`, in a fresh interpreter; return `found`."""
    command = [sys.executable, "-c", f"import json, sys\n{code}\nprint(json.dumps(found))"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def written_for_type_checkers() -> dict[str, str]:
    """Return name -> module of the imports under `if TYPE_CHECKING`."""
    tree = ast.parse((ROOT / "nasboard" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname == alias.name for node in imports for alias in node.names)  # else not exported
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_type_checkers_see_the_same_names_in_the_same_modules() -> None:
    assert written_for_type_checkers() == nasboard._HOME


@pytest.mark.parametrize("name", nasboard.__all__)
def test_each_name_is_the_thing_itself(name: str) -> None:
    assert getattr(nasboard, name) is getattr(import_module(nasboard._HOME[name]), name)


def test_the_whole_search_api_is_there() -> None:
    defined = {name for name, value in vars(api).items() if getattr(value, "__module__", None) == api.__name__}
    assert defined | {"API_VERSION"} <= set(nasboard.__all__)


def test_dir_lists_it_and_a_star_brings_it() -> None:
    assert dir(nasboard) == sorted(nasboard.__all__)
    brought: dict[str, object] = {}
    exec("from nasboard import *", brought)
    assert brought.keys() - {"__builtins__"} == set(nasboard.__all__)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"'kendal_tau'; did you mean 'kendall_tau'"):
        nasboard.__getattr__("kendal_tau")
    with pytest.raises(ImportError, match="kendal_tau"):
        exec("from nasboard import kendal_tau")


def test_what_tools_look_for_is_absent_in_the_usual_way() -> None:
    assert not hasattr(nasboard, "__wrapped__")
    assert not hasattr(nasboard, "_repr_html_")


def test_sub_packages_are_imported_as_ever() -> None:
    assert (
        fresh("from nasboard import harness\nimport nasboard.methods\nfound = harness.__name__") == "nasboard.harness"
    )


def test_importing_the_face_brings_nothing_along() -> None:
    found = fresh(f"import nasboard\nfound = [n for n in {HEAVY!r} if n in sys.modules]")
    assert found == []


@pytest.mark.parametrize("name", sorted(BROUGHT))
def test_a_name_brings_no_more_than_it_needs(name: str) -> None:
    found = fresh(f"from nasboard import {name}\nfound = [n for n in {HEAVY!r} if n in sys.modules]")
    assert set(found) == BROUGHT[name]  # type: ignore[call-overload]


def test_no_name_needs_torch_or_pandas() -> None:
    found = fresh("from nasboard import *\nfound = [n for n in ('torch', 'pandas') if n in sys.modules]")
    assert found == []
