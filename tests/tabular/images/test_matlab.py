"""The reader of MATLAB files: what scipy writes is read, whatever is damaged is a `ValueError`."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.io import savemat

from nasboard.tabular.images.matlab import read_arrays

RNG = np.random.default_rng(0)
ARRAYS = {
    "images": RNG.integers(0, 256, (4, 5, 3, 7), dtype=np.uint8),
    "y": RNG.integers(1, 11, (7, 1)),
    "small": np.array([[3]], dtype=np.int8),
    "half": RNG.random((3, 2)),
    "single": RNG.random((2, 2)).astype(np.float32),
    "nothing": np.empty((0, 4), np.int16),
}


def written(arrays: dict[str, object], packed: bool) -> bytes:
    stream = io.BytesIO()
    savemat(stream, arrays, do_compression=packed)
    return stream.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_what_scipy_writes_is_read(packed: bool) -> None:
    found = read_arrays(written(ARRAYS, packed))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_numbers_that_matlab_stored_in_a_smaller_type_come_in_theirs() -> None:
    plain = written({"y": np.array([[1.0], [2.0]])}, False)
    doubles = b"\x09\x00\x00\x00\x10\x00\x00\x00" + np.array([1.0, 2.0]).tobytes()
    assert plain.count(doubles) == 1
    made = bytearray(plain.replace(doubles, b"\x02\x00\x02\x00\x01\x02\x00\x00"))  # a short element of two uint8
    made[132] = len(made) - 136  # the length of the array
    found = read_arrays(bytes(made))["y"]
    np.testing.assert_array_equal(found, [[1.0], [2.0]])
    assert found.dtype == np.float64


OTHERS = {"complex": 1j * np.ones((2, 2)), "text": "text", "cell": np.array([{}], object), "struct": {"field": 1.0}}


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS)
def test_other_arrays_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"none of real numbers|a short element of|an element of"):
        read_arrays(written({"x": value}, False))


@pytest.mark.parametrize("packed", [False, True])
def test_damage_is_a_value_error_or_other_numbers(packed: bool) -> None:
    good, refused = written(ARRAYS, packed), 0
    for _ in range(1_500):
        bad = bytearray(good)
        for at in RNG.integers(0, len(good), RNG.integers(1, 4)):
            bad[at] = RNG.integers(256)
        try:
            read_arrays(bytes(bad[: RNG.integers(len(good)) + 1] if RNG.random() < 0.3 else bad))
        except ValueError:
            refused += 1
    assert 300 < refused < 1_500


def test_what_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = written({"x": np.zeros((1_000, 1_000), np.uint8)}, True)
    monkeypatch.setattr("nasboard.tabular.images.matlab.LARGEST_BYTES", 500_000)
    with pytest.raises(ValueError, match="unpacks to more than 500000 bytes"):
        read_arrays(content)
