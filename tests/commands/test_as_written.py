from pathlib import Path
from typing import Any

import pytest
import yaml

from csl.runs import Run
from tests.commands.runs import SMALL, csl

# The written value, and what the trainer must get: its type says whether it is a number or a share.
VALUES: list[tuple[str, Any]] = [("1", 1), ("1.0", 1.0), ("0.5", 0.5), ("3", 3), ("null", None), ("0", 0)]
OPTIONS = ["limit_val_batches", "limit_train_batches", "limit_predict_batches", "overfit_batches", "val_check_interval"]


@pytest.mark.parametrize("option", OPTIONS)
def test_a_number_is_a_number_and_a_share_a_share(tmp_path: Path, option: str) -> None:
    for written, expected in VALUES:
        if expected is not None or option != "overfit_batches":
            file = tmp_path / "options.yaml"
            file.write_text(f"trainer: {{{option}: {written}}}")
            for line in ([f"--trainer.{option}", written], ["--config", str(file)]):
                got = yaml.safe_load(csl(tmp_path, "fit", *line, "--print_config"))["trainer"][option]
                assert (got, type(got)) == (expected, type(expected)), (option, line)


@pytest.mark.filterwarnings("ignore:FeatureCollector. this pass sees only a part")
def test_one_batch_is_one_batch(tmp_path: Path) -> None:
    limits = ["--trainer.limit_train_batches", "1", "--trainer.limit_val_batches", "1", "--trainer.max_epochs", "2"]
    csl(tmp_path, "fit", *limits, *SMALL)
    assert Run(tmp_path / "lightning_logs" / "simclr-digits" / "version_0").progress.step == 2


@pytest.mark.parametrize(
    ("before", "option"),
    [
        ("--model CPC", "model.hidden_dim"),
        ("--model SimCLR --model.encoder ResNet", "model.encoder.stem"),
        ("--model SimCLR", "model.encoder.weights"),
        ("--model DINO", "model.optimization.final_weight_decay"),
    ],
)
def test_null_is_null_at_any_depth(tmp_path: Path, before: str, option: str) -> None:
    line = ["fit", *before.split(), f"--{option}", "null", "--print_config"]
    *path, key = option.split(".")[1:]
    found = yaml.safe_load(csl(tmp_path, *line))["model"]["init_args"]
    for name in path:
        found = found[name].get("init_args", found[name])
    assert key in found
    assert found[key] is None


OWN = """
from csl.encoders import ConvNet

class Sized(ConvNet):
    def __init__(self, sizes: list[int | None] = [], names: dict[str, int | None] = {}) -> None:
        super().__init__(width=2)
"""


def test_null_is_null_within_lists_and_mappings(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text(OWN)
    options = ["--model.encoder.sizes", "[1, null]", "--model.encoder.names", "{a: null, b: 2}"]
    printed = csl(tmp_path, "fit", "--model.encoder", "sized.py:Sized", *options, "--print_config")
    found = yaml.safe_load(printed)["model"]["init_args"]["encoder"]["init_args"]
    assert found["sizes"] == [1, None]
    assert found["names"] == {"a": None, "b": 2}
