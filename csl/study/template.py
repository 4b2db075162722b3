"""Pages of the study: a template of the folder `report`, filled."""

from importlib.resources import files
from typing import Any

import jinja2

from csl.version import __version__


def filled(template: str, **values: Any) -> str:
    """A template's text with the values in it, which may use `style` and `version`; no value is taken for markup.

    Args:
        template: The name of the file in `csl/study/report`.
        values: What it shows.
    """
    folder = files("csl.study").joinpath("report")
    surroundings = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = folder.joinpath("page.css").read_text()
    text = folder.joinpath(template).read_text()
    return surroundings.from_string(text).render(style=style, version=__version__, **values)
