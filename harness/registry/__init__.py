"""Names of methods, benchmarks and table builders, where each is found, and what it takes to make one."""

from nasboard.harness.registry.built_in import BUILT_IN, OURS, Kind
from nasboard.harness.registry.catalogue import (
    Entry,
    TableTool,
    benchmark,
    catalogue,
    check_cuda,
    data_tool,
    describe,
    entry,
    method,
    method_class,
    named_method,
    names,
    resolved,
    table,
)
from nasboard.harness.registry.identity import benchmark_by, files_in, made_by, method_by, methods_by, methods_in
from nasboard.harness.registry.naming import full_name, split_name

__all__ = [
    "BUILT_IN",
    "OURS",
    "Entry",
    "Kind",
    "TableTool",
    "benchmark",
    "benchmark_by",
    "catalogue",
    "check_cuda",
    "data_tool",
    "describe",
    "entry",
    "files_in",
    "full_name",
    "made_by",
    "method",
    "method_by",
    "method_class",
    "methods_by",
    "methods_in",
    "named_method",
    "names",
    "resolved",
    "split_name",
    "table",
]
