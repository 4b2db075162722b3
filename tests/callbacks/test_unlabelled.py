"""Images without labels: what needs none is measured, and what needs them is said once to be left out."""

import inspect
import logging
import math
from pathlib import Path

import pytest
import torch
from torchmetrics.clustering import DaviesBouldinScore

from csl import metrics
from csl.callbacks import OrganizationMetrics
from csl.callbacks.labels import Untold
from csl.callbacks.organization import compute, measure_all
from csl.figures import feature_map
from csl.metrics import FeatureMetric, RankMe, Uniformity
from csl.metrics.measures import MEASURES
from csl.metrics.samples import Samples
from csl.types import Features
from tests.commands.runs import SMALL, csl, curves, events, failure
from tests.data.layouts import of_classes, put

KINDS = [
    kind
    for name in dir(metrics)
    if inspect.isclass(kind := getattr(metrics, name)) and issubclass(kind, FeatureMetric) and hasattr(kind, "measure")
]
WITHOUT = {name for name, measure in MEASURES.items() if not measure.labeled}


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_a_metric_of_rows_without_labels_is_right_or_refused(kind: type[FeatureMetric]) -> None:
    values = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    unlabelled, labels = torch.full((40,), -1), torch.arange(40) % 2
    if set(kind().names) & WITHOUT:
        found = compute(kind(), Samples(values, unlabelled), unlabelled)
        assert found == compute(kind(), Samples(values, labels), labels)
        assert all(math.isfinite(value) for value in found.values())
    else:
        with pytest.raises(ValueError, match="labels"):
            compute(kind(), Samples(values, unlabelled), unlabelled)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[str]]:
    folder = tmp_path_factory.mktemp("flat")
    put(folder / "photos", *of_classes("", count=30))
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addHandler(handler)
    line = "--data.source", "Folder", "--data.source.root", "photos", "--data.batch_size", "12"
    text = csl(folder, "fit", *line, "--model.encoder", "ConvNet", "--trainer.max_epochs", "2", *SMALL)
    return folder / "lightning_logs" / "simclr-folder" / "version_0", text, told


def test_a_flat_folder_trains_and_gets_what_needs_no_labels(printed: tuple[Path, str, list[str]]) -> None:
    run, text, _ = printed
    logged = curves(run)
    assert all(math.isfinite(value) for value in logged["val/feature_std"].values())
    assert not [name for name in logged if "accuracy" in name or "rld" in name or "calinski" in name]
    assert set(events(run).Tags()["images"]) == {"val/feature_map", "val/neighbors"}
    assert "feature_std" in text


def test_what_needs_labels_is_said_once(printed: tuple[Path, str, list[str]]) -> None:
    told = [line for line in printed[2] if line.startswith("no image has a label")]
    assert sorted(told) == [
        "no image has a label: CalinskiHarabaszScore is not measured",
        "no image has a label: ClassAffinityMap is not drawn",
        "no image has a label: ClassDensityBars is not drawn",
        "no image has a label: RelativeLocalDensity is not measured",
        "no image has a label: no probe is fitted (knn, linear, gcn)",
    ]


def test_a_metric_of_another_library_says_why(caplog: pytest.LogCaptureFixture) -> None:
    monitor = OrganizationMetrics([DaviesBouldinScore(), RankMe(), Uniformity()])
    rows = Features(torch.randn(9, 3), torch.full((9,), -1), torch.arange(9))
    with caplog.at_level("INFO"):
        found = measure_all(monitor.metrics, rows, untold=Untold())
    assert "DaviesBouldinScore is not measured (" in caplog.text
    assert list(found) == ["rankme", "uniformity"]


def test_a_map_without_labels_has_one_colour_and_no_legend() -> None:
    figure = feature_map(torch.eye(6), torch.full((6,), -1), ["cat", "dog"], projection="pca")
    assert not figure.legends
    (points,) = figure.axes[0].collections
    assert len(points.get_facecolor()) == 1


def test_supervised_without_labels_is_refused_before_training(tmp_path: Path) -> None:
    put(tmp_path / "photos", *of_classes("", count=30))
    put(tmp_path / "labelled", *of_classes("cat", "dog", count=10))
    line = "fit", "--model", "Supervised", "--data.source", "Folder", "--data.source.root", "photos", *SMALL[:4]
    status, message = failure(tmp_path, *line)
    assert status == 1
    assert "Supervised learns from labels, and the images have none; methods that need no labels are SimCLR" in message
    more = "--data.source.evaluate_on", "labelled", "--data.batch_size", "8"
    status, message = failure(tmp_path, *line, *more)
    assert status == 1
    assert "labels: Supervised learns from labels, and the images have none" in message
