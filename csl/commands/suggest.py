"""The nearest name to a misspelt one."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, names: Iterable[str], limit: int = 8) -> str:
    """A clause that offers the nearest name, or lists the names where none is near.

    Example:
        >>> did_you_mean("SimCRL", ["SimCLR", "MoCo"])
        '; did you mean SimCLR?'
        >>> did_you_mean("xyz", ["SimCLR", "MoCo"])
        '; expected one of MoCo, SimCLR'
    """
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {folded[near[0]]}?"
    if len(folded) <= limit and folded:
        return f"; expected one of {', '.join(sorted(folded.values()))}"
    return ""
