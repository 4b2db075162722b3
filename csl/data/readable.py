"""What is done about images that cannot be read: an error, or left out before anything is counted or divided."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeAlias

import torch
from lightning.pytorch.utilities import rank_zero_info

from csl.data.decoded import available_cores
from csl.data.images import EncodedImages
from csl.data.record import PassedOver
from csl.distributed import on_any_process, world

OnBadImage: TypeAlias = Literal["error", "skip"]

_SMALL = 8  # pixels; a JPEG is read whole, but hardly decoded
_CHUNK = 256  # images that a thread looks at a time
_LISTED = 100
_EXAMPLES = 3


def check_policy(on_bad_image: str) -> None:
    """Refuse a policy that is none.

    Raises:
        ValueError: If it is not "error" or "skip".
    """
    if on_bad_image not in ("error", "skip"):
        raise ValueError(f"on_bad_image: expected 'error' or 'skip', got {on_bad_image!r}")


def readable(
    images: EncodedImages, on_bad_image: OnBadImage, name: str
) -> tuple[EncodedImages, tuple[PassedOver, ...]]:
    """The images themselves, or with "skip" those of them that can be decoded, after a look at every one.

    What is left out is counted for the record, and listed in the log with reasons. Processes agree: what one of them
    cannot read, all leave out.

    Args:
        images: A set that is still encoded.
        on_bad_image: "error" leaves it to whoever decodes an image to refuse it.
        name: What the log calls the set.

    Raises:
        ValueError: If no image of a class can be read.
    """
    if on_bad_image == "error" or len(images) == 0:
        return images, ()
    faults = _faults(images)
    bad = on_any_process(torch.tensor([fault is not None for fault in faults]), world())
    if not bad.any():
        return images, ()
    rows = bad.nonzero().flatten().tolist()
    listed = [f"  {faults[row] or 'unreadable for another process: ' + images.name(row)}" for row in rows[:_LISTED]]
    more = [f"  and {len(rows) - _LISTED:,} more"] if len(rows) > _LISTED else []
    head = f"{name}: {len(rows):,} of {len(images):,} images cannot be read and are left out (on_bad_image: skip):"
    rank_zero_info("\n".join([head, *listed, *more]))
    kept = images.select((~bad).nonzero().flatten())
    lost = sorted(set(images.labels.tolist()) - set(kept.labels.tolist()))
    if lost:
        which = f"no image of class number {lost[0]}" if lost[0] >= 0 else "no image without a label"
        raise ValueError(f"{name}: {which} can be read; the first: {listed[0].strip()}")
    keys = images.select(torch.tensor(rows[:_EXAMPLES])).keys()
    return kept, (PassedOver("images that cannot be decoded", len(rows), tuple(keys)),)


def _faults(images: EncodedImages) -> list[str | None]:
    """Why each image cannot be decoded; None for those that can."""
    small = images.resized(_SMALL)

    def look(positions: torch.Tensor) -> list[str | None]:
        return [_fault(small, position) for position in torch.split(positions, 1)]

    with ThreadPoolExecutor(available_cores()) as threads:
        return [fault for part in threads.map(look, torch.split(torch.arange(len(images)), _CHUNK)) for fault in part]


def _fault(images: EncodedImages, position: torch.Tensor) -> str | None:
    try:
        images.images(position)
    except ValueError as error:
        return str(error)
    return None
