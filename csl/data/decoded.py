"""Whole sets of images, decoded into memory on every core."""

import mmap
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor

from csl.data.images import EncodedImages, ImageTensor

_CHUNK = 128  # images that a worker decodes at a time
_MANY = 5_000  # images; fewer are decoded before anybody looks and before processes have started
_Range = tuple[int, int]


def decoded(images: EncodedImages, show_progress: bool = False) -> ImageTensor:
    """Decode a whole set into memory, on every core this process may use.

    Many images are decoded by forked processes where the system can fork: the work on a small image is mostly
    Python's, which threads of one process cannot share (16 threads decode CIFAR-10 slower than one does).

    Raises:
        ValueError: If an image cannot be decoded; names it.
    """
    from tqdm.auto import tqdm

    count, forks = len(images), len(images) >= _MANY and "fork" in multiprocessing.get_all_start_methods()
    shape = (count, images.num_channels, images.size, images.size)
    out = _shared(shape) if forks else torch.empty(shape, dtype=torch.uint8)
    hidden = not show_progress or count < _MANY
    bar = tqdm(total=count, desc="decoding images", unit=" images", leave=False, mininterval=1, disable=hidden)
    chunks = [(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    with bar, _workers(images, out, forks) as (pool, fill):
        for done in pool.map(fill, chunks):
            bar.update(done)
    return ImageTensor(out, images.labels)


def available_cores() -> int:
    """How many processor cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(shape: tuple[int, ...]) -> Tensor:
    """Memory that forked processes write to; no file of /dev/shm, which containers keep small."""
    size = torch.Size(shape).numel()
    return torch.frombuffer(mmap.mmap(-1, size), dtype=torch.uint8).reshape(shape)


@contextmanager
def _workers(images: EncodedImages, out: Tensor, forks: bool) -> Iterator[tuple[Executor, Callable[[_Range], int]]]:
    """Processes or threads, and the function that lets one of them decode a range of the images."""
    pool: Executor
    if forks:
        context = multiprocessing.get_context("fork")
        pool = ProcessPoolExecutor(available_cores(), context, _begin, (images, out))
    else:
        pool = ThreadPoolExecutor(available_cores())
    try:
        yield pool, _fill_begun if forks else _fill(images, out)
    finally:
        pool.shutdown(cancel_futures=True)


def _fill(images: EncodedImages, out: Tensor) -> Callable[[_Range], int]:
    def fill(rows: _Range) -> int:
        out[slice(*rows)] = images.images(torch.arange(*rows))
        return rows[1] - rows[0]

    return fill


_begun: Callable[[_Range], int] | None = None  # in a forked process: what it was started for


def _begin(images: EncodedImages, out: Tensor) -> None:
    global _begun
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    torch.set_num_threads(1)
    _begun = _fill(images, out)


def _fill_begun(rows: _Range) -> int:
    assert _begun is not None
    return _begun(rows)
