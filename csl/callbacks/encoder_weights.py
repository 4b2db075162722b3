"""The trained encoder as a plain file of weights."""

import os

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

from csl.callbacks.run_folder import run_folder
from csl.io import replacing
from csl.runs import ENCODER


class EncoderWeights(Callback):
    """Writes the encoder's weights to `encoder.safetensors` in the run's folder when a fit ends.

    The file holds tensors alone, by the names of the encoder's parameters and buffers, for programs that know nothing
    of csl; `csl.load_encoder(RUN)` gives the encoder itself.

    Example:
        >>> EncoderWeights()  # doctest: +ELLIPSIS
        <csl.callbacks.encoder_weights.EncoderWeights object at ...>
    """

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file, on the first process."""
        folder = run_folder(trainer)  # every process asks
        encoder = getattr(pl_module, "encoder", None)
        if trainer.is_global_zero and isinstance(encoder, nn.Module) and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            save_weights(encoder, folder / ENCODER)


def save_weights(encoder: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write all parameters and buffers of a module to a `.safetensors` file, whole or not at all.

    Args:
        encoder: The module.
        path: The file.

    Raises:
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from safetensors.torch import load_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(nn.Linear(2, 1), Path(folder) / "linear.safetensors")
        ...     sorted(load_file(Path(folder) / "linear.safetensors"))
        ['bias', 'weight']
    """
    from safetensors.torch import save

    # Copies, because tensors that share memory are refused.
    state = {name: value.detach().cpu().contiguous().clone() for name, value in encoder.state_dict().items()}
    with replacing(path) as file:
        file.write(save(state, metadata={"format": "pt"}))
