from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.tabular.nb101 import protobuf
from nasboard.tabular.nb101.protobuf import Metrics, decode_metrics
from tests.tabular.nb101.tfrecord_format import Evaluation, Row, block, double, evaluation, metrics, training, varint

ROW = training("wide", 108, 0)
VALUES = tuple(x for e in ROW.evaluations for x in (e.epoch, e.train_s, e.train, e.val, e.test))
EVALUATION = evaluation(ROW.evaluations[0])
REST = varint(2 << 3) + varint(ROW.params) + double(3, ROW.total_s)

numbers = st.floats(allow_nan=False)
evaluations = st.builds(Evaluation, numbers, numbers, numbers, numbers, numbers)


@given(st.tuples(evaluations, evaluations, evaluations), st.integers(-(2**31), 2**31 - 1), numbers)
def test_messages_come_back(three: tuple[Evaluation, ...], params: int, total_s: float) -> None:
    row = Row("", 108, "", "", three, params, total_s)
    values = tuple(x for e in three for x in (e.epoch, e.train_s, e.train, e.val, e.test))
    assert decode_metrics(metrics(row)) == Metrics(values, params, total_s)


@given(st.integers(0, 2**31 - 1))
def test_the_short_way_and_the_general_one_agree(params: int) -> None:
    row = Row("", 108, "", "", ROW.evaluations, params, 1.5)
    short = protobuf._decode_usual(metrics(row))
    assert short is not None
    assert short == protobuf._decode_any(metrics(row))


def test_fields_may_come_in_any_order_and_unknown_ones_are_skipped() -> None:
    backwards = b"".join(double(n, v) for n, v in reversed(list(enumerate(VALUES[:5], start=1))))
    unknown = block(6, b"/model.ckpt-1") + varint(7 << 3 | 5) + b"1234" + varint(8 << 3) + varint(2**64 - 1)
    first = block(1, backwards + unknown)
    others = b"".join(block(1, evaluation(e)) for e in ROW.evaluations[1:])
    assert decode_metrics(REST + unknown + first + others) == Metrics(VALUES, ROW.params, ROW.total_s)


THREE = block(1, EVALUATION) * 3
LACKING = b"".join(double(n, 0.5) for n in (1, 2, 3, 5))


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"", "trainable_parameters is missing"),
        (THREE + varint(2 << 3) + varint(5), "total_time is missing"),
        (THREE[: len(THREE) // 3 * 2] + REST, "2 evaluations, not 3"),
        (THREE + block(1, EVALUATION) + REST, "4 evaluations, not 3"),
        (block(1, LACKING) + THREE + REST, "byte 0: an evaluation lacks validation_accuracy"),
        (THREE + block(1, LACKING) + REST, "byte 141: an evaluation lacks validation_accuracy"),
        (block(1, EVALUATION + double(5, 0.1)) + REST, "byte 45: test_accuracy is there twice"),
        (THREE + REST + double(3, 1.0), "total_time is there twice"),
        (varint(1 << 3) + b"\x01", "byte 0: evaluation_data has wire type 0, not 2"),
        (THREE + double(2, 1.0), "byte 141: trainable_parameters has wire type 1, not 0"),
        (THREE + varint(3 << 3 | 5) + b"1234", "total_time has wire type 5, not 1"),
        (block(1, varint(3 << 3) + b"\x01"), "train_accuracy has wire type 0, not 1"),
        (varint(4 << 3 | 3), "field 4 has wire type 3, which is not used here"),
        (varint(4 << 3 | 7), "field 4 has wire type 7, which is not used here"),
        (varint(1), "field number 0"),
        (varint(2 << 3) + b"\x80", "byte 1: a varint is cut off"),
        (varint(2 << 3) + b"\xff" * 11, "byte 1: a varint is longer than ten bytes"),
        (
            varint(2 << 3) + varint(2**31) + double(3, 1.0) + THREE,
            "trainable_parameters is 2147483648, which is no int32",
        ),
        (varint(1 << 3 | 2) + varint(46) + EVALUATION, "byte 0: field 1 is cut off"),
        (varint(3 << 3 | 1) + struct.pack("<d", 1.0)[:7], "byte 0: field 3 is cut off"),
        (varint(9 << 3 | 5) + b"123", "byte 0: field 9 is cut off"),
    ],
)
def test_a_wrong_message_is_refused_with_place_and_reason(message: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode_metrics(message)


def test_every_truncation_is_refused() -> None:
    message = metrics(ROW)
    for size in range(len(message)):
        with pytest.raises(ValueError, match=r"cut off|missing|evaluation"):
            decode_metrics(message[:size])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused(message: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the reasons are many, see above
        decode_metrics(message)
