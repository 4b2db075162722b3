"""Whole sets of images, decoded into memory on every core."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from csl.data.held import HeldImages
from csl.data.images import EncodedImages

_CHUNK = 128  # images that a worker decodes at a time
_MANY = 5_000  # images; fewer are decoded before anybody looks and before processes have started
_Range: TypeAlias = tuple[int, int]
_Decode: TypeAlias = Callable[[_Range], list[np.ndarray]]


def decoded(images: EncodedImages, show_progress: bool = False) -> HeldImages:
    """Decode a whole set into memory, on every core this process may use.

    Many images are decoded by forked processes where the system can fork: the work on a small image is mostly
    Python's, which threads of one process cannot share (16 threads decode CIFAR-10 slower than one does).

    Raises:
        ValueError: If an image cannot be decoded; names it.
    """
    from tqdm.auto import tqdm

    count, forks = len(images), len(images) >= _MANY and "fork" in multiprocessing.get_all_start_methods()
    hidden = not show_progress or count < _MANY
    bar = tqdm(total=count, desc="decoding images", unit=" images", leave=False, mininterval=1, disable=hidden)
    chunks = [(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    out: list[Tensor] = []
    with bar, _workers(images, forks) as (pool, decode):
        for done in pool.map(decode, chunks):
            out += map(torch.from_numpy, done)
            bar.update(len(done))
    return HeldImages(out, images.labels)


def available_cores() -> int:
    """How many processor cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _workers(images: EncodedImages, forks: bool) -> Iterator[tuple[Executor, _Decode]]:
    """Processes or threads, and the function that lets one of them decode a range of the images."""
    pool: Executor
    if forks:
        context = multiprocessing.get_context("fork")
        pool = ProcessPoolExecutor(available_cores(), context, _begin, (images,))
    else:
        pool = ThreadPoolExecutor(available_cores())
    try:
        yield pool, _decode_begun if forks else _decoder(images)
    finally:
        pool.shutdown(cancel_futures=True)


def _decoder(images: EncodedImages) -> _Decode:
    """Arrays and not tensors, which would travel through files of /dev/shm, which containers keep small."""
    return lambda rows: [images.whole(position).numpy() for position in range(*rows)]


_begun: _Decode | None = None  # in a forked process: what it was started for


def _begin(images: EncodedImages) -> None:
    global _begun
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    torch.set_num_threads(1)
    _begun = _decoder(images)


def _decode_begun(rows: _Range) -> list[np.ndarray]:
    assert _begun is not None
    return _begun(rows)
