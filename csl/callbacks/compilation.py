"""`torch.compile` for any method."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Compilation(Callback):
    """Compiles the encoder, the heads and every other part of a method where it stands, at the start of a fit.

    Parts keep their classes, their parameters and their names in checkpoints, so that a compiled run can be resumed
    without compiling and the other way round. The first steps take longer, up to minutes for a deep network.

    Args:
        backend: What compiles, as `torch.compile` names it.
        mode: `default`, `reduce-overhead` or `max-autotune`, as in `torch.compile`.

    Example:
        >>> Compilation(mode="max-autotune").mode
        'max-autotune'
    """

    def __init__(self, backend: str = "inductor", mode: str | None = None) -> None:
        self.backend, self.mode = backend, mode

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compile the parts; a validation alone is not worth the wait."""
        if stage == "fit":
            options: dict[str, Any] = {"backend": self.backend, "mode": self.mode}
            for part in pl_module.children():
                part.compile(**options)
