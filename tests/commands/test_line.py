import pytest

from csl.commands.line import has_option, take_option


def test_the_values_of_an_option_are_taken_in_order() -> None:
    assert take_option(["--a", "1", "--a=2", "b", "-b=3"], "--a", "-b") == (["1", "2", "3"], ["b"])
    with pytest.raises(ValueError, match="--a: expected a value"):
        take_option(["--a"], "--a")
    assert not has_option(["--ab"], "--a")
