"""Classes by their short names: csl's go before others of the same name, which a full path still reaches."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torchmetrics.clustering
import torchvision.models
import yaml
from lightning.pytorch import Callback
from torch import nn
from torchmetrics import Metric

from csl.commands.names import class_path
from csl.data import ImageSource
from csl.encoders import Encoder
from csl.methods import Method
from csl.probes import Probe
from tests.commands.runs import SMALL, csl, failure

SHORT = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2", "--trainer.limit_val_batches", "0", *SMALL]

BASES = {
    "csl.methods": Method,
    "csl.encoders": Encoder,
    "csl.data": ImageSource,
    "csl.losses": nn.Module,
    "csl.callbacks": Callback,
    "csl.metrics": Metric,
    "csl.probes": Probe,
}


def offered(package: str, base: type) -> list[str]:
    """The classes that a part of csl offers for a base."""
    module = import_module(package)
    names = [name for name in dir(module) if not name.startswith("_")]
    kinds = {name: getattr(module, name) for name in names}
    return [name for name, kind in kinds.items() if inspect.isclass(kind) and issubclass(kind, base)]


@pytest.mark.parametrize(("package", "base"), BASES.items())
def test_every_class_that_is_offered_has_its_short_name(package: str, base: type) -> None:
    names = offered(package, base)
    assert len(names) > 2
    for name in names:
        assert class_path(base, name) == f"{package}.{name}"


def test_no_two_parts_offer_a_class_of_one_name() -> None:
    names = [name for package, base in BASES.items() for name in offered(package, base)]
    assert len(names) == len(set(names))


def test_ours_goes_before_one_of_the_same_name() -> None:
    assert issubclass(torchmetrics.clustering.CalinskiHarabaszScore, Metric)
    assert issubclass(torchvision.models.ResNet, nn.Module)
    assert class_path(Metric, "CalinskiHarabaszScore") == "csl.metrics.CalinskiHarabaszScore"
    path = "torchmetrics.clustering.CalinskiHarabaszScore"
    assert class_path(Metric, path) == path
    assert class_path(nn.Module, "ResNet") == "csl.encoders.ResNet"


def test_others_keep_their_short_names() -> None:
    assert class_path(Callback, "LearningRateMonitor").startswith("lightning.pytorch.callbacks.")
    assert class_path(Callback, "Nothing") == "Nothing"
    assert class_path((Probe, Encoder), "ViT") == "csl.encoders.ViT"  # type: ignore[arg-type]


def found(folder: Path, *line: str) -> Any:
    return yaml.safe_load(csl(folder, "fit", *line, "--print_config"))


def test_metrics_and_probes_inside_a_callback_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "monitors.yaml").write_text(
        "trainer:\n  callbacks:\n"
        "    - class_path: OrganizationMetrics\n      init_args:\n"
        "        metrics: [RankMe, {class_path: RelativeLocalDensity, init_args: {temperatures: [0.5]}}, "
        "torchmetrics.clustering.DunnIndex, DaviesBouldinScore]\n"
        "    - class_path: ProbeMonitor\n      init_args:\n"
        "        probes: {few: {class_path: GCNProbe, init_args: {label_share: 0.1}}, near: KNNProbe}\n"
        "    - RunCheckpoint\n"
    )
    monitors = found(tmp_path, "--config", "monitors.yaml")["trainer"]["callbacks"]
    metrics = [one["class_path"] for one in monitors[0]["init_args"]["metrics"]]
    ours = [f"csl.metrics.{name}" for name in ("RankMe", "RelativeLocalDensity", "DaviesBouldinScore")]
    assert [metrics[0], metrics[1], metrics[3]] == ours
    assert metrics[2].startswith("torchmetrics.clustering")
    probes = {name: one["class_path"] for name, one in monitors[1]["init_args"]["probes"].items()}
    assert probes == {"few": "csl.probes.GCNProbe", "near": "csl.probes.KNNProbe"}
    assert monitors[2]["class_path"] == "csl.callbacks.RunCheckpoint"


def test_on_the_line(tmp_path: Path) -> None:
    option = "--trainer.callbacks"
    line = [f"{option}+=OrganizationMetrics", f"{option}.metrics=[Uniformity]", f"{option}+=ModelCheckpoint"]
    line += ["--data.augmentation", "Augmentation", "--trainer.plugins", "AtomicCheckpointIO"]
    config = found(tmp_path, *line)
    monitors = config["trainer"]["callbacks"]
    assert [one["class_path"] for one in monitors[6]["init_args"]["metrics"]] == ["csl.metrics.Uniformity"]
    assert monitors[7]["class_path"] == "lightning.pytorch.callbacks.ModelCheckpoint"
    assert config["data"]["augmentation"]["class_path"] == "csl.data.Augmentation"
    assert config["trainer"]["plugins"]["class_path"] == "csl.callbacks.AtomicCheckpointIO"


def test_the_page_of_a_class_is_found_by_its_short_name(tmp_path: Path) -> None:
    assert "callbacks.keep_every_n_epochs" in csl(tmp_path, "fit", "--trainer.callbacks.help", "RunCheckpoint")


def test_the_page_of_a_class_begins_with_what_it_is(tmp_path: Path) -> None:
    page = csl(tmp_path, "fit", "--model.help", "DINO")
    told, _, options = page.partition("\n  --model.encoder.help")
    for part in (
        "Self-distillation without labels.",
        "csl.losses.dino_loss",
        "Vision Transformers, 2021, arXiv 2104.14294.",
    ):
        assert part in " ".join(told.split())
    assert "Raises" not in page
    assert "--model.teacher_temperature" in options
    assert "Fits probes on the reference set" in csl(tmp_path, "fit", "--trainer.callbacks.help", "ProbeMonitor")


def test_help_leaves_out_lists_that_are_too_long_to_be_read(tmp_path: Path) -> None:
    page = csl(tmp_path, "fit", "--model.help", "SimCLR")
    assert "csl.encoders.ConvNet" in page
    assert "Called with both views' projections" in page
    assert "torch.nn" not in page


def test_a_name_that_nobody_has_is_an_error(tmp_path: Path) -> None:
    status, message = failure(tmp_path, "fit", "--trainer.callbacks+=OrganisationMetrics")
    assert status == 2
    assert "OrganisationMetrics" in message


def test_a_class_in_a_file_anywhere(tmp_path: Path) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine_in_a_file.py").write_text(
        "from csl.methods import SimCLR\nclass Mine(SimCLR):\n    pass\n"
    )
    text = csl(tmp_path, "fit", "--model", "methods/mine_in_a_file.py:Mine", "--print_config")
    assert yaml.safe_load(text)["model"]["class_path"] == f"{tmp_path}/methods/mine_in_a_file.py:Mine"
    (tmp_path / "printed.yaml").write_text(text)
    assert csl(tmp_path, "fit", "--config", "printed.yaml", "--print_config") == text
    csl(tmp_path, "fit", "--model", "methods/mine_in_a_file.py:Mine", *SHORT)
    (run,) = tmp_path.glob("lightning_logs/mine-digits/version_0")
    assert f"class_path: {tmp_path}/methods/mine_in_a_file.py:Mine" in (run / "config.yaml").read_text()
    csl(tmp_path / "methods", "fit", "--resume", str(run), "--trainer.max_epochs", "2")
    _, message = failure(tmp_path, "fit", "--model", "methods/other.py:Mine")
    assert "methods/other.py" in message


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder, base in (("a", "SimCLR"), ("b", "BYOL")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "yaml.py").write_text(f"from csl.methods import {base}\nclass Mine({base}):\n    pass\n")
        text = csl(tmp_path, "fit", "--model", f"{folder}/yaml.py:Mine", "--print_config")
        assert ("momentum" in yaml.safe_load(text)["model"]["init_args"]) == (base == "BYOL")


def test_the_classes_there_are_are_listed_with_their_papers(tmp_path: Path) -> None:
    page = csl(tmp_path, "fit", "--model.help")
    assert all(f"  {name} " in page for name in offered("csl.methods", Method) if name != "Method")
    assert "arXiv 2002.05709" in page
    assert "  ResNet " in csl(tmp_path, "fit", "--model.encoder.help", "--model", "MoCo")
    assert "  Folder " in csl(tmp_path, "fit", "--data.source.help")
