"""Projection and prediction heads: linear layers with batch norm between them."""

from itertools import pairwise

from torch import nn

from csl.checks import check_positive


def mlp(*widths: int, normalizes_output: bool = False) -> nn.Sequential:
    """Linear layers with batch norm and ReLU after all but the last one.

    Args:
        widths: Units of the input, of every hidden layer, and of the output.
        normalizes_output: Whether the output has a batch norm, too; one without scale and shift.

    Raises:
        ValueError: If a width is not positive.

    Example:
        >>> [type(layer).__name__ for layer in mlp(4, 8, 2)]
        ['Linear', 'BatchNorm1d', 'ReLU', 'Linear']
    """
    check_positive(**{f"widths[{number}]": width for number, width in enumerate(widths)})
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths[:-1]):
        layers += [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]
    layers.append(nn.Linear(widths[-2], widths[-1], bias=not normalizes_output))
    if normalizes_output:
        layers.append(nn.BatchNorm1d(widths[-1], affine=False))
    return nn.Sequential(*layers)
