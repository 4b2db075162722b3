"""`csl shapes`: what RLD and CHS say of synthetic shapes."""

from typing import TYPE_CHECKING

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.signatures import Folder

if TYPE_CHECKING:
    from csl.study.outcome import Outcome


def shapes(
    *, output: Folder | None = None, temperature: float = 0.05, draws: int = 5, seed: int = 0, bar: Bar
) -> "Outcome":
    """Show what local and global density mean, on points in the plane.

    Six shapes of five classes are measured by RLD, which asks whether the nearest points share a class, and by the
    Calinski-Harabasz score (CHS), which asks whether a class is one clump far from the others. Circles, lines and small
    clumps are perfectly organized for whoever looks at neighbours, and CHS sees nothing of it. Then each class is split
    into 1 to 50 clumps: CHS falls at once by orders of magnitude, RLD slowly. This is why csl shows both: see Zhang, Lu
    and Xuan, 2024, arXiv 2305.10229.

    Args:
        output: a folder for the picture and the tables
        temperature: of RLD; small ones look at near neighbours alone
        draws: how often each number of clumps is drawn; the curves show the mean and the range
        seed: of the draws
        bar: how far the work is

    Examples:
        csl shapes                                    the table
        csl shapes --output shapes                    shapes.png, shapes.svg, and tables
        csl shapes --temperature 0.5 --json -
    """
    from csl.checks import check_positive, check_temperature
    from csl.study.shape_study import shape_study

    check_temperature(temperature=temperature)
    check_positive(draws=draws)
    with bar as watch:
        return shape_study(seed, temperature, draws, watch).write(output)


run = command(shapes)
