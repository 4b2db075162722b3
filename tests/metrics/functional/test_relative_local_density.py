import pytest
import torch
from torch import Tensor

from csl.metrics.functional import relative_local_density
from csl.study.shapes import draw
from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.dense import dense_rld
from tests.pairwise.hard_data import CASES, labels_for, ordinary
from tests.two_processes import TwoProcesses


def _rld(x: Tensor, y: Tensor) -> Values:
    return [dense_rld(x, y, t) for t in (1.0, 0.1)]


REFERENCES = {
    "rld": Reference(_rld, ANY, {"temperatures": (1.0, 0.1)}, two_samples=[-0.5, -0.5], one_class=[0.0, 0.0]),
}


TEMPERATURES = [1.0, 0.2, 0.1, 0.05, 0.01]


def _organized(n: int = 300) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 5
    return ordinary(n, 8) + 2 * torch.eye(8)[labels], labels


@pytest.mark.parametrize("case", CASES)
def test_equals_dense_float64(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    ours = relative_local_density(features, labels, TEMPERATURES)
    expected = [dense_rld(features, labels, temperature) for temperature in TEMPERATURES]
    assert ours.dtype == torch.float64
    assert ours.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_dtype(dtype: torch.dtype) -> None:
    features, labels = _organized()
    features = features.to(dtype)
    assert float(relative_local_density(features, labels, 0.1)) == pytest.approx(
        dense_rld(features, labels, 0.1), abs=1e-5
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("uniform", -0.01),
        ("circles", 0.75),
        ("lines", 0.74),
        ("small clumps", 0.72),
        ("random segments", 0.75),
        ("Gaussians", 0.79),
    ],
)
def test_synthetic_shapes_of_the_paper(shape: str, expected: float) -> None:
    draws = torch.stack([relative_local_density(*draw(shape, seed), 0.05) for seed in range(8)])
    assert float(draws.median()) == pytest.approx(expected, abs=0.02)
    assert float(draws.max() - draws.min()) < 0.1


def test_scale_rotation_shift_order_and_names_of_classes_do_not_matter() -> None:
    features, labels = _organized()
    value = relative_local_density(features, labels, TEMPERATURES)
    generator = torch.Generator().manual_seed(3)
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=generator, dtype=torch.float64)).Q
    order = torch.randperm(len(labels), generator=generator)
    names = torch.tensor([100, -7, 3, 2**40, 0])
    for same_features, same_labels in [
        (features * 1e4, labels),
        (features.double() @ rotation, labels),
        (features.double() + 1e3, labels),
        (features[order], labels[order]),
        (features, names[labels]),
        (features, labels.to(torch.uint8)),
    ]:
        torch.testing.assert_close(
            relative_local_density(same_features, same_labels, TEMPERATURES), value, rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("side", [1024, 64])
def test_one_class_is_exactly_zero(side: int) -> None:
    labels = torch.full((400,), 4)
    assert relative_local_density(ordinary(), labels, TEMPERATURES, tile_side=side).tolist() == [0.0] * 5


def test_random_labels_are_about_zero_and_values_stay_below_one() -> None:
    labels = torch.randint(10, (400,), generator=torch.Generator().manual_seed(1))
    assert abs(float(relative_local_density(ordinary(), labels, 0.2))) < 0.05
    clumps = torch.eye(50).repeat_interleave(4, 0) + 1e-3 * ordinary(200, 50)
    assert 0.9 < float(relative_local_density(clumps, torch.arange(50).repeat_interleave(4), 0.1)) < 1


def test_a_float_gives_a_scalar_and_a_sequence_a_vector() -> None:
    features, labels = _organized()
    assert relative_local_density(features, labels, 1).shape == ()
    assert relative_local_density(features, labels, (0.1,)).shape == (1,)


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        (torch.zeros(0, 4), "at least two samples, got 0"),
        (torch.ones(1, 4), "at least two samples, got 1"),
        (torch.ones(10, 4), "collapsed"),
        (torch.full((10, 4), 0.1), "collapsed"),
        (1.0 + 1e-9 * ordinary(10, 4).double(), "collapsed"),
    ],
)
def test_undefined_is_nan_with_a_warning(features: Tensor, reason: str) -> None:
    labels = torch.arange(len(features)) % 2
    with pytest.warns(RuntimeWarning, match=f"relative local density is NaN: .*{reason}"):
        values = relative_local_density(features, labels, [1.0, 0.1])
    assert values.shape == (2,)
    assert values.isnan().all()


def test_two_samples() -> None:
    pair = torch.tensor([[0.0], [1.0]])
    assert float(relative_local_density(pair, torch.tensor([0, 1]), 0.1)) == pytest.approx(-0.5)
    assert float(relative_local_density(pair, torch.tensor([1, 1]), 0.1)) == 0


def test_refuses_bad_input() -> None:
    features, labels = _organized(20)
    with pytest.raises(ValueError, match=r"labels: expected \[20\], one a row of features, got shape \(19,\)"):
        relative_local_density(features, labels[1:], 0.1)
    with pytest.raises(ValueError, match=r"labels: expected integers, got torch\.float32"):
        relative_local_density(features, labels.float(), 0.1)
    with pytest.raises(ValueError, match=r"got -1 \(unlabelled\) for 4 of 20 samples"):
        relative_local_density(features, torch.where(labels == 2, -1, labels), 0.1)
    with pytest.raises(ValueError, match=r"temperature: expected a positive number, got -0\.1"):
        relative_local_density(features, labels, -0.1)
    features[5, 3] = torch.inf
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 20 rows, the first of them row 5"):
        relative_local_density(features, labels, 0.1)


@pytest.mark.parametrize("count", [2, 3, 301])
def test_two_processes_equal_one(two_processes: TwoProcesses, count: int) -> None:
    features, labels = _organized(count)
    alone = relative_local_density(features, labels, TEMPERATURES)
    for together in two_processes.sharded(relative_local_density, [features, labels], TEMPERATURES):
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


def test_each_process_may_hold_other_classes(two_processes: TwoProcesses) -> None:
    features, labels = _organized()
    alone = relative_local_density(features, labels, TEMPERATURES)
    order = labels.argsort()
    for together in two_processes.sharded(relative_local_density, [features[order], labels[order]], TEMPERATURES):
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
