"""The picture of README.md: maps of two encoders, and what the measures say of the same features."""

from pathlib import Path
from typing import Any

import torch

from benchmarks.local_global import local_global
from csl.metrics.functional import calinski_harabasz_score, relative_local_density
from csl.study.subjects import Encoded, Subject


def subject(name: str, spread: float) -> Subject:
    """Three classes of 30 samples, as compact as told, with features of length 1."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    features = torch.eye(3).repeat(1, 2)[labels] + spread * torch.randn(90, 6, generator=generator)
    held = Encoded(torch.nn.functional.normalize(features), labels)
    return Subject(name, Path(name), None, ["a", "b", "c"], held, held)


def test_each_map_says_what_is_measured_on_its_features() -> None:
    subjects = [subject("one", 0.1), subject("two", 0.5)]
    axes: list[Any] = local_global(subjects, ["First", "Second"]).axes
    assert [one.get_title() for one in axes] == ["First", "Second", "", ""]
    for number, each in enumerate(subjects):
        rld = relative_local_density(each.val.features, each.val.labels, 0.1)
        chs = calinski_harabasz_score(each.val.features, each.val.labels)
        assert axes[number].get_xlabel() == f"neighbours: RLD(0.1) {rld:.3f}"
        assert axes[number + 2].get_xlabel() == f"whole classes: CHS {chs:,.0f}"
    assert [axes[0].get_ylabel(), axes[2].get_ylabel()] == ["t-SNE", "PCA"]
