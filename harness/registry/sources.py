"""What code says: the digest of a module and of what it imports of its own, read as text and never run.

Comments, docstrings and layout do not count, so the same code has the same digest under every version of Python.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import cast

_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER)
Located = tuple[Path | None, Sequence[str]]  # the file of a module, and the folders in which those of a package are
_BLOCKS = {tokenize.INDENT: "{", tokenize.DEDENT: "}"}


@dataclass(frozen=True, slots=True)
class Sources:
    """A module and what it imports of its own.

    Attributes:
        digest: SHA-256 over the code, None where the module has no file.
        modules: names of the modules that were read, sorted.
        others: top-level names of everything else that they import, sorted.
    """

    digest: str | None
    modules: tuple[str, ...]
    others: tuple[str, ...]


def gather(module: str, own: Callable[[str, Path], bool]) -> Sources:
    """Return the sources of `module` and, as far as `own(name, file)` says so, of all that they import.

    The packages around a module run when it is imported, so they count too.
    """
    found: dict[str, _Module] = {}
    looked: dict[str, Located] = {}
    others: set[str] = set()
    seen: set[str] = set()
    waiting = list(_with_packages(module))
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = find(name, looked)  # much dearer than all else here
        if path is None or not (name == module or own(name, path)):
            others |= {name.partition(".")[0]} - {""}
            continue
        stat = path.stat()
        found[name] = _read(name, path, stat.st_mtime_ns, stat.st_size)
        waiting += [whole for imported in found[name].imports for whole in _with_packages(imported)]
    if module not in found:
        return Sources(None, (), tuple(sorted(others)))
    told = "\n".join(f"{name} {found[name].digest}" for name in sorted(found))
    others -= {name.partition(".")[0] for name in found}
    return Sources(hashlib.sha256(told.encode()).hexdigest(), tuple(sorted(found)), tuple(sorted(others)))


def _with_packages(name: str) -> Iterator[str]:
    """Yield a module's name after those of the packages around it."""
    parts = name.split(".")
    yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def find(name: str, looked: dict[str, Located] | None = None) -> Path | None:
    """Return the file of a module, None for one that is not there or has none; nothing is imported.

    `looked` holds what was found of packages before, and is added to.
    """
    return _located(name, {} if looked is None else looked)[0]


def _located(name: str, looked: dict[str, Located]) -> Located:
    """Return the file of a module, and where what it is a package of stands."""
    if name not in looked:
        package, _, part = name.rpartition(".")
        around = _located(package, looked)[1] if package else None
        spec = None if package and not around else _spec(name, around)
        if spec is None:  # a folder without __init__.py, as long as its package is not imported
            looked[name] = None, [str(Path(place) / part) for place in around or () if (Path(place) / part).is_dir()]
        else:
            path = Path(spec.origin) if spec.has_location and spec.origin is not None else None
            looked[name] = path, list(spec.submodule_search_locations or ())
    return looked[name]


def _spec(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        look = getattr(finder, "find_spec", None)
        with contextlib.suppress(KeyError):  # Python's own finder asks for the package around a folder
            if look is not None and (spec := look(name, places)) is not None:
                return cast(ModuleSpec, spec)
    return None


@dataclass(frozen=True, slots=True)
class _Module:
    digest: str
    imports: tuple[str, ...]


@cache
def _read(name: str, path: Path, changed_ns: int, size: int) -> _Module:
    """Return what a file says; it is read anew when its time or its size changes."""
    content = path.read_bytes()
    if path.suffix != ".py":
        return _Module(hashlib.sha256(content).hexdigest(), ())
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    try:
        imports = tuple(sorted(set(_imports(ast.parse(content), package))))
        return _Module(hashlib.sha256(bare(content).encode()).hexdigest(), imports)
    except (SyntaxError, ValueError, tokenize.TokenError):  # of another Python, and imported by nobody who minds
        return _Module(hashlib.sha256(content).hexdigest(), ())


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield the full names of what is imported anywhere in a module: modules, and names that may be modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node.level, node.module or "")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            named = [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            for name in named:
                level = len(name) - len(name.lstrip("."))
                yield _absolute(package, level, name[level:])


def _absolute(package: str, level: int, name: str) -> str:
    """Return the full name of what a module in `package` imports as `name` with `level` dots before it."""
    around = package.split(".")
    return ".".join([*(around[: len(around) + 1 - level] if level else []), *([name] if name else [])])


def bare(source: bytes) -> str:
    """Return the code of a module alone: a line a statement, without comments, docstrings and layout."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    lines = [line.decode(encoding) for line in io.BytesIO(source)]  # cut where tokenize cuts
    out: list[str] = []
    statement: list[str] = []
    plain = True  # nothing but strings so far: a docstring, or a string that does nothing
    for kind, text in _tokens(source, lines):
        if kind == tokenize.NEWLINE:
            out += [] if plain else [" ".join(statement)]
            statement, plain = [], True
        elif kind in _BLOCKS:
            out.append(_BLOCKS[kind])
        elif kind not in _LAYOUT:
            statement.append(text)
            plain = plain and kind == tokenize.STRING and not _is_formatted(text)
    return "\n".join(out)


def _is_formatted(string: str) -> bool:
    return "f" in string[: min(string.find(quote) for quote in "'\"" if quote in string)].lower()


def _tokens(source: bytes, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield kind and text of tokens; a formatted string is one, as it was before Python 3.12 took it apart."""
    depth, start = 0, (0, 0)
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name.endswith("STRING_START"):
            start = start if depth else token.start
            depth += 1
        if not depth:
            yield token.type, token.string
        elif name.endswith("STRING_END"):
            depth -= 1
            if not depth:
                yield tokenize.OP, _slice(lines, start, token.end)


def _slice(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    return lines[start[0] - 1][start[1] :] + "".join(lines[start[0] : end[0] - 1]) + lines[end[0] - 1][: end[1]]
