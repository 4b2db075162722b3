"""The synthetic shapes, their scores and their picture in one."""

from csl.figures.shapes_plot import shapes_plot
from csl.metrics.analysis import Watcher
from csl.study.outcome import Outcome
from csl.study.shape_scores import clump_scores, shape_scores
from csl.study.shapes import SHAPES, TEMPERATURE, draw

CLUMPS = range(1, 51)


def shape_study(
    seed: int = 0, temperature: float = TEMPERATURE, draws: int = 5, watch: Watcher | None = None
) -> Outcome:
    """The table of the six shapes, that of 1 to 50 clumps a class, and a picture of both.

    Args:
        seed: Of the draws.
        temperature: Of RLD.
        draws: How often each number of clumps is drawn.
        watch: Called with what is at work and the share of it that is done.
    """
    shapes = shape_scores(seed, temperature)
    clumps = clump_scores(CLUMPS, draws, seed, temperature, watch)
    columns = {name: [float(row[at] or 0) for row in clumps.rows] for at, name in enumerate(clumps.header)}
    scores = {str(name): (float(rld or 0), float(chs or 0)) for name, rld, chs in shapes.rows}
    picture = shapes_plot({shape: draw(shape, seed) for shape in SHAPES}, scores, columns, temperature=temperature)
    ends = [row for row in clumps.rows if row[0] in (1, 5, 20, 50)]
    text = f"{shapes.text(10)}\n\nMean of {draws} draws\n"
    text += type(clumps)(["clumps a class", "rld", "chs"], [[row[0], row[1], row[4]] for row in ends]).text(10)
    facts = {"temperature": temperature, "draws": draws, "seed": seed}
    return Outcome(text, {"shapes": shapes, "clumps": clumps}, {"shapes": picture}, facts)
