"""A line and its files, completed by what they leave out."""

import json
from pathlib import Path

import pytest
import yaml

from csl.commands.completion import chosen, complete
from tests.commands.runs import csl

CLASSES = ["--model", "SimCLR", "--model.encoder", "ConvNet", "--data.source", "Digits"]


def write(folder: Path, text: str, name: str = "experiment.yaml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_an_empty_line_is_simclr_on_digits() -> None:
    *classes, option, config = complete([])
    assert (classes, option) == (CLASSES, "--config")
    assert json.loads(config)["data"] == {"batch_size": 128}


def test_a_file_stands_between_the_defaults_and_the_line(tmp_path: Path) -> None:
    file = write(tmp_path, "trainer: {max_epochs: 3}")
    line = complete(["--data.batch_size", "8", "-c", file, "--model=BYOL"])
    assert line[:6] == ["--model", "BYOL", *CLASSES[2:]]
    assert line[8:] == ["--config", file, "--model", "BYOL", "--data.batch_size", "8"]


def test_classes_stand_before_their_options() -> None:
    line = complete(
        ["--model.encoder.width", "8", "--data.source=Folder", "--data.source.root", "d", "--model", "MoCo"]
    )
    assert line[:6] == ["--model", "MoCo", "--model.encoder", "ResNet", "--data.source", "Folder"]
    assert line[6:10] == ["--model", "MoCo", "--data.source", "Folder"]
    assert line[10:] == ["--model.encoder.width", "8", "--data.source.root", "d"]


@pytest.mark.parametrize(
    "text",
    [
        "data: {source: CIFAR10}",
        "data: {source: {class_path: csl.data.CIFAR10, init_args: {root: here}}}",
        "data: data.yaml",
        "data: {source: source.yaml}",
    ],
)
def test_the_encoder_follows_the_source_wherever_it_is_stated(tmp_path: Path, text: str) -> None:
    write(tmp_path, "source: source.yaml", "data.yaml")
    write(tmp_path, "class_path: CIFAR10", "source.yaml")
    line = complete(["--config", write(tmp_path, text)])
    assert line[2:4] == ["--model.encoder", "ResNet"]
    assert line[5].endswith("CIFAR10")
    assert not any(word.startswith("{") for word in line), "the digits' settings"


def test_a_section_on_the_line_may_be_a_file(tmp_path: Path) -> None:
    line = complete(
        ["--data", write(tmp_path, "source: CIFAR10"), "--model", write(tmp_path, "class_path: BYOL", "m.yaml")]
    )
    assert line[:6] == ["--model", "BYOL", "--model.encoder", "ResNet", "--data.source", "CIFAR10"]


def test_an_encoder_that_is_stated_is_the_default_of_nothing_else(tmp_path: Path) -> None:
    file = write(tmp_path, "model: {class_path: SimCLR, init_args: {encoder: {class_path: ViT}}}")
    assert complete(["--config", file])[2:4] == ["--model.encoder", "ViT"]
    assert complete(["--config", file, "--model.encoder", "ResNet"])[2:4] == ["--model.encoder", "ResNet"]


def test_a_method_without_an_encoder_argument_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write(
        tmp_path, "from csl.methods import Method\nclass Own(Method):\n    def __init__(self): ...\n", "no_encoder.py"
    )
    assert "--model.encoder" not in complete(["--model", "no_encoder.Own"])


def test_a_method_of_ones_own_keeps_its_optimization_on_digits() -> None:
    assert "model" not in json.loads(complete(["--model", "mine.Own"])[7])
    assert "model" in json.loads(complete(["--model", "csl.methods.BYOL"])[7])


def test_what_another_class_was_told_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write(
        tmp_path,
        "model: {class_path: SimCLR, init_args: {temperature: 0.1, output_dim: 8, encoder: {class_path: ViT, "
        "init_args: {width: 8, heads: 2}}}}",
    )
    caplog.set_level("INFO")
    complete(["--config", file, "--model", "BYOL", "--model.encoder", "ResNet"])
    assert caplog.messages == [
        "--model BYOL: left out is what is stated for SimCLR: output_dim, temperature",
        "--model.encoder ResNet: left out is what is stated for ViT: heads, width",
    ]
    caplog.clear()
    complete(["--config", file, "--model", "csl.methods.SimCLR"])
    assert not caplog.messages


def test_of_a_file_that_is_no_yaml_the_parser_speaks(tmp_path: Path) -> None:
    file = write(tmp_path, "trainer:\n  max_epochs: [1\nmodel: SimCLR\n")
    assert complete(["--config", file])[:6] == CLASSES


@pytest.mark.parametrize("model", ["nothing.of.this.name", "csl.losses.dino_loss", "csl.types.Batch"])
def test_of_a_model_that_is_none_the_parser_speaks(model: str) -> None:
    assert complete(["--model", model])[:2] == ["--model", model]


def test_a_configuration_may_stand_on_the_line_itself() -> None:
    assert complete(["--config", "{model: BYOL, data: {source: CIFAR10}}"])[:4:3] == ["--model", "ResNet"]
    assert complete(["--config", "none.yaml"])[:6] == CLASSES, "the parser says that there is no such file"


def test_no_resolved_default_of_a_class_reaches_another(tmp_path: Path) -> None:
    (tmp_path / "full.yaml").write_text(csl(tmp_path, "fit", "--print_config"))
    text = csl(tmp_path, "fit", "--config", "full.yaml", "--model", "BYOL", "--print_config")
    options = yaml.safe_load(text)["model"]["init_args"]
    assert options["hidden_dim"] == 4096
    assert options["encoder"]["class_path"] == "csl.encoders.ConvNet"
    text = csl(tmp_path, "fit", "--config", "full.yaml", "--model", "BYOL", "--model.hidden_dim", "7", "--print_config")
    assert yaml.safe_load(text)["model"]["init_args"]["hidden_dim"] == 7


def test_a_later_file_for_the_chosen_class_counts(tmp_path: Path) -> None:
    first = write(tmp_path, "model: {class_path: SimCLR, init_args: {hidden_dim: 32}}")
    second = write(tmp_path, "model: {class_path: BYOL, init_args: {hidden_dim: 64}}", "second.yaml")
    text = csl(tmp_path, "fit", "--config", first, "--config", second, "--print_config")
    assert yaml.safe_load(text)["model"]["init_args"]["hidden_dim"] == 64


def test_a_method_that_is_for_one_kind_of_encoder_gets_it_where_none_is_named(tmp_path: Path) -> None:
    usual = ["--model.encoder.dropout", "0.0", "--model.encoder.pooling", "mean"]
    line = complete(["--model", "MAE", "--data.source", "CIFAR10"])
    assert line[2:4] == ["--model.encoder", "ViT"]
    assert line[-4:] == usual
    line = complete(["--model", "MAE"])
    assert [*usual, "--model.encoder.patch_size", "2"] in [line[at : at + 6] for at in range(len(line))]
    for name, encoder, option in (("DIM", "LocalNet", ["width", "16"]), ("CPC", "PatchResNet", ["depth", "10"])):
        line = complete(["--model", name])
        assert line[2:4] == ["--model.encoder", encoder]
        assert [f"--model.encoder.{option[0]}", option[1]] in [line[at : at + 2] for at in range(len(line))]
    line = complete(["--model", "MAE", "--model.encoder", "Timm"])
    assert line[2:6] == ["--model.encoder", "Timm", "--data.source", "Digits"]


def test_options_that_suit_a_method_hold_for_its_encoder_named_or_not(tmp_path: Path) -> None:
    line = ["--model", "MAE", "--data.source", "CIFAR10", "--model.encoder"]
    suits = ["--model.encoder.dropout", "0.0", "--model.encoder.pooling", "mean"]
    for name in ("ViT", "csl.encoders.ViT"):
        assert complete([*line, name])[2:4] == ["--model.encoder", name]
        assert complete([*line, name])[-4:] == suits
        assert chosen([*line, name, "--model.encoder.depth", "4"]) == [
            "--model.encoder.dropout 0.0",
            "--model.encoder.pooling mean",
        ]
    assert suits[0] not in complete(["--model", "SimCLR", *line[2:], "ViT"])
    file = write(tmp_path, "model: {init_args: {encoder: {class_path: ViT, init_args: {dropout: 0.1, depth: 2}}}}")
    assert chosen([*line[:4], "--config", file]) == ["--model.encoder.pooling mean"]
    text = csl(tmp_path, "fit", *line[:4], "--config", file, "--print_config")
    found = yaml.safe_load(text)["model"]["init_args"]["encoder"]["init_args"]
    assert (found["dropout"], found["pooling"], found["depth"]) == (0.1, "mean", 2)
    other = write(tmp_path, "model: {init_args: {encoder: {class_path: ConvNet, init_args: {width: 8}}}}", "other.yaml")
    text = csl(tmp_path, "fit", "--config", other, *line, "ViT", "--model.encoder.pooling", "cls", "--print_config")
    found = yaml.safe_load(text)["model"]["init_args"]["encoder"]["init_args"]
    assert (found["dropout"], found["pooling"]) == (0.0, "cls"), "a file names another class, the line has an option"
    text = csl(tmp_path, "fit", "--config", other, "--config", file, *line[:4], "--print_config")
    found = yaml.safe_load(text)["model"]["init_args"]["encoder"]["init_args"]
    assert (found["dropout"], found["pooling"]) == (0.1, "mean"), "two files name two classes"


def test_a_method_that_needs_colours_keeps_them_where_nothing_else_is_said(tmp_path: Path) -> None:
    line = ["--model", "CMC", "--data.source", "CIFAR10"]
    assert "--data.augmentation.gray_probability" in complete(line)
    assert "--data.augmentation.gray_probability" in complete([*line, "--data", "csl.data.ImageDataModule"])
    assert "--data.augmentation.gray_probability" not in complete([*line, "--data", "my_data.MyData"])
    assert not [word for word in complete(["--data.source", "CIFAR10"]) if "augmentation" in word]
    file = write(tmp_path, "data: {augmentation: {crop_area: [0.2, 1.0], jitter_probability: 0.5}}")
    text = csl(tmp_path, "fit", *line, "--config", file, "--print_config")
    found = yaml.safe_load(text)["data"]["augmentation"]["init_args"]
    assert (found["gray_probability"], found["jitter_probability"], found["crop_area"]) == (0.0, 0.5, [0.2, 1.0])
