"""Which supernet and which network belong to a space: the one place where they are put together."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from nasboard.benchmarks.live.supernets.darts.network import DartsNetwork
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet
from nasboard.benchmarks.live.supernets.elastic.alone import ElasticNetwork
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet
from nasboard.benchmarks.live.supernets.handcrafted.network import HandcraftedNetwork
from nasboard.benchmarks.live.supernets.handcrafted.supernet import HandcraftedSupernet
from nasboard.benchmarks.live.supernets.layers.network import LayersNetwork
from nasboard.benchmarks.live.supernets.layers.supernet import LayersSupernet
from nasboard.benchmarks.live.supernets.nb1shot1 import NB1Shot1Supernet
from nasboard.benchmarks.live.supernets.nb101 import NB101Network
from nasboard.benchmarks.live.supernets.nb201.alone import NB201Network
from nasboard.benchmarks.live.supernets.nb201.packed import NB201Pack
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.packing import InTurn, Pack
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Precision, Supernet
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace, Poc1296Space
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import BlocksMacro, DartsMacro, LayersMacro, Macro, NB1Shot1Macro, NB201Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import Allowed, RelaxedSpace
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch


def supernet(
    space: RelaxedSpace,
    macro: Macro,
    rng: Generator,
    allowed: Allowed | None = None,
    *,
    precision: Precision = "fp32",
    compiled: bool = False,
    fused: bool = False,
) -> Supernet:
    """Return a supernet of `space` with weights drawn from `rng`.

    Raises:
        UsageError: there is none for this space, or none of that precision.
        SpecError: `allowed` is not of its groups.
    """
    if isinstance(macro, NB201Macro) and isinstance(space, NB201Space):
        ways = {"compiled": compiled, "fused": fused}
        return NB201Supernet(macro, rng, allowed, space=space, precision=precision, **ways)
    if compiled or fused:
        raise UsageError(f"supernets of {space.name} are not compiled, nor fused; leave compiled and fused out")
    if isinstance(macro, DartsMacro) and isinstance(space, DartsSpace):
        return DartsSupernet(space, macro, rng, allowed, precision=precision)
    if precision != "fp32":
        raise UsageError(f"supernets of {space.name} are fp32; leave precision out")
    if isinstance(macro, NB1Shot1Macro) and isinstance(space, NB1Shot1Space):
        return NB1Shot1Supernet(space, macro, rng, allowed)
    if isinstance(macro, NB201Macro) and isinstance(space, Poc1296Space):
        return NB201Supernet(macro, rng, allowed, space=space)
    if isinstance(macro, LayersMacro) and macro.elastic and isinstance(space, LayerSpace):
        return ElasticSupernet(space, macro, rng, allowed)
    if isinstance(macro, LayersMacro) and isinstance(space, LayerSpace):
        return LayersSupernet(space, macro, rng, allowed)
    if isinstance(macro, BlocksMacro) and isinstance(space, HandcraftedSpace):
        return HandcraftedSupernet(space, macro, rng, allowed)
    raise UsageError(f"there is no supernet of {space.name} cells in a {type(macro).__name__}")


def network(space: RelaxedSpace, macro: Macro, arch: Arch, rng: Generator) -> Network:
    """Return the network of `arch` `(d,)`, to be trained from scratch, with weights drawn from `rng`.

    Raises:
        UsageError: there is none for this space.
    """
    if isinstance(macro, NB201Macro) and isinstance(space, EdgeSpace):
        return NB201Network(macro, arch, rng, space)
    if isinstance(macro, NB1Shot1Macro) and isinstance(space, NB1Shot1Space):
        return NB101Network(macro, space, arch, rng)
    if isinstance(macro, DartsMacro) and isinstance(space, DartsSpace):
        return DartsNetwork(macro, space, arch, rng)
    if isinstance(macro, LayersMacro) and macro.elastic and isinstance(space, LayerSpace):
        return ElasticNetwork(macro, space, arch, rng)
    if isinstance(macro, LayersMacro) and isinstance(space, LayerSpace):
        return LayersNetwork(macro, space, arch, rng)
    if isinstance(macro, BlocksMacro) and isinstance(space, HandcraftedSpace):
        return HandcraftedNetwork(macro, space, arch, rng)
    raise UsageError(f"there is no network of {space.name} cells in a {type(macro).__name__}")


def pack(learners: Sequence[Learner[Supernet]], schedule: WeightSchedule, *, idle: bool) -> Pack:
    """Return the fastest way to train sub-supernets together; learners stay what is looked at and saved."""
    nets = [learner.net for learner in learners]
    if len(nets) > 1 and all(isinstance(net, NB201Supernet) and net.packs for net in nets):
        return NB201Pack(learners, schedule, idle=idle)
    return InTurn(learners, schedule, idle=idle)
