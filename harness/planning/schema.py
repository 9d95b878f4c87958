"""The JSON Schema of suites, with the names and hyper-parameters of what is installed here; for editors."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from nasboard.harness import registry
from nasboard.harness.entries import Suite
from nasboard.harness.errors import NasboardError
from nasboard.harness.registry import outline

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the schema of suites.

    Methods are those that are registered; a benchmark's name may have a version and options behind it. The
    hyper-parameters of a method that cannot be imported here are left open.
    """
    made: Schema = {"$schema": DIALECT, **Suite.model_json_schema(), "title": "nasboard suite"}
    entry = made["$defs"]["RunEntry"]
    names = registry.names("methods")
    entry["properties"]["method"]["enum"] = list(names)
    entry["properties"]["benchmark"]["anyOf"] = [{"enum": list(registry.names("benchmarks"))}, {"pattern": "[@?]"}]
    entry["allOf"] = [_when(name, params) for name in names if (params := _params(name)) is not None]
    return made


def _when(method: str, params: Schema) -> Schema:
    """Return the rule that an entry of the method has its hyper-parameters."""
    return {
        "if": {"properties": {"method": {"const": method}}, "required": ["method"]},
        "then": {"properties": {"params": params}},
    }


def _params(name: str) -> Schema | None:
    """Return the schema of a method's hyper-parameters, None where it cannot be had."""
    try:
        made = registry.method_class(name)
        known = TypeAdapter(made).json_schema()
    except (NasboardError, PydanticUserError):
        return None
    return {
        "title": f"Hyper-parameters of {name}",
        "description": outline.first_line(made.__doc__),
        "type": "object",
        "properties": {f.name: known["properties"][f.name] for f in fields(made) if f.init},  # type: ignore[arg-type]
        "additionalProperties": False,
    }
