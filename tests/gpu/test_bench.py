"""The device benchmark runs through at toy size, wherever it is started."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'nasboard[live]'")

from tests.gpu import bench


def test_it_times_every_side_against_the_plain_one(capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["--toy", "--ranked", "5"])
    told = capsys.readouterr().out
    assert "a DARTS step, 8 images" in told
    assert told.count("plain, fp32") == 2
    assert sum("bf16" in line for line in told.splitlines() if "epochs" not in line) == 3
    assert "19550 such steps, as many as 50 epochs" in told
    assert "ranking 5 architectures on 16 images" in told
