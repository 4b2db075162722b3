"""What a command line says, and what it leaves out."""

from collections.abc import Sequence

CONFIG_FILES = (".yaml", ".yml", ".json")


def has_option(line: Sequence[str], *names: str) -> bool:
    """Whether one of the options stands on the line, as `--name value` or `--name=value`.

    Example:
        >>> has_option(["--model=MoCo"], "--model"), has_option(["--model.encoder", "ViT"], "--model")
        (True, False)
    """
    return any(word.split("=", 1)[0] in names for word in line)


def take_option(line: Sequence[str], name: str) -> tuple[str | None, list[str]]:
    """The last value of an option and the line without it.

    Raises:
        ValueError: If the option stands at the end with no value.

    Example:
        >>> take_option(["--resume", "RUN", "--seed_everything", "1"], "--resume")
        ('RUN', ['--seed_everything', '1'])
    """
    value, rest, words = None, [], iter(line)
    for word in words:
        if word == name:
            value = next(words, None)
            if value is None:
                raise ValueError(f"{name}: expected a value after it")
        elif word.startswith(f"{name}="):
            value = word.partition("=")[2]
        else:
            rest.append(word)
    return value, rest


def complete(line: Sequence[str]) -> list[str]:
    """A line without `--config`, completed by the parts it lacks: SimCLR, Digits, and an encoder that fits them.

    Classes come first, so that options such as `--model.encoder.width 32` find the class they belong to.

    Example:
        >>> complete(["--data.batch_size", "64"])[:4]
        ['--model', 'SimCLR', '--model.encoder', 'ConvNet']
    """
    if has_option(line, "--config", "-c"):
        return list(line)
    model, rest = take_option(line, "--model")
    source, rest = take_option(rest, "--data.source")
    encoder, rest = take_option(rest, "--model.encoder")
    source = source or "Digits"
    head = ["--model", model or "SimCLR"]
    if encoder or not (model or "").endswith(CONFIG_FILES):
        head += ["--model.encoder", encoder or ("ConvNet" if source.endswith("Digits") else "ResNet")]
    return [*head, "--data.source", source, *rest]
