"""DARTS cells that were published, as their releases write them: to start from, to train again, to check counts by.

Not here, since no public repository has them: the cells of PC-DARTS-RS, PC-DARTS-ADV, P-DARTS-RS and P-DARTS-ADV, and
those that R-DARTS found in the whole space; RobustDARTS' release has cells of S1 to S4 alone. Nor what NAT makes of
NAONet. Cells that SmoothDARTS found in S1 to S4 are in `found_cells`. NAONet-A is in no space here: it has 1x3 and 3x1
convolutions and pooling of 2x2 and 5x5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.genotype import loose_ends, short_form
from nasboard.benchmarks.spaces.known.found_cells import FOUND
from nasboard.harness.errors import SpecError


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """A cell found on CIFAR-10 unless its name says otherwise.

    Attributes:
        spec: its genotype.
        source: where it was read, `owner/repository:path` and the name it has there.
        millions: published parameters in the evaluation network, in millions with the digits that are told, without the
            auxiliary head; None where no text was at hand to read them in.
        counted: where that number was read.
        imagenet: whether the network is that for ImageNet, 14 cells of 48 channels; else that for CIFAR-10, 20 of 36.
    """

    spec: str
    source: str
    millions: float | None = None
    counted: str | None = None
    imagenet: bool = False


@cache
def known(space: DartsSpace) -> Mapping[str, str]:
    """Return name -> genotype of the published cells that are in a space, those of S1 to S4 in their own alone."""
    whole = {name: cell.spec for name, cell in PUBLISHED.items() if _is_in(space, cell.spec)}
    small = {f"{method}-{data}": spec for (method, data, name), spec in FOUND.items() if name == space.name}
    return MappingProxyType(whole | small)


def home(spaces: Iterable[DartsSpace], name: str) -> DartsSpace:
    """Return the first of `spaces` that a published cell is in."""
    return next(space for space in spaces if name in known(space))


def _is_in(space: DartsSpace, spec: str) -> bool:
    try:
        space.encode(spec)
    except SpecError:
        return False
    return True


_TABLE = "DARTS-PT (ICLR 2021), Table 2"  # quotes the papers

PUBLISHED: Mapping[str, PublishedCell] = MappingProxyType(
    {
        "darts-v1": PublishedCell(
            short_form(
                "sep3 1, sep3 0, skip 0, sep3 1, skip 0, sep3 1, sep3 0, skip 2",
                "max 0, max 1, skip 2, max 0, max 0, skip 2, skip 2, avg 0",
            ),
            "quark0/darts:cnn/genotypes.py DARTS_V1",
            3.3,
            _TABLE,
        ),
        "darts-v2": PublishedCell(
            short_form(
                "sep3 0, sep3 1, sep3 0, sep3 1, sep3 1, skip 0, skip 0, dil3 2",
                "max 0, max 1, skip 2, max 1, max 0, skip 2, skip 2, max 1",
            ),
            "quark0/darts:cnn/genotypes.py DARTS_V2",
            3.3,
            "quark0/darts:README.md",
        ),
        "pc-darts": PublishedCell(
            short_form(
                "sep3 1, skip 0, sep3 0, dil3 1, sep5 0, sep3 1, avg 0, dil3 1",
                "sep5 1, max 0, sep5 1, sep5 2, sep3 0, sep3 3, sep3 1, sep3 2",
            ),
            "yuhuixu1993/PC-DARTS:genotypes.py PC_DARTS_cifar",
            3.6,
            "yuhuixu1993/PC-DARTS:README.md",
        ),
        "pc-darts-imagenet": PublishedCell(
            short_form(
                "skip 1, sep3 0, sep3 0, skip 1, sep3 1, sep3 3, sep3 1, dil5 4",
                "sep3 0, skip 1, dil5 2, max 1, sep3 2, sep3 1, sep5 0, sep3 3",
            ),
            "yuhuixu1993/PC-DARTS:genotypes.py PC_DARTS_image",
            5.3,
            "yuhuixu1993/PC-DARTS:README.md",
            imagenet=True,
        ),
        "p-darts": PublishedCell(
            short_form(
                "skip 0, dil3 1, skip 0, sep3 1, sep3 1, sep3 3, sep3 0, dil5 4",
                "avg 0, sep5 1, sep3 0, dil5 2, max 0, dil3 1, dil3 1, dil5 3",
            ),
            "chenxin061/pdarts:genotypes.py PDARTS",
            3.4,
            _TABLE,
        ),
        "sdarts-rs": PublishedCell(
            short_form(
                "sep3 1, sep3 0, sep5 1, skip 0, sep3 3, skip 1, sep3 1, dil3 2",
                "max 0, sep3 1, skip 2, max 0, dil5 3, max 0, sep3 2, sep5 3",
            ),
            "xiangning-chen/SmoothDARTS:sota/cnn/genotypes.py c10_s5_random",
            3.4,
            _TABLE,
        ),
        "sdarts-adv": PublishedCell(
            short_form(
                "sep3 0, sep3 1, sep3 1, skip 0, sep5 0, dil3 3, dil3 4, skip 0",
                "max 0, sep5 1, skip 2, max 0, skip 3, skip 2, skip 2, sep5 4",
            ),
            "xiangning-chen/SmoothDARTS:sota/cnn/genotypes.py c10_s5_pgd",
            3.3,
            "ZiCo (ICLR 2023), comparison table",
        ),
        "drnas": PublishedCell(
            short_form(
                "sep3 0, sep5 1, sep3 1, sep3 2, skip 0, sep3 1, sep3 2, dil5 3",
                "max 0, sep5 1, dil5 2, sep5 1, sep5 1, dil5 3, skip 4, sep5 1",
            ),
            "xiangning-chen/DrNAS:DARTS-space/genotypes.py DrNAS_cifar10",
            4.1,
            "xiangning-chen/DrNAS:README.MD",
        ),
        "drnas-imagenet": PublishedCell(
            short_form(
                "sep3 1, sep3 0, sep3 0, sep3 1, sep3 0, dil3 3, skip 0, sep3 1",
                "max 0, sep3 1, sep3 0, skip 2, sep3 0, sep3 2, sep3 3, sep3 1",
            ),
            "xiangning-chen/DrNAS:DARTS-space/genotypes.py DrNAS_imagenet",
            5.7,
            "xiangning-chen/DrNAS:README.MD",
            imagenet=True,
        ),
        "darts-pt-0": PublishedCell(
            short_form(
                "sep3 0, sep3 1, sep5 0, dil3 1, skip 0, skip 2, skip 0, max 4",
                "sep3 0, avg 1, dil5 1, dil3 2, avg 0, max 2, sep3 2, skip 4",
            ),
            "ruocwang/darts-pt:sota/cnn/genotypes.py darts_pt_s5_0",
            2.85,
            "the same file",
        ),
        "darts-pt-1": PublishedCell(
            short_form(
                "sep3 0, sep3 1, sep3 0, dil3 1, max 0, skip 2, skip 0, dil3 4",
                "dil5 0, avg 1, max 0, sep5 2, max 1, dil3 3, sep5 0, sep3 4",
            ),
            "ruocwang/darts-pt:sota/cnn/genotypes.py darts_pt_s5_1",
            3.05,
            "the same file",
        ),
        "darts-pt-2": PublishedCell(
            short_form(
                "skip 0, sep3 1, sep3 0, dil3 1, skip 2, dil3 3, max 1, skip 2",
                "avg 0, max 1, avg 0, sep3 1, dil5 2, skip 3, sep3 2, sep5 4",
            ),
            "ruocwang/darts-pt:sota/cnn/genotypes.py darts_pt_s5_2",
            2.66,
            "the same file",
        ),
        "darts-pt-3": PublishedCell(
            short_form(
                "sep3 0, sep3 1, sep3 0, sep3 1, skip 0, skip 2, sep3 1, skip 3",
                "avg 0, sep5 1, max 1, skip 2, dil5 1, max 3, sep5 2, skip 3",
            ),
            "ruocwang/darts-pt:sota/cnn/genotypes.py darts_pt_s5_3",
            3.33,
            "the same file",
        ),
        "nat-darts": PublishedCell(  # what NAT makes of darts-v2
            short_form(
                "sep3 0, sep3 1, skip 0, sep3 1, skip 0, skip 1, skip 0, dil3 2",
                "max 0, skip 1, skip 1, skip 2, max 0, null 2, max 1, skip 2",
            ),
            "guoyongcs/NAT:genotypes.py NAT_DARTS",
        ),
        "enas": PublishedCell(
            short_form(
                "sep3 1, skip 1, skip 0, sep5 1, avg 0, sep3 1, sep3 0, avg 1, avg 0, sep5 1",
                "sep5 0, avg 1, sep3 1, avg 1, avg 1, sep3 1, avg 1, sep5 4, sep5 0, sep3 5",
                loose_ends,
            ),
            "guoyongcs/NAT:genotypes.py ENAS",
        ),
        "nat-enas": PublishedCell(
            short_form(
                "sep3 1, skip 1, skip 0, sep5 1, null 0, sep3 1, sep3 0, avg 1, avg 0, sep5 1",
                "sep5 0, avg 1, sep3 1, avg 1, avg 1, sep3 1, null 1, sep5 4, sep5 0, sep3 5",
                loose_ends,
            ),
            "guoyongcs/NAT:genotypes.py NAT_ENAS",
        ),
        "naonet-b": PublishedCell(  # found with shared weights
            short_form(
                "sep5 0, avg 0, sep5 0, avg 2, max 1, avg 0, sep3 4, max 1, sep5 2, max 0",
                "sep5 1, sep3 1, sep5 2, skip 2, sep3 1, max 2, sep5 3, avg 2, avg 0, avg 0",
                loose_ends,
            ),
            "renqianluo/NAO_pytorch:NAO_V1/train_NAONet_B_36_cifar10.sh fixed_arc",
        ),
        "naonet-v2": PublishedCell(
            short_form(
                "sep5 1, sep5 0, skip 2, sep3 0, sep3 0, sep5 2, sep3 0, avg 0, max 0, sep3 0",
                "avg 0, avg 0, avg 2, sep3 1, sep3 0, sep5 0, sep3 0, max 0, sep3 0, sep5 0",
                loose_ends,
            ),
            "renqianluo/NAO_pytorch:NAO_V2/train_NAONet_V2_36_cifar10.sh fixed_arc",
        ),
    }
)
