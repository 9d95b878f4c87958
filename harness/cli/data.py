"""`nasboard data`: the imported tables and the public files they are made from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from nasboard.harness import registry
from nasboard.harness.cli import completing
from nasboard.harness.cli.console import JsonOption, out, print_json
from nasboard.harness.cli.progress import Steps, ended_cleanly
from nasboard.harness.errors import DigestError, UsageError
from nasboard.harness.registry.data_tool import Row

app = typer.Typer(
    help="Import, fetch, check and remove tables of public benchmarks. They lie in $NASBOARD_DATA, or in the "
    "platform's cache folder.",
    no_args_is_help=True,
)

ToOption = Annotated[Path | None, typer.Option("--to", help="Data folder in place of $NASBOARD_DATA.")]
FilesOption = Annotated[
    Path | None, typer.Option("--files", help="Registry of files (mirrors, checksums) in place of the shipped one.")
]
NameArgument = Annotated[
    str,
    typer.Argument(help="Name of a table, as `nasboard data ls` shows it.", autocompletion=completing.imported),
]


@app.command()
def ls(json: JsonOption = False) -> None:
    """List the imported tables."""
    tool = registry.data_tool()
    rows = tool.tables()
    if json:
        print_json(list(rows))
        return
    if not rows:
        _say(f"no tables in {tool.place()['folder']}; what there is to get: nasboard data kinds")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "version", "archs", "MB", "state"):
        table.add_column(heading, justify="right" if heading in ("archs", "MB") else "left", overflow="fold")
    for row in rows:
        style = "" if row["trouble"] is None else "red"
        table.add_row(*(Text(cell) for cell in _cells(row)), style=style)
    out().print(table)


@app.command()
def kinds(json: JsonOption = False) -> None:
    """List what there is to import or fetch, and the command that gets each."""
    rows = registry.data_tool().obtainable()
    if json:
        print_json([dict(row) for row in rows])
        return
    for row in rows:
        _say(f": {row['summary']}", heading=str(row["name"]))
        _say(f"  get it    {row['command']}{told_where(row)}")
        if row["takes"] is not None:
            _say(f"  PATH is   {row['takes']}")


@app.command()
def info(
    name: Annotated[
        str,
        typer.Argument(
            help="An imported table (`data ls`), or public data (`data kinds`, cifar10).",
            autocompletion=completing.tables,
        ),
    ],
    files: FilesOption = None,
    json: JsonOption = False,
) -> None:
    """Show the manifest of an imported table, or size, checksum, licence and addresses of public files."""
    told = registry.data_tool().info(name, files)
    if json:
        print_json(dict(told))
    elif "columns" in told:
        _print_manifest(told)
    else:
        _print_public(told)


@app.command("import")
def import_(
    kind: Annotated[
        str,
        typer.Argument(help="Kind of table; `nasboard data kinds` lists them.", autocompletion=completing.kinds),
    ],
    path: Annotated[Path, typer.Argument(help="The file or folder, as that kind takes it.")],
    to: ToOption = None,
    version: Annotated[
        str | None,
        typer.Option(help="Version of the table, where the file does not tell; a stranger's has its SHA-256 added."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Accept files that lack architectures or images.")] = False,
    sha256: Annotated[
        list[str] | None,
        typer.Option(
            help="SHA-256 that its publisher states, for a file that is not known here; once for each such file."
        ),
    ] = None,
) -> None:
    """Convert a public file into a table; whole or not at all, and nothing in the file is ever run."""
    vouched = None if sha256 is None else ",".join(sha256)
    with ended_cleanly("nothing was imported"), Steps() as steps:
        written = registry.data_tool().bring(
            kind, path, to=to, version=version, partial=partial, sha256=vouched, told=steps.told
        )
    _print_written(written)


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help="nb201-compact, hw-nas-bench, cifar10, ...", autocompletion=completing.kinds)
    ],
    to: ToOption = None,
    files: FilesOption = None,
) -> None:
    """Download public files, check them, and import them where they make a table.

    A file may take a minute, and its size at 20 kB a second on top of that; then the next mirror is asked.
    """
    with ended_cleanly("nothing was imported; the same command begins again"), Steps() as steps:
        written = registry.data_tool().fetch(name, files=files, to=to, told=steps.told)
    _print_written(written)


@app.command()
def verify(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a table; all by default.", autocompletion=completing.imported),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read every column of a table and compare it with its digest (exit code 3 where it was changed)."""
    tool = registry.data_tool()
    names = [str(row["name"]) for row in tool.tables()] if name is None else [name]
    rows: list[dict[str, object]] = []
    for each in names:
        try:
            with Steps() as steps:
                told = tool.verify(each, steps.told)
        except DigestError as error:
            rows.append({"name": each, "trouble": str(error)})
        else:
            rows.append(dict(told) | {"trouble": None})
            if not json:
                _say(f"{each}: whole, {told['size_mb']} MB, digest {str(told['digest'])[:12]}")
    if json:
        print_json(rows)
    elif not names:
        _say("no tables to check")
    bad = [str(row["trouble"]) for row in rows if row["trouble"] is not None]
    if bad:
        raise DigestError("\n       ".join(bad))


@app.command()
def rm(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an imported table."""
    tool = registry.data_tool()
    if not yes:
        size = next((f", {row['size_mb']} MB" for row in tool.tables() if row["name"] == name), None)
        if size is not None:
            if not sys.stdin.isatty():
                raise UsageError(f"nobody to ask whether table {name} may go; say so with --yes")
            typer.confirm(f"remove table {name}{size}?", abort=True)
    with ended_cleanly("the table is removed or untouched"):
        gone = tool.remove(name)
    _say(f"removed {gone['folder']} ({gone['size_mb']} MB)")


def told_where(row: Row) -> str:
    """Return where the user reads what PATH is to be, for what cannot be fetched by a command."""
    return "" if "PATH" not in str(row["command"]) else f"  (see: nasboard data info {row['name']})"


def told_gaps(row: Row) -> list[str]:
    """Return a line for each column of a table that is not known of every architecture."""
    gaps = row["gaps"]
    assert isinstance(gaps, list)
    return gaps


def _cells(row: Row) -> tuple[str, ...]:
    archs = row["archs"]
    state = row["trouble"] or "; ".join(["complete" if row["complete"] else "partial", *told_gaps(row)])
    count = f"{archs:,}" if isinstance(archs, int) else "-"
    return str(row["name"]), str(row["kind"] or "-"), str(row["version"] or "-"), count, str(row["size_mb"]), str(state)


def _print_written(written: Row) -> None:
    archs = written.get("archs")
    told = f", {archs:,} architectures" if isinstance(archs, int) else ""
    told += "" if written.get("complete", True) else " (partial)"
    _say(f"{written['name']}{told}, {written['size_mb']} MB in {written['folder']}")


def _print_manifest(told: Row) -> None:
    columns = told["columns"]
    assert isinstance(columns, dict)
    for key in sorted(set(told) - {"columns", "sources", "notes", "format", "seal"}):
        if told[key] is not None:
            _print_field(key, told[key])
    for key in ("notes", "sources"):
        _print_list(key, told.get(key))
    _print_list("columns", [f"{n} {c['dtype']} {c['shape']}" for n, c in sorted(columns.items())])


def _print_public(told: Row) -> None:
    for key in ("name", "summary", "instead"):
        if told[key] is not None:
            _print_field(key, told[key])
    for key in ("imported", "downloaded"):
        _print_field(key, told[key] or "no")
    files = told["files"]
    assert isinstance(files, list)
    for file in files:
        _print_file(file)


def _print_file(file: Row) -> None:
    digest = f"SHA-256 {file['sha256']}" if file["sha256"] else f"MD5 {file['md5']}"
    whence = "computed from a copy in hand" if file["checked"] else "as published, no copy was checked"
    _say(f": {file['size_bytes']:,} bytes, licence {file['licence']}", heading=str(file["file"]))
    _say(f"  {digest} ({whence})")
    _say(f"  from {file['origin']}")
    urls = file["urls"]
    assert isinstance(urls, list)
    for url in urls:
        _say(f"  {url}" + ("" if file["tried"] else " (never tried by us)"))


def _print_field(key: str, value: object) -> None:
    if isinstance(value, dict):
        value = ", ".join(f"{k} {v}" for k, v in value.items())
    elif isinstance(value, list):
        value = ", ".join(str(v) for v in value) or "-"
    _say(f": {value}", heading=key)


def _print_list(key: str, value: object) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return
    _say(":", heading=key)
    for each in value:
        text = ", ".join(f"{k} {v}" for k, v in each.items()) if isinstance(each, dict) else str(each)
        _say(f"  {text}")


def _say(text: str, heading: str = "") -> None:
    """Print a line as it is: brackets and colons in a path are no markup."""
    out().print(Text.assemble((heading, "bold"), text), soft_wrap=True)
