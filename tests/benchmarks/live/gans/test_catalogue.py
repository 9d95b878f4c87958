"""The benchmarks of generators: their names, what a name changes, and what their truth is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.live.gans.benchmark import multiply_adds
from nasboard.benchmarks.live.gans.catalogue import GANS
from nasboard.benchmarks.live.gans.recipe import AUTOGAN, gan_recipe
from nasboard.benchmarks.spaces.autogan import PUBLISHED, GanMacro, GanSpace
from nasboard.harness import registry
from nasboard.harness.errors import MissingDataError, UnknownNameError, UsageError
from nasboard.harness.space import sample

digits, cifar10 = GANS["digits"], GANS["cifar10"]


def test_the_digits_are_two_cells_of_the_published_space_and_cifar10_has_all_three() -> None:
    assert registry.benchmark("autogan-digits").space == GanSpace(2)
    assert (digits().parts.macro.base, digits().parts.macro.image) == (2, 8)
    found = cifar10()
    assert (found.space, found.parts.macro, found.parts.recipe) == (GanSpace(3), GanMacro(), AUTOGAN)
    assert cifar10(size="16").parts.macro.base == 2


def test_equal_parts_have_one_name_and_trainings_do_not_know_what_is_shared() -> None:
    found = digits(channels="8", critic="16", scored_on="100", recipe="gan-5")
    assert found.name == "autogan-digits?channels=8&recipe=gan-5&scored_on=100"
    assert found.context.trainings is not None
    assert found.context.trainings.benchmark == "autogan-digits?channels=8&recipe=gan-5"
    whole = cifar10(channels="64", scored_on="100")  # whose recipe says how many channels there are
    assert (whole.name, whole.trained_as) == ("autogan-cifar10?channels=64&scored_on=100", "autogan-cifar10")


def test_the_digest_of_trainings_covers_recipe_and_classifier_and_not_what_is_shared() -> None:
    usual = digits()
    assert digits(scored_on="100").digest == usual.digest
    assert digits(scored_on="100").context.parts != usual.context.parts
    others = [digits(recipe="gan-5"), digits(judge="quick-3"), digits(channels="8"), digits(train="100")]
    assert len({usual.digest, *(other.digest for other in others)}) == 5


def test_the_truth_is_a_distance_that_is_held_as_its_negative() -> None:
    quality = digits().context.quality
    assert (quality.name, quality.unit, quality.higher_is_better, quality.range) == (
        "Frechet distance",
        None,
        False,
        (-np.inf, 0.0),
    )
    assert quality.turned(12.5) == -12.5
    assert "classifier of digits trained here" in str(quality.note)
    with pytest.raises(MissingDataError, match="its truth are trainings"):
        digits().truth(np.zeros((1, 9), dtype=np.int16))


def test_published_figures_are_quoted_with_their_features_and_where_they_were_read() -> None:
    [note] = cifar10().context.notes
    assert "FID 12.42" in note
    assert "Inception" in note
    assert "VITA-Group/AutoGAN README.md" in note
    assert "10.73" not in note  # nobody has read that one
    assert cifar10().context.named == PUBLISHED
    assert digits().context.notes == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": "4"}, "2 cells and images of 8 pixels a side or more"),
        ({"channels": "0"}, "channels is a positive whole number"),
        ({"judge": "darts-cifar10-600"}, "drops paths or has a second head"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        digits(**options)


def test_recipes_have_names() -> None:
    assert gan_recipe("gan-7").epochs == 7
    assert gan_recipe("autogan-50k").critics == 5
    assert gan_recipe("gan-7").lasting(3).epochs == 3
    with pytest.raises(UnknownNameError, match="recipe 'gan-0'"):
        gan_recipe("gan-0")
    with pytest.raises(UsageError, match=r"trains 1\.\.7 epochs, given 8"):
        gan_recipe("gan-7").lasting(8)


def test_multiply_adds_are_those_of_the_layers_that_run() -> None:
    torch = pytest.importorskip("torch")
    from nasboard.benchmarks.live.gans.generator import Generator
    from nasboard.benchmarks.live.gans.layers import Conv, Deconv, Linear

    space, macro = GanSpace(), GanMacro(image=16, inputs=2, channels=4, latent=6)
    for arch in sample(space, default_rng(0), 10):
        net, counted = Generator(space, macro, default_rng(1)), []

        def count(layer, given, out, counted=counted):  # type: ignore[no-untyped-def]
            weights = layer.weight.numel()
            places = out[0, 0].numel() if isinstance(layer, Conv) else given[0][0, 0].numel()
            counted.append(weights * (1 if isinstance(layer, Linear) else places))

        for layer in net.modules():
            if isinstance(layer, Conv | Deconv | Linear):
                layer.register_forward_hook(count)
        net(torch.zeros(2, 6), arch)
        assert multiply_adds(space, macro, arch) == sum(counted)
