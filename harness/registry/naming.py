"""Full names of benchmarks: `NAME[@VERSION][?key=value&...]`, taken apart and put together."""

from __future__ import annotations

from collections.abc import Mapping

from nasboard.harness.errors import UsageError


def split_name(name: str) -> tuple[str, str | None, dict[str, str]]:
    """Return base name, version (None where it is left open) and options of a benchmark's full name.

    Raises:
        UsageError: not of the form `NAME[@VERSION][?key=value&...]`, or the version is among the options.
    """
    head, asked, tail = name.partition("?")
    base, at, version = head.partition("@")
    pairs = [pair.partition("=") for pair in tail.split("&")] if asked else []
    options = {key: value for key, _, value in pairs}
    if not base or (at and not version) or len(options) < len(pairs) or not all(k and v for k, _, v in pairs):
        raise UsageError(f"a benchmark is named NAME[@VERSION][?key=value&...], given {name!r}")
    if "version" in options:
        raise UsageError(f"a version is named before the options, {base}@{options['version']}, given {name!r}")
    return base, version or None, options


def full_name(base: str, version: str | None, options: Mapping[str, str]) -> str:
    """Return the full name of a benchmark, options sorted; one without a table has no version."""
    tail = "&".join(f"{key}={options[key]}" for key in sorted(options))
    return base + (f"@{version}" if version else "") + (f"?{tail}" if tail else "")
