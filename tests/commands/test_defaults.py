"""Whatever class is chosen, however: what nobody states is its own default, and no other class's."""

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import csl.data
import csl.encoders
import csl.methods
from csl.data import ImageSource
from csl.encoders import Encoder
from csl.methods import Method
from tests.commands.runs import csl as command

# Arguments that follow the data.
LINKED = {"in_channels", "image_size", "num_classes"}
# An experiment in which every class is told something that others have, too, or do not have.
OTHER = """
model:
  class_path: csl.methods.{model}
  init_args:
    encoder: {{class_path: csl.encoders.ViT, init_args: {{heads: 2}}}}
data: {{source: {{class_path: csl.data.Folder, init_args: {{train_samples: 10}}}}}}
"""


def classes(package: Any, base: type) -> Iterator[type]:
    """Those that a package offers."""
    for name in package.__all__:
        kind = getattr(package, name)
        if inspect.isclass(kind) and issubclass(kind, base) and kind is not base:
            yield kind


CHOICES = [
    *((("model",), kind) for kind in classes(csl.methods, Method)),
    *((("model", "init_args", "encoder"), kind) for kind in classes(csl.encoders, Encoder)),
    *((("data", "source"), kind) for kind in classes(csl.data, ImageSource)),
]


def as_yaml(value: Any) -> Any:
    """A default as a file shows it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: as_yaml(part) for name, part in dataclasses.asdict(value).items()}
    return [as_yaml(part) for part in value] if isinstance(value, list | tuple) else value


def nested(keys: tuple[str, ...], value: Any) -> Any:
    return value if not keys else {keys[0]: nested(keys[1:], value)}


def option(keys: tuple[str, ...]) -> str:
    return "--" + ".".join(key for key in keys if key != "init_args")


def chosen(folder: Path, how: str, keys: tuple[str, ...], kind: type) -> list[str]:
    """The line that chooses a class; no digits, which bring an optimization of their own."""
    source = ["--data.source", "CIFAR10"] if keys[0] == "model" else []
    if how == "line":
        return [*source, option(keys), kind.__name__]
    if how == "line over a file":
        model = "BYOL" if kind.__name__ != "BYOL" else "MoCo"
        (folder / "other.yaml").write_text(OTHER.format(model=model))
        return ["--config", "other.yaml", option(keys), kind.__name__]
    path = kind.__name__ if how == "short name in a file" else f"{kind.__module__}.{kind.__name__}"
    spec = path if how == "short name in a file" else {"class_path": path}
    (folder / "chosen.yaml").write_text(yaml.safe_dump(nested(keys, spec)))
    return [*source, "--config", "chosen.yaml"]


@pytest.mark.parametrize("how", ["line", "line over a file", "short name in a file", "path in a file"])
@pytest.mark.parametrize(("keys", "kind"), CHOICES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_class_shows_its_own_defaults(tmp_path: Path, how: str, keys: tuple[str, ...], kind: type) -> None:
    line = chosen(tmp_path, how, keys, kind)
    found = yaml.safe_load(command(tmp_path, "fit", *line, "--print_config"))
    for key in keys:
        found = found[key]
    assert found["class_path"].rpartition(".")[2] == kind.__name__
    arguments = found.get("init_args", {})
    said = {"heads", "train_samples"} if how == "line over a file" else set()
    for name, parameter in inspect.signature(kind).parameters.items():
        if name not in LINKED | said and parameter.default is not inspect.Parameter.empty:
            assert arguments[name] == as_yaml(parameter.default), name


@pytest.mark.parametrize("text", ["trainer: {callbacks+: [LearningRateMonitor]}", "trainer: {log_every_n_steps: 7}"])
def test_a_file_without_classes_adds_to_the_plain_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "more.yaml").write_text(text)
    plain = yaml.safe_load(command(tmp_path, "fit", "--print_config"))
    found = yaml.safe_load(command(tmp_path, "fit", "--config", "more.yaml", "--print_config"))
    assert (found["model"], found["data"]) == (plain["model"], plain["data"])
    monitors = [one["class_path"] for one in found["trainer"]["callbacks"]]
    assert monitors[:6] == [one["class_path"] for one in plain["trainer"]["callbacks"]]
    assert len(monitors) == 6 + ("callbacks" in text)
    assert found["trainer"]["log_every_n_steps"] == (7 if "steps" in text else 5)


@pytest.mark.parametrize("text", ["model: {init_args: {temperature: 0.7}}", "model: {temperature: 0.7}"])
def test_a_file_with_arguments_alone_speaks_of_the_class_that_is_chosen(tmp_path: Path, text: str) -> None:
    (tmp_path / "warm.yaml").write_text(text)
    for line, name in (([], "SimCLR"), (["--model", "MoCo"], "MoCo")):
        model = yaml.safe_load(command(tmp_path, "fit", "--config", "warm.yaml", *line, "--print_config"))["model"]
        assert model["class_path"] == f"csl.methods.{name}"
        assert model["init_args"]["temperature"] == 0.7


def test_encoder_and_optimization_of_a_file_survive_another_method_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "model:\n  class_path: SimCLR\n  init_args:\n    temperature: 0.1\n    output_dim: 64\n"
        "    optimization: {lr: 0.7}\n    encoder: {class_path: ConvNet, init_args: {width: 4}}\n"
        "data: {source: MNIST}\n"
    )
    line = ["--config", "mine.yaml", "--model", "BYOL", "--print_config"]
    model = yaml.safe_load(command(tmp_path, "fit", *line))["model"]["init_args"]
    assert "temperature" not in model
    assert (model["output_dim"], model["hidden_dim"]) == (256, 4096), "only what all methods have is carried over"
    assert (model["optimization"]["lr"], model["optimization"]["weight_decay"]) == (0.7, 1e-5)
    assert model["encoder"] == {"class_path": "csl.encoders.ConvNet", "init_args": {"width": 4}}


def test_later_files_win_over_earlier_ones_and_the_line_over_all(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / f"{name}.yaml").write_text(f"seed_everything: {seed}\nmodel: {{class_path: MoCo}}\n")
    line = ["--model", "BYOL", "--config", "a.yaml", "--data.batch_size", "9", "--config", "b.yaml", "--print_config"]
    found = yaml.safe_load(command(tmp_path, "fit", *line))
    assert (found["seed_everything"], found["model"]["class_path"]) == (2, "csl.methods.BYOL")
    assert found["data"]["batch_size"] == 9
