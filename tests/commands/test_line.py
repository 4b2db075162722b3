import pytest

from csl.commands.line import complete, has_option, take_option


def test_an_empty_line_is_simclr_on_digits() -> None:
    assert complete([]) == ["--model", "SimCLR", "--model.encoder", "ConvNet", "--data.source", "Digits"]


def test_a_configuration_is_left_alone() -> None:
    line = ["--config", "x.yaml", "--data.batch_size", "8"]
    assert complete(line) == line
    assert complete(["--config=x.yaml"]) == ["--config=x.yaml"]


def test_classes_stand_before_their_options() -> None:
    line = complete(
        ["--model.encoder.width", "8", "--data.source=Folder", "--data.source.root", "d", "--model", "MoCo"]
    )
    assert line[:6] == ["--model", "MoCo", "--model.encoder", "ResNet", "--data.source", "Folder"]
    assert line[6:] == ["--model.encoder.width", "8", "--data.source.root", "d"]


def test_a_model_from_a_file_brings_its_own_encoder() -> None:
    assert "--model.encoder" not in complete(["--model", "model.yaml"])


def test_the_last_value_of_an_option_counts() -> None:
    assert take_option(["--a", "1", "--a=2", "b"], "--a") == ("2", ["b"])
    with pytest.raises(ValueError, match="--a: expected a value"):
        take_option(["--a"], "--a")
    assert not has_option(["--ab"], "--a")
