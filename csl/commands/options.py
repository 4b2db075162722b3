"""What `csl fit`, `validate`, `test` and `predict` take beside Lightning's own options, and how it is explained."""

from lightning.pytorch.cli import LightningArgumentParser

from csl.commands.measured_run import JSON_HELP, RUN_HELP

DESCRIPTIONS = {
    "fit": "Train an encoder and measure how it organizes images, epoch by epoch.",
    "validate": "csl validate RUN measures a run again: its folder is enough; --data.source ... names other images. "
    "Without RUN, a checkpoint (--ckpt_path) is measured or, without one, an untrained network.",
    "test": "csl test RUN measures a run on the source's third split; without RUN, a checkpoint (--ckpt_path).",
    "predict": "csl predict RUN writes a run's features, labels, indices, file names and class names of "
    "--data.predict_split to a file; without RUN, those of a checkpoint (--ckpt_path).",
}
WHERE_TO_LOOK = (
    " Files (--config) add to what a plain line does: later ones win over earlier ones, the line over all; csl brings "
    "along digits, digits/reference, mnist, mnist/vit, cifar10, cifar10/cpu and panel (--config cifar10). Another "
    "method keeps a file's encoder and optimization. The options of a class have a page of their own: "
    "--model.help SimCLR, --data.source.help Folder, --data.augmentation.help Augmentation, --trainer.callbacks.help "
    "ProbeMonitor; --model.help alone lists all methods; "
    "--print_config shows the resulting configuration. Without --trainer.precision, bfloat16 is used "
    "(bf16-mixed) on GPUs since Ampere and on processors with AMX."
)
WEIGHTS, ENCODER_WEIGHTS = "--weights", "--model.encoder.weights"


def description(command: str) -> str:
    """What a command does, and where more is said of its options."""
    return DESCRIPTIONS[command] + WHERE_TO_LOOK


def add_options(parser: LightningArgumentParser, command: str) -> None:
    """Add a command's own options to its parser."""
    parser.add_argument(
        WEIGHTS,
        metavar="FILE",
        help="Weights for the encoder from a file of any project: torchvision, timm, lightly, MoCo, DINO, csl and "
        f"others, as .pt, .pth, .ckpt or .safetensors. Short for {ENCODER_WEIGHTS}.",
    )
    if command == "fit":
        parser.add_argument(
            "--resume",
            metavar="RUN",
            help="Go on with a run in its own folder, with its own configuration, from its last checkpoint. "
            "Other options on the line win over the run's. Example: lightning_logs/simclr-digits/version_0",
        )
    elif command == "predict":
        parser.add_argument(
            "--output",
            type=str,
            metavar="FILE",
            help="Where to write, .npz, .safetensors or .parquet; None is features.npz in the run's folder.",
        )
        parser.add_argument(
            "--shard_size",
            type=int | None,
            default=None,
            metavar="ROWS",
            help="Write a folder of files of so many rows each, while they are computed; what was interrupted goes "
            "on where it was when it is called again. One file, at the end, if not given.",
        )
        parser.set_defaults({"return_predictions": False})
    else:
        parser.set_defaults({"verbose": False})
        parser.add_argument("--json", type=str | None, default=None, metavar="FILE", help=JSON_HELP)
    if command != "fit":
        parser.add_argument("--epoch", type=int | None, default=None, metavar="N", help=RUN_HELP)
