"""What configuration files state, read as plain YAML before the parser reads them in earnest."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import yaml

SUFFIXES = (".yaml", ".yml", ".json")


class Stated(NamedTuple):
    """A part of a configuration, as it was written.

    Attributes:
        value: What stands there: a class's name, the name of a file that holds the part, a mapping, None.
        folder: Where the names of files start.
    """

    value: Any
    folder: Path = Path()

    def opened(self) -> "Stated":
        """The content of the file that is named here; itself if none is."""
        if not isinstance(self.value, str) or not self.value.endswith(SUFFIXES):
            return self
        file = self.folder / self.value
        return Stated(_load(file), file.parent).opened() if file.is_file() else self

    def at(self, *keys: str) -> "Stated":
        """The part under some keys, also where `init_args` stands between them."""
        found = self.opened()
        for key in keys:
            found = Stated(found.arguments().get(key), found.folder).opened()
        return found

    def arguments(self) -> dict[str, Any]:
        """The options that are stated, without the class's name."""
        if not isinstance(self.value, dict):
            return {}
        inner = self.value.get("init_args")
        return inner if isinstance(inner, dict) else {k: v for k, v in self.value.items() if k != "class_path"}

    def class_name(self) -> str:
        """The class that is stated; empty if none is."""
        found = self.value.get("class_path") if isinstance(self.value, dict) else self.value
        return found if isinstance(found, str) and not found.endswith(SUFFIXES) else ""


def stated_by(config: str) -> Stated:
    """What a value of `--config` states: the name of a file, or a configuration itself.

    Raises:
        CommandError: If the file is no YAML, with the place.
    """
    if os.path.isfile(config):
        return Stated(_load(Path(config)), Path(config).parent)
    return Stated(None if config.endswith(SUFFIXES) else _parsed(config))


def _load(file: Path) -> Any:
    return _parsed(file.read_text())


def _parsed(text: str) -> Any:
    """What a text states; nothing where it is no YAML, of which the parser will speak."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
