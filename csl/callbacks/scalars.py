"""What measured scalars are called and how they reach the log."""

from collections.abc import Iterator, Mapping, Sequence

from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from csl.distributed import world
from csl.types import Features, Split


def held_out_name(trainer: Trainer) -> str:
    """What scalars of the held-out set are called: "val", and "test" in `csl test`."""
    return "test" if trainer.testing else "val"


def chosen(features: Mapping[str, Split], outputs: Sequence[str]) -> Iterator[tuple[str, Split]]:
    """The chosen outputs with the prefix of their scalars: none for "encoder", else `<output>/`.

    Raises:
        ValueError: If the method has no output of such a name.
    """
    for output in outputs:
        if output not in features:
            raise ValueError(f"outputs: expected some of {', '.join(features)}, got {output!r}")
        yield "" if output == "encoder" else f"{output}/", features[output]


def named_sets(
    trainer: Trainer, features: Mapping[str, Split], outputs: Sequence[str]
) -> Iterator[tuple[str, Features]]:
    """The evaluation sets of the chosen outputs with the prefix of their scalars, such as `val/`."""
    for prefix, split in chosen(features, outputs):
        if split.train is not None:
            yield f"train/{prefix}", split.train
        yield f"{held_out_name(trainer)}/{prefix}", split.val


def log_scalars(module: LightningModule, scalars: Mapping[str, Tensor | float], progress_bar: Sequence[str]) -> None:
    """Log values that every process holds alike, to all loggers, callbacks and the progress bar."""
    for name, value in scalars.items():
        if isinstance(value, Tensor) and world() is not None:
            value = value.to(module.device)  # the one from which processes can send
        # The mean over processes of equal values is that value; without it Lightning warns of an unsynchronised log.
        module.log(name, value, prog_bar=name in progress_bar, sync_dist=True, add_dataloader_idx=False)


def tolerated() -> type[Exception]:
    """What a measurement may raise without ending the run; it is then logged as NaN, with a warning.

    Errors about features (`ValueError`) are the same on every process. Any other is tolerated on a single process
    only: where several wait for each other, one that left a measurement early would leave the others waiting.
    """
    return Exception if world() is None else ValueError
