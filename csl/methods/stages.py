"""Parts of a training, each with a learning-rate schedule of its own."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from lightly.utils.scheduler import cosine_warmup_schedule


class Stage(NamedTuple):
    """A part of the training, in which the learning rate goes along a cosine of its own.

    Attributes:
        start: The share of all steps that lies before it.
        rate: Factor of the learning rate.
        warms_up: Whether it begins with the warm-up.
    """

    start: float = 0.0
    rate: float = 1.0
    warms_up: bool = True


def first_steps(stages: Sequence[Stage], steps: int) -> list[int]:
    """The first step of each stage in a training of `steps` steps.

    Example:
        >>> first_steps([Stage(), Stage(2 / 3)], 300)
        [0, 200]
    """
    return [min(steps, math.ceil(round(stage.start * steps, 6))) for stage in stages]


def stage_at(stages: Sequence[Stage], step: int, steps: int) -> int:
    """Which stage a step (from 0) belongs to.

    Example:
        >>> [stage_at([Stage(), Stage(0.5)], step, 4) for step in range(4)]
        [0, 0, 1, 1]
    """
    return bisect_right(first_steps(stages, steps), step) - 1


def rate_at(stages: Sequence[Stage], step: int, steps: int, warmup: int, final: float = 0.0) -> float:
    """The factor of the learning rate at a step: each stage's warm-up and then half a cosine to its last step.

    Step t of a warm-up (from 0) has (t + 1) / `warmup` of the stage's rate: none is wasted on a zero. Of several stages
    each warms up for at most half its length, and one of a single step has its whole rate.

    Args:
        stages: The first begins at 0.
        step: From 0; after the last one the rate stays.
        steps: Of the training.
        warmup: Length of a warm-up, in steps.
        final: What a stage's rate falls to, as a share of it.

    Example:
        >>> [round(rate_at([Stage(), Stage(0.5, rate=0.1, warms_up=False)], step, 10, 2), 3) for step in range(10)]
        [0.5, 1.0, 1.0, 0.5, 0.0, 0.1, 0.085, 0.05, 0.015, 0.0]
    """
    step = min(step, steps - 1)
    current = stage_at(stages, step, steps)
    first, end = [*first_steps(stages, steps), steps][current : current + 2]
    stage, length = stages[current], end - first
    if length == 1 < len(stages):
        return stage.rate
    longest = length if len(stages) == 1 else length // 2
    share: float = cosine_warmup_schedule(
        step=step - first,
        max_steps=length,
        start_value=1.0,
        end_value=final,
        warmup_steps=min(warmup, longest) if stage.warms_up else 0,
        warmup_start_value=0.0,
    )
    return stage.rate * share
