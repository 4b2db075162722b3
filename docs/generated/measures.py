"""The page on how to read the numbers: from the declarations of the measures, their docstrings, and notes."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import csl.metrics.functional
from csl.metrics import analyze
from csl.metrics.measure import Choices, Family, Measure
from csl.metrics.measures import MEASURES
from csl.study.shapes import SHAPES, draw
from docs.generated.docstrings import prose, summary
from docs.generated.reference import identifier

NOTES = Path(__file__).parents[1] / "notes.yaml"
FUNCTIONS = "csl.metrics.functional"
PICTURE = "images/shapes.png"
CHOICES = Choices(temperatures=(1.0, 0.2, 0.1), ks=(1, 10, 100))
ABOUT = {
    Family.GLOBAL: "Is each class one compact clump, far from the others?",
    Family.LOCAL: "Do an image's neighbours share its class?",
    Family.CLUSTERS: "Does an algorithm that knows no labels find the classes?",
    Family.UNSUPERVISED: "How are features spread, whatever the classes are?",
}
DIRECTION = {True: "higher is better", False: "lower is better", None: "neither end is good in itself"}
NEEDS = {"features": "features alone", "labels": "labels", "views": "labels that say which rows show one image"}
HEAD = f"""# How to read the numbers

Local density asks whether an image's *neighbours* share its class, global density whether whole *classes* are compact
and far apart. The two can differ by orders of magnitude. Here are six shapes of five classes in the plane, and what
happens when each class is split into more and more clumps:

![Six shapes of five classes, and RLD and CHS against the number of clumps]({PICTURE})

Made by `csl shapes --output shapes`. Circles, lines and small clumps are perfectly organized for whoever looks at
neighbours (RLD), and look like noise for whoever looks at whole classes (CHS).

Five habits save from most mistakes:

1. Read a local and a global measure together.
2. Compare encoders on the same images, and on as many: some measures grow with the number of images.
3. Compare with raw pixels and with the untrained encoder, not with 0.
4. Look at the spread over seeds before you believe a difference.
5. Without labels, read several measures: each has a way to be good for useless features.

A value that is not defined is NaN, and a warning says why.
"""

ON_SHAPES = """
Of the points as they are, not with length 1. Measures that compare directions (nearest neighbours by cosine) see the
angle of a point alone: for them the circles are noise. Empty: not defined in two dimensions.
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [HEAD, "## All measures on the six shapes\n", ON_SHAPES, on_shapes()]
    for family in Family:
        parts += [f"## {family.value}\n", f"{ABOUT[family]}\n"]
        parts += [section(measure) for measure in MEASURES.values() if measure.family == family]
    return "\n".join([*parts, "## Other functions\n", _others()])


@cache
def notes() -> dict[str, dict[str, str]]:
    """What moves each measure, and when it misleads, by its name."""
    found: dict[str, dict[str, str]] = yaml.safe_load(NOTES.read_text())
    return found


def section(measure: Measure) -> str:
    """What is to be known of one measure."""
    names = [name for options in measure.panel(CHOICES) for name in measure.scalar_names(**options)]
    low, high = (f"{end:.3g}" if math.isfinite(end) else "no bound" for end in measure.range)
    best = "" if measure.best is None else f"; {measure.best:g} is best"
    rows = [
        ("value", measure.meaning),
        ("range", f"{low} to {high}"),
        ("direction", DIRECTION[measure.higher_is_better] + best),
        ("needs", NEEDS[measure.needs]),
        ("in the log", ", ".join(f"`{name}`" for name in names)),
        ("measured", _when(measure)),
        ("paper", measure.paper),
    ]
    note, name = notes()[measure.name], measure.function.__name__
    table = "\n".join(["|  |  |", "| --- | --- |", *(f"| {what} | {text} |" for what, text in rows)])
    return (
        f"### {measure.name}\n\n{prose(measure.function)}\n\n{table}\n\n**What moves it.** {note['moves']}\n\n"
        f"**When it misleads.** {note['misleads']}\n\nFunction: [`{name}`][{identifier(FUNCTIONS, name)}]\n"
    )


def _when(measure: Measure) -> str:
    if measure.every_pass:
        return "at every validation pass, and by `csl analyze`"
    return "by `csl analyze` and `--config panel`" if measure.in_default else "when asked for by name"


def on_shapes() -> str:
    """One row a scalar, one column a shape."""
    values: dict[str, dict[str, float]] = {}
    for shape in SHAPES:
        points, classes = draw(shape)
        values[shape] = dict(analyze(points, classes, normalize=False))
    names = list(values[next(iter(SHAPES))])
    lines = [f"| {name} | {' | '.join(_number(values[shape][name]) for shape in SHAPES)} |" for name in names]
    return "\n".join([f"|  | {' | '.join(SHAPES)} |", f"| --- |{' --- |' * len(SHAPES)}", *lines, ""])


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _others() -> str:
    own = {measure.function.__name__ for measure in MEASURES.values()}
    others = [name for name in csl.metrics.functional.__all__ if name not in own]
    lines = [f"| [`{name}`][{identifier(FUNCTIONS, name)}] | {_summary(name)} |" for name in others]
    return "\n".join(["| function |  |", "| --- | --- |", *lines, ""])


def _summary(name: str) -> str:
    function: Any = getattr(csl.metrics.functional, name)
    return summary(function).replace("|", "\\|")
