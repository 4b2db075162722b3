"""How many random cases are tried, and random features to try things on.

`CSL_FUZZ_CASES=1000 pytest tests/fuzz` tries a thousand new ones for every test instead of the few fixed ones.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from torch import Tensor

Test = TypeVar("Test", bound=Callable[..., Any])
CASES = int(os.environ.get("CSL_FUZZ_CASES", 0))


def cases(few: int) -> Callable[[Test], Test]:
    """A decorator: always the same few cases, or as many new ones as the environment asks for."""
    return settings(
        max_examples=CASES or few,
        derandomize=not CASES,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


class Sample(NamedTuple):
    """Features and labels as a careless user might pass them, and whether they are what is documented."""

    values: Tensor
    labels: Tensor
    is_valid: bool


VALUES = ["normal", "clumps", "duplicates", "constant", "zero", "huge", "tiny", "far", "low rank", "one odd row"]
SPOILT = ["nan", "inf", "integers", "vector", "cube", "complex"]
LABELS = ["random", "one class", "all different", "two", "sparse", "int32"]
SPOILT_LABELS = ["unlabelled", "short", "floats", "matrix", "bool"]
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


@st.composite
def samples(draw: st.DrawFn, min_rows: int = 0) -> Sample:
    """Valid two times in three; otherwise one thing about it is wrong."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    rows = draw(st.one_of(st.integers(min_rows, 6), st.integers(min_rows, 60)))
    width = draw(st.one_of(st.integers(0, 4), st.integers(1, 40)))
    values = _values(draw(st.sampled_from(VALUES)), rows, width, generator)
    labels = _labels(draw(st.sampled_from(LABELS)), rows, generator)
    values = values.to(draw(st.sampled_from(DTYPES)))
    fault = draw(st.sampled_from([None] * 2 * (len(SPOILT) + len(SPOILT_LABELS)) + SPOILT + SPOILT_LABELS))
    if draw(st.booleans()):
        values = values.t().contiguous().t()
    is_valid = bool(torch.isfinite(values).all())  # half precision may overflow
    is_valid &= width > 0 or rows == 0
    if fault is None or rows == 0:
        return Sample(values, labels, is_valid)
    return Sample(_spoilt(fault, values), _spoilt_labels(fault, labels), False)


def _values(kind: str, rows: int, width: int, generator: torch.Generator) -> Tensor:
    normal = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    if kind == "clumps":
        return (
            torch.randn(3, width, generator=generator)[torch.randint(3, (rows,), generator=generator)] + 1e-3 * normal
        )
    if kind == "duplicates":
        return normal[torch.randint(max(1, rows // 3), (rows,), generator=generator)] if rows else normal
    if kind == "constant":
        return torch.full_like(normal, 0.7)
    if kind == "low rank":
        return normal[:, :1] * torch.randn(1, width, generator=generator)
    if kind == "one odd row":
        return torch.where(torch.arange(rows)[:, None] == 0, 1e3, 1.0) * normal
    scale, shift = {"zero": (0, 0), "huge": (1e30, 0), "tiny": (1e-30, 0), "far": (1, 1e4)}.get(kind, (1, 0))
    return scale * normal + shift


def _labels(kind: str, rows: int, generator: torch.Generator) -> Tensor:
    if kind == "all different":
        return torch.randperm(rows, generator=generator)
    count = {"one class": 1, "two": 2}.get(kind, 5)
    labels = torch.randint(count, (rows,), generator=generator)
    if kind == "sparse":
        return labels * 1000 + 7
    return labels.int() if kind == "int32" else labels


def _spoilt(fault: str, values: Tensor) -> Tensor:
    changed = {
        "nan": lambda: values.index_fill(0, torch.tensor([len(values) // 2]), torch.nan),
        "inf": lambda: values.index_fill(0, torch.tensor([0]), -torch.inf),
        "integers": lambda: torch.ones(values.shape, dtype=torch.int64),
        "vector": lambda: values.sum(dim=1),
        "cube": lambda: values[None],
        "complex": lambda: torch.ones(values.shape, dtype=torch.complex64),
    }
    return changed[fault]() if fault in changed else values


def _spoilt_labels(fault: str, labels: Tensor) -> Tensor:
    changed = {
        "unlabelled": lambda: labels.index_fill(0, torch.tensor([0]), -1),
        "short": lambda: labels[1:],
        "floats": lambda: labels.float(),
        "matrix": lambda: labels[:, None],
        "bool": lambda: labels > 0,
    }
    return changed[fault]() if fault in changed else labels
