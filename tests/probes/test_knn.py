import math
from typing import Any

import pytest
import torch

from csl.probes import KNNProbe
from tests.probes.samples import clumps, features


@pytest.mark.parametrize(("neighbors", "temperature"), [(1, 0.07), (7, 0.07), (200, 0.5), (30, 1e-4)])
def test_votes_are_the_definition(neighbors: int, temperature: float) -> None:
    train, val = clumps()
    unit_train, unit_val = (part.values / part.values.norm(dim=1, keepdim=True) for part in (train, val))
    expected = []
    for query in unit_val.double() @ unit_train.double().T:
        nearest = query.argsort(descending=True)[:neighbors]
        votes = {
            label: torch.logsumexp(query[nearest][train.labels[nearest] == label] / temperature, dim=0)
            for label in (2, 5, 11)
        }
        expected.append(max(votes, key=lambda label: float(votes[label])))
    result = KNNProbe(neighbors, temperature).fit(train, val)
    assert result.predictions is not None
    assert result.predictions.tolist() == expected
    assert result.num_parameters == 0
    assert math.isnan(result.train_accuracy)


def test_leave_one_out_is_one_fit_a_sample() -> None:
    train, _ = clumps(num_train=40)
    right = 0
    for i in range(40):
        others = torch.arange(40) != i
        rest = features(train.values[others], train.labels[others])
        alone = features(train.values[i : i + 1], train.labels[i : i + 1])
        right += KNNProbe(neighbors=3).fit(rest, alone).val_accuracy == 1
    assert 0 < right < 40
    assert KNNProbe(neighbors=3, leave_one_out=True).fit(train, train).train_accuracy == pytest.approx(right / 40)


def test_exact_copies_do_not_vote_for_themselves() -> None:
    values = torch.ones(4, 2)
    train = features(values, torch.tensor([1, 1, 1, 0]))
    result = KNNProbe(leave_one_out=True).fit(train, train)
    assert result.train_accuracy == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"neighbors": 0}, "neighbors: expected at least 1, got 0"),
        ({"temperature": 0.0}, "temperature: expected a pos"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KNNProbe(**arguments)
