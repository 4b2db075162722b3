"""`csl fit`, `validate`, `test` and `predict`: the Trainer's methods on the command line."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.resources import files
from inspect import signature
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins import Precision
from lightning.pytorch.utilities import rank_zero_info

from csl.callbacks import Compilation, FeatureWriter, RunCheckpoint, ShardWriter, standard
from csl.commands.as_written import take_values_as_written
from csl.commands.classes import import_class
from csl.commands.completion import chosen, complete, data_class
from csl.commands.configs import with_named_configs
from csl.commands.errors import CommandError, reported
from csl.commands.line import has_option, take_option
from csl.commands.listing import asked
from csl.commands.measured_run import (
    UNTRAINED,
    MeasuredRun,
    fixed,
    table_on,
    take_run,
    write_json,
)
from csl.commands.names import class_path, use_short_names
from csl.commands.options import ENCODER_WEIGHTS, WEIGHTS, add_options, description
from csl.commands.parser import TeachingParser
from csl.commands.plain_module import as_backbone
from csl.commands.plain_output import plain_output
from csl.commands.precision import automatic_precision
from csl.commands.resume import Resumption, find_run
from csl.commands.run_config import RunConfig
from csl.commands.run_loggers import as_list, run_loggers
from csl.commands.speech import speak
from csl.commands.unfit import check_checkpoint, check_trainer
from csl.data import ImageDataModule
from csl.encoders.weights import weights_unread
from csl.methods import Method

DEFAULTS = files("csl.commands").joinpath("defaults.yaml")
LOGS = "lightning_logs"
NOT_A_FILE = ("last", "best", "hpc", "registry")


def run(command: str, line: Sequence[str]) -> None:
    """Carry out one of the four commands."""
    speak()
    line = with_named_configs(line)
    with reported(command, line):
        if page := asked(line):
            print(page)
            return
        resumption = measured = None
        words = list(line)
        if command != "fit":
            measured, words = take_run(words)
        targets, _ = take_option(words, "--json")
        if command == "fit" and has_option(words, "--resume"):
            folders, words = take_option(words, "--resume")
            resumption = find_run(folders[-1])
            words = [*resumption.line(), *words]
        target = targets[-1] if targets and command in ("validate", "test") else None
        with table_on(target):
            told = chosen(words) if command == "fit" else []
            cli = TrainingCLI([command, *complete(_with_weights(words))], resumption, measured, told)
        cli.report(target)


class TrainingCLI(LightningCLI):
    """Lightning's command line with our classes, links between data and model, and run folders.

    Args:
        line: The command and its options, complete (see `csl.commands.completion.complete`).
        resumption: The run to go on with, in its own folder.
        measured: The run that is measured again.
        chosen: Options that the user left open, to be said once the line is understood.
    """

    def __init__(
        self,
        line: list[str],
        resumption: Resumption | None = None,
        measured: MeasuredRun | None = None,
        chosen: Sequence[str] = (),
    ) -> None:
        self.command, self.resumption, self.measured, self.chosen = line[0], resumption, measured, chosen
        self._line = line[1:]
        use_short_names()
        take_values_as_written()
        self._data = data_class(self._line)
        super().__init__(
            Method,
            pl.LightningDataModule if self._data else ImageDataModule,
            subclass_mode_model=True,
            subclass_mode_data=bool(self._data),
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
            seed_everything_default=0,
            parser_class=TeachingParser,
            parser_kwargs={
                "prog": "csl",
                line[0]: {
                    "default_config_files": [str(DEFAULTS)],
                    "description": description(line[0]),
                },
            },
            save_config_callback=None,
            args=line,
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one command that was called: no parser is built for the others."""
        return {self.command: super().subcommands()[self.command]}

    def setup_parser(self, *args: Any, **kwargs: Any) -> None:
        """Add the options that single commands have."""
        super().setup_parser(*args, **kwargs)
        parser = self._subcommand_parsers[self.command]
        parser.prog = f"csl {self.command}"
        add_options(parser, self.command)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Let the model follow the data: classes, channels and image size, where its classes take such an argument."""
        parser.add_argument(
            "--compile",
            type=bool,
            default=False,
            help="Compile the encoder and the heads for a fit (torch.compile): a slow start, then faster steps.",
        )
        encoder = "model.init_args.encoder.init_args"
        kind = self._data_kind()
        if "seed" in signature(kind).parameters:
            seed = "data.init_args.seed" if self._data else "data.seed"
            parser.link_arguments("seed_everything", seed, compute_fn=int)
        for name, target in (
            ("num_classes", "model.init_args.num_classes"),
            ("num_channels", f"{encoder}.in_channels"),
            ("image_size", f"{encoder}.image_size"),
        ):
            if hasattr(kind, name):
                known = fixed(self.measured, name)
                parser.link_arguments(f"data.{name}", target, compute_fn=known, apply_on="instantiate")

    def _data_kind(self) -> type:
        """The class of the data module; the base of all where it cannot be found, of which the parser will speak."""
        if not self._data:
            return ImageDataModule
        try:
            return import_class(class_path(pl.LightningDataModule, self._data))
        except (ValueError, ImportError, AttributeError):
            return pl.LightningDataModule

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse our own line; unlike the base class, without a warning about the process's."""
        self.config = parser.parse_args(args)
        if self.chosen:
            rank_zero_info(f"chosen: {' '.join(self.chosen)}")

    def instantiate_classes(self) -> None:
        """Build what the configuration says; no file of weights is read that a checkpoint would replace."""
        with weights_unread() if self._get(self.config, "ckpt_path") else nullcontext():
            super().instantiate_classes()

    def _set_seed(self) -> None:
        """Refuse a seed that the generators would refuse, by its option's name."""
        seed = self._get(self.config, "seed_everything")
        if seed is not None and not isinstance(seed, bool) and not 0 <= seed < 2**32:
            raise CommandError(f"--seed_everything: expected a number from 0 to {2**32 - 1}, got {seed}")
        super()._set_seed()

    def _parse_ckpt_path(self) -> None:
        """Leave the line as it was written: a checkpoint's hyper-parameters never override it."""
        path = self.config[self.config["subcommand"]].get("ckpt_path")
        if path in NOT_A_FILE:
            raise CommandError(
                f"ckpt_path: expected a file, got {str(path)!r}; to go on with a run: csl fit --resume RUN"
            )
        if path is not None and not Path(path).is_file():
            raise CommandError(f"ckpt_path: no file {path}")
        if path is not None:
            check_checkpoint(path, self.command)

    def before_instantiate_classes(self) -> None:
        """Refuse what no class would, and say so where the run that is to go on has nothing left to do."""
        check_trainer(self._get(self.config, "trainer"))
        if (file := self._get(self.config, "weights")) is not None:
            raise CommandError(f"weights: expected it below model.encoder in a file, got weights: {file} outside")
        if self.resumption is not None:
            trainer = self._get(self.config, "trainer")
            self.resumption.check_options(self._options)
            if message := self.resumption.finished(trainer.max_epochs, trainer.max_steps):
                print(message)
                sys.exit(0)

    def before_fit(self) -> None:
        """Refuse a model that the run's weights do not fit, before anything of the run is touched."""
        if self.resumption is not None:
            self.resumption.check_weights(self._options, self.model)

    @property
    def _options(self) -> Namespace:
        options: Namespace = self.config[self.command]
        return options

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[pl.Callback]) -> pl.Trainer:
        """Add what every run has: the standard callbacks, a logger, a precision."""
        command = str(self.subcommand)
        self._warn_of_no_weights()
        callbacks = [*standard(as_list(config.get("callbacks"))), *callbacks]
        if config.get("enable_checkpointing") is False:
            callbacks = [callback for callback in callbacks if type(callback) is not RunCheckpoint]
        if command == "fit" and self._get(self.config, "compile"):
            callbacks.append(Compilation())
        if command == "predict":
            callbacks.append(self._writer())
        callbacks += plain_output(config, callbacks)
        if config.get("precision") is None and not _names_a_precision(as_list(config.get("plugins"))):
            config["precision"], reason = automatic_precision(config.get("accelerator"))
            rank_zero_info(f"precision {config['precision']}: {reason}")
        place = self._place(config.get("default_root_dir"))
        loggers = run_loggers(config.get("logger"), place, self._options["trainer"], self._line)
        config["logger"], config["callbacks"] = loggers, []
        if not config.get("fast_dev_run") and (command == "fit" or loggers):
            config["logger"] = False  # the folder gives the trainer its loggers, in time
            callbacks.insert(0, self._folder(place, loggers))
        return super()._instantiate_trainer(config, callbacks)

    def _writer(self) -> pl.Callback:
        """What writes the features."""
        output, shard_size = self._get(self.config, "output"), self._get(self.config, "shard_size")
        return FeatureWriter(output) if shard_size is None else ShardWriter(output, shard_size)

    def report(self, target: str | None) -> None:
        """Say again what the numbers stand on if that is no training; write them as JSON where that was asked for."""
        self._warn_of_no_weights()
        if target is not None and self.trainer.is_global_zero:
            read = self.datamodule.record.to_dict() if isinstance(self.datamodule, ImageDataModule) else {}
            write_json(target, self._get(self.config, "ckpt_path"), read, self.trainer.callback_metrics)

    def _warn_of_no_weights(self) -> None:
        trained = self._get(self.config, "ckpt_path") or self.model.encoder.is_trained
        if self.command != "fit" and not trained:
            rank_zero_info(UNTRAINED.format(command=self.command))

    def _place(self, root: str | None) -> Path:
        """Where runs are numbered: by method and data, under Lightning's own folder."""
        data = self.datamodule.source if isinstance(self.datamodule, ImageDataModule) else self.datamodule
        name = f"{type(self.model).__name__}-{type(data).__name__}".lower()
        place = Path(root or "") / LOGS / name
        return place if self.command == "fit" else place / self.command

    def _folder(self, place: Path, loggers: list[Logger]) -> RunConfig:
        parser, run = self._parser(self.command), self.resumption
        resumed = {} if run is None else {"resumed": run.run.folder, "step": run.done.step}
        return RunConfig(parser, self._options, name=place, loggers=loggers, **resumed)


def _with_weights(line: Sequence[str]) -> list[str]:
    """A line whose `--weights` is said of the encoder."""
    files, rest = take_option(line, WEIGHTS)
    if files and has_option(rest, "--ckpt_path"):
        raise CommandError(f"{WEIGHTS}: expected no --ckpt_path beside it, which would replace the file's weights")
    return [*as_backbone(rest), ENCODER_WEIGHTS, files[-1]] if files else rest


def _names_a_precision(plugins: list[Any]) -> bool:
    return any(isinstance(plugin, Precision) for plugin in plugins)
