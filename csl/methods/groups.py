"""Groups of parameters that are optimized differently."""

from collections.abc import Iterable
from typing import NamedTuple

from torch import nn

MAIN = "main"


class Group(NamedTuple):
    """Parameters with a learning rate or a weight decay of their own.

    Biases and norms (tensors of at most one dimension) have no weight decay in any group.

    Attributes:
        name: What the group is called in the log: its rate is `train/lr_<name>`.
        parameters: The parameters, such as `self.prediction_head.parameters()`.
        rate: Multiplies the learning rate.
        constant: Whether the rate stays as it is, without warm-up and schedule.
        decays: Whether the parameters have weight decay.

    Example:
        >>> Group("prediction_head", nn.Linear(4, 4).parameters(), constant=True).rate
        1.0
    """

    name: str
    parameters: Iterable[nn.Parameter]
    rate: float = 1.0
    constant: bool = False
    decays: bool = True


def complete(groups: Iterable[Group], module: nn.Module) -> list[Group]:
    """All trainable parameters of a module in groups: first `main`, which holds those that no group names.

    Raises:
        ValueError: If a parameter is in two groups or is not the module's, a name is used twice, or a rate is negative.

    Example:
        >>> method = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        >>> [group.name for group in complete([Group("head", method[1].parameters())], method)]
        ['main', 'head']
    """
    names = {parameter: name for name, parameter in module.named_parameters() if parameter.requires_grad}
    owners: dict[nn.Parameter, str] = {}
    found: list[Group] = []
    for group in groups:
        if group.name in (MAIN, *(other.name for other in found)):
            raise ValueError(f"parameter_groups: expected names of their own, got {group.name!r} twice")
        if not group.rate >= 0:
            raise ValueError(f"parameter_groups: expected a rate of at least 0 for {group.name!r}, got {group.rate}")
        members = [parameter for parameter in dict.fromkeys(group.parameters) if parameter.requires_grad]
        for parameter in members:
            if parameter not in names:
                raise ValueError(f"parameter_groups: expected parameters of the method, got another in {group.name!r}")
            if (owner := owners.setdefault(parameter, group.name)) != group.name:
                raise ValueError(
                    f"parameter_groups: expected each parameter in one group, got {names[parameter]} in {owner!r} "
                    f"and {group.name!r}"
                )
        found.append(group._replace(parameters=members))
    rest = [parameter for parameter in names if parameter not in owners]
    return [Group(MAIN, rest), *found] if rest else found
