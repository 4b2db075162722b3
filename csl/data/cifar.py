"""CIFAR-10 and CIFAR-100."""

from typing import ClassVar

from csl.data.torchvision_source import TorchvisionSource

_FINE_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
    castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
    elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
    man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
    pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
    skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
    tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""


class CIFAR10(TorchvisionSource):
    """60,000 colour images of 32×32 pixels in 10 classes (Krizhevsky, 2009): 50,000 train, 10,000 val.

    Takes `root`, `download`, `train_samples` and `seed` as `TorchvisionSource` does.

    Example:
        >>> source = CIFAR10(download=True)
        >>> source.class_names[:3], source.native_size
        (('airplane', 'automobile', 'bird'), 32)
    """

    mean: tuple[float, ...] = (0.4914, 0.4822, 0.4465)
    std: tuple[float, ...] = (0.2470, 0.2435, 0.2616)
    dataset: ClassVar[str] = "CIFAR10"
    folder: ClassVar[str] = "cifar-10-batches-py"
    classes: ClassVar[tuple[str, ...]] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    shape: ClassVar[tuple[int, int]] = (3, 32)


class CIFAR100(TorchvisionSource):
    """60,000 colour images of 32×32 pixels in 100 classes (Krizhevsky, 2009): 50,000 train, 10,000 val.

    Takes `root`, `download`, `train_samples` and `seed` as `TorchvisionSource` does.

    Example:
        >>> len(CIFAR100(download=True).class_names)
        100
    """

    mean: tuple[float, ...] = (0.5071, 0.4865, 0.4409)
    std: tuple[float, ...] = (0.2673, 0.2564, 0.2762)
    dataset: ClassVar[str] = "CIFAR100"
    folder: ClassVar[str] = "cifar-100-python"
    classes: ClassVar[tuple[str, ...]] = tuple(_FINE_CLASSES.split())
    shape: ClassVar[tuple[int, int]] = (3, 32)
