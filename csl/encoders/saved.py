"""The trained encoder of a run, from its folder."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from csl.encoders.backbone import as_encoder
from csl.encoders.base import Encoder
from csl.encoders.network import Network
from csl.io import load_checkpoint
from csl.runs import ENCODER, RECORD, Run, epoch_file

_PREFIX = "encoder."


def load_encoder(
    run: str | os.PathLike[str], *, epoch: int | None = None, encoder: nn.Module | None = None, device: Any = "cpu"
) -> Encoder:
    """The encoder that a run has trained, in evaluation mode.

    It is built again from the run's record and given the weights of its last checkpoint; it takes images
    `[B, C, H, W]` in [0, 1] and normalises them as in training.

    Args:
        run: The folder of a run of `csl fit`, such as `lightning_logs/simclr-digits/version_0`.
        epoch: Take the weights that were kept after this epoch (`RunCheckpoint(keep_every_n_epochs=...)`).
        encoder: Takes the weights; needed only where the run was started from Python and the record does not say how
            its encoder was made.
        device: Where it shall be.

    Raises:
        ValueError: If the folder is not that of a run that has been trained, the encoder cannot be built from the
            record, or the weights do not fit.

    Example:
        >>> encoder = load_encoder("lightning_logs/simclr-digits/version_0")  # doctest: +SKIP
        >>> encoder(torch.rand(8, 1, 8, 8)).shape  # doctest: +SKIP
        torch.Size([8, 128])
    """
    found = Run(Path(run))
    state = _weights(found, epoch)
    built = as_encoder(encoder) if encoder is not None else _built(found)
    try:
        built.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{run}: the weights do not fit {type(built).__name__}: {error}") from error
    return built.eval().to(device)


def _weights(run: Run, epoch: int | None) -> dict[str, Tensor]:
    if epoch is None and not run.is_started and (run.folder / ENCODER).is_file():
        from safetensors.torch import load_file

        return load_file(run.folder / ENCODER)
    file = run.last if epoch is None else run.folder / epoch_file(epoch)
    if not file.is_file():
        kept = ", ".join(path.name for path in run.checkpoint_files) or "none"
        raise ValueError(f"{run.folder}: expected the checkpoint {file.name}; there are {kept}")
    state: Mapping[str, Tensor] = load_checkpoint(file, name="run")["state_dict"]
    return {name.removeprefix(_PREFIX): value for name, value in state.items() if name.startswith(_PREFIX)}


def _built(run: Run) -> Encoder:
    """The encoder that the record describes, with random weights."""
    from jsonargparse import ArgumentParser

    if not run.record:
        raise ValueError(f"{run.folder}: expected a run that has been trained, which keeps {RECORD}")
    known = run.record["encoder"]
    arguments = dict(known["init_args"])
    for name, nothing in (("pretrained", False), ("weights", None)):  # the weights are here
        if name in arguments:
            arguments[name] = nothing
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--encoder", type=Network)
    try:
        config = parser.parse_object({"encoder": {"class_path": known["class_path"], "init_args": arguments}})
        return as_encoder(parser.instantiate(config).encoder)
    except Exception as error:
        raise ValueError(
            f"{run.folder}: cannot build {known['class_path']} from {RECORD} ({error}); "
            "build it yourself and give it as `encoder`"
        ) from error
