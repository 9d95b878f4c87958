"""The controller and REINFORCE, against sums over all architectures of a small space and against other forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Bools, Floats, enumerate_all, enumerate_valid, sample, to_index
from nasboard.methods.weight_sharing.controller import Controller, Reinforced, Shape, alike
from tests.methods import live

SHAPE = Shape(hidden=8, layers=2, temperature=5.0, tanh=2.5)
REWARD = np.random.default_rng(5).random(100)


@dataclass(frozen=True)
class Toy:
    """Slots of 3, 2 and 3 options; where `ruled`, the second choice of a slot needs the first of the one before."""

    ruled: bool = False
    choices: tuple[int, ...] = (3, 2, 3)
    name: str = "toy"

    def valid(self, archs: Archs) -> Bools:
        wrong = ((archs[:, 1:] == 1) & (archs[:, :-1] != 0)).any(1)
        return ~wrong if self.ruled else np.ones(len(archs), dtype=np.bool_)


def controller(space: object = Toy(), kinds: tuple[int, ...] = (0, 1, 0), shape: Shape = SHAPE) -> Controller:
    made = Controller(space, kinds, shape, np.random.default_rng(0)).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for tensor in made.parameters():  # far from uniform, no bias at zero
            tensor += torch.from_numpy(np.random.default_rng(tensor.numel()).normal(0, 1.0, tuple(tensor.shape)))
    return made


def reinforced(made: Controller, lr: float = 0.01, **settings: float) -> Reinforced:
    given = {"decay": 0.9, "entropy_weight": 0.0, "clip": 0.0} | settings
    return Reinforced(made, torch.optim.Adam(made.parameters(), lr), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("space", [Toy(), Toy(ruled=True)], ids=["product", "ruled"])
def test_the_probabilities_of_all_architectures_add_up_to_one(space: Toy) -> None:
    made = controller(space)
    archs = enumerate_valid(space)  # type: ignore[arg-type]
    assert len(archs) == (11 if space.ruled else 18)
    chances = made.of(archs).log_prob.exp()
    assert float(chances.sum().detach()) == pytest.approx(1, abs=1e-12)
    assert chances.detach().std() > 0.01


def test_what_the_rules_forbid_has_no_chance() -> None:
    told = controller(Toy(ruled=True)).of(np.array([[0, 1, 1], [0, 1, 2]], dtype=np.int16)).log_prob
    assert torch.isneginf(told[0])
    assert torch.isfinite(told[1])


def test_log_probabilities_are_those_of_torchs_own_lstm() -> None:
    made = controller()
    lstm = torch.nn.LSTM(8, 8, num_layers=2, batch_first=True).double()
    with torch.no_grad():
        for layer in range(2):
            into, back = made.cells[layer].T.split(8, dim=1)
            into, back, bias = (_reordered(each) for each in (into, back, made.biases[layer]))
            for name, value in (("weight_ih", into), ("weight_hh", back), ("bias_ih", bias), ("bias_hh", 0 * bias)):
                getattr(lstm, f"{name}_l{layer}").copy_(value)
    archs = enumerate_all(Toy())  # type: ignore[arg-type]
    kinds = made.kinds
    before = [made.embeddings[kinds[slot]][torch.from_numpy(archs[:, slot].astype(int))] for slot in range(2)]
    out, _ = lstm(torch.stack([made.start.expand(18, -1), *before], 1))
    wanted = torch.zeros(18, dtype=torch.float64)
    for slot, kind in enumerate(kinds):
        logits = 2.5 * torch.tanh((out[:, slot] @ made.heads[kind] + made.shifts[kind]) / 5.0)
        wanted += torch.distributions.Categorical(logits=logits).log_prob(torch.from_numpy(archs[:, slot].astype(int)))
    torch.testing.assert_close(made.of(archs).log_prob, wanted, rtol=1e-9, atol=1e-9)


def _reordered(gates: Tensor) -> Tensor:
    """Return input, forget, output and new as torch has them: input, forget, new, output."""
    into, forget, out, new = gates.chunk(4)
    return torch.cat([into, forget, new, out])


def test_draws_come_as_often_as_the_policy_says_and_keep_the_rules() -> None:
    space = Toy(ruled=True)
    made = controller(space)
    archs = enumerate_valid(space)  # type: ignore[arg-type]
    wanted = made.of(archs).log_prob.exp().detach().numpy()
    with torch.no_grad():
        drawn = made.draw(20_000, np.random.default_rng(0))
    seen = np.bincount(to_index(space, drawn.archs), minlength=18)[to_index(space, archs)] / 20_000  # type: ignore[arg-type]
    assert np.abs(seen - wanted).max() < 0.015
    assert seen.sum() == pytest.approx(1)
    torch.testing.assert_close(made.of(drawn.archs).log_prob.detach(), drawn.log_prob)


def test_the_mean_entropy_on_the_way_is_the_entropy_of_the_policy() -> None:
    made = controller(Toy(ruled=True))
    told = made.of(enumerate_valid(made.space))
    chances = told.log_prob.exp().detach()
    assert float((chances * told.entropy).sum()) == pytest.approx(float(torch.special.entr(chances).sum()), rel=1e-9)
    assert not told.entropy.requires_grad


def test_a_fresh_policy_is_nearly_uniform() -> None:
    made = Controller(live.SPACE, alike(live.SPACE), Shape(32, 2, 5.0, 2.5), np.random.default_rng(0))
    told = made.of(live.ARCHS)
    assert np.allclose(told.log_prob.detach().numpy(), -6 * np.log(5), atol=0.05)
    assert np.allclose(told.entropy.numpy(), 6 * np.log(5), atol=1e-3)


def _expected_reward(made: Controller, rewards: Floats) -> Tensor:
    archs = enumerate_all(made.space)
    return (made.of(archs).log_prob.exp() * torch.from_numpy(rewards[: len(archs)])).sum()


def test_the_reinforce_gradient_is_that_of_the_expected_reward() -> None:
    """Summed over all architectures by their chances, for any baseline; the other side by finite differences."""
    made = controller()
    archs = enumerate_all(made.space)
    told = made.of(archs)
    chances = told.log_prob.detach().exp()
    surrogate = (chances * (torch.from_numpy(REWARD[:18]) - 0.3) * told.log_prob).sum()
    gradients = torch.autograd.grad(surrogate, list(made.parameters()))
    checked = 0
    with torch.no_grad():
        for tensor, gradient in zip(made.parameters(), gradients, strict=True):
            flat, slope = tensor.view(-1), gradient.reshape(-1)
            for i in np.random.default_rng(0).permutation(len(flat))[:6].tolist():
                at = flat[i].clone()
                sides = []
                for eps in (1e-5, -1e-5):
                    flat[i] = at + eps
                    sides.append(float(_expected_reward(made, REWARD)))
                flat[i] = at
                assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(float(slope[i]), rel=1e-4, abs=1e-8)
                checked += 1
    assert checked > 40


def test_an_update_is_an_adam_step_on_the_mean_over_its_architectures() -> None:
    made, twin = controller(), controller()
    learned = reinforced(made, baseline=0.4)
    decided = made.draw(7, np.random.default_rng(1))
    told = learned.update(decided, REWARD[:7])
    baseline, advantages = 0.4, []
    for reward in REWARD[:7]:
        baseline = 0.9 * baseline + 0.1 * reward
        advantages.append(reward - baseline)
    assert told["baseline"] == learned.baseline == pytest.approx(baseline, rel=1e-12)
    assert told["reward"] == pytest.approx(REWARD[:7].mean())
    assert told["policy_entropy"] == pytest.approx(float(decided.entropy.mean()))
    loss = -(torch.tensor(advantages) * twin.of(decided.archs).log_prob).mean()
    assert told["policy_loss"] == pytest.approx(float(loss.detach()))
    loss.backward()  # type: ignore[no-untyped-call]
    torch.optim.Adam(twin.parameters(), 0.01).step()
    for tensor, wanted in zip(made.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(tensor, wanted, rtol=1e-6, atol=1e-9)


def test_a_gradient_is_clipped_by_its_norm() -> None:
    norms = []
    for clip in (0.0, 1e-3):
        made = controller()
        reinforced(made, clip=clip, baseline=0.0).update(made.draw(7, np.random.default_rng(1)), REWARD[:7])
        norms.append(float(torch.sqrt(sum(t.grad.pow(2).sum() for t in made.parameters()))))  # type: ignore[union-attr, arg-type]
    assert norms[0] > 0.01
    assert norms[1] == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_rewarded_comes_more_often(sign: int) -> None:
    made, rng = controller(), np.random.default_rng(0)
    learned = reinforced(made, lr=0.02)
    before = _chance_of(made, slot=1, option=1)
    for _ in range(60):
        decided = made.draw(20, rng)
        learned.update(decided, (decided.archs[:, 1] == 1) * float(sign))
    after = _chance_of(made, slot=1, option=1)
    assert (after > 0.9) if sign > 0 else (after < 0.1)
    assert (after - before) * sign > 0.2


def _chance_of(made: Controller, slot: int, option: int) -> float:
    archs = enumerate_all(made.space)
    return float(made.of(archs[archs[:, slot] == option]).log_prob.exp().sum().detach())


def test_entropy_in_the_reward_keeps_the_policy_open() -> None:
    entropies = []
    for weight in (0.0, 1.0):
        made, rng = controller(), np.random.default_rng(0)
        learned = reinforced(made, lr=0.02, entropy_weight=weight)
        for _ in range(60):
            decided = made.draw(20, rng)
            told = learned.update(decided, 0.2 * (decided.archs[:, 1] == 1))
        entropies.append(told["policy_entropy"])
    assert entropies[1] > entropies[0] + 0.3


@pytest.mark.parametrize(("held", "wanted"), [(False, [0.8, 0.74, 0.676]), (True, [0.8, 0.2, 0.1])])
def test_the_first_baseline_is_its_own_accuracy_and_a_held_one_moves_once_an_epoch(
    held: bool, wanted: list[float]
) -> None:
    made = controller()
    learned = reinforced(made, held=held)
    found = []
    for accuracy in (0.8, 0.2, 0.1):
        learned.update(made.draw(1, np.random.default_rng(0)), np.array([accuracy]))
        found.append(learned.baseline)
    assert found == pytest.approx(wanted)
    learned.begin()
    for accuracy in (0.9, 0.5):
        learned.update(made.draw(1, np.random.default_rng(0)), np.array([accuracy]))
    last = wanted[-1]
    moved = 0.9 * last + 0.05 if held else 0.9 * (0.9 * last + 0.09) + 0.05
    assert learned.baseline == pytest.approx(moved)


def test_what_is_saved_goes_on_bit_for_bit() -> None:
    made = Controller(live.SPACE, alike(live.SPACE), SHAPE, np.random.default_rng(0))
    learned = reinforced(made)

    def go(one: Reinforced) -> None:
        rng = np.random.default_rng(2)
        for _ in range(3):
            one.update(one.controller.draw(4, rng), rng.random(4))

    go(learned)
    other = reinforced(Controller(live.SPACE, alike(live.SPACE), SHAPE, np.random.default_rng(9)))
    other.load(learned.save())
    go(learned)
    go(other)
    assert learned.baseline == other.baseline
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), other.controller.parameters(), strict=True))


@pytest.mark.parametrize(
    ("space", "kinds"),
    [
        (NB201Space(), (0,) * 6),
        (NB1Shot1Space.of(1), (0, 1, 2, 2, 2, 2, 3)),
        (NB1Shot1Space.of(3), (0, 1, 2, 3, 4, 4, 4, 4, 4, 5)),
        (SPACES["darts"], (0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0) * 2),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_slots_that_choose_among_the_same_options_share_weights(space: RelaxedSpace, kinds: tuple[int, ...]) -> None:
    assert alike(space) == kinds


@pytest.mark.parametrize(
    "space",
    [*(SPACES[name] for name in ("darts", "s1", "s2", "s3", "s4", "s5", "nat", "nat-enas")), NB201Space(ops=(1, 3))],
    ids=lambda space: space.name,
)
def test_draws_are_architectures_of_spaces_with_rules(space: RelaxedSpace) -> None:
    made = Controller(space, alike(space), SHAPE, np.random.default_rng(0))
    with torch.no_grad():
        drawn = made.draw(300, np.random.default_rng(1))
        assert space.valid(drawn.archs).all()
        assert torch.isfinite(made.of(sample(space, np.random.default_rng(2), 300)).log_prob).all()


def test_rules_that_cannot_be_kept_slot_by_slot_are_refused() -> None:
    class Late(Toy):
        def valid(self, archs: Archs) -> Bools:
            found: Bools = archs[:, 2] == archs[:, 0]
            return found

    with pytest.raises(UsageError, match=r"toy: after \[.\] a valid row cannot go on with \[0, 0\]"):
        controller(Late())
