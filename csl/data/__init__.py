"""Images for every method: one data module, one class a source, batched augmentation on the device."""

from csl.data.any_dataset import AnyDataset
from csl.data.augmentation import Augmentation
from csl.data.cifar import CIFAR10, CIFAR100
from csl.data.digits import Digits
from csl.data.folder import Folder
from csl.data.images import ImageSet, ImageTensor
from csl.data.mnist import MNIST, FashionMNIST
from csl.data.module import ImageDataModule
from csl.data.parquet import Parquet
from csl.data.record import DataRecord
from csl.data.source import ImageSource, ImageSplits
from csl.data.stl10 import STL10

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "STL10",
    "AnyDataset",
    "Augmentation",
    "DataRecord",
    "Digits",
    "FashionMNIST",
    "Folder",
    "ImageDataModule",
    "ImageSet",
    "ImageSource",
    "ImageSplits",
    "ImageTensor",
    "Parquet",
]
