"""What all figures share: a canvas without a window, and colours."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure (inches) that no window system and no pyplot state knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def class_colors(count: int) -> npt.NDArray[np.float64]:
    """One colour a class, RGBA `[count, 4]`.

    Up to 10 classes get Tableau's distinct colours, up to 20 also their light halves; more get a run through the hues.

    Example:
        >>> class_colors(10).shape
        (10, 4)
    """
    import matplotlib

    if count <= 10:
        return np.asarray(matplotlib.colormaps["tab10"](np.arange(count)))
    if count <= 20:
        return np.asarray(matplotlib.colormaps["tab20"](np.arange(count)))
    return np.asarray(matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, count)))


def literal(text: str) -> str:
    r"""A name as matplotlib shows it letter by letter: a dollar begins no formula.

    Example:
        >>> print(literal("run_$x$"))
        run_\$x\$
    """
    return text.replace("$", r"\$")
