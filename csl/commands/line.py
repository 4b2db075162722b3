"""The words of a command line."""

from collections.abc import Sequence


def has_option(line: Sequence[str], *names: str) -> bool:
    """Whether one of the options stands on the line, as `--name value` or `--name=value`.

    Example:
        >>> has_option(["--model=MoCo"], "--model"), has_option(["--model.encoder", "ViT"], "--model")
        (True, False)
    """
    return any(word.split("=", 1)[0] in names for word in line)


def take_option(line: Sequence[str], *names: str) -> tuple[list[str], list[str]]:
    """The values of an option, in order, and the line without it.

    Raises:
        ValueError: If the option stands at the end with no value.

    Example:
        >>> take_option(["--config", "a.yaml", "--seed_everything", "1", "-c=b.yaml"], "--config", "-c")
        (['a.yaml', 'b.yaml'], ['--seed_everything', '1'])
    """
    values, rest, words = [], [], iter(line)
    for word in words:
        name, equals, value = word.partition("=")
        if name not in names:
            rest.append(word)
        elif equals:
            values.append(value)
        elif (following := next(words, None)) is not None:
            values.append(following)
        else:
            raise ValueError(f"{name}: expected a value after it")
    return values, rest
