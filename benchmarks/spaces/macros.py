"""The networks around a cell as plain numbers: what a cost is counted over and a network is built from. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

AS_RELEASED = 16  # channels that the first layer of each of the layer spaces gets in its release
HALVINGS = 5  # of images of 224 pixels, in all of them


@dataclass(frozen=True, slots=True)
class NB201Macro:
    """Stem, stages of equal cells with a reduction between them, head.

    Source: Dong & Yang, NAS-Bench-201 (ICLR 2020); the defaults are its network on CIFAR-10.

    Attributes:
        image: pixels a side.
        inputs: input channels.
        channels: of the first stage; every further stage has twice as many, at half the side.
        stages: number of stages.
        cells: of each stage.
        stem: kernel of the stem's convolution.
        residual: whether a reduction is a residual basic block of stride 2; else it is ReLU, 2x2 average pooling, 1x1
            convolution and batch norm.
        classes: of the data set.
        partial: 1/partial of the channels go through the operations, the others around them (PC-DARTS); 1 for all.
    """

    image: int = 32
    inputs: int = 3
    channels: int = 16
    stages: int = 3
    cells: int = 5
    stem: int = 3
    residual: bool = True
    classes: int = 10
    partial: int = 1

    @property
    def halvings(self) -> int:
        """Return how often images are halved."""
        return self.stages - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Return the channels of each stage."""
        return tuple(self.channels << stage for stage in range(self.stages))


@dataclass(frozen=True, slots=True)
class NB1Shot1Macro:
    """Stem, cells of choice blocks; 2x2 max-pooling and twice the channels before two of them.

    Source: Zela et al., NAS-Bench-1Shot1 (ICLR 2020); the defaults are its search network.
    """

    image: int = 32
    inputs: int = 3
    channels: int = 16
    cells: int = 9
    classes: int = 10
    partial: int = 1  # 1/partial of the channels go through the operations of a choice block, the others around them

    @property
    def reductions(self) -> tuple[int, ...]:
        """Return the cells that a reduction comes before."""
        return tuple(sorted({self.cells // 3, 2 * self.cells // 3} - {0}))

    @property
    def halvings(self) -> int:
        """Return how often images are halved."""
        return len(self.reductions)


@dataclass(frozen=True, slots=True)
class DartsMacro:
    """Stem, normal cells with reduction cells at a third and two thirds, head.

    Source: Liu et al., DARTS (ICLR 2019); the defaults are its search network on CIFAR-10.

    Attributes:
        image: pixels a side.
        inputs: input channels.
        channels: of the first cells; a reduction cell doubles them.
        cells: number of cells.
        classes: of the data set.
        partial: 1/partial of the channels go through the operations, the others around them (PC-DARTS); 1 for all.
        auxiliary: whether there is an auxiliary head after the second reduction cell.
        imagenet: whether the stem is that for 224-pixel images, three convolutions of stride 2.
    """

    image: int = 32
    inputs: int = 3
    channels: int = 16
    cells: int = 8
    classes: int = 10
    partial: int = 1
    auxiliary: bool = False
    imagenet: bool = False

    @property
    def reductions(self) -> tuple[int, ...]:
        """Return the cells that are reduction cells."""
        return tuple(sorted({self.cells // 3, 2 * self.cells // 3} - {0}))

    @property
    def halvings(self) -> int:
        """Return how often images are halved."""
        return len(self.reductions)


@dataclass(frozen=True, slots=True)
class LayersMacro:
    """Stem, the layers of a space, head.

    Widths are those of the releases where `channels` is 16, which is what the first layer of a space gets in all three
    of them; else they are in proportion to it. The releases round to multiples of eight, here it is to multiples of
    four, so that networks for small images can be small.

    Attributes:
        image: pixels a side.
        inputs: input channels.
        classes: of the data set.
        stem: channels of the first convolution, 3x3.
        first: channels of a block without choice after it, a 3x3 convolution of each channel and a 1x1 one; or None.
        squeeze: stages, counted from 0, whose blocks have squeeze-and-excitation.
        features: channels of a 1x1 convolution with batch norm after the last layer.
        mixed: channels of a 1x1 convolution after the average pool, or None.
        bias: whether the linear layer has one.
        channels: that the first layer of the space gets; all widths are in proportion.
        cells: layers of a stage at most; a space with longer ones is refused.
        partial: 1: all channels go through the blocks, as ever here.
        strides: of the first convolution, then of the first layer of each stage; None: 2, and what the space says.
        swish: stages, counted from 0, whose blocks have h-swish; where there are any, stem and head have it too.
        capped: whether the other activations are ReLU6; else they are ReLU.
        elastic: whether supernets have one set of weights for all kernels, widths and depths, of which every block
            takes a part; else every block has weights of its own.
    """

    image: int = 224
    inputs: int = 3
    classes: int = 1000
    stem: int = 32
    first: int | None = None
    squeeze: tuple[int, ...] = ()
    features: int = 1280
    mixed: int | None = None
    bias: bool = True
    channels: int = 16
    cells: int = 4
    partial: int = 1
    strides: tuple[int, ...] | None = None
    swish: tuple[int, ...] = ()
    capped: bool = False
    elastic: bool = False

    @property
    def halvings(self) -> int:
        """Return how often images are halved."""
        return HALVINGS if self.strides is None else self.strides.count(2)

    def scaled(self, width: int) -> int:
        """Return what a width of the release is here."""
        wanted = width * self.channels
        return width if self.channels == AS_RELEASED else max(4, (wanted + 2 * AS_RELEASED) // (4 * AS_RELEASED) * 4)


@dataclass(frozen=True, slots=True)
class BlocksMacro:
    """A 3x3 convolution, stages of the blocks of a network that people made, head.

    The first block of a stage that has another width than what comes before, or half the pixels, changes the size.

    Attributes:
        stages: width, number of blocks, and stride of the first, of each.
        stem: channels of the first convolution in the published network; all widths are in proportion to `channels`.
        first: channels of a block without choice after it, a 3x3 convolution of each channel and a 1x1 one; or None.
        features: channels of a 1x1 convolution after the last block, or None.
        largest: whether the head takes the largest of the last map's pixels; else it takes their mean.
        capped: whether activations are ReLU6; else they are ReLU.
        image: pixels a side.
        inputs: input channels.
        channels: of the first convolution.
        cells: blocks of a stage at most, the first ones.
        classes: of the data set.
        partial: 1: all channels go through the operations, as ever here.
    """

    stages: tuple[tuple[int, int, int], ...]
    stem: int
    first: int | None = None
    features: int | None = None
    largest: bool = False
    capped: bool = False
    image: int = 32
    inputs: int = 3
    channels: int = 16
    cells: int = 3
    classes: int = 10
    partial: int = 1

    @property
    def halvings(self) -> int:
        """Return how often images are halved."""
        return sum(stride == 2 for _, _, stride in self.stages)

    def scaled(self, width: int) -> int:
        """Return what a width of the published network is here, rounded, 1 at least."""
        return max(1, (2 * width * self.channels + self.stem) // (2 * self.stem))

    def side(self, halved: int) -> int:
        """Return the pixels a side of an image that was halved so often, an odd side rounded up."""
        return -(-self.image >> halved)


Macro = NB201Macro | NB1Shot1Macro | DartsMacro | LayersMacro | BlocksMacro


def sized(macro: Macro, **sizes: int) -> Macro:
    """Return a network of other sizes: `image`, `inputs`, `channels`, `cells`, `classes`, `partial`, which all have."""
    return replace(macro, **sizes)  # type: ignore[arg-type]  # one call for all classes


def as_told(macro: Macro) -> dict[str, object]:
    """Return the sizes by name, as digests and tables have them.

    A `partial` of 1 is left out but for DARTS cells, which alone had it when digests were first made.
    """
    left_out = not isinstance(macro, DartsMacro) and macro.partial == 1
    return {name: value for name, value in asdict(macro).items() if not (left_out and name == "partial")}


# as in mit-han-lab/proxylessnas:search/models/super_nets/super_proxyless.py
PROXYLESS = LayersMacro(first=16, capped=True)
# as in mit-han-lab/once-for-all:ofa/imagenet_classification/elastic_nn/networks/ofa_mbv3.py
OFA = LayersMacro(stem=16, first=16, squeeze=(1, 3, 4), features=960, mixed=1280, swish=(2, 3, 4), elastic=True)
# as in megvii-model/SinglePathOneShot:src/Supernet/network.py
SPOS = LayersMacro(stem=16, features=1024, bias=False, cells=8)

# ours, for small images: as published but for the strides, so that 32 pixels end as 4, and 8 as 2
PROXYLESS_32 = replace(PROXYLESS, image=32, classes=10, strides=(1, 1, 2, 2, 1, 2, 1))
PROXYLESS_8 = replace(PROXYLESS, image=8, inputs=1, classes=10, channels=4, cells=2, strides=(1, 1, 2, 1, 1, 2, 1))
# likewise; digits have the first two stages alone
OFA_32 = replace(OFA, image=32, classes=10, strides=(1, 1, 2, 2, 1, 2))
OFA_8 = replace(OFA, image=8, inputs=1, classes=10, channels=4, squeeze=(1,), swish=(1,), strides=(1, 1, 2))

POC = NB201Macro(image=16, channels=8, cells=1, residual=False)  # ours: small enough to train 1,296 networks
DIGITS = NB201Macro(image=8, inputs=1, channels=8, stages=2, cells=1, stem=1, residual=False)

HANDCRAFTED: Mapping[str, BlocksMacro] = MappingProxyType(
    {
        # Simonyan & Zisserman (ICLR 2015), with batch norm and one linear layer, as is usual on CIFAR-10; the last
        # pooling, of 2x2 pixels, is the head's
        "vgg16": BlocksMacro(
            ((64, 1, 1), (128, 2, 2), (256, 3, 2), (512, 3, 2), (512, 3, 2)), stem=64, channels=64, largest=True
        ),
        # He et al. (CVPR 2016), section 4.2: 6n + 2 layers
        "resnet20": BlocksMacro(((16, 3, 1), (32, 3, 2), (64, 3, 2)), stem=16),
        "resnet56": BlocksMacro(((16, 9, 1), (32, 9, 2), (64, 9, 2)), stem=16, cells=9),
        # Sandler et al. (CVPR 2018), table 2; strides of the first convolution and of the first stage are 1, for 32
        # pixels
        "mobilenet_v2": BlocksMacro(
            ((24, 2, 1), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)),
            stem=32,
            first=16,
            features=1280,
            capped=True,
            channels=32,
            cells=4,
        ),
    }
)
RESNET20_8 = replace(HANDCRAFTED["resnet20"], image=8, inputs=1, channels=4)  # ours, for digits
