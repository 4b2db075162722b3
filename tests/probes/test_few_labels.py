import pytest
import torch

from csl.probes import GCNProbe, KNNProbe, LabelPropagationProbe, LinearProbe, Probe
from csl.probes.few_labels import shown_labels
from tests.probes.samples import clumps, digits, rows


def test_the_share_is_of_each_class_and_never_none_of_it() -> None:
    classes = torch.tensor([0] * 100 + [1] * 30 + [2] * 3)
    counts = {
        share: torch.bincount(classes[shown_labels(classes, share, seed=0)]).tolist() for share in (0.01, 0.1, 0.5, 1.0)
    }
    assert counts == {0.01: [1, 1, 1], 0.1: [10, 3, 1], 0.5: [50, 15, 2], 1.0: [100, 30, 3]}


def test_the_seed_alone_chooses_and_more_labels_contain_fewer() -> None:
    classes = torch.arange(200) % 3
    few, same, other = (shown_labels(classes, 0.1, seed) for seed in (0, 0, 1))
    assert torch.equal(few, same)
    assert not torch.equal(few, other)
    assert (shown_labels(classes, 0.3, 0) | ~few).all()


@pytest.mark.parametrize("kind", [LinearProbe, KNNProbe])
def test_probes_without_a_graph_learn_from_the_labelled_samples_alone(kind: type[Probe]) -> None:
    train, val = clumps()
    positions = torch.searchsorted(torch.tensor([2, 5, 11]), train.labels)
    labelled = rows(train, shown_labels(positions, 0.2, seed=3))
    few = kind(label_share=0.2, seed=3).fit(train, val)  # type: ignore[call-arg]
    assert few.class_accuracies == kind().fit(labelled, val).class_accuracies


@pytest.mark.parametrize("kind", [GCNProbe, LabelPropagationProbe])
def test_labels_that_are_not_shown_do_not_matter_to_graph_probes(kind: type[Probe]) -> None:
    train, val = clumps()
    probe = kind(neighbors=5, label_share=0.2)  # type: ignore[call-arg]
    positions = torch.searchsorted(torch.tensor([2, 5, 11]), train.labels)
    shown = shown_labels(positions, 0.2, seed=0)
    result = probe.fit(train, val)
    # Two samples of different classes that are not shown change labels: the classes' sizes stay.
    first, second = ((~shown & (train.labels == label)).nonzero()[0, 0] for label in (2, 5))
    labels = train.labels.clone()
    labels[first], labels[second] = 5, 2
    again = probe.fit(train._replace(labels=labels), val)
    assert torch.equal(shown, shown_labels(torch.searchsorted(torch.tensor([2, 5, 11]), labels), 0.2, seed=0))
    assert result == again


def test_a_graph_makes_more_of_few_labels_than_a_line_does() -> None:
    graph, line = (
        sum(kind(label_share=0.01, seed=seed).fit(*digits()).val_accuracy for seed in range(3)) / 3
        for kind in (LabelPropagationProbe, LinearProbe)
    )
    assert graph > line + 0.1


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
@pytest.mark.parametrize("kind", [GCNProbe, KNNProbe, LabelPropagationProbe, LinearProbe])
def test_other_shares_are_refused(kind: type[Probe], share: float) -> None:
    with pytest.raises(ValueError, match=f"label_share: expected more than 0 and at most 1, got {share}"):
        kind(label_share=share)  # type: ignore[call-arg]
