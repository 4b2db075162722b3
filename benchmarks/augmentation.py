"""Two random views of an image: pairs a second on one core, ours beside lightly, torchvision v2 and Kornia.

All draw the same recipe: crop, mirror, jitter of colours with probability 0.8, grey with 0.2, with and without a blur
of probability 0.5, and normalise. lightly and torchvision work image by image, as they do in a loader's workers.
"""

import argparse
from collections.abc import Callable
from itertools import cycle

import numpy as np
import torch
from lightly.transforms.simclr_transform import SimCLRTransform
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from benchmarks.machine import report
from benchmarks.timing import rates
from csl.data import Augmentation
from csl.data.source import IMAGENET_MEAN, IMAGENET_STD
from csl.table import Table

STRENGTH = (0.4, 0.4, 0.4, 0.1)
OURS = "csl, a batch at a time"


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--size", type=int, default=32, help="height and width in pixels")
    parser.add_argument("--batch", type=int, default=512, help="images in a batch")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each one works in a round")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds there are")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for blur in (0.0, 0.5):
        found = rates(candidates(args.size, args.batch, blur), args.seconds, args.rounds)
        rows += [
            [name, f"{blur:g}", str(rate), f"{rate.median / found['lightly, PIL'].median:.1f}"]
            for name, rate in found.items()
        ]
    report(
        "augmentation" if args.size == 32 else f"augmentation_{args.size}",
        f"Augmentation of {args.size} x {args.size} images on one core",
        f"python -m benchmarks.augmentation --size {args.size} --batch {args.batch}",
        f"Median of {args.rounds} rounds (slowest to fastest), {args.seconds:g} s each.\n\n"
        + Table(["", "blur", "pairs/s", "times lightly"], rows).markdown(),
    )


def candidates(size: int, batch: int, blur: float) -> dict[str, Callable[[], int]]:
    """What is measured, by name; each call makes pairs of views and returns how many."""
    images = torch.randint(256, (batch, 3, size, size), dtype=torch.uint8)
    return {
        OURS: ours(images, blur),
        "lightly, PIL": lightly(images, blur),
        "torchvision v2, tensors": torchvision(images, blur),
        "Kornia, a batch at a time": kornia(images, blur),
    }


def ours(images: Tensor, blur: float) -> Callable[[], int]:
    """Our batched augmentation."""
    augmentation = Augmentation(
        images.shape[-1], (0.08, 1.0), (3 / 4, 4 / 3), 0.5, 0.0, 0.0, (1.0, 1.0), 0.0, *STRENGTH, 0.8, 0.2, blur
    )
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))

    def work() -> int:
        for _ in range(2):
            (augmentation(images) - mean).div_(std)
        return len(images)

    return work


def lightly(images: Tensor, blur: float) -> Callable[[], int]:
    """The transform of lightly's examples, which gives two views of a PIL image."""
    transform = SimCLRTransform(input_size=images.shape[-1], cj_strength=0.5, gaussian_blur=blur)
    pictures = cycle(Image.fromarray(np.asarray(image.permute(1, 2, 0))) for image in images)

    def work() -> int:
        transform(next(pictures))
        return 1

    return work


def torchvision(images: Tensor, blur: float) -> Callable[[], int]:
    """The same from torchvision's second transforms, on uint8 tensors."""
    size = images.shape[-1]
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, (0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(*STRENGTH)], 0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(_kernel(size), (0.1, 2.0))], blur),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    pictures = cycle(images)

    def work() -> int:
        image = next(pictures)
        transform(image), transform(image)
        return 1

    return work


def kornia(images: Tensor, blur: float) -> Callable[[], int]:
    """The same from Kornia's batched transforms, on float tensors."""
    from kornia import augmentation as K

    size = images.shape[-1]
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    transform = K.AugmentationSequential(
        K.RandomResizedCrop((size, size), (0.08, 1.0), cropping_mode="resample"),
        K.RandomHorizontalFlip(),
        K.ColorJitter(*STRENGTH, p=0.8),
        K.RandomGrayscale(p=0.2),
        K.RandomGaussianBlur((_kernel(size), _kernel(size)), (0.1, 2.0), p=blur),
        K.Normalize(mean, std),
    )

    def work() -> int:
        for _ in range(2):
            transform(images.float() / 255)
        return len(images)

    return work


def _kernel(size: int) -> int:
    """A kernel that spans a tenth of the image, as ours and lightly's do."""
    return 2 * max(1, round(size / 20)) + 1


if __name__ == "__main__":
    main()
