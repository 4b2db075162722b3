from typing import Any

import pytest
import torch

from csl.graph import similarity_graph
from csl.probes import LabelPropagationProbe, LinearProbe
from tests.probes.samples import clumps, digits


def test_the_fixed_point_is_the_solution_of_the_linear_system() -> None:
    train, val = clumps(num_train=60, num_val=20)
    result = LabelPropagationProbe(neighbors=7, alpha=0.8, tolerance=1e-12).fit(train, val)
    weights = similarity_graph(torch.cat([train.values, val.values]), 0.1, 7).normalized().dense()
    labels = torch.tensor([2, 5, 11])
    source = torch.cat([train.labels[:, None] == labels, torch.zeros(20, 3, dtype=torch.bool)]).double()
    scores = torch.linalg.solve(torch.eye(80, dtype=torch.float64) - 0.8 * weights, source)
    assert result.predictions is not None
    assert result.predictions.tolist() == labels[scores[60:].argmax(1)].tolist()
    assert result.num_parameters == 0
    assert result.steps is not None
    assert 10 < result.steps < 200


def test_neighbourhoods_beat_a_line_on_digit_pixels_without_a_parameter() -> None:
    result = LabelPropagationProbe().fit(*digits())
    assert result.val_accuracy > LinearProbe().fit(*digits()).val_accuracy
    assert result.train_accuracy > 0.96


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 1.0}, "alpha: expected a number between 0 and 1, got 1.0"),
        ({"tolerance": -1.0}, "tolerance: expected 0 or more"),
        ({"max_steps": 0}, "max_steps: expected at least 1"),
        ({"neighbors": 0}, "neighbors: expected at least 1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelPropagationProbe(**arguments)
