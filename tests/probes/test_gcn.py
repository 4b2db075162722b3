import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from csl.distributed import Shard
from csl.graph import GCN, SparseGraph, dgl_backend, propagation
from csl.pairwise import UndefinedSimilarityError
from csl.probes import GCNProbe, LinearProbe, Nodes
from csl.probes.gcn_training import GCNTraining, HiddenAccuracy
from tests.probes.samples import clumps, digits, features, rows

needs_dgl = pytest.mark.skipif(dgl_backend.why_unavailable("cpu") is not None, reason="dgl does not load here")


@pytest.mark.parametrize("split", [0, 1, 2])
def test_neighbourhoods_beat_a_line_on_digit_pixels_with_652_parameters(split: int) -> None:
    result = GCNProbe(seed=split, backend="torch").fit(*digits(split))
    assert result.num_parameters == 652
    assert result.val_accuracy >= 0.975
    assert result.train_accuracy >= 0.975
    assert result.val_accuracy > LinearProbe().fit(*digits(split)).val_accuracy


@needs_dgl
def test_backends_make_the_same_fit() -> None:
    one, other = (GCNProbe(neighbors=10, backend=backend).fit(*digits()) for backend in ("dgl", "torch"))
    assert one == other
    assert one.predictions is not None
    assert other.predictions is not None
    assert torch.equal(one.predictions, other.predictions)


def test_local_clumps_are_learned_where_a_line_cannot() -> None:
    train, val = clumps()
    assert GCNProbe(neighbors=5).fit(train, val).val_accuracy > 0.9 > LinearProbe().fit(train, val).val_accuracy


def test_only_the_order_of_samples_and_the_seed_matter() -> None:
    train, val = clumps()
    first, again = (GCNProbe(neighbors=5, seed=3).fit(train, val) for _ in range(2))
    other = GCNProbe(neighbors=5, seed=4).fit(train, val)
    assert first == again
    assert first != other


def test_the_best_over_steps_is_shown_beside_and_changes_nothing() -> None:
    plain, shown = (GCNProbe(neighbors=5, best_over_steps=flag).fit(*clumps()) for flag in (False, True))
    assert plain.best_val_accuracy_over_steps is None
    assert shown.best_val_accuracy_over_steps is not None
    assert shown.best_val_accuracy_over_steps >= shown.val_accuracy == plain.val_accuracy
    assert shown.steps == plain.steps


def test_fewer_samples_than_neighbors_give_the_full_graph() -> None:
    train, val = clumps(num_train=20, num_val=10)
    assert GCNProbe(neighbors=50).fit(train, val) == GCNProbe(neighbors=None).fit(train, val)


def test_collapsed_features_have_no_graph() -> None:
    train = features(torch.ones(6, 3), torch.tensor([0, 1, 0, 1, 0, 1]))
    with pytest.raises(UndefinedSimilarityError):
        GCNProbe().fit(train, train)


@pytest.mark.parametrize("backend", ["torch", pytest.param("dgl", marks=needs_dgl)])
def test_isolated_nodes_are_trained_with_and_predicted(backend: str) -> None:
    training = made_training(num_isolated=4, backend=backend)
    fit = training.fit(learning_rate=0.1, patience=20, max_steps=60)
    assert fit.logits.isfinite().all()
    assert fit.logits[12:].argmax(1)[:4].tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(fit.logits[16:], fit.logits[16:17].expand(4, -1))


def made_training(num_isolated: int = 0, backend: str = "torch") -> GCNTraining:
    """Two cliques of six training and two held-out nodes, and isolated held-out nodes."""
    clique = [0, 1, 2, 3, 4, 5, 12, 13]
    pairs = torch.tensor([(a, b) for a in clique for b in clique if a < b])
    shifted = pairs + torch.where(pairs < 6, 6, 2)
    ends = torch.cat([pairs, shifted])
    graph = SparseGraph.from_pairs(ends[:, 0], ends[:, 1], torch.full((len(ends),), 2.0), 16 + num_isolated)
    classes = torch.tensor([0] * 6 + [1] * 6 + [0, 0, 1, 1] + [0] * num_isolated)
    generator = torch.Generator().manual_seed(0)
    propagate = propagation(graph.normalized(), backend)  # type: ignore[arg-type]
    return GCNTraining(GCN(2, generator), propagate, made_nodes(classes, num_train=12), generator)


def made_nodes(classes: Tensor, num_train: int) -> Nodes:
    labelled = torch.arange(len(classes)) < num_train
    return Nodes(torch.zeros(len(classes), 1), classes, labelled, ~labelled, num_train, Shard.of(len(classes)))


def test_a_share_of_the_training_labels_is_hidden_and_every_held_out_one(monkeypatch: pytest.MonkeyPatch) -> None:
    training, shown = made_training(), []
    forward = training.network.forward

    def spy(propagate: object, labels: Tensor, features: Tensor | None) -> Tensor:
        assert features is None
        shown.append(labels.clone())
        return forward(propagate, labels)  # type: ignore[arg-type]

    monkeypatch.setattr(training.network, "forward", spy)
    fit = training.fit(learning_rate=0.1, patience=10, max_steps=200)
    steps, prediction = torch.stack(shown[:-1]), shown[-1]
    assert len(steps) == fit.steps
    assert (steps[:, 12:] == 2).all()
    hidden = steps[:, :12] == 2
    assert (hidden.sum(1) >= 1).all()
    assert (hidden.sum(1) <= 11).all()
    assert len(torch.unique(hidden, dim=0)) > 5
    assert (steps[:, :12][~hidden] == training.nodes.classes[:12].expand(len(steps), -1)[~hidden]).all()
    assert prediction.tolist() == [0] * 6 + [1] * 6 + [2] * 4


def test_the_hidden_share_is_uniform_between_5_and_50_percent() -> None:
    training = made_training()
    nodes = made_nodes(torch.zeros(20_000, dtype=torch.int64), num_train=20_000)
    training = GCNTraining(training.network, training.propagate, nodes, training.generator)
    shares = torch.stack([training._draw_hidden()[0].double().mean() for _ in range(400)])
    assert 0.04 < shares.min() < 0.07
    assert 0.48 < shares.max() < 0.52
    assert float(shares.mean()) == pytest.approx(0.275, abs=0.03)
    assert float(shares.std()) == pytest.approx(0.45 / 12**0.5, abs=0.02)


def test_training_stops_after_patience_and_keeps_the_best_step(monkeypatch: pytest.MonkeyPatch) -> None:
    training = made_training()
    parameters, loss = [], training._hidden_loss
    answers = iter([(1, 4), (4, 4), (3, 4), (2, 4), (1, 4), (4, 4)])

    def scripted() -> tuple[Tensor, Tensor, int]:
        parameters.append(training._parameters())
        right, hidden = next(answers)
        return loss()[0], torch.tensor(right), hidden

    monkeypatch.setattr(training, "_hidden_loss", scripted)
    fit = training.fit(learning_rate=0.1, patience=3, max_steps=100)
    accuracies = [1 / 4, (0.9 + 4) / (3.6 + 4), (0.81 + 3.6 + 3) / (3.24 + 3.6 + 4)]
    assert accuracies[2] > accuracies[1]
    assert fit.steps == 6
    assert fit.train_accuracy == pytest.approx(accuracies[2])
    kept = training._parameters()
    assert all(torch.equal(kept[name], parameters[2][name]) for name in kept)
    assert not all(torch.equal(kept[name], parameters[3][name]) for name in kept)


def test_one_lucky_step_does_not_count_for_long() -> None:
    progress = HiddenAccuracy()
    for _ in range(20):
        progress.update(8, 10)
    assert progress.best == pytest.approx(0.8)
    assert progress.update(1, 1)
    assert progress.best < 0.81


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"learning_rate": -1.0}, "learning_rate: expected a positive number"),
        ({"neighbors": 0}, "neighbors: expected at least 1"),
        ({"width": 0}, "width: expected at least 1"),
        ({"patience": 0}, "patience: expected at least 1"),
        ({"backend": "pyg"}, "backend: expected one of auto, dgl, torch, got 'pyg'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GCNProbe(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [5, None])
def test_temperatures_are_variants_that_equal_fits_of_their_own(k: int | None) -> None:
    together = GCNProbe([0.2, 0.1], neighbors=k, backend="torch").fit_variants(*clumps())
    assert list(together) == ["gcn_0.2", "gcn_0.1"]
    for temperature in (0.2, 0.1):
        alone = GCNProbe(temperature, neighbors=k, backend="torch").fit(*clumps())
        assert together[f"gcn_{temperature}"] == alone
    with pytest.raises(ValueError, match=r"GCNProbe has the variants gcn_0\.2, gcn_0\.1: call fit_variants"):
        GCNProbe([0.2, 0.1], neighbors=k).fit(*clumps())


def test_a_full_graph_that_is_not_stored_makes_the_same_fit() -> None:
    stored = GCNProbe(neighbors=None).fit(*clumps())
    tiled = GCNProbe(neighbors=None, memory_budget=0).fit(*clumps())
    assert tiled == stored
    for name, value in stored.parameters.items():
        torch.testing.assert_close(tiled.parameters[name], value, rtol=0, atol=1e-6)


def test_variants_have_the_parameters_they_should() -> None:
    train, val = clumps()
    sizes = {
        "plain": GCNProbe(neighbors=5),
        "wide": GCNProbe(neighbors=5, width=32),
        "deep": GCNProbe(neighbors=5, depth=3),
        "features": GCNProbe(neighbors=5, features=True),
        "fixed": GCNProbe(neighbors=5, self_loop=1.0),
    }
    found = {name: probe.fit(train, val).num_parameters for name, probe in sizes.items()}
    # 4 × width + depth − 1 times (width² + 1 + width + 2 width) + 3 width + 1 + 3, for three classes.
    plain = 4 * 16 + (16 * 16 + 1 + 16 + 32) + 3 * 16 + 1 + 3
    assert found["plain"] == plain
    assert found["wide"] == 4 * 32 + (32 * 32 + 1 + 32 + 64) + 3 * 32 + 1 + 3
    assert found["deep"] == plain + 16 * 16 + 1 + 16 + 32
    assert found["features"] == plain + 2 * 16
    assert found["fixed"] == plain - 2


def test_feature_inputs_reach_the_network_standardised(monkeypatch: pytest.MonkeyPatch) -> None:
    train, val = clumps()
    seen: list[Tensor] = []
    monkeypatch.setattr(GCN, "forward", _recorded(GCN.forward, seen))
    GCNProbe(neighbors=5, features=True).fit(train, val)
    (inputs,) = seen[:1]
    assert inputs.shape == (180, 2)
    torch.testing.assert_close(inputs[:120].mean(0), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(inputs[:120].std(0, correction=0), torch.ones(2, dtype=torch.float64))


def _recorded(forward: Any, seen: list[Tensor]) -> Any:
    def spy(self: GCN, propagate: object, labels: Tensor, features: Tensor) -> Any:
        seen.append(features)
        return forward(self, propagate, labels, features)

    return spy


def test_a_fixed_self_loop_stays() -> None:
    result = GCNProbe(neighbors=5, self_loop=0.25).fit(*clumps())
    learned = GCNProbe(neighbors=5).fit(*clumps())
    assert float(result.parameters["convolutions.0.self_loop"]) == 0.25
    assert float(learned.parameters["convolutions.0.self_loop"]) != 0


def test_accuracies_by_class_are_those_of_the_predictions() -> None:
    train, val = digits()
    val = rows(val, slice(0, 50))
    result = GCNProbe(neighbors=10).fit(train, val)
    assert result.predictions is not None
    expected = {
        label: float((result.predictions[val.labels == label] == label).double().mean())
        for label in sorted(set(val.labels.tolist()))
    }
    assert result.class_accuracies == pytest.approx(expected)
    assert result.balanced_accuracy == pytest.approx(sum(expected.values()) / len(expected))


def test_without_dgl_the_fit_is_that_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = GCNProbe(neighbors=5, backend="torch").fit(*clumps())
    monkeypatch.setitem(sys.modules, "dgl", None)
    dgl_backend.why_unavailable.cache_clear()
    try:
        assert GCNProbe(neighbors=5, backend="auto").fit(*clumps()) == expected
        assert GCNProbe(neighbors=5, backend="dgl").fit(*clumps()) == expected
    finally:
        dgl_backend.why_unavailable.cache_clear()


def test_a_class_with_one_training_sample_and_one_without_any() -> None:
    train, val = clumps()
    keep = (train.labels != 5) | (torch.arange(120) == int((train.labels == 5).nonzero()[0, 0]))
    one = GCNProbe(neighbors=5).fit(rows(train, keep), val)
    assert one.class_accuracies.keys() == {2, 5, 11}
    none = GCNProbe(neighbors=5).fit(rows(train, train.labels != 5), val)
    assert none.class_accuracies[5] == 0
    assert none.class_accuracies[2] > 0.5
    assert none.num_parameters < one.num_parameters


def test_an_outlier_far_from_all_is_predicted_and_disturbs_nothing() -> None:
    train, val = clumps()
    far = features(torch.cat([val.values, torch.tensor([[1e3, 1e3]])]), torch.cat([val.labels, torch.tensor([2])]))
    result = GCNProbe(0.2, neighbors=5).fit(train, far)
    assert result.predictions is not None
    assert len(result.predictions) == 61
    assert int(result.predictions[-1]) in {2, 5, 11}
