"""Every measure that is declared beside a function of `csl.metrics.functional`, found there and listed nowhere."""

import sys
from collections.abc import Iterable

from csl.metrics import functional
from csl.metrics.measure import Family, Measure


def declared() -> dict[str, Measure]:
    """The measures by name, family by family; those of the default panel come first.

    Example:
        >>> declared()["rankme"].meaning
        '1 to D; high: many directions in use'
    """
    modules = {sys.modules[getattr(functional, name).__module__] for name in functional.__all__}
    found = {entry for module in modules for entry in vars(module).values() if isinstance(entry, Measure)}
    return {measure.name: measure for measure in in_order(found)}


def in_order(measures: Iterable[Measure]) -> list[Measure]:
    """Measures family by family; those of the default panel come first."""
    families = list(Family)
    return sorted(measures, key=lambda one: (families.index(one.family), not one.in_default, one.name))


MEASURES = declared()
DEFAULT = tuple(name for name, measure in MEASURES.items() if measure.in_default)
