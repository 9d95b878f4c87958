"""All arithmetic on mixtures: flat tensors `(..., m)`, cut into simplices by the groups of a relaxed space.

Every function works group by group, in one pass over all of them, and keeps gradients where it is differentiable.
Nothing here knows a space, a network or a search.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from nasboard.benchmarks.spaces.relaxation import Group, Kind, size
from nasboard.harness.errors import SpecError


@dataclass(frozen=True)
class Simplices:
    """The arithmetic over some groups; m is the sum of their sizes.

    Groups are worked on as rows of a rectangle `(..., groups, widest)`, filled up where they are narrower.

    Attributes:
        groups: of the space.
    """

    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """Return m."""
        return size(self.groups)

    def check(self, mix: Tensor) -> Tensor:
        """Return a mixture `(..., m)` as it is.

        Raises:
            SpecError: its last dimension is not m.
        """
        if mix.ndim < 1 or mix.shape[-1] != self.size:
            raise SpecError(
                f"a mixture over {len(self.groups)} groups has {self.size} numbers, given shape {tuple(mix.shape)}"
            )
        return mix

    def of_kind(self, kind: Kind, device: torch.device) -> Tensor:
        """Return which numbers `(m,)` bool belong to a group of that kind."""
        return torch.tensor([group.kind == kind for group in self.groups for _ in group.options], device=device)

    def rows(self, mix: Tensor, fill: float = 0.0) -> Tensor:
        """Return `(..., groups, widest)` of a mixture `(..., m)`, `fill` where a group has no option."""
        self.check(mix)
        if self._even:
            return mix.reshape(self._shape(mix))
        out = mix.new_full((*mix.shape[:-1], len(self.groups) * self._widest), fill)
        return out.index_copy(-1, self._place.to(mix.device), mix).reshape(self._shape(mix))

    def flat(self, rows: Tensor) -> Tensor:
        """Return `(..., m)` of rows `(..., groups, widest)`; what filled them up is dropped."""
        flat = rows.flatten(-2)
        return flat if self._even else flat.index_select(-1, self._place.to(rows.device))

    def softmax(self, logits: Tensor) -> Tensor:
        """Return the softmax of every group `(..., m)`."""
        return self.flat(self.rows(logits, -torch.inf).softmax(-1))

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Return the log-softmax of every group `(..., m)`."""
        if self._even:
            return self.flat(self.rows(logits).log_softmax(-1))
        totals = self.rows(logits, -torch.inf).logsumexp(-1, keepdim=True)
        return self.flat(self.rows(logits) - totals)

    def entropy(self, mix: Tensor) -> Tensor:
        """Return the entropy `(..., groups)` in nats of every group of a mixture on the simplices."""
        nats: Tensor = torch.special.entr(self.rows(mix)).sum(-1)
        return nats

    def sums(self, mix: Tensor) -> Tensor:
        """Return the sum `(..., groups)` of every group."""
        return self.rows(mix).sum(-1)

    def one_hot(self, values: Tensor) -> Tensor:
        """Return `(..., m)` with 1 at the largest of every group, the first of equal ones, and 0 elsewhere."""
        rows = self.rows(values, -torch.inf)
        hot: Tensor = torch.zeros_like(rows).scatter(-1, rows.argmax(-1, keepdim=True), 1.0)
        return self.flat(hot)

    def k_hot(self, values: Tensor) -> Tensor:
        """Return `(..., m)` with 1 at the `chosen` largest of every group, and 0 elsewhere."""
        order = self.rows(values, -torch.inf).argsort(stable=True, dim=-1, descending=True).argsort(-1)
        taken = torch.tensor([[group.chosen] for group in self.groups], device=values.device)
        return self.flat((order < taken).to(values.dtype))

    def sample(self, mix: Tensor, rng: Generator) -> Tensor:
        """Return a one-hot `(m,)`, one option of every group, drawn with the probabilities of `mix` `(m,)`."""
        ends = self.rows(mix).double().cumsum(-1).cpu()
        drawn = torch.from_numpy(rng.random((len(self.groups), 1))) * ends[:, -1:]
        at = torch.searchsorted(ends, drawn, right=True).clamp(max=self._widest - 1)
        widths = torch.tensor([[len(group.options) - 1] for group in self.groups])
        return self.flat(torch.zeros_like(ends).scatter(1, torch.minimum(at, widths), 1.0)).to(mix)

    def drawn_apart(self, logits: Tensor, count: int, rng: Generator) -> Tensor:
        """Return which options `(m,)` bool are drawn: `count` of every group, or all where there are fewer.

        They are drawn one after the other by the softmax of logits `(m,)` over those that are left, which are the
        largest after Gumbel noise.
        """
        noise = torch.from_numpy(rng.gumbel(size=tuple(logits.shape)).astype(np.float32)).to(logits)
        rows = self.rows(logits.detach() + noise, -torch.inf)
        return self.flat(rows.argsort(stable=True, dim=-1, descending=True).argsort(-1) < count)

    def softmax_among(self, logits: Tensor, held: Tensor) -> Tensor:
        """Return the softmax `(m,)` of every group over the options `held` `(m,)` bool, 0 at the others."""
        return self.softmax(logits.masked_fill(~held, -torch.inf))

    def logsumexp_among(self, logits: Tensor, held: Tensor) -> Tensor:
        """Return `(groups,)`: the logarithm of the sum of exp(logits) of every group over the options held."""
        return self.rows(logits.masked_fill(~held, -torch.inf), -torch.inf).logsumexp(-1)

    def gumbel_soft(self, logits: Tensor, temperature: float, rng: Generator) -> Tensor:
        """Return a draw `(m,)` from the Gumbel-softmax of logits `(m,)`.

        Source: Jang et al., Categorical Reparameterization with Gumbel-Softmax (ICLR 2017).
        """
        noise = torch.from_numpy(rng.gumbel(size=tuple(logits.shape)).astype(np.float32)).to(logits)
        return self.softmax((self.log_softmax(logits) + noise) / temperature)

    def gumbel_hard(self, logits: Tensor, temperature: float, rng: Generator) -> Tensor:
        """Return a one-hot draw `(m,)`, whose gradient is that of the soft one (straight through).

        Source: Dong & Yang, GDAS (CVPR 2019).
        """
        soft = self.gumbel_soft(logits, temperature, rng)
        return self.straight_through(self.one_hot(soft.detach()), soft)

    def straight_through(self, value: Tensor, soft: Tensor) -> Tensor:
        """Return `value` `(..., m)`, exactly, with the gradient of `soft` `(..., m)`."""
        return value + (soft - soft.detach())

    def dirichlet(self, concentration: Tensor, rng: Generator) -> Tensor:
        """Return a draw `(m,)` of every group from the Dirichlet distribution of positive concentrations `(m,)`.

        Its gradient is pathwise: how the draw moves with the concentrations while its chance stays.

        Source: Jankowiak & Obermeyer, Pathwise Derivatives Beyond the Reparameterization Trick (ICML 2018), as torch
        has it. Drawn by logarithms of gamma variables, so that small concentrations do not end in 0 / 0.
        """
        held = concentration.detach()
        shape = held.double().cpu().numpy()
        logs = np.log(rng.standard_gamma(shape + 1)) + np.log1p(-rng.random(shape.shape)) / shape
        drawn = self.softmax(torch.from_numpy(logs)).to(held)
        limits, total = torch.finfo(drawn.dtype), self.spread(self.sums(held))
        own = concentration * torch._dirichlet_grad(drawn.clamp(limits.tiny, 1 - limits.eps), held, total)
        return self.straight_through(drawn, own - drawn * self.spread(self.sums(own)))

    def spread(self, of_group: Tensor) -> Tensor:
        """Return `(..., m)`: the number of its group `(..., groups)` at every option."""
        return of_group.repeat_interleave(self._widths.to(of_group.device), -1)

    def clip_projection(self, values: Tensor) -> Tensor:
        """Return every group clamped to [0, 1] and divided by its sum; 1 at the former maximum where nothing is left.

        Source: Chen & Hsieh, SmoothDARTS (ICML 2020), its release. This is not the nearest point of the simplex.
        """
        rows = self.rows(values)
        kept = rows.clamp(0, 1)
        total = kept.sum(-1, keepdim=True)
        scaled = self.flat(kept / total.clamp_min(torch.finfo(values.dtype).tiny))
        left = self.flat((total > 0).expand(rows.shape))
        return torch.where(left, scaled, self.one_hot(values))

    def euclidean_projection(self, values: Tensor) -> Tensor:
        """Return the nearest point `(..., m)` on the simplices.

        Source: Duchi et al., Efficient Projections onto the l1-Ball (ICML 2008).
        """
        rows = self.rows(values, -torch.inf)
        rows = rows - rows.detach().amax(-1, keepdim=True)  # the same point, and sums that keep their last digits
        falling = rows.sort(-1, descending=True).values
        there = torch.isfinite(falling)
        numbers = torch.arange(1, self._widest + 1, device=values.device, dtype=values.dtype)
        excess = torch.where(there, falling, torch.zeros_like(falling)).cumsum(-1) - 1
        kept = (there & (falling - excess / numbers > 0)).sum(-1, keepdim=True)
        threshold = excess.gather(-1, kept - 1) / kept
        return self.flat((rows - threshold).clamp_min(0))

    def uniform_ball(self, clean: Tensor, eps: float, rng: Generator) -> Tensor:
        """Return `clean` `(..., m)` with uniform noise in [-eps, eps] on every number, not projected."""
        noise = rng.uniform(-eps, eps, tuple(clean.shape)).astype(np.float32)
        return clean + torch.from_numpy(noise).to(clean)

    def into_ball(self, values: Tensor, clean: Tensor, eps: float) -> Tensor:
        """Return `values` `(..., m)` with every number brought within `eps` of `clean` (sup-norm ball)."""
        return clean + (values - clean).clamp(-eps, eps)

    def proximal(self, values: Tensor) -> Tensor:
        """Return the proximal step of NASP: `values` brought into [0, 1], then 1 at the largest of every group.

        Source: Yao et al., NASP (AAAI 2020): the nearest point of {0, 1}^m with one option a group.
        """
        return self.one_hot(values.clamp(0, 1))

    def _shape(self, mix: Tensor) -> tuple[int, ...]:
        return (*mix.shape[:-1], len(self.groups), self._widest)

    @cached_property
    def _widths(self) -> Tensor:
        return torch.tensor([len(group.options) for group in self.groups])

    @cached_property
    def _widest(self) -> int:
        return max(len(group.options) for group in self.groups)

    @cached_property
    def _even(self) -> bool:
        return all(len(group.options) == self._widest for group in self.groups)

    @cached_property
    def _place(self) -> Tensor:
        """Return `(m,)`: where each number of a mixture stands in the flattened rows."""
        return torch.tensor(
            [i * self._widest + j for i, group in enumerate(self.groups) for j in range(len(group.options))]
        )
