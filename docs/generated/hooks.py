"""What mkdocs calls while it builds the site: adds the pages that are made, and turns links into the repository."""

import io
import posixpath
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from csl.study.shape_study import shape_study
from docs.generated import measures, methods, reference, results

# Files of the repository that are pages of the site, and folders that are folders of it.
PLACES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "benchmarks/results/": "benchmarks/"}
LINK = re.compile(r"\]\(((?:\.\./)+)([^)#]+)([^)]*)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the menu by the pages that are made."""
    tables = [{results.title(page): f"benchmarks/{page.name}"} for page in results.pages()]
    places = sorted([*reference.PACKAGES, *reference.MODULES])
    config.nav = [*(config.nav or []), {"Benchmarks": ["benchmarks.md", *tables]}]
    config.nav += [{"API reference": [{place: reference.file_of(place)} for place in places]}]
    config.nav += [{"For those who carry it on": ["contributing.md", "changelog.md"]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that are made."""
    made: dict[str, str | bytes] = {
        "measures.md": measures.page(),
        measures.PICTURE: _picture(),
        "methods.md": methods.page(),
        "benchmarks.md": results.index(),
        "contributing.md": (results.ROOT / "CONTRIBUTING.md").read_text(),
        "changelog.md": (results.ROOT / "CHANGELOG.md").read_text(),
    }
    made |= {f"benchmarks/{file.name}": file.read_text() for file in results.pages()}
    made |= {f"benchmarks/{file.name}": file.read_bytes() for file in results.RESULTS.glob("*.png")}
    made |= {reference.file_of(place): reference.page(place) for place in [*reference.PACKAGES, *reference.MODULES]}
    for path, content in made.items():
        if (old := files.get_file_from_path(path)) is not None:
            files.remove(old)
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links to files of the repository into links to their pages."""
    return LINK.sub(lambda found: _turned(found, posixpath.dirname(page.file.src_uri)), markdown)


def _turned(found: re.Match[str], folder: str) -> str:
    above, path, anchor = found[1].count("../"), found[2], found[3]
    depth = len(folder.split("/")) if folder else 0
    for place, name in PLACES.items():
        if above == depth + 1 and path.startswith(place):
            return f"]({posixpath.relpath(name + path.removeprefix(place), folder or '.')}{anchor})"
    return found[0]


def _picture() -> bytes:
    buffer = io.BytesIO()
    shape_study().figures["shapes"].savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
