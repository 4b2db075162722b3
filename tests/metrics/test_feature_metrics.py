import math
from typing import Any

import jsonargparse
import pytest
import torch
import torchmetrics
from torch import Tensor

from csl.distributed import shard, world
from csl.metrics import (
    ClassAffinity,
    FeatureMetric,
    NeighborAgreement,
    RelativeLocalDensity,
    named_scalars,
    undefined_scalars,
)
from tests.metrics.panel import PANEL
from tests.metrics.reference import data
from tests.two_processes import TwoProcesses

METRICS = {name: entry.shell for name, entry in PANEL.items()}
FUNCTIONS = {name: entry.function for name, entry in PANEL.items()}
NAMES = {name: entry.names for name, entry in PANEL.items()}


def _feed(metric: FeatureMetric, features: Tensor, labels: Tensor, batch: int = 17) -> FeatureMetric:
    for start in range(0, len(features), batch):
        metric.update(features[start : start + batch], labels[start : start + batch])
    return metric


@pytest.mark.parametrize("name", METRICS)
def test_equals_its_function_over_batches_and_after_a_reset(name: str) -> None:
    features, labels = data()
    metric = METRICS[name]()
    for _ in range(2):
        value = _feed(metric, features, labels).compute()
        torch.testing.assert_close(value, FUNCTIONS[name](features, labels), rtol=1e-9, atol=1e-12)
        metric.reset()


@pytest.mark.parametrize("name", METRICS)
def test_forward_gives_the_batch_and_keeps_the_whole(name: str) -> None:
    features, labels = data()
    metric = METRICS[name]()
    first = metric(features[:40], labels[:40])
    torch.testing.assert_close(first, FUNCTIONS[name](features[:40], labels[:40]), rtol=1e-9, atol=1e-12)
    metric(features[40:], labels[40:])
    torch.testing.assert_close(metric.compute(), FUNCTIONS[name](features, labels), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_values_become_named_scalars(name: str) -> None:
    metric = METRICS[name]()
    scalars = named_scalars(metric, _feed(metric, *data()).compute())
    assert list(scalars) == NAMES[name]
    assert all(value.ndim == 0 and value.isfinite() for value in scalars.values())
    undefined = undefined_scalars(metric)
    assert list(undefined) == NAMES[name]
    assert all(value.isnan() for value in undefined.values())


def test_a_single_temperature_and_a_single_class_have_scalars_too() -> None:
    single = RelativeLocalDensity([0.5])
    assert list(named_scalars(single, _feed(single, *data()).compute())) == ["rld_0.5"]
    affinity = ClassAffinity(0.5)
    features, labels = data()
    scalars = named_scalars(affinity, _feed(affinity, features, 0 * labels).compute())
    assert float(scalars["within_class_affinity_0.5"]) == 1.0


class MeanNorm(torchmetrics.Metric):
    """A stranger's metric."""

    def __init__(self, entries: int) -> None:
        super().__init__()
        self.entries = entries

    def update(self, features: Tensor, labels: Tensor) -> None: ...

    def compute(self) -> Any:
        return {0: torch.tensor(2.0), 1: torch.ones(2), 2: {"a": 1.0}, 3: torch.ones(1, 2)}[self.entries]


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_any_metric_of_torchmetrics_has_names() -> None:
    expected = [["mean_norm"], ["mean_norm_0", "mean_norm_1"], ["a"]]
    for entries, names in enumerate(expected):
        metric = MeanNorm(entries)
        assert list(named_scalars(metric, metric.compute())) == names
    with pytest.raises(ValueError, match=r"mean_norm: expected scalars or vectors.*\(1, 2\)"):
        named_scalars(MeanNorm(3), MeanNorm(3).compute())
    assert math.isnan(undefined_scalars(MeanNorm(0))["mean_norm"])


def test_a_configuration_names_them() -> None:
    parser = jsonargparse.ArgumentParser()
    parser.add_argument("--metrics", type=list[torchmetrics.Metric])
    line = (
        '[{"class_path": "csl.metrics.RelativeLocalDensity", "init_args": {"temperatures": [1, 0.2]}},'
        ' {"class_path": "csl.metrics.NeighborAgreement", "init_args": {"ks": [1, 10]}},'
        ' {"class_path": "csl.metrics.CalinskiHarabaszScore"}]'
    )
    metrics = parser.instantiate(parser.parse_args([f"--metrics={line}"])).metrics
    assert [name for metric in metrics for name in metric.names] == [
        "rld_1.0",
        "rld_0.2",
        "neighbor_agreement_1",
        "neighbor_agreement_10",
        "calinski_harabasz",
    ]


def test_refuses_bad_arguments_and_bad_rows() -> None:
    with pytest.raises(ValueError, match="temperature: expected a positive number, got 0"):
        RelativeLocalDensity([0.0])
    with pytest.raises(ValueError, match="ks: expected a positive number, got 0"):
        NeighborAgreement([0])
    for name, make in METRICS.items():
        features, labels = data()
        with pytest.raises(ValueError, match=r"labels: expected \[100\]"):
            make().update(features, labels[:99])
        if PANEL[name].measure.labeled:
            with pytest.raises(ValueError, match="unlabelled"):
                _feed(make(), features, labels - 1).compute()
        features[31] = torch.nan
        with pytest.raises(ValueError, match="NaN or infinity in 1 of 100 rows, the first of them row 31"):
            _feed(make(), features, labels).compute()


@pytest.mark.parametrize("name", METRICS)
def test_refuses_features_of_a_wrong_form_when_they_come(name: str) -> None:
    features, labels = data(20)
    for message, wrong in {
        r"features: expected a matrix \[N, D\], got shape \(20,\)": features[:, 0],
        r"features: expected a matrix \[N, D\], got shape \(20, 8, 1\)": features[..., None],
        r"features: expected floating point, got torch\.int64": features.long(),
        r"features: expected floating point, got torch\.float8_e5m2": features.to(torch.float8_e5m2),
        r"features: expected one dimension or more, got shape \(20, 0\)": features[:, :0],
    }.items():
        with pytest.raises(ValueError, match=message):
            METRICS[name]().update(wrong, labels)


@pytest.mark.filterwarnings("ignore:The ``compute`` method", "ignore:.* is NaN")
@pytest.mark.parametrize("name", METRICS)
def test_without_any_update_every_scalar_is_nan(name: str) -> None:
    metric = METRICS[name]()
    scalars = named_scalars(metric, metric.compute())
    assert list(scalars) == NAMES[name]
    assert all(value.isnan() for value in scalars.values())


def _on_one_of_two(name: str, features: Tensor, labels: Tensor, owner: int) -> Tensor:
    metric = METRICS[name]()
    if torch.distributed.get_rank() == owner:
        _feed(metric, features, labels)
    return torch.as_tensor(metric.compute())


@pytest.mark.parametrize("owner", [0, 1])
@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_a_process_without_rows_learns_the_value_of_the_others(
    two_processes: TwoProcesses, name: str, owner: int
) -> None:
    """The labels are int32, which the process without any cannot know."""
    features, labels = data()
    expected = FUNCTIONS[name](features, labels)
    assert expected.isfinite().all()
    for value in two_processes(_on_one_of_two, name, features, labels.int(), owner):
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)


def _on_two(name: str, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, int]:
    own = shard(len(features), world())
    metric = METRICS[name]()
    if own.stop > own.start:
        _feed(metric, features[own], labels[own])
    together = metric.compute()
    local = METRICS[name](sync_on_compute=False)
    alone = _feed(local, features, labels).compute()
    return together, alone, sum(map(len, getattr(metric, "values", [])))


@pytest.mark.parametrize("name", METRICS)
def test_two_processes_equal_one_and_keep_their_rows(two_processes: TwoProcesses, name: str) -> None:
    features, labels = data()
    expected = FUNCTIONS[name](features, labels)
    for together, alone, kept in two_processes(_on_two, name, features, labels):
        torch.testing.assert_close(together, expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(alone, expected, rtol=1e-9, atol=1e-12)
        assert kept in (0, 50)


@pytest.mark.parametrize("name", [name for name in METRICS if PANEL[name].reference.one_sample is None])
@pytest.mark.filterwarnings("ignore:The ``compute`` method", "ignore:.* is NaN", "ignore::UserWarning")
def test_a_process_without_rows_takes_part(two_processes: TwoProcesses, name: str) -> None:
    for together, _, _ in two_processes(_on_two, name, *data(1)):
        assert together.isnan().all()


def _one_bad_process(name: str) -> str:
    features, labels = data(10)
    if torch.distributed.get_rank() == 1:
        features[4] = torch.inf
    metric = _feed(METRICS[name](), features, labels)
    try:
        metric.compute()
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", METRICS)
def test_every_process_learns_of_bad_rows(two_processes: TwoProcesses, name: str) -> None:
    assert (
        two_processes(_one_bad_process, name)
        == ["features: expected finite numbers, got NaN or infinity in 1 of 20 rows, the first of them row 14"] * 2
    )
