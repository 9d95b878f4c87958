"""Generators along paths, against plain compositions; what they hold; and the discriminator's normalisation."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'")

import torch.nn.functional as F  # noqa: E402
from numpy.random import default_rng  # noqa: E402

from nasboard.benchmarks.live.gans.discriminator import Discriminator  # noqa: E402
from nasboard.benchmarks.live.gans.generator import Generator  # noqa: E402
from nasboard.benchmarks.live.gans.layers import Spectral  # noqa: E402
from nasboard.benchmarks.live.supernets.supernet import transfer  # noqa: E402
from nasboard.benchmarks.spaces.autogan import GanMacro, GanSpace  # noqa: E402
from nasboard.benchmarks.spaces.relaxation import splits  # noqa: E402
from nasboard.harness.errors import SpecError, UsageError  # noqa: E402
from nasboard.harness.space import Arch, sample  # noqa: E402

SPACE, MACRO = GanSpace(), GanMacro(image=16, inputs=2, channels=4, critic=4, latent=6)
Z = torch.from_numpy(default_rng(5).standard_normal((7, 6), dtype=np.float32))


def generator(seed: int = 0, **settings: object) -> Generator:
    return Generator(SPACE, MACRO, default_rng(seed), **settings)  # type: ignore[arg-type]


def alone(arch: Arch) -> tuple[tuple[int, ...], ...]:
    return tuple((option,) for option in arch.tolist())


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_a_row_makes_images_of_its_stage(cells: int) -> None:
    net, critic = generator(), Discriminator(MACRO, default_rng(1))
    for arch in sample(SPACE, default_rng(2), 20):
        images = net(Z, arch[: SPACE.place(cells - 1).stop])
        assert images.shape == (7, 2, 2 << cells, 2 << cells)
        assert float(images.detach().abs().max()) <= 1
        assert critic(images).shape == (7,)


def test_a_path_is_what_its_tokens_say() -> None:
    """Cell 1: post, batch, nearest, a shortcut; cell 2: pre, instance, bilinear, none, takes cell 1 in."""
    net, arch = generator(), SPACE.encode("0 1 1 1 1 2 0 0 1 0 0 0 0 0")[:9]
    one, two, _ = net.cells
    x = F.linear(Z, net.begin.weight, net.begin.bias).view(7, 4, 2, 2)
    up = F.interpolate(x, scale_factor=2, mode="nearest")

    def norm(block, y):  # type: ignore[no-untyped-def]
        return F.batch_norm(y, None, None, block.batch.gamma, block.batch.beta, training=True)

    first = F.relu(norm(one.first["post"], one.first["post"].conv(up)))
    x = F.relu(norm(one.second["post"], one.second["post"].conv(first))) + one.around(up)
    y = F.interpolate(F.relu(F.instance_norm(x)), scale_factor=2, mode="bilinear")
    y = two.first["pre"].conv(y) + two.taking["1"](F.interpolate(first, scale_factor=2, mode="bilinear"))
    x = two.second["pre"].conv(F.relu(F.instance_norm(y)))
    expected = torch.tanh(net.end(F.relu(net.norm(x))))
    assert torch.allclose(net(Z, arch), expected, atol=1e-6)


@pytest.mark.parametrize("slot", range(14))
def test_every_token_changes_the_images(slot: int) -> None:
    net, arch = generator(), SPACE.encode("0 1 2 1 1 1 1 1 1 0 1 2 1 3")
    before = net(Z, arch)
    for option in range(SPACE.choices[slot]):
        other = arch.copy()
        other[slot] = option
        assert torch.equal(net(Z, other), before) == (option == arch[slot])


def test_one_alone_makes_what_the_shared_one_makes_with_its_weights() -> None:
    shared = generator()
    for arch in sample(SPACE, default_rng(3), 10):
        own = generator(1, allowed=alone(arch))
        transfer(shared, own)
        assert torch.equal(own(Z, arch), shared(Z, arch))
        for tensor in own.parameters():
            tensor.grad = None
        own(Z, arch).square().sum().backward()
        unused = [name for name, tensor in own.named_parameters() if tensor.grad is None]
        assert unused == []  # nothing is built that no pass uses


def test_parts_hold_one_option_of_the_split_token_and_the_parents_weights() -> None:
    shared = generator()
    for option, allowed in enumerate(splits(SPACE.groups, (11,))):
        part = generator(option + 1, allowed=allowed)
        transfer(shared, part)
        arch = SPACE.encode(f"0 1 2 1 1 1 1 1 1 0 1 {option} 1 3")
        assert torch.equal(part(Z, arch), shared(Z, arch))
        arch[11] = (option + 1) % 3
        with pytest.raises(SpecError, match=rf"cell 3 up of this generator holds options \[{option}\]"):
            part(Z, arch)


def test_a_row_that_ends_within_a_cell_is_refused() -> None:
    with pytest.raises(SpecError, match=r"after one of \[4, 9, 14\] tokens, given 6"):
        generator()(Z, np.zeros(6, dtype=np.int16))
    with pytest.raises(UsageError, match="parent supernet has no tensor"):
        transfer(generator(allowed=alone(SPACE.encode("0 0 0 0 0 0 0 0 0 0 0 0 0 0"))), generator())


def test_spectral_normalisation_comes_to_the_largest_singular_value() -> None:
    weight = torch.nn.Parameter(torch.from_numpy(default_rng(0).standard_normal((5, 3, 2, 2), dtype=np.float32)))
    normed = Spectral(weight, default_rng(1))
    for _ in range(200):
        found = normed()
    assert float(torch.linalg.matrix_norm(found.detach().flatten(1), 2)) == pytest.approx(1, abs=1e-4)


def test_a_smaller_image_passes_fewer_blocks() -> None:
    critic = Discriminator(MACRO, default_rng(0))
    used = {}
    for side in (4, 8, 16):
        critic.zero_grad(set_to_none=True)
        critic(torch.zeros(2, 2, side, side)).sum().backward()
        used[side] = [
            any(tensor.grad is not None for tensor in block.parameters()) for block in (*critic.blocks, critic.last)
        ]
    assert used == {4: [True, False, False, True], 8: [True, True, False, True], 16: [True, True, True, True]}
