"""What a live run resumes from: tensors as numpy arrays and back, exactly. No search, no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from nasboard.harness.api import State
from nasboard.harness.errors import MethodError

Arrays = Mapping[str, NDArray[np.float32]]


Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class Learner(Generic[Net]):
    """A network and the optimiser of its weights: what is trained, saved and restored together."""

    net: Net
    optimiser: torch.optim.SGD

    def save(self) -> State:
        """Return weights, buffers and momentum as arrays by name; a weight that was never used has no momentum."""
        named = dict(self.net.named_parameters())
        moving = {
            n: self.optimiser.state[t].get("momentum_buffer") for n, t in named.items() if t in self.optimiser.state
        }
        return {
            "weights": {name: array(tensor) for name, tensor in named.items()},
            "buffers": {name: array(tensor) for name, tensor in self._buffers().items()},
            "momentum": {name: array(tensor) for name, tensor in moving.items() if tensor is not None},
        }

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take over what `save` returned.

        Raises:
            MethodError: the state has other tensors than this network.
        """
        weights, buffers, momentum = (cast(Arrays, state[part]) for part in ("weights", "buffers", "momentum"))
        named, kept = dict(self.net.named_parameters()), self._buffers()
        wrong = set(weights) ^ set(named) | set(buffers) ^ set(kept) | set(momentum) - set(named)
        if wrong:
            raise MethodError(
                f"resuming: the state does not fit this network, see {min(wrong)!r}; run it in a new store"
            )
        for name, tensor in {**named, **kept}.items():
            tensor.copy_(torch.tensor(weights[name] if name in weights else buffers[name]))
        self.optimiser.state.clear()  # a weight that had no momentum has none again
        for name, moments in momentum.items():
            self.optimiser.state[named[name]] = {"momentum_buffer": torch.tensor(moments, device=named[name].device)}

    def _buffers(self) -> Mapping[str, Tensor]:
        """Return what is kept beside the weights: running statistics, counters."""
        parameters = dict(self.net.named_parameters())
        return {name: tensor for name, tensor in self.net.state_dict().items() if name not in parameters}


def save_adam(optimiser: torch.optim.Adam, parameter: Tensor) -> State:
    """Return the moments and the step count of one parameter; empty before the first step."""
    return {name: array(value) for name, value in optimiser.state.get(parameter, {}).items()}


def load_adam(optimiser: torch.optim.Adam, parameter: Tensor, state: State) -> None:
    """Take over what `save_adam` returned."""
    moments = {
        # Adam counts its steps on the processor, wherever the parameter is
        name: torch.tensor(value, device="cpu" if name == "step" else parameter.device)
        for name, value in cast(Arrays, state).items()
    }
    if moments:
        optimiser.state[parameter] = moments


def save_taught(net: nn.Module, optimiser: torch.optim.Adam) -> dict[str, object]:
    """Return the weights of a network without buffers, and the moments of its optimiser, by name."""
    named = dict(net.named_parameters())
    return {
        "weights": {name: array(tensor) for name, tensor in named.items()},
        "adam": {name: save_adam(optimiser, tensor) for name, tensor in named.items()},
    }


@torch.no_grad()
def load_taught(net: nn.Module, optimiser: torch.optim.Adam, state: State) -> None:
    """Take over what `save_taught` returned."""
    weights, moments = cast(Arrays, state["weights"]), cast(State, state["adam"])
    for name, tensor in net.named_parameters():
        tensor.copy_(torch.tensor(weights[name]))
        load_adam(optimiser, tensor, cast(State, moments[name]))


def save_rng(rng: Generator) -> State:
    """Return the state of a generator."""
    return cast(State, rng.bit_generator.state)


def load_rng(rng: Generator, state: State) -> None:
    """Set a generator to a saved state."""
    rng.bit_generator.state = dict(state)


def array(tensor: Tensor) -> NDArray[np.float32]:
    """Return a copy of a tensor as an array."""
    return cast("NDArray[np.float32]", tensor.detach().cpu().numpy().copy())
