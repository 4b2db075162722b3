import math

import pytest
import torch
from torch import Tensor

from csl.metrics.functional import uniformity
from tests.metrics.reference import COSINE, Reference, Values, unit
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


def _uniformity(x: Tensor, y: Tensor) -> Values:
    return float(torch.pdist(unit(x)).square().mul(-2).exp().mean().log())


REFERENCES = {
    "uniformity": Reference(_uniformity, COSINE, two_samples=[-8.0], identical=[0.0], hard=2e-5),
}


SHARP = [100.0, 1000.0]


def _dense(features: Tensor, t: float) -> float:
    squares = torch.pdist(torch.nn.functional.normalize(features.double(), dim=1)).square()
    return float(squares.mul(-t).logsumexp(dim=0)) - math.log(len(squares))


@pytest.mark.parametrize("t", [19.0, 21.0, *SHARP])
def test_no_sharpness_underflows(t: float) -> None:
    features = ordinary(60, 512)  # all about at right angles, so that every potential is about exp(−2 t)
    assert float(uniformity(features, t)) == pytest.approx(_dense(features, t), rel=1e-6)


def test_two_processes_equal_one_at_any_sharpness(two_processes: TwoProcesses) -> None:
    features = ordinary(61, 512)
    for t in SHARP:
        for together in two_processes.sharded(uniformity, [features], t, memory_budget=0):
            assert float(together) == pytest.approx(_dense(features, t), rel=1e-6)
