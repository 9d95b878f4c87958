"""Pickles that would do something: most make the file `canary` when Python's own reader gets them."""

from __future__ import annotations

import marshal
from collections.abc import Callable

from tests.tabular.pickles.code import (
    MARK,
    STOP,
    array,
    call,
    dtype,
    group,
    listed,
    mapped,
    name,
    number,
    raw,
    stacked_name,
    state,
    text,
)

Hostile = Callable[[str], bytes]  # path of the canary -> pickle


def _shell(canary: str) -> bytes:
    return text(f"touch {canary}")


def _python(canary: str) -> bytes:
    return text(f"open({canary!r}, 'w').close()")


SYSTEM = name("posix", "system")
OPEN = name("builtins", "open")
ORDERED = name("collections", "OrderedDict")


def _system(canary: str) -> bytes:
    return call(SYSTEM, _shell(canary))


def _code(canary: str) -> bytes:
    return raw(marshal.dumps(compile(f"open({canary!r}, 'w').close()", "hostile", "exec")))


def _imported(module: str) -> bytes:
    return call(name("builtins", "__import__"), text(module))


def _compiled(canary: str) -> bytes:
    return call(name("builtins", "compile"), _python(canary), text("hostile"), text("exec"))


def _attribute(owner: bytes, attribute: str) -> bytes:
    return call(name("builtins", "getattr"), owner, text(attribute))


def _namespace() -> bytes:
    return name("types", "SimpleNamespace") + b")\x81"


def _planted() -> bytes:
    return mapped(text("__setstate__"), SYSTEM)


# What Python's own reader runs, so that the canary shows it.
RUNNING: dict[str, Hostile] = {
    "os.system": lambda c: call(name("os", "system"), _shell(c)),
    "posix.system by STACK_GLOBAL": lambda c: b"\x80\x04" + call(stacked_name("posix", "system"), _shell(c)),
    "eval": lambda c: call(name("builtins", "eval"), _python(c)),
    "eval by its old name": lambda c: call(name("__builtin__", "eval"), _python(c)),
    "exec": lambda c: call(name("builtins", "exec"), _python(c)),
    "open": lambda c: call(name("builtins", "open"), text(c), text("w")),
    "__import__ and getattr": lambda c: call(_attribute(_imported("os"), "system"), _shell(c)),
    "import_module and getattr": lambda c: call(
        _attribute(call(name("importlib", "import_module"), text("os")), "system"), _shell(c)
    ),
    "subprocess.run": lambda c: call(name("subprocess", "run"), listed(text("touch"), text(c))),
    "subprocess.call by INST": lambda c: MARK + listed(text("touch"), text(c)) + b"isubprocess\ncall\n",
    "posix.system by INST": lambda c: MARK + _shell(c) + b"iposix\nsystem\n",
    "posix.system by OBJ": lambda c: MARK + SYSTEM + _shell(c) + b"o",
    "a planted __setstate__": lambda c: state(state(_namespace(), _planted()), _shell(c)),
    "a __setstate__ in slots": lambda c: state(state(_namespace(), b"N" + _planted() + b"\x86"), _shell(c)),
    "a pickle in a pickle": lambda c: call(name("_pickle", "loads"), raw(_system(c) + STOP)),
    "a pickle in a pickle, slowly": lambda c: call(name("pickle", "_loads"), raw(_system(c) + STOP)),
    "marshal": lambda c: call(
        call(name("types", "FunctionType"), call(name("marshal", "loads"), _code(c)), mapped(text("open"), OPEN))
    ),
    "functools.partial": lambda c: call(call(name("functools", "partial"), SYSTEM, _shell(c))),
    "functools.reduce": lambda c: call(
        name("functools", "reduce"), name("operator", "call"), listed(SYSTEM, _shell(c))
    ),
    "operator.methodcaller": lambda c: call(
        call(name("operator", "methodcaller"), text("system"), _shell(c)), _imported("os")
    ),
    "operator.attrgetter": lambda c: call(
        call(call(name("operator", "attrgetter"), text("system")), _imported("os")), _shell(c)
    ),
    "setattr": lambda c: (
        call(name("builtins", "setattr"), _imported("colorsys"), text("rgb_to_hsv"), SYSTEM)
        + b"0"
        + call(name("colorsys", "rgb_to_hsv"), _shell(c))
    ),
    "runpy": lambda c: call(name("runpy", "_run_code"), _compiled(c), mapped()),
    "timeit": lambda c: call(name("timeit", "timeit"), _python(c), text("pass"), name("time", "time"), number(1)),
    "cProfile": lambda c: call(name("cProfile", "run"), _python(c)),
    "a dotted name": lambda c: b"\x80\x04" + call(stacked_name("shutil", "os.system"), _shell(c)),
    "a dotted name in an allowed module": lambda c: (
        b"\x80\x04" + call(stacked_name("collections", "_sys.modules.get"), text("os")) + b"0" + _system(c)
    ),
    "numpy's own exec": lambda c: call(name("numpy.testing._private.utils", "runstring"), _python(c), mapped()),
    "map and list": lambda c: call(name("builtins", "list"), call(name("builtins", "map"), SYSTEM, listed(_shell(c)))),
    "pathlib": lambda c: (
        b"\x80\x04" + call(stacked_name("pathlib", "Path.touch"), call(stacked_name("pathlib", "Path"), text(c)))
    ),
    "a member of a set": lambda c: b"\x80\x04\x8f(" + _system(c) + b"\x90",
    "a key": lambda c: mapped(_system(c), b"N"),
    "deep in plain data": lambda c: mapped(text("a"), listed(number(1), group(number(2), _system(c)))),
    "thrown away at once": lambda c: _system(c) + b"0N",
    "from the memo": lambda c: SYSTEM + b"q\x070" + _shell(c) + b"q\x080h\x07h\x08\x85R",
    "a memo entry that was an allowed name": lambda c: (
        name("collections", "OrderedDict") + b"q\x070" + SYSTEM + b"q\x070h\x07" + group(_shell(c)) + b"R"
    ),
    "an argument of an allowed name": lambda c: call(ORDERED, listed(group(_system(c), b"N"))),
    "the state of an allowed class": lambda c: state(
        call(name("collections", "OrderedDict")), mapped(text("a"), _system(c))
    ),
}  # fmt: skip

# What Python's own reader may refuse too, or do silently, or crash at.
TRYING: dict[str, Hostile] = {
    "Popen by NEWOBJ": lambda c: name("subprocess", "Popen") + group(listed(text("touch"), text(c))) + b"\x81",
    "Popen by NEWOBJ_EX": lambda c: (
        name("subprocess", "Popen") + group(text(c)) + mapped(text("shell"), b"\x88") + b"\x92"
    ),
    "pty.spawn": lambda c: call(name("pty", "spawn"), listed(text("touch"), text(c))),
    "runpy.run_path": lambda c: call(name("runpy", "run_path"), text(c)),
    "torch.load": lambda c: call(name("torch.serialization", "load"), text(c)),
    "torch._utils": lambda c: call(name("torch._utils", "_rebuild_tensor_v2"), text(c)),
    "numpy.f2py": lambda c: call(name("numpy.f2py.crackfortran", "param_eval"), _python(c), mapped(), mapped()),
    "numpy.load": lambda c: call(name("numpy", "load"), text(c), b"N", b"\x88"),
    "copyreg._reconstructor": lambda c: call(
        name("copyreg", "_reconstructor"), name("subprocess", "Popen"), name("builtins", "object"), b"N"
    ),
    "copyreg.add_extension": lambda c: call(name("copyreg", "add_extension"), text("os"), text("system"), number(7)),
    "EXT1": lambda c: b"\x82\x07" + group(_shell(c)) + b"R",
    "EXT2": lambda c: b"\x83\x07\x00" + group(_shell(c)) + b"R",
    "EXT4": lambda c: b"\x84\x07\x00\x00\x00" + group(_shell(c)) + b"R",
    "PERSID": lambda c: b"P" + c.encode() + b"\n",
    "BINPERSID": lambda c: text(c) + b"Q",
    "a buffer outside": lambda c: b"\x80\x05\x97",
    "a buffer made read-only": lambda c: b"\x80\x05N\x98",
    "codecs.decode": lambda c: call(name("_codecs", "decode"), raw(b"x"), text("zlib")),
    "another codec of an allowed name": lambda c: call(name("_codecs", "encode"), text("x"), text("rot13")),
    "a dotted name under numpy": lambda c: b"\x80\x04" + call(stacked_name("numpy", "core.multiarray.scalar"), text(c)),
    "a dotted name under an allowed one": lambda c: b"\x80\x04" + stacked_name("numpy", "dtype.__class__.__init__"),
    "a name by attribute lookup of an allowed one": lambda c: call(
        name("builtins", "getattr"), name("collections", "OrderedDict"), text("__init__")
    ),
    "another name of an allowed module": lambda c: call(name("numpy.core.multiarray", "fromfile"), text(c)),
    "an allowed name of another module": lambda c: call(name("os", "dtype"), text(c)),
    "a name without a module": lambda c: name("", "system"),
    "a name that is no text": lambda c: b"\x80\x04" + number(1) + text("system") + b"\x93",
    "ndarray called": lambda c: call(name("numpy", "ndarray"), group(number(1 << 30))),
    "objects from bytes": lambda c: array(group(number(1)), dtype("O8", "|"), raw(b"\x01" * 8)),
    "an object from bytes": lambda c: call(name("numpy.core.multiarray", "scalar"), dtype("O8", "|"), raw(b"\x01" * 8)),
    "objects from a buffer": lambda c: call(
        name("numpy.core.numeric", "_frombuffer"), raw(b"\x01" * 8), dtype("O8", "|"), group(number(1)), text("C")
    ),
    "a dtype with metadata": lambda c: dtype("f8", tail=mapped(text("a"), text(c))),
    "a dtype of fields": lambda c: call(name("numpy", "dtype"), listed(group(text("a"), text("O")))),
    "an array of a class of its own": lambda c: call(
        name("numpy.core.multiarray", "_reconstruct"), name("numpy", "memmap"), group(number(0)), raw(b"b")
    ),
    "an array of an allowed class": lambda c: call(
        name("numpy.core.multiarray", "_reconstruct"), name("collections", "OrderedDict"), group(number(0)), raw(b"b")
    ),
    "bytearray without end": lambda c: call(name("builtins", "bytearray"), number(2**31 - 1)),
    "bytes without end": lambda c: call(name("builtins", "bytes"), number(2**31 - 1)),
    "the state of a name": lambda c: state(name("collections", "OrderedDict"), mapped(text("pop"), text(c))),
    "the state of a list": lambda c: state(listed(), mapped(text("pop"), text(c))),
    "a name called that stands for nothing yet": lambda c: call(call(name("numpy", "dtype"), text("f8")), text(c)),
    "a string called": lambda c: call(text("os.system"), text(c)),
    "items set in a name": lambda c: name("collections", "OrderedDict") + text("a") + text(c) + b"s",
    "items appended to a name": lambda c: name("collections", "OrderedDict") + text(c) + b"a",
    "members added to a list": lambda c: b"](" + text(c) + b"\x90",
    "a name for a value": lambda c: listed(name("numpy", "dtype")),
    "an array that is never finished": lambda c: call(
        name("numpy.core.multiarray", "_reconstruct"), name("numpy", "ndarray"), group(number(0)), raw(b"b")
    ),
}  # fmt: skip

HOSTILE: dict[str, Hostile] = RUNNING | TRYING


def written(kind: str, canary: str) -> bytes:
    """Return a whole hostile pickle."""
    return HOSTILE[kind](canary) + STOP
