"""The two protobuf messages of NAS-Bench-101, decoded by field number. No protobuf library, no generated code.

    ModelMetrics     1 repeated EvaluationData, 2 int32 trainable_parameters, 3 double total_time
    EvaluationData   1 current_epoch, 2 training_time, 3 train, 4 validation, 5 test accuracy, all double

Fields of other numbers are skipped, as protobuf demands. Errors are `ValueError`s that say at which byte of the
message; whoever knows file and record adds those. Whether the numbers make sense is not checked here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

EVALUATIONS = 3  # at the start, half-way, at the end
EVALUATION_FIELDS = ("current_epoch", "training_time", "train_accuracy", "validation_accuracy", "test_accuracy")

_VARINT, _DOUBLE, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are groups, which nobody writes any more
_WIDTH = len(EVALUATION_FIELDS)
_FIELD = struct.Struct("<d")
_NAMES = {1: "evaluation_data", 2: "trainable_parameters", 3: "total_time"}


class Metrics(NamedTuple):
    """A decoded ModelMetrics.

    Attributes:
        values: five numbers of each of the three evaluations, in the order of `EVALUATION_FIELDS`.
        params: trainable parameters.
        total_time_s: of training and evaluation together.
    """

    values: tuple[float, ...]
    params: int
    total_time_s: float


def decode_metrics(message: bytes) -> Metrics:
    """Decode a ModelMetrics message.

    Raises:
        ValueError: cut off, a wrong wire type, a field that is missing or there twice, not three evaluations.
    """
    return _decode_usual(message) or _decode_any(message)


def _decode_any(message: bytes) -> Metrics:
    evaluations: list[tuple[float, ...]] = []
    others: dict[int, int | float | bytes] = {}
    for number, wire, value, at in _fields(message, 0):
        if number not in _NAMES:
            continue
        wanted = {1: _BYTES, 2: _VARINT, 3: _DOUBLE}[number]
        if wire != wanted:
            raise ValueError(f"byte {at}: {_NAMES[number]} has wire type {wire}, not {wanted}")
        if isinstance(value, bytes):
            evaluations.append(_evaluation(value, at))
        elif number in others:
            raise ValueError(f"byte {at}: {_NAMES[number]} is there twice")
        else:
            others[number] = value
    missing = [_NAMES[number] for number in (2, 3) if number not in others]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    if len(evaluations) != EVALUATIONS:
        raise ValueError(f"{len(evaluations)} evaluations, not {EVALUATIONS}")
    return Metrics(sum(evaluations, ()), _int32(int(others[2])), float(others[3]))


def _evaluation(message: bytes, start: int) -> tuple[float, ...]:
    """Return the five numbers of an EvaluationData whose field began at byte `start` of the whole."""
    found: dict[int, float] = {}
    for number, wire, value, at in _fields(message, start):
        if not 1 <= number <= _WIDTH:
            continue
        if wire != _DOUBLE:
            raise ValueError(f"byte {at}: {EVALUATION_FIELDS[number - 1]} has wire type {wire}, not {_DOUBLE}")
        if number in found:
            raise ValueError(f"byte {at}: {EVALUATION_FIELDS[number - 1]} is there twice")
        found[number] = float(value)
    missing = [name for number, name in enumerate(EVALUATION_FIELDS, start=1) if number not in found]
    if missing:
        raise ValueError(f"byte {start}: an evaluation lacks {missing[0]}")
    return tuple(found[number] for number in range(1, _WIDTH + 1))


def _fields(message: bytes, start: int) -> Iterator[tuple[int, int, int | float | bytes, int]]:
    """Yield number, wire type, value and place of every field; places count from `start`."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _varint(message, at, start)
        number, wire = key >> 3, key & 7
        value: int | float | bytes
        if number == 0:
            raise ValueError(f"byte {start + begin}: field number 0")
        if wire == _VARINT:
            value, at = _varint(message, at, start)
        elif wire == _BYTES:
            size, at = _varint(message, at, start)
            value, at = message[at : at + size], at + size
        elif wire in (_DOUBLE, _FIXED32):
            at += 8 if wire == _DOUBLE else 4
            value = _FIELD.unpack_from(message, at - 8)[0] if wire == _DOUBLE and at <= len(message) else 0.0
        else:
            raise ValueError(f"byte {start + begin}: field {number} has wire type {wire}, which is not used here")
        if at > len(message):
            raise ValueError(f"byte {start + begin}: field {number} is cut off")
        yield number, wire, value, start + begin


def _varint(message: bytes, at: int, start: int) -> tuple[int, int]:
    """Return a varint and the place after it."""
    value = 0
    for i in range(10):  # 64 bits take no more
        if at + i >= len(message):
            raise ValueError(f"byte {start + at}: a varint is cut off")
        byte = message[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise ValueError(f"byte {start + at}: a varint is longer than ten bytes")


def _int32(value: int) -> int:
    """Return the int32 whose varint was read; negative ones are sent as 64 bits."""
    signed = value - (1 << 64) if value >= 1 << 63 else value
    if not -(1 << 31) <= signed < 1 << 31:
        raise ValueError(f"trainable_parameters is {signed}, which is no int32")
    return signed


# the form in which they are written: three whole evaluations, the varint, the double, and nothing else
_USUAL = struct.Struct("<" + ("BB" + "Bd" * _WIDTH) * EVALUATIONS + "B")
_STEP = 2 + 2 * _WIDTH  # items of one evaluation: two bytes of its own field, then tag and value by turns
_ITEMS = range(_STEP * EVALUATIONS + 1)
_tags_of = itemgetter(*(i for i in _ITEMS if i % _STEP == 1 or i % 2 == 0))
_values_of = itemgetter(*(i for i in _ITEMS if i % _STEP != 1 and i % 2 == 1))
_BEGIN = (1 << 3 | _BYTES, 9 * _WIDTH, *(number << 3 | _DOUBLE for number in range(1, _WIDTH + 1)))
_TAGS = _BEGIN * EVALUATIONS + (2 << 3 | _VARINT,)
_LAST = 3 << 3 | _DOUBLE


def _decode_usual(message: bytes) -> Metrics | None:
    """Return what a message of the usual form says, None for every other form: one read in place of twenty."""
    last = len(message) - 1 - _FIELD.size
    if not _USUAL.size < last <= _USUAL.size + 5 or message[last] != _LAST:
        return None
    read = _USUAL.unpack_from(message)
    if _tags_of(read) != _TAGS:
        return None
    params, after = _varint(message, _USUAL.size, 0)
    if after != last:
        return None
    return Metrics(_values_of(read), _int32(params), _FIELD.unpack_from(message, last + 1)[0])
