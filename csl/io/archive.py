"""The archive that `csl predict` writes."""

from pathlib import Path

import numpy as np
import torch

from csl.io.whole import replacing
from csl.types import Features


def save_features(path: str | Path, features: Features) -> Path:
    """Write features as an `.npz` archive with `features [N, D]`, `labels [N]` and `index [N]`.

    Args:
        path: The file to write; its folder is made where it is missing.
        features: What to write.

    Returns:
        The path that was written.

    Raises:
        ValueError: If the name does not end in `.npz`.
        OSError: If the file cannot be written; what was there before is unchanged.

    Example:
        >>> import tempfile
        >>> rows = Features(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load_features(save_features(Path(folder) / "rows.npz", rows)).values.shape
        torch.Size([2, 3])
    """
    target = check_archive_name(path)
    values, labels, index = (tensor.detach().cpu().numpy() for tensor in features)
    with replacing(target) as file:
        np.savez(file, features=values, labels=labels, index=index)
    return target


def load_features(path: str | Path) -> Features:
    """Read what `save_features` wrote; nothing in the file is executed.

    Raises:
        ValueError: If the name does not end in `.npz`, or the archive lacks one of the arrays.
    """
    with np.load(check_archive_name(path), allow_pickle=False) as archive:
        missing = {"features", "labels", "index"} - set(archive.files)
        if missing:
            raise ValueError(
                f"{path}: expected arrays features, labels and index, missing {', '.join(sorted(missing))}"
            )
        return Features(*(torch.from_numpy(archive[name]) for name in ("features", "labels", "index")))


def check_archive_name(path: str | Path) -> Path:
    """The path of an archive.

    Raises:
        ValueError: If its name does not end in `.npz`.

    Example:
        >>> check_archive_name("rows.npz").suffix
        '.npz'
    """
    if Path(path).suffix != ".npz":
        raise ValueError(f"path: expected a file name that ends in .npz, got {str(path)!r}")
    return Path(path)
