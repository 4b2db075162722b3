"""What holds for every metric of the panel: its reference, its invariances, its answers to odd input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.panel import PANEL
from tests.metrics.reference import data
from tests.pairwise.hard_data import CASES, ordinary
from tests.two_processes import TwoProcesses

NAMES = list(PANEL)
LABELED = [name for name in NAMES if PANEL[name].measure.labeled]
HARD = [name for name in NAMES if PANEL[name].reference.hard]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_an_independent_reference(name: str, dtype: torch.dtype) -> None:
    features, labels = data(150)
    value = PANEL[name].function(features.to(dtype), labels)
    assert value.dtype == torch.float64
    expected = torch.as_tensor(PANEL[name].reference.values(features, labels), dtype=torch.float64)
    # RankMe and the effective rank leave out the 1e-7 of the printed formula.
    torch.testing.assert_close(value.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("case", CASES)
def test_equals_its_reference_where_careless_arithmetic_goes_wrong(name: str, case: str) -> None:
    reference = PANEL[name].reference
    if reason := reference.hard_but.get(case):
        pytest.skip(reason)
    features = CASES[case]()
    labels = torch.arange(len(features)) % 10
    value = PANEL[name].function(features, labels)
    expected = torch.as_tensor(reference.values(features.double(), labels), dtype=torch.float64)
    torch.testing.assert_close(value, expected, rtol=reference.hard or 0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.floats(1e-3, 1e3))
def test_invariances(name: str, seed: int, scale: float) -> None:
    """Scale, rotation, shift or length where they hold; order of samples and names of classes for every metric."""
    entry, generator = PANEL[name], torch.Generator().manual_seed(seed)
    features, labels = data(40)
    features = features.double()
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=generator, dtype=torch.float64)).Q
    changes = {
        "scale": features * scale,
        "rotation": features @ rotation,
        "shift": features + torch.randn(8, generator=generator, dtype=torch.float64),
        "length": features * torch.rand(40, 1, generator=generator, dtype=torch.float64).add(0.1),
    }
    value = entry.function(features, labels)
    for change in entry.reference.invariant:
        torch.testing.assert_close(entry.function(changes[change], labels), value, rtol=1e-5, atol=1e-6)
    names = torch.tensor([100, 101, 2**40, -5, -3])  # ascending where labels are not: [C, C] results keep their order
    if name not in ("class_affinity", "rld_per_class"):
        torch.testing.assert_close(entry.function(features, names[labels]), value, rtol=1e-6, atol=1e-6)
    if name != "kmeans":  # whose starting centres are drawn by row
        order = torch.randperm(40, generator=generator)
        torch.testing.assert_close(entry.function(features[order], labels[order]), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples_are_nan_with_a_warning(name: str, count: int) -> None:
    features, labels = torch.ones(count, 3), torch.arange(count)
    if count == 1 and PANEL[name].reference.one_sample is not None:
        assert float(PANEL[name].function(features, labels)) == pytest.approx(PANEL[name].reference.one_sample)
        return
    with pytest.warns(RuntimeWarning, match="is NaN"):
        assert PANEL[name].function(features, labels).isnan().all()


@pytest.mark.parametrize("name", NAMES)
def test_features_without_dimensions(name: str) -> None:
    with pytest.raises(ValueError, match=r"features: expected one dimension or more, got shape \(20, 0\)"):
        PANEL[name].function(torch.zeros(20, 0), torch.arange(20) % 2)
    with pytest.warns(RuntimeWarning, match="is NaN"):
        assert PANEL[name].function(torch.zeros(0, 0), torch.arange(0)).isnan().all()


@pytest.mark.filterwarnings("ignore:.* is NaN:RuntimeWarning")
@pytest.mark.parametrize("name", NAMES)
def test_two_samples_of_two_classes(name: str) -> None:
    value = PANEL[name].function(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([0, 1]))
    expected = PANEL[name].reference.two_samples or [math.nan] * value.numel()
    assert value.flatten().tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.filterwarnings("ignore:.* is NaN:RuntimeWarning")
@pytest.mark.parametrize("name", LABELED)
def test_one_class(name: str) -> None:
    features, labels = data(30)
    value = PANEL[name].function(features, 0 * labels + 7)
    expected = PANEL[name].reference.one_class or [math.nan] * value.numel()
    if expected == "reference":
        expected = torch.as_tensor(PANEL[name].reference.values(features, 0 * labels)).flatten().tolist()
    assert value.flatten().tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.filterwarnings("ignore:.* is NaN:RuntimeWarning")
@pytest.mark.parametrize("name", LABELED)
def test_a_class_of_one(name: str) -> None:
    features, labels = data(30)
    labels[4] = 9
    value = PANEL[name].function(features, labels)
    expected = torch.as_tensor(PANEL[name].reference.values(features, labels), dtype=torch.float64)
    torch.testing.assert_close(value.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_identical_samples(name: str) -> None:
    features, labels = torch.full((20, 3), 0.1), torch.arange(20) % 2
    expected = PANEL[name].reference.identical
    if expected is None:
        with pytest.warns(RuntimeWarning, match="is NaN"):
            assert PANEL[name].function(features, labels).isnan().all()
        return
    value = PANEL[name].function(features, labels)
    assert value.isfinite().all()
    if expected != "number":
        assert value.flatten().tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_bad_input(name: str) -> None:
    entry, (features, labels) = PANEL[name], data(20)
    with pytest.raises(ValueError, match=r"features: expected a matrix \[N, D\], got shape \(20, 8, 1\)"):
        entry.function(features[..., None], labels)
    with pytest.raises(ValueError, match=r"features: expected floating point, got torch\.int64"):
        entry.function(features.long(), labels)
    if entry.measure.labeled:
        with pytest.raises(ValueError, match=r"labels: expected \[20\], one a row of features, got shape \(19,\)"):
            entry.function(features, labels[1:])
        with pytest.raises(ValueError, match=r"labels: expected integers, got torch\.float32"):
            entry.function(features, labels.float())
        with pytest.raises(ValueError, match=r"got -1 \(unlabelled\) for 4 of 20 samples"):
            entry.function(features, torch.where(labels == 2, -1, labels))
    features[5, 3], features[7, 0] = torch.inf, torch.nan
    with pytest.raises(ValueError, match="NaN or infinity in 2 of 20 rows, the first of them row 5"):
        entry.function(features, labels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", [0, 40])
def test_two_processes_equal_one(two_processes: TwoProcesses, name: str, first: int) -> None:
    features, labels = data(101)
    order = labels.argsort(stable=True)  # so that each process holds other classes
    features, labels = features[order] + 3, labels[order]
    measure, options = PANEL[name].measure, PANEL[name].reference.options
    rows = [features, labels] if measure.labeled else [features]
    alone = measure.function(*rows, **options)
    for together in two_processes.sharded(measure.function, rows, cut=first, **options):
        torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_features(name: str) -> None:
    features, labels = data(60)
    for dtype in (torch.float16, torch.bfloat16):
        rounded = features.to(dtype)
        torch.testing.assert_close(
            PANEL[name].function(rounded, labels), PANEL[name].function(rounded.double(), labels), rtol=1e-5, atol=1e-6
        )


def test_rank_measures_see_a_low_rank() -> None:
    rows = ordinary(200, 3) @ torch.randn(3, 64, generator=torch.Generator().manual_seed(1)) + 5
    assert 1 < float(PANEL["effective_rank"].function(rows, None)) <= 3
    assert 1 < float(PANEL["participation_ratio"].function(rows, None)) <= 3
    assert 1 < float(PANEL["rankme"].function(rows, None)) <= 4


@pytest.mark.parametrize("name", NAMES)
def test_values_lie_in_the_declared_range(name: str) -> None:
    entry, (least, largest) = PANEL[name], PANEL[name].measure.range
    for features, labels in (data(60), (ordinary(60), torch.arange(60) % 3)):
        scalars = entry.measure.scalars(entry.function(features, labels), **entry.reference.options)
        assert list(scalars) == entry.names
        assert all(least - 1e-9 <= float(value) <= largest + 1e-9 for value in scalars.values())
