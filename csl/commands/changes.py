"""What a run may change of its configuration when it goes on, and what it may not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from csl.commands.errors import CommandError
from csl.data import ImageDataModule
from csl.methods.per_image import PerImageMethod
from csl.runs import Run

# The weights, and the optimizer's memory of their gradients, are of these.
FIXED = ("model", "model.encoder", "model.optimization.optimizer", "data.source")
ENCODER = "model.encoder."
# What an encoder computes is the same with another value of these.
FREE = ("layers", "dropout")
# An epoch is dealt out by these: in the middle of one, images would be seen twice or never.
FIXED_IN_EPOCH = ("data.batch_size", "data.seed", "seed_everything")


def check_options(run: Mapping[str, Any], line: Mapping[str, Any], folder: Path, in_epoch: bool) -> None:
    """Refuse what a run cannot change.

    Args:
        run: The options that it had.
        line: Those that it shall go on with.
        folder: The run's folder.
        in_epoch: Whether its checkpoint is of the middle of an epoch.

    Raises:
        CommandError: If an option is another one that must not be; names it.
    """
    for name in _changed(run, line):
        if name in FIXED or (name.startswith(ENCODER) and name.removeprefix(ENCODER) not in FREE):
            raise CommandError(
                f"{_refusal(name, run, line)}. For another, start a run of its own: csl fit --config "
                f"{folder / 'config.yaml'} --{name} {line[name]}"
            )
        if name in FIXED_IN_EPOCH and in_epoch:
            raise CommandError(
                f"{_refusal(name, run, line)}, which stands in the middle of an epoch: go on as it is until an epoch "
                "is complete, then change it"
            )


def check_weights(
    run: Mapping[str, Any], line: Mapping[str, Any], checkpoint: Mapping[str, Any], model: nn.Module
) -> None:
    """Refuse options that gave the model other weights than those of the checkpoint.

    Raises:
        CommandError: If the weights are others and a method's option is another one; names it.
    """
    state = checkpoint["state_dict"]
    if isinstance(model, PerImageMethod) and model.per_image in state:
        model.make_for(len(state[model.per_image]))
    saved = {name: value.shape for name, value in state.items()}
    if saved != {name: value.shape for name, value in model.state_dict().items()}:
        for name in _changed(run, line):
            if name.startswith("model.") and not name.startswith("model.optimization."):
                raise CommandError(f"{_refusal(name, run, line)}: its weights do not fit")


def check_images(run: Run, data: Any) -> None:
    """Refuse other images than those that a run was trained with, whatever option they come from.

    Images are known by their pixels where a set is in memory, else by their files' names, and by their labels.

    Raises:
        CommandError: If they are not those of the run's record, or divided into sets in another way.
    """
    was = run.record.get("data", {}).get("read", {}).get("fingerprint")
    now = data.record.fingerprint if isinstance(data, ImageDataModule) else None
    if was and now and was != now:
        raise CommandError(
            f"--resume: expected the images that {run.folder} was trained with (sha256 {was[:16]}), divided into sets "
            f"in the same way, got others (sha256 {now[:16]}): what is held out now may have been trained on. Leave "
            "--data.source as the run has it, or start a run of its own from its weights: csl fit --config "
            f"{run.folder / 'config.yaml'} --weights {run.last}"
        )


def _changed(run: Mapping[str, Any], line: Mapping[str, Any]) -> list[str]:
    """Options that both have, with another value."""
    return [name for name, value in line.items() if name in run and run[name] != value]


def _refusal(name: str, run: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    return f"--{name}: expected {run[name]}, as in the run that is to go on, got {line[name]}"
