"""What all figures share: a canvas without a window, and colours."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure (inches) that no window system and no pyplot state knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def class_colors(count: int) -> npt.NDArray[np.float64]:
    """One colour a class, RGBA `[count, 4]`.

    Up to 10 classes get colours that colour-blind readers tell apart, too (Petroff, 2021, arXiv 2107.02270), up to 20
    Tableau's and their light halves; more get a run through the hues.

    Example:
        >>> class_colors(10).shape
        (10, 4)
    """
    import matplotlib
    from matplotlib.colors import to_rgba_array

    if count <= 10:
        return to_rgba_array(matplotlib.color_sequences["petroff10"][:count])
    if count <= 20:
        return np.asarray(matplotlib.colormaps["tab20"](np.arange(count)))
    return np.asarray(matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, count)))


def show_image(axes: Any, image: Tensor) -> None:
    """Draw one image without ticks: float in [0, 1], `[C, H, W]`, grey where it has one channel."""
    pixels = image.detach().cpu().clamp(0, 1).permute(1, 2, 0).numpy()
    axes.imshow(pixels if pixels.shape[2] == 3 else pixels[..., 0], cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])


def literal(text: str) -> str:
    r"""A name as matplotlib shows it letter by letter, in one line: a dollar begins no formula.

    Example:
        >>> print(literal("run_$x$"))
        run_\$x\$
    """
    return " ".join(text.split()).replace("$", r"\$")
