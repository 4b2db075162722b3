"""The method and the images of a run, built again from what its folder says."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from jsonargparse import ArgumentParser

from csl.data import ImageDataModule
from csl.encoders.weights import weights_unread
from csl.methods import Method
from csl.runs import Run

Settings: TypeAlias = Mapping[str, Any]


def rebuilt(run: Run) -> tuple[Method, ImageDataModule]:
    """A run's method, with random weights, and its images.

    The network is built for the classes, channels and image size of the training, which the run's record states.

    Args:
        run: The folder of a run of `csl fit`.

    Raises:
        ValueError: If the folder holds no configuration, or what it says cannot be built.

    Example:
        >>> method, data = rebuilt(Run(Path("lightning_logs/simclr-digits/version_0")))  # doctest: +SKIP
    """
    config, record = run.config, run.record
    data = _data(config, run.folder)
    model = dict(config["model"])
    trained = dict(record.get("method", {}).get("init_args", {}))
    model["init_args"] = {**trained, **(model.get("init_args") or {})}
    model["init_args"]["encoder"] = _encoder(model["init_args"]["encoder"], record.get("encoder", {}), data)
    with weights_unread():
        return _built("model", Method, model, run.folder), data


def _data(config: Settings, folder: Path) -> ImageDataModule:
    """The run's images; a data module of the user's own must be one of csl's kind."""
    stated, seed = dict(config["data"]), {"seed": config["seed_everything"] or 0}
    if "class_path" not in stated:
        stated = {"class_path": "csl.data.ImageDataModule", "init_args": stated}
    settings = {**stated, "init_args": {**(stated.get("init_args") or {}), **seed}}
    try:
        data: ImageDataModule = _built("data", ImageDataModule, settings, folder)
    except ValueError as error:
        if "does not correspond to a subclass of ImageDataModule" not in str(error):
            raise
        name = stated["class_path"]
        raise ValueError(f"{folder}: expected the images of a csl.data.ImageDataModule, got those of {name}") from error
    return data


def _encoder(stated: Settings, record: Settings, data: ImageDataModule) -> dict[str, Any]:
    """The encoder as it was trained: what was stated, completed by the record or else by what the data have."""
    known = dict(record.get("init_args", {})) or {"in_channels": data.num_channels}
    arguments = {
        **known,
        **{name: value for name, value in (stated.get("init_args") or {}).items() if value is not None},
    }
    if "pretrained" in arguments:
        arguments["pretrained"] = False  # a checkpoint's weights come later
    return {"class_path": stated["class_path"], "init_args": arguments}


def _built(name: str, kind: type, settings: Settings, folder: Path) -> Any:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(kind, name, fail_untyped=False)  # a part, such as a loss, may be of any library
    with _explained(folder, name):
        return parser.instantiate(parser.parse_object({name: dict(settings)}))[name]


@contextmanager
def _explained(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{folder}: the run's {name} cannot be built again from its configuration: {reason}"
        ) from error
