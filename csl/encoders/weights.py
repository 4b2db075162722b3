"""Weights that others trained, into an encoder."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from csl.encoders.weight_files import read_tensors
from csl.encoders.weight_fit import Differences, check_places, check_same_network, is_out
from csl.encoders.weight_names import Found, common_name, find_network, needed, part_of
from csl.encoders.weight_report import report

if TYPE_CHECKING:
    from csl.encoders.base import Encoder

log = logging.getLogger(__name__)
WRAPPER = "model."  # where an encoder keeps a network that is not its own
_reads: ContextVar[bool] = ContextVar("reads", default=True)


@contextmanager
def weights_unread() -> Iterator[None]:
    """Within the block no encoder reads its file of weights, since a checkpoint will replace them.

    Example:
        >>> from csl.encoders import ConvNet
        >>> with weights_unread():
        ...     ConvNet(weights="gone.pth").feature_dim
        128
    """
    token = _reads.set(False)
    try:
        yield
    finally:
        _reads.reset(token)


def load_weights(encoder: "Encoder", path: str | Path) -> None:
    """Load weights from a file of any project into an encoder, and say what was taken.

    The network is found in the file by the names and shapes of its tensors, whatever they begin with (`module.`,
    `backbone.`, `encoder_q.`, `teacher.backbone.`). A part of the encoder is loaded whole, or not at all: a classifier
    or a projection head in the file is left out, a last norm that the file lacks stays as it is, but a deeper network
    or one of another width is an error. For an encoder of grey images, a first convolution for colour images is summed
    over its channels, as timm does it.

    Args:
        encoder: The encoder; changed in place, together with its window where the file holds one.
        path: A `.safetensors` file, or any that `torch.save` wrote, such as `.pt`, `.pth`, `.ckpt`, `.pth.tar`. Nothing
            in it is executed. Where it holds several networks, `dino.pth#student` takes the one whose names hold the
            word; else a teacher or a mean of weights comes first, and a momentum copy last.

    Raises:
        ValueError: If the file cannot be read as data, or does not hold the weights of such a network.

    Example:
        >>> import tempfile, torch
        >>> from csl.encoders import ResNet
        >>> trained, encoder = ResNet(10, width=4), ResNet(10, width=4)
        >>> weights = {f"module.encoder_q.{name}": value for name, value in trained.state_dict().items()}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save({"state_dict": weights, "epoch": 200}, Path(folder) / "moco.pth.tar")
        ...     load_weights(encoder, Path(folder) / "moco.pth.tar")
        >>> bool((encoder.conv1.weight == trained.conv1.weight).all())
        True
    """
    if not _reads.get():
        return
    names = _own_names(encoder)
    state = encoder.state_dict()
    own = {common: state[name] for common, name in names.items()}
    if not own:
        raise ValueError(f"weights: expected an encoder with weights, got {type(encoder).__name__}, which has none")
    path, file = _file(path)
    found = _for_grey(encoder, own, _translated(encoder, own, file, find_network(own, file)))
    check_same_network(encoder, own, found.tensors, path)
    check_places(encoder, own, found.numbers)
    loaded = {names[name]: found.tensors[name] for name in own if name in found.tensors}
    window = _window(encoder, found.prefix, file)
    encoder.load_state_dict(loaded | window, strict=False)
    encoder.is_trained = True
    heads = [name for name in found.tensors if is_out(encoder, name)]
    whole = found._replace(tensors=found.tensors | window)
    lines = report(type(encoder).__name__, [*own, *window], whole, heads, file, path)
    if found.summed:
        lines.append(f"for grey images: {', '.join(found.summed)} is the sum over its three channels")
    if found.is_translated:
        lines.append("names and sizes: as its library turned them for this model")
    if not encoder.has_window:
        lines.append("mean and std: not in the file; those of the data are taken unless they are given")
    is_whole = all(name in found.tensors for name in needed(own))
    log.log(logging.INFO if is_whole else logging.WARNING, "\n  ".join(lines))


def _file(path: str | Path) -> tuple[Path, dict[str, Tensor]]:
    """A file and its tensors; those whose names hold the word behind a #."""
    place, mark, word = (str(path), "", "") if Path(path).is_file() else str(path).partition("#")
    file = read_tensors(place)
    chosen = {name: tensor for name, tensor in file.items() if word in name}
    if mark and not chosen:
        begins = ", ".join(dict.fromkeys(map(part_of, file)))
        raise ValueError(f"weights: expected a word that names in {place} hold, got {word!r}; they begin with {begins}")
    return Path(place), chosen


def _own_names(encoder: "Encoder") -> dict[str, str]:
    """The names of an encoder's weights by their common names, without what wraps a network that is not its own."""
    names = [name for name in encoder.state_dict() if name not in ("mean", "std")]
    is_wrapped = isinstance(getattr(encoder, "model", None), nn.Module)
    bare = [name.removeprefix(WRAPPER) if is_wrapped else name for name in names]
    common = [common_name(name) for name in bare]
    return dict(zip(common if len(set(common)) == len(names) else bare, names, strict=True))


def _translated(encoder: "Encoder", own: Mapping[str, Tensor], file: Mapping[str, Tensor], found: Found) -> Found:
    """What was found, or what the encoder's library makes of it where that fits better."""
    best = Differences.between(encoder, own, found.tensors)
    for prefix in dict.fromkeys((found.prefix, "", *(f"{name.partition('.')[0]}." for name in file))):
        if not best.total:
            break
        weights = {name.removeprefix(prefix): value for name, value in file.items() if name.startswith(prefix)}
        tensors = {common_name(name): value for name, value in (encoder.translated(weights) or {}).items()}
        left = Differences.between(encoder, own, tensors)
        if (left.total, len(left.missing)) < (best.total, len(best.missing)):
            best, found = left, Found(prefix, tensors, (), is_translated=True)
    return found


def _for_grey(encoder: "Encoder", own: Mapping[str, Tensor], found: Found) -> Found:
    """A network for colour images as one for grey images, where the encoder takes those."""
    if encoder.in_channels != 1:
        return found
    summed = {
        name: tensor.sum(dim=1, keepdim=True)
        for name, tensor in found.tensors.items()
        if tensor.ndim == 4 and tensor.shape[1] == 3 and name in own and own[name].shape[1] == 1
    }
    return found._replace(tensors=found.tensors | summed, summed=tuple(summed))


def _window(encoder: "Encoder", prefix: str, file: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The window beside a network that csl saved."""
    home = prefix.removesuffix(WRAPPER)
    window = {name: file[home + name] for name in ("mean", "std") if home + name in file}
    fits = all(value.shape == encoder.mean.shape for value in window.values())
    return window if len(window) == 2 and fits else {}
