import pytest

from csl.figures.density_plane import Way, density_plane


@pytest.mark.parametrize(("rld", "chs"), [((0.80, 0.81), (50.0, 55.0)), ((0.1, 0.9), (10.0, 5000.0))])
def test_small_differences_look_small_and_large_ones_fill_the_plane(
    rld: tuple[float, float], chs: tuple[float, float]
) -> None:
    axes = density_plane({"first": [Way(rld, chs)]}).axes[0]
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left < rld[0] < rld[1] < right
    assert low < chs[0] < chs[1] < high
    assert right - left == pytest.approx(max(0.1, 1.24 * (rld[1] - rld[0])), abs=1e-9)
    assert high / low == pytest.approx(max(3.0, (chs[1] / chs[0]) ** 1.24), rel=1e-6)
