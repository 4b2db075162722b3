"""Every file under `configs/` is an experiment as it stands, and with any method in place of its own."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from csl.metrics.measure import Choices
from csl.metrics.measures import MEASURES
from tests.commands.runs import SMALL
from tests.commands.runs import csl as command
from tests.methods.toy import METHODS

CONFIGS = Path(__file__).parents[2] / "configs"
# Two runs are made of the reference, which tests/test_reference.py looks at; all others serve every method.
FILES = sorted(path for path in CONFIGS.rglob("*") if path.is_file() and path.stem != "reference")
MONITORS = [
    *("OrganizationMetrics", "ProbeMonitor", "FeatureMap"),
    *("ClassAffinityMap", "ClassDensityBars", "NeighborGallery"),
]


def comes_to(folder: Path, *line: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(command(folder, "fit", *line, "--print_config"))
    return found


@cache
def optimization(file: Path) -> dict[str, Any]:
    """That of the method that a file names."""
    found: dict[str, Any] = comes_to(CONFIGS, "--config", str(file))["model"]["init_args"]["optimization"]
    return found


def stands_in(stated: Any, found: Any) -> bool:
    """Whether all that is stated is found; classes by the last part of their names."""
    if isinstance(stated, dict):
        found = found if stated.keys() <= found.keys() else found.get("init_args", {})
        return all(stands_in(value, found[key]) for key, value in stated.items())
    if isinstance(stated, list):
        return len(stated) == len(found) and all(map(stands_in, stated, found))
    if isinstance(found, dict) and "class_path" in found:
        return stands_in(stated, found["class_path"])
    return bool(stated == found or (isinstance(found, str) and found.endswith(f".{stated}")))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_file_is_an_experiment_for_every_method(tmp_path: Path, file: Path, method: str) -> None:
    stated, found = yaml.safe_load(file.read_text()), comes_to(tmp_path, "--config", str(file), "--model", method)
    assert found["model"]["class_path"] == f"csl.methods.{method}"
    more = stated["trainer"].pop("callbacks+", [])
    stated.get("model", {}).pop("class_path", None)
    assert stands_in(stated, found)
    monitors = [one["class_path"].rpartition(".")[2] for one in found["trainer"]["callbacks"]]
    assert monitors == MONITORS + [one["class_path"] for one in more]
    if "optimization" in stated.get("model", {}).get("init_args", {}):
        assert found["model"]["init_args"]["optimization"] == optimization(file), "the recipe of a method shows through"


def test_the_digits_file_is_what_a_plain_fit_trains(tmp_path: Path) -> None:
    file = ["--config", str(CONFIGS / "digits" / "simclr.yaml")]
    for line in ([], ["--model", "BYOL"]):
        assert comes_to(tmp_path, *file, *line) == comes_to(tmp_path, *line)
    trainer, model = comes_to(tmp_path)["trainer"], comes_to(tmp_path)["model"]
    assert (trainer["max_epochs"], trainer["check_val_every_n_epoch"]) == (60, 10)
    assert model["init_args"]["optimization"]["optimizer"] == "adamw"


def test_the_first_command_of_the_readme_is_a_plain_fit() -> None:
    assert "$(BIN)/csl fit\n" in (CONFIGS.parent / "Makefile").read_text()


def test_the_rest_of_the_panel_is_one_file_beside_a_plain_run(tmp_path: Path) -> None:
    printed = command(tmp_path, "validate", "--config", str(CONFIGS / "panel.yaml"), *SMALL)
    rows = {line.split()[0] for line in printed.splitlines() if line.strip()}
    choices = Choices((1.0, 0.2, 0.1), (1, 10, 100))
    for measure in MEASURES.values():
        if measure.in_default:
            for options in measure.panel(choices):
                assert set(measure.scalar_names(**options)) <= rows
    assert "silhouette_seconds" in rows
