import pytest

from csl.commands.bar import Bar


@pytest.mark.parametrize(
    ("visible", "seconds", "told"), [(True, 130.0, True), (True, 2.0, False), (False, 130.0, False)]
)
def test_a_long_time_is_told_above_the_bar(
    capsys: pytest.CaptureFixture[str], visible: bool, seconds: float, told: bool
) -> None:
    with (bar := Bar(visible)):
        bar.expect(seconds)
    assert ("This will take about 2 minutes." in capsys.readouterr().err) == told
