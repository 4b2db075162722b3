from functools import partial
from typing import Any

import pytest
import torch
from lightly.loss import DINOLoss as LightlysLoss
from torch import Tensor

from csl.losses import DINOLoss, dino_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

STUDENTS, TEACHERS, CENTER = random(5, 6, 7), random(2, 6, 7, seed=1), random(7, seed=2)


def _loss(students: Tensor, teachers: Tensor) -> Tensor:
    return dino_loss(students, teachers, CENTER, temperature=0.2, teacher_temperature=0.5)


def _reference(students: Tensor, teachers: Tensor) -> Tensor:
    total, pairs = torch.zeros((), dtype=torch.float64), 0
    for g in range(2):
        for v in range(5):
            if g != v:
                target = torch.softmax((teachers[g].detach() - CENTER) / 0.5, dim=1)
                total = total - (target * torch.log(torch.softmax(students[v] / 0.2, dim=1))).sum(dim=1).mean()
                pairs += 1
    return total / pairs


def _lightlys(students: Tensor, teachers: Tensor) -> Tensor:
    loss = LightlysLoss(7, teacher_temp=0.5, warmup_teacher_temp=0.5, student_temp=0.2).double()
    loss.center = CENTER.clone()[None, None]
    value: Tensor = loss(list(teachers.detach()), list(students))
    return value


@pytest.mark.parametrize("reference", [_reference, _lightlys])
def test_it_is_the_papers_and_lightlys(reference: Any) -> None:
    assert_same(_loss, reference, STUDENTS, TEACHERS, tolerance=1e-7)
    assert_same(_loss, _reference, STUDENTS, TEACHERS)


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, STUDENTS, TEACHERS)


@pytest.mark.parametrize("name", ["temperature", "teacher_temperature"])
def test_a_temperature_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        partial(DINOLoss, **{name: 0.0})()
