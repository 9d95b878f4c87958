"""NAT: its settings, what an epoch is made of, what becomes of an input, and the laws of live methods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.spaces.relaxation import draw
from nasboard.harness.api import Checkpoint, SearchMethod, Task
from nasboard.harness.errors import MethodError, SpecError, UsageError
from nasboard.harness.transitions import check_transformed
from nasboard.methods.transforming.nat import Learning, Nat
from nasboard.methods.weight_sharing.single_path import SinglePath
from tests.methods import live

SHORT = Nat.for_tests()
OF = live.SPACE.transitions


def begun(settings: Nat = SHORT) -> tuple[Checkpoint, SinglePath, Learning]:
    """Return a search whose first epoch is done."""
    first = next(settings.search(live.task()))
    run = first.state.__self__  # type: ignore[union-attr]
    assert isinstance(run, SinglePath)
    assert isinstance(run.sampler, Learning)
    return first, run, run.sampler


def test_it_is_a_search_method() -> None:
    assert isinstance(Nat(), SearchMethod)
    assert Nat.needs == {"data"}


def test_the_defaults_are_those_of_the_release() -> None:
    d = Nat()
    assert (d.epochs, d.batch, d.lr, d.momentum, d.weight_decay, d.share) == (100, 64, 0.01, 0.9, 3e-4, 0.4)
    assert (d.policy_lr, d.policy_betas, d.policy_decay, d.policy_batch) == (3e-4, (0.5, 0.999), 5e-4, 64)
    assert (d.policy, d.graded, d.nulls, d.entropy_weight, d.baseline_decay, d.pairs, d.draws) == (
        "gcn",
        False,
        False,
        0.003,
        0.99,
        1,
        10,
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        *[
            ({name: 0}, f"{name} is at least 1")
            for name in ("epochs", "batch", "policy_batch", "pairs", "draws", "derive_every")
        ],
        ({"share": 1.0}, "share is in"),
        ({"share": 0.0}, "share is in"),
        ({"baseline_decay": 1.0}, "baseline_decay in"),
        ({"policy": "gnn"}, "policy is one of gcn, .* given 'gnn'"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=f"nat: .*{said}"):
        Nat(**wrong)  # type: ignore[arg-type]


def test_weights_and_policy_learn_from_different_images_and_all_of_them() -> None:
    _, run, learning = begun()
    mine, its = (part.images.flatten(1).numpy().tobytes() for part in (run.parts.train, learning.guides))
    whole = run.parts.train.images.new_tensor(live.small_data().train[0]).flatten(1)
    assert (len(run.parts.train.labels), len(learning.guides.labels)) == (38, 58)  # of 96
    assert sorted(learning.order.tolist()) == list(range(96))
    ordered = whole[torch.from_numpy(learning.order)].numpy()
    assert mine + its == ordered.tobytes()


@pytest.mark.parametrize("name", ["digits201-live", "nat-digits", "nat-enas-digits", "resnet20-digits"])
def test_what_is_drawn_in_training_has_null_only_where_it_may(name: str) -> None:
    data = LIVE[name](channels="4").data()
    net = data.supernet(np.random.default_rng(0), "cpu")  # type: ignore[attr-defined]
    of = net.space.transitions
    null = np.array([kind == "null" for kind in of.kinds])
    for nulls in (True, False):
        settings = replace(SHORT, nulls=nulls)
        learning = Learning(
            settings,
            settings.transformer(net.space, np.random.default_rng(0)),
            order=np.arange(4),
            given=np.zeros(len(net.space.choices), dtype=np.int16),
            key=0,
        )
        rng = np.random.default_rng(0)
        drawn = np.stack([draw(net.space, learning.held(net), rng) for _ in range(40)])
        assert null[of.wiring(drawn).ops].any() == nulls


def test_the_setting_decides_what_weights_and_policy_learn_from() -> None:
    _, run, learning = begun(SHORT)
    seen = [learning.draw(run, run.learner.net) for _ in range(40)]
    assert (np.stack(seen) > 0).all()  # 0 is none in these cells
    _, run, learning = begun(replace(SHORT, nulls=True))
    assert (np.stack([learning.draw(run, run.learner.net) for _ in range(40)]) == 0).any()


def test_too_few_images_for_both_are_refused() -> None:
    data = live.small_data()
    few = replace(data, train=(data.train[0][:2], data.train[1][:2]))
    with pytest.raises(UsageError, match=r"share 0\.4 of 2 training images leaves a side none"):
        next(SHORT.search(Task(live.SPACE, np.random.default_rng(0), float("inf"), data=few)))


def test_a_reward_is_how_much_accuracy_rises_on_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    _, run, learning = begun(replace(SHORT, pairs=3))
    batch, told = next(run.parts.lessons(16, np.random.default_rng(0))), []
    learn = learning.transformer.learn
    monkeypatch.setattr(learning.transformer, "learn", lambda p, r: told.append((p, r)) or learn(p, r))
    learning.teach(run, batch)
    ((proposed, rewards),) = told
    check_transformed(OF, proposed.before, proposed.after)
    accuracy = [
        np.concatenate([evaluate(run.learner.net, arch[None], batch.images, batch.labels).accuracy for arch in archs])
        for archs in (proposed.after, proposed.before)
    ]
    assert len(rewards) == 3
    assert rewards.tolist() == (accuracy[0] - accuracy[1]).tolist()


def test_an_epoch_logs_what_the_policy_does() -> None:
    first, _, learning = begun()
    names = {"loss", "reward", "baseline", "policy_entropy", "policy_loss"}
    shares = {"share_keep", "share_null", "share_skip", "share_other"}
    assert set(first.logs) == names | shares
    assert sum(first.logs[name] for name in shares) == pytest.approx(1)
    assert first.logs["baseline"] == learning.transformer.baseline
    assert 0 < first.logs["policy_entropy"] < 6 * np.log(3)
    assert (first.total, first.last) == (3, False)


def test_what_becomes_of_an_input_is_the_best_of_ten_draws_by_shared_weights() -> None:
    first, run, learning = begun(replace(SHORT, draws=10))
    assert first.transform is not None
    found = first.transform(live.ARCHS)
    for arch, became in zip(live.ARCHS, found, strict=True):
        drawn = learning.transformer.outcomes(arch, learning.key, 10)
        assert drawn.shape == (10, 6)
        assert np.array_equal(became, drawn[run.rank(drawn).argmax()])
    check_transformed(OF, live.ARCHS, found)


def test_what_becomes_of_an_input_depends_on_nothing_else_and_changes_nothing() -> None:
    first, run, _ = begun()
    assert first.transform is not None
    before = run.rng.bit_generator.state
    found = first.transform(live.ARCHS)
    assert np.array_equal(first.transform(live.ARCHS[::-1])[::-1], found)
    assert np.array_equal(first.transform(np.repeat(live.ARCHS[3:4], 3, axis=0)), found[[3, 3, 3]])
    assert first.transform(live.ARCHS[:0]).shape == (0, 6)
    assert run.rng.bit_generator.state == before
    assert np.array_equal(next(SHORT.search(live.task())).transform(live.ARCHS), found)  # type: ignore[misc]


def test_no_transformation_raises_a_count() -> None:
    counted = LIVE["digits201-live"]().context.counted
    first, _, _ = begun(replace(SHORT, graded=True))
    assert counted is not None
    assert first.transform is not None
    before, after = counted(live.ARCHS), counted(first.transform(live.ARCHS))
    assert all((after[name] <= before[name]).all() for name in before)
    assert any((after[name] < before[name]).any() for name in before)


def test_a_cell_without_an_allowed_change_comes_back_as_it_is() -> None:
    data = live.small_data()
    plain = replace(live.SPACE, ops=(1, 3))  # skips and convolutions
    parts = replace(data.parts, space=plain)
    task = Task(plain, np.random.default_rng(0), float("inf"), data=replace(data, parts=parts))
    first = next(SHORT.search(task))
    skips = np.ones((1, 6), dtype=np.int16)
    assert first.transform is not None
    assert np.array_equal(first.transform(skips), skips)


def test_an_input_outside_the_space_is_refused() -> None:
    first, _, _ = begun()
    assert first.transform is not None
    with pytest.raises(SpecError, match="5 in slot 0"):
        first.transform(np.full((1, 6), 5, dtype=np.int16))


def test_a_space_that_does_not_say_what_operations_may_become_is_refused() -> None:
    data = live.tiny("nb1shot1-2-live")
    with pytest.raises(UsageError, match=r"nat puts cheaper .* `transitions`"):
        next(SHORT.search(Task(data.space, np.random.default_rng(0), float("inf"), data=data)))


def test_a_supernet_that_came_to_nothing_ends_the_run() -> None:
    _, run, learning = begun()
    with torch.no_grad():
        for tensor in run.learner.net.parameters():
            tensor.fill_(torch.nan)
    with pytest.raises(MethodError, match="a reward is nan"):
        learning.learn(run)
    with pytest.raises(MethodError, match="the loss of the supernet is nan; lower its learning rate `lr`"):
        next(run.phase(WeightSchedule(2, 32, 0.1, 0.1, 0.9, 0.0, 0.0), 0, 2))


def test_the_incumbent_is_what_became_of_one_architecture() -> None:
    given = set()
    for seen in SHORT.search(live.task()):
        assert seen.state is not None
        given.add(seen.state()["sampler"]["given"].tobytes())  # type: ignore[index]
        if seen.step >= 2:
            last = np.frombuffer(next(iter(given)), dtype=np.int16)
            assert seen.incumbent is not None
            check_transformed(OF, last[None], seen.incumbent[None])
    assert len(given) == 1


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, policy="lstm", graded=True, pairs=2)])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: Nat) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)
    *_, last = method.search(live.task())
    for stored in [c.state() for c in method.search(live.task()) if c.step == 2 and c.state is not None]:
        *_, resumed = method.search(live.task(seed=5, resume=stored))
        assert np.array_equal(resumed.transform(live.ARCHS), last.transform(live.ARCHS))  # type: ignore[misc]
