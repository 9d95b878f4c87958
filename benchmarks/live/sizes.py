"""Other sizes of the supernets of a live benchmark: depth, share of channels that operations work on, operations.

The data, the recipe and the rows of architectures stay as they are. No torch.
"""

from __future__ import annotations

from dataclasses import replace

from nasboard.benchmarks.live.benchmark import Parts
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.layerwise import SPACES as LAYER_SPACES
from nasboard.benchmarks.spaces.layerwise import LayerSpace, shallower
from nasboard.benchmarks.spaces.macros import DartsMacro, Macro, sized
from nasboard.benchmarks.spaces.nb201 import NONE, OPS, NB201Space, without
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness.errors import UsageError

AUXILIARY_SIDE = 32  # pixels of the images that the auxiliary head is made for


def resized(parts: Parts, *, cells: int | None = None, partial: int | None = None) -> Parts:
    """Return the same parts with supernets of other sizes; None leaves one as it is.

    Args:
        parts: of a live benchmark.
        cells: of supernets (a stage, of nb201).
        partial: K: 1/K of the channels go through the operations.

    Raises:
        UsageError: a size that is not allowed.
    """
    if cells is not None and cells < 1:
        raise UsageError(f"cells is a positive whole number, given {cells}")
    if cells is not None and isinstance(parts.space, LayerSpace):
        raise UsageError(f"{parts.space.name} says itself how many layers it has; leave cells as they are")
    space, macro = parts.space, parts.macro if cells is None else sized(parts.macro, cells=cells)
    check_sides(space.name, macro)
    if partial is not None:
        space, macro = with_partial(space, macro, partial)
    return replace(parts, space=space, macro=macro)


def check_sides(name: str, macro: Macro) -> None:
    """Raise UsageError where images are too small to be halved as often as the network does."""
    if macro.image < 1 << macro.halvings:
        raise UsageError(f"{name} halves its images {macro.halvings} times, so that {macro.image} pixels are too few")


def check_trainable(name: str, parts: Parts) -> None:
    """Raise UsageError where the networks of a benchmark cannot be built, or not be trained as its recipe says."""
    recipe, macro = parts.recipe, parts.macro
    check_sides(name, macro)
    if not isinstance(macro, DartsMacro):
        if not recipe.packs:
            raise UsageError(
                f"recipe {recipe.name} drops paths or has a second head, which {name} has not; name another"
            )
    elif recipe.auxiliary and macro.image != AUXILIARY_SIDE:
        raise UsageError(
            f"recipe {recipe.name} has an auxiliary head, made for images of {AUXILIARY_SIDE} pixels a side; those of "
            f"{name} have {macro.image} here: name another, such as recipe=quick-30"
        )


def with_partial(space: RelaxedSpace, macro: Macro, share: int) -> tuple[RelaxedSpace, Macro]:
    """Return what supernets are of in which 1/share of the channels go through the operations, the others around them.

    Edges have weights then, as in PC-DARTS, but not where the space weighs the inputs of its nodes already.

    Raises:
        UsageError: `share` does not divide the channels, or the space is one of layers, of loose ends, or of blocks
            that people made.
    """
    if isinstance(space, LayerSpace | HandcraftedSpace):
        what = "layers" if isinstance(space, LayerSpace) else "blocks that change their widths"
        raise UsageError(f"partial channels go around the operations of cells; {space.name} has {what}")
    if isinstance(space, DartsSpace) and space.loose:
        raise UsageError(f"partial channels go around edges that have weights; those of {space.name} have none")
    if share < 1 or macro.channels % share:
        raise UsageError(f"partial is a divisor of {macro.channels} channels, given {share}")
    if isinstance(space, DartsSpace | NB201Space):
        space = replace(space, edge_weights=True)
    return space, sized(macro, partial=share)


def of_layers(space: RelaxedSpace, macro: Macro) -> RelaxedSpace:
    """Return a space of layers whose stages have as many layers as a network of it says.

    Others are as they are, as are those of layers whose stages have depths to choose from.
    """
    if not isinstance(space, LayerSpace) or any(stage.depths for stage in space.stages):
        return space
    return shallower(LAYER_SPACES[space.name], macro.cells)


def narrowed(space: RelaxedSpace, names: str | None, *, mixes_none: bool = False) -> RelaxedSpace:
    """Return the part of a space whose edges have none of the operations named.

    Args:
        space: the whole one.
        names: of operations, as in `none+avg_pool_3x3`; None names none.
        mixes_none: whether mixtures have `none`, which is left out of the cells then, named or not.

    Raises:
        UsageError: the space has no such parts.
        SpecError: operations that it has not, or so many that fewer than two stay.
    """
    if not isinstance(space, NB201Space):
        raise UsageError(f"operations are left out of nb201 alone; {space.name} has those of its definition")
    given = [] if names is None else names.split("+")
    if mixes_none and OPS[NONE] not in given:
        given.append(OPS[NONE])
    return replace(space, ops=without("+".join(given)), mixes_none=mixes_none)


def weighs_edges(space: RelaxedSpace) -> bool:
    """Return whether the relaxation of a space weighs edges beside operations."""
    return any(group.kind == "edge" for group in space.groups)
