"""ProxylessNAS' settings and schedule, and the laws that every live method obeys; its gradients are `test_search`'s."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.proxyless.method import Proxyless
from tests.methods import live

SHORT = Proxyless(epochs=3, batch=32, warm_epochs=1, alpha_from=0, alpha_period=1, drawn=3)


def test_defaults_are_those_of_the_release() -> None:
    p = Proxyless()
    assert (p.epochs, p.warm_epochs, p.warm_lr, p.lr, p.lr_min, p.batch) == (160, 40, 0.05, 0.025, 0.0, 256)
    assert (p.weight_decay, p.nesterov, p.label_smoothing, p.clip) == (4e-5, True, 0.1, 0.0)
    assert (p.alpha_lr, p.alpha_betas, p.alpha_weight_decay, p.alpha_period) == (1e-3, (0.0, 0.999), 0.0, 5)
    assert (p.latency_term, p.latency_alpha, p.latency_beta, p.latency_lambda) == ("product", 0.2, 0.3, 0.1)
    assert (p.drawn, p.baseline_rate, p.reward_power, p.reference_ms) == (10, 0.99, 0.1, 80.0)


def test_the_rate_falls_to_zero_in_the_warm_up_and_begins_again() -> None:
    rates = [Proxyless().schedule().lr_at(epoch) for epoch in range(160)]
    assert (rates[0], rates[20], rates[40], rates[100]) == pytest.approx((0.05, 0.025, 0.025, 0.0125))
    assert rates[39] < 1e-4
    assert rates[159] < 1e-4


def test_alpha_moves_after_every_fifth_step_from_the_second_epoch_after_the_warm_up_on() -> None:
    run = live.search(replace(SHORT, epochs=4, alpha_from=1, alpha_period=5))
    moved = []
    for epoch in range(4):
        run.epoch = epoch
        moved.append([step for step in range(12) if run.method.moves(run, step)])
    assert moved == [[], [], [4, 9], [4, 9]]


def test_weights_move_before_alpha(monkeypatch: pytest.MonkeyPatch) -> None:
    run = live.search(SHORT)
    order: list[str] = []
    monkeypatch.setattr(run, "_step_alpha", lambda *_: order.append("alpha"))
    monkeypatch.setattr(run, "_step_weights", lambda *_: order.append("weights") or 0.0)
    run.advance()
    run.advance()
    assert order == ["weights"] * 3 + ["weights", "alpha"] * 3


@pytest.mark.parametrize("learns", ["all", "reward"])
def test_a_run_is_the_same_again_and_goes_on_where_it_was_cut_off(learns: str) -> None:
    method = replace(SHORT, learns=learns)  # type: ignore[arg-type]
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"second_order": True}, "gradients of first order alone"),
        ({"warm_epochs": 3}, "warm_epochs are fewer than epochs"),
        ({"alpha_period": 0}, "at least 1"),
        ({"label_smoothing": 1.0}, r"label_smoothing is in \[0, 1\)"),
        ({"reference_ms": 1.0}, "reference_ms is above 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=f"proxyless: .*{says}"):
        replace(SHORT, **setting)  # type: ignore[arg-type]
