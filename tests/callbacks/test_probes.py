from pathlib import Path

import pytest
import torch

from csl.callbacks import FeatureCollector, ProbeMonitor
from csl.callbacks.probes import probe_scalars
from csl.probes import GCNProbe, KNNProbe, LabelPropagationProbe, LinearProbe, Outcome, Task
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer
from tests.probes.samples import clumps, features


def test_a_fit_logs_every_probe_and_variant_under_its_name(tmp_path: Path) -> None:
    probes = {
        "linear": LinearProbe(),
        "few": LinearProbe(label_share=0.5),
        "gcn": GCNProbe([0.2, 0.1], neighbors=3),
        "graph": GCNProbe([0.2, 0.1], neighbors=None),
    }
    trainer = toy_trainer(tmp_path, [FeatureCollector(), ProbeMonitor(probes, also=["balanced_accuracy", "steps"])])
    trainer.fit(ToyMethod(), ToyData())
    names = ["linear", "few", "gcn_0.2", "gcn_0.1", "graph_0.2", "graph_0.1"]
    kinds = ["accuracy", "parameters", "balanced_accuracy", "steps"]
    logged = set(trainer.callback_metrics)
    assert {f"val/{name}_{kind}" for name in names for kind in kinds} <= logged
    assert {f"train/{name}_accuracy" for name in names} <= logged
    assert "val/gcn_accuracy" not in logged


def test_features_without_a_graph_are_logged_as_nan_under_every_name() -> None:
    collapsed = features(torch.ones(6, 3), torch.tensor([0, 1, 0, 1, 0, 1]))
    with pytest.warns(UserWarning, match="GCNProbe could not be fitted and is logged as NaN: the features have coll"):
        scalars = probe_scalars(GCNProbe([0.2, 0.1]), collapsed, collapsed, "train/", "val/")
    assert set(scalars) == {"val/gcn_0.2_accuracy", "val/gcn_0.1_accuracy"}
    assert all(value != value for value in scalars.values())


def test_numbers_that_a_probe_does_not_have_are_not_logged() -> None:
    scalars = probe_scalars(KNNProbe(), *clumps(), "train/", "val/", also=["steps", "seconds"])
    assert set(scalars) == {"val/knn_accuracy", "val/knn_parameters", "val/knn_seconds"}


def test_two_probes_of_one_name_and_unknown_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="one of each name, got gcn, label_propagation, gcn; give a mapping"):
        ProbeMonitor([GCNProbe(), LabelPropagationProbe(), GCNProbe(neighbors=None)])
    with pytest.raises(ValueError, match=r"also: expected some of balanced_accuracy, .*, got 'size'"):
        ProbeMonitor(also=["size"])


class Norms(KNNProbe):
    """Keeps how long the features are that it is fitted to."""

    def classify(self, task: Task) -> Outcome:
        self.norms = [part.values.norm(dim=1) for part in (task.train, task.val)]
        return super().classify(task)


@pytest.mark.parametrize("normalize", [True, False])
def test_probes_are_fitted_to_features_of_length_1_unless_told_otherwise(tmp_path: Path, normalize: bool) -> None:
    probe = Norms()
    monitor = ProbeMonitor([probe]) if normalize else ProbeMonitor([probe], normalize=False)
    trainer = toy_trainer(tmp_path, [FeatureCollector(), monitor])
    trainer.fit(ToyMethod(), ToyData())
    assert [torch.allclose(part, torch.ones_like(part), atol=1e-6) for part in probe.norms] == [normalize] * 2
