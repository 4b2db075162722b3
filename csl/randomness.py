"""Randomness that is derived, not stored: every stream is a function of a seed and of where we are in the run."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on every part, and on nothing else.

    Neighbouring parts give unrelated seeds, which `seed + step` does not.

    Example:
        >>> derive_seed(0, "augment", 3) == derive_seed(0, "augment", 3)
        True
        >>> derive_seed(0, "augment", 3) == derive_seed(0, "augment", 4)
        False
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def derive_generator(*parts: int | str) -> torch.Generator:
    """A generator on the CPU that starts at `derive_seed(*parts)`.

    Example:
        >>> first, second = (torch.rand(1, generator=derive_generator(0, "augment")) for _ in range(2))
        >>> bool(first == second)
        True
    """
    return torch.Generator().manual_seed(derive_seed(*parts))


def shuffled_by_class(labels: Tensor, generator: torch.Generator) -> list[Tensor]:
    """The positions of each class's rows in random order, classes ascending: the first few of each are a fair draw.

    All rows are put in order before their labels are looked at, so that another label moves no other row.

    Args:
        labels: Class of each row `[N]`, on the CPU, as the generator is.
        generator: Of the order.

    Example:
        >>> labels = torch.tensor([7, 3, 7, 3, 3])
        >>> [part.sort().values.tolist() for part in shuffled_by_class(labels, torch.Generator().manual_seed(0))]
        [[1, 3, 4], [0, 2]]
    """
    order = torch.randperm(len(labels), generator=generator)
    counts: list[int] = torch.unique(labels, return_counts=True)[1].tolist()
    return list(order[labels[order].argsort(stable=True)].split(counts))  # type: ignore[no-untyped-call]


@contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """Run a block under the stream `derive_seed(*parts)` and leave the caller's random state as it was.

    Covers torch (the CPU generator and the current CUDA device's, if CUDA is in use), NumPy and `random`.

    Example:
        >>> before = torch.get_rng_state()
        >>> with seeded(0, "dropout", 7):
        ...     _ = torch.rand(3)
        >>> bool((torch.get_rng_state() == before).all())
        True
    """
    seed = derive_seed(*parts)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    # Not torch.manual_seed, which walks the stack wherever a build for CUDA has not used CUDA yet: 0.4 ms a call.
    generators = [torch.default_generator]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        generators.append(torch.cuda.default_generators[torch.cuda.current_device()])
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def noise_of(index: Tensor, count: int, *parts: int | str) -> Tensor:
    """Numbers that look random, `count` for each image by its number: the same whichever process has the image.

    They come from a hash of the parts, the image and the place, on the index's own device, without a wait.

    Args:
        index: The images' numbers `[B]`, int64 from 0.
        count: How many numbers each has.
        parts: What they depend on beside, such as the seed and the step.

    Returns:
        int64 `[B, count]`, from 0 to 2³² − 1.

    Example:
        >>> both = noise_of(torch.tensor([7, 9]), 5, "mask", 0)
        >>> bool((noise_of(torch.tensor([9]), 5, "mask", 0) == both[1]).all())
        True
    """
    start = _hashed((index ^ (derive_seed(*parts) & _LOW)) & _LOW)
    places = torch.arange(1, count + 1, device=index.device) * _GOLDEN
    return _hashed((start[:, None] + places) & _LOW)


_LOW, _GOLDEN, _FACTOR = 0xFFFFFFFF, 0x9E3779B9, 0x45D9F3B


def _hashed(values: Tensor) -> Tensor:
    """Mix numbers below 2³²; no product is larger than an int64."""
    for _ in range(2):
        values = ((values >> 16) ^ values) * _FACTOR & _LOW
    return (values >> 16) ^ values
