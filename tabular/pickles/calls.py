"""Pickle opcodes that name things, call them and set their state: here, our own functions and nothing else.

A name stands for one of the caller's functions; REDUCE, NEWOBJ and NEWOBJ_EX call these, BUILD completes the records
that they return. INST, OBJ and the extension registry have no place here.
"""

from __future__ import annotations

from typing import Final

from nasboard.tabular.pickles.atoms import Op
from nasboard.tabular.pickles.machine import AWAY, DOWNLOAD, Machine, Name, Record, RefusedError
from nasboard.tabular.pickles.weight import made_values

_NUMBERS: Final = frozenset({float, int, bool, complex})


def global_(m: Machine, pos: int) -> int:
    """GLOBAL."""
    module, pos = m.line(pos)
    if pos == AWAY:
        pos = m.resume
    name, pos = m.line(pos)
    _name(m, str(module, "utf-8"), str(name, "utf-8"))
    return pos


def stack_global(m: Machine, pos: int) -> int:
    """STACK_GLOBAL."""
    name, module = m.stack.pop(), m.stack.pop()
    if type(module) is not str or type(name) is not str:
        raise RefusedError(f"a name that is not text is asked for; {DOWNLOAD}")
    _name(m, module, name)
    return pos


def _name(m: Machine, module: str, name: str) -> None:
    make = m.names.get((module, name))
    if make is None:
        raise RefusedError(
            f"it asks for {f'{module[:80]}.{name[:80]}'!a}, which is no plain data; nothing was run; "
            "do not open this file elsewhere, and get the published one"
        )
    m.push(Name(module, name, make))


def reduce(m: Machine, pos: int) -> int:
    """REDUCE."""
    args, maker = m.stack.pop(), m.stack[-1]
    _make(m, maker, args, {})
    return pos


def new_object(m: Machine, pos: int) -> int:
    """NEWOBJ."""
    return reduce(m, pos)


def new_object_ex(m: Machine, pos: int) -> int:
    """NEWOBJ_EX."""
    kwargs, args, maker = m.stack.pop(), m.stack.pop(), m.stack[-1]
    _make(m, maker, args, kwargs)
    return pos


def _make(m: Machine, maker: object, args: object, kwargs: object) -> None:
    if type(maker) is not Name:
        raise RefusedError(f"a {type(maker).__name__} is called; nothing was run; get the published file")
    if type(args) is not tuple or type(kwargs) is not dict or kwargs:
        raise RefusedError(f"{maker} is given arguments in an unknown form; {DOWNLOAD}")
    made = maker.make(*args)
    m.stack[-1] = made
    if type(made) not in _NUMBERS:
        m.spend(made_values(made))
    if type(made) is dict:
        m.opened(made)
        if made:
            m.filled(made)


def build(m: Machine, pos: int) -> int:
    """BUILD."""
    state, record = m.stack.pop(), m.stack[-1]
    if isinstance(record, Record):
        value = record.build(state)
        m.stack[-1] = value
        m.spend(made_values(value))
        for index in record.places:
            m.replace(index, value)
        return pos
    if type(record) is dict and _only_attributes(state):
        return pos  # an OrderedDict with attributes, such as torch's _metadata: nobody reads them
    raise RefusedError(f"the state of a {type(record).__name__} is set; nothing was run; get the published file")


def _only_attributes(state: object) -> bool:
    return type(state) is dict and all(type(key) is str for key in state)


def text_persistent(m: Machine, pos: int) -> int:
    """PERSID."""
    raw, pos = m.line(pos)
    return _persistent(m, pos, str(raw, "ascii"))


def persistent(m: Machine, pos: int) -> int:
    """BINPERSID."""
    return _persistent(m, pos, m.stack.pop())


def _persistent(m: Machine, pos: int, told: object) -> int:
    if m.persistent is None:
        raise RefusedError("it asks for data outside the pickle; no benchmark file of this kind does")
    found = m.persistent(told)
    m.push(found)
    if type(found) is dict:
        m.opened(found)
    return pos


CALLS: Final[dict[bytes, Op]] = {
    b"c": global_, b"\x93": stack_global, b"R": reduce, b"\x81": new_object, b"\x92": new_object_ex, b"b": build,
    b"P": text_persistent, b"Q": persistent,
}  # fmt: skip
