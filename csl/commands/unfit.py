"""What is refused before anything is built: options of the trainer that cannot work here, and foreign checkpoints."""

from typing import Any

from csl.commands.errors import CommandError
from csl.commands.processes import check_launch, check_processes
from csl.io import load_checkpoint


def check_trainer(trainer: Any) -> None:
    """Refuse options that Lightning takes and that cannot work with what csl does.

    Raises:
        ValueError: For a negative limit of gradients, `barebones`, or another number of processes than were launched.
    """
    clip = trainer.gradient_clip_val
    if clip is not None and not clip >= 0:
        raise CommandError(f"trainer.gradient_clip_val: expected 0, for none, or more, got {clip}")
    if trainer.barebones:
        raise CommandError(
            "trainer.barebones: expected false, as it allows no logger, no checkpoint and no callback, which a run is "
            "made of; got true. To time training steps alone: python -m benchmarks.step"
        )
    check_launch(trainer.devices, trainer.num_nodes)
    check_processes(trainer.accelerator, trainer.devices)


def check_checkpoint(path: str, command: str) -> None:
    """Refuse a checkpoint that no trainer wrote, and for a fit one that holds weights alone.

    Raises:
        ValueError: If it is damaged, of another project, or lacks what a fit goes on from.
    """
    content = load_checkpoint(path, mmap=True)
    if "pytorch-lightning_version" not in content or "state_dict" not in content:
        keys = ", ".join(sorted(map(str, content))[:5]) or "nothing"
        raise CommandError(
            f"ckpt_path: expected a checkpoint of a csl run, got {path} with {keys}; weights of other projects are "
            f"loaded by --weights {path}"
        )
    if command == "fit" and not content.get("optimizer_states"):
        raise CommandError(
            f"ckpt_path: {path} holds weights alone, as kept epochs do: they are for csl validate and csl predict; "
            "training goes on from a last.ckpt"
        )
