from typing import Any

import pytest
import torch
from torch import Tensor

from csl.distributed import world
from csl.pairwise import check_features, sampled_class_sums
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64, torch.bool])
def test_types_that_torch_cannot_compute_with_are_refused_by_name(dtype: torch.dtype) -> None:
    message = rf"floating point, got {dtype}; taken are float16, bfloat16, float32, float64"
    with pytest.raises(ValueError, match=message):
        check_features(ordinary(5).to(dtype))


def test_features_without_dimensions_are_refused_unless_there_are_none() -> None:
    with pytest.raises(ValueError, match=r"queries: expected one dimension or more, got shape \(3, 0\)"):
        check_features(torch.zeros(3, 0), name="queries")
    check_features(torch.zeros(0, 0))


def _sampled(*args: Any) -> Any:
    return sampled_class_sums(*args, samples=5, repeats=1, seed=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.arange(29), r"labels: expected \[30\], one a row of features, got shape \(29,\)"),
        (torch.arange(30) % 3, "labels: expected 0 to 1, got 0 to 2"),
        (torch.arange(30) % 2 - 1, "labels: expected 0 to 1, got -1 to 0"),
        ((torch.arange(30) % 2).float(), r"labels: expected integers, got torch\.float32"),
    ],
)
def test_labels_that_are_no_places_of_classes_are_refused(labels: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _sampled(ordinary(30), labels, 2, [1.0])


def test_labels_of_any_integer_type_are_the_same() -> None:
    labels = torch.arange(30) % 2
    torch.testing.assert_close(
        _sampled(ordinary(30), labels.to(torch.uint8), 2, [1.0]),
        _sampled(ordinary(30), labels, 2, [1.0]),
        rtol=0,
        atol=0,
    )


@pytest.mark.parametrize(("samples", "repeats"), [(0, 1), (5, 0)])
def test_no_samples_and_no_repeats_are_refused(samples: int, repeats: int) -> None:
    with pytest.raises(ValueError, match=r"(samples|repeats): expected a positive number, got 0"):
        sampled_class_sums(ordinary(9), torch.zeros(9).long(), 1, [1.0], samples=samples, repeats=repeats, seed=0)


def _refusal(first: Tensor, second: Tensor) -> str:
    try:
        check_features(second if torch.distributed.get_rank() else first, world())
    except ValueError as error:
        return str(error)
    return ""


def test_processes_of_different_widths_both_say_so(two_processes: TwoProcesses) -> None:
    message = "features: expected the same width on every process, got 3 and 4"
    assert two_processes(_refusal, ordinary(5, 4), ordinary(5, 3)) == [message] * 2


def test_what_one_process_refuses_ends_the_others(two_processes: TwoProcesses) -> None:
    others, own = two_processes(_refusal, ordinary(5, 4), ordinary(5, 4).long())
    assert others == "another process of the group refused its input; its own error says why"
    assert own.startswith("features: expected floating point, got torch.int64")
