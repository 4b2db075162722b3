"""MNIST and Fashion-MNIST."""

from typing import ClassVar

from csl.data.torchvision_source import TorchvisionSource


class MNIST(TorchvisionSource):
    """70,000 handwritten digits of 28×28 grey pixels (LeCun et al., 1998): 60,000 train, 10,000 val.

    Takes `root`, `download`, `train_samples` and `seed` as `TorchvisionSource` does.

    Example:
        >>> source = MNIST(download=True)
        >>> source.num_channels, source.native_size
        (1, 28)
    """

    mean: tuple[float, ...] = (0.1307,)
    std: tuple[float, ...] = (0.3081,)
    mirror: ClassVar[bool] = False
    dataset: ClassVar[str] = "MNIST"
    folder: ClassVar[str] = "MNIST/raw"
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    shape: ClassVar[tuple[int, int]] = (1, 28)


class FashionMNIST(TorchvisionSource):
    """70,000 pieces of clothing of 28×28 grey pixels (Xiao et al., 2017, arXiv 1708.07747): 60,000 train, 10,000 val.

    Takes `root`, `download`, `train_samples` and `seed` as `TorchvisionSource` does.

    Example:
        >>> FashionMNIST(download=True).class_names[0]
        'T-shirt/top'
    """

    mean: tuple[float, ...] = (0.2860,)
    std: tuple[float, ...] = (0.3530,)
    dataset: ClassVar[str] = "FashionMNIST"
    folder: ClassVar[str] = "FashionMNIST/raw"
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    shape: ClassVar[tuple[int, int]] = (1, 28)
