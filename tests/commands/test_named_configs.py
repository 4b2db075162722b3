"""A configuration that csl brings along goes by its name: `--config cifar10`."""

from pathlib import Path

import pytest

from csl.commands.configs import named_configs, with_named_configs
from tests.commands.runs import csl, failure


@pytest.mark.parametrize("name", named_configs())
def test_a_name_is_what_its_file_is(tmp_path: Path, name: str) -> None:
    file = str(named_configs()[name])
    named = csl(tmp_path, "fit", "--config", name, "--print_config")
    assert named == csl(tmp_path, "fit", "--config", file, "--print_config")
    assert named == csl(tmp_path, "fit", f"--config={name}", "--print_config")


def test_two_names_add_up(tmp_path: Path) -> None:
    text = csl(tmp_path, "fit", "-c", "cifar10", "--config", "panel", "--print_config")
    assert "CIFAR10" in text
    assert "metrics: slow" in text


def test_a_file_of_the_users_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").write_text("seed_everything: 7\n")
    Path("mnist").mkdir()
    line = ["--config", "digits", "--config=mnist", "--model", "mnist"]
    assert with_named_configs(line) == [
        *("--config", "digits", f"--config={named_configs()['mnist']}", "--model", "mnist")
    ]


def test_another_word_is_refused_with_the_names(tmp_path: Path) -> None:
    status, message = failure(tmp_path, "fit", "--config", "cifra10")
    assert status == 2
    assert "--config: neither a file nor a configuration of csl: cifra10; did you mean cifar10?" in message
    status, message = failure(tmp_path, "fit", "--config", "x")
    assert "x; expected one of cifar10, cifar10/cpu, digits, digits/reference, mnist, mnist/vit, panel" in message
