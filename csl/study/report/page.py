"""A comparison as one HTML file that needs no network: template, style and script of this folder, filled."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from csl.figures import affinity_map, epoch_curves, gap_plot
from csl.figures.style import class_colors
from csl.metrics.functional import class_affinity
from csl.study.compare import Comparison
from csl.study.entries import Entry
from csl.study.plane import RLD, plane
from csl.study.sprite import sprite
from csl.study.standings import COLUMNS, value_of
from csl.study.standings import shown as shown_standing
from csl.study.template import filled
from csl.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AFFINITIES = 6  # encoders whose affinity maps are shown, at most
SPRITE_COLUMNS = 25


def page(found: Comparison) -> str:
    """The page, as HTML.

    Args:
        found: What was compared.
    """
    return filled(
        "page.html.j2",
        script=files("csl.study.report").joinpath("page.js").read_text(),
        found=found,
        images=len(found.entries[0].subject.val.features),
        columns=[column for column in COLUMNS if any(column.title in row for row in found.standings.values())],
        shown=shown_standing,
        plane=_drawn(plane, found),
        gap=_drawn(_gap, found),
        curves=_drawn(_curves, found),
        affinities=[(entry.subject.name, _svg(figure)) for entry, figure in _affinities(found)],
        similar=_rounded(found.similar),
        classes=None if found.classes is None else _rounded(found.classes),
        versions=_versions(found.entries),
        data=_json(_map_data(found)),
    )


def _gap(found: Comparison) -> "Figure":
    column = next(column for column in COLUMNS if column.title == "GCN - linear")
    groups: dict[str, list[tuple[float, float]]] = {}
    for entry in found.entries:
        points = [(row.values.get(RLD, math.nan), value_of(column, row.values)) for row in entry.rows]
        if known := [point for point in points if not any(map(math.isnan, point))]:
            groups.setdefault(entry.group, []).extend(known)
    if not groups:
        raise ValueError("entries: expected probes' accuracies, got none")
    return gap_plot(groups)


def _curves(found: Comparison) -> "Figure":
    runs = {entry.subject.name: entry.rows for entry in found.entries if len(entry.rows) > 1}
    return epoch_curves({name: {row.epoch: row.values for row in rows} for name, rows in runs.items()})


def _affinities(found: Comparison) -> list[tuple[Entry, "Figure"]]:
    names = found.entries[0].subject.class_names
    if len(names) < 2:
        return []
    drawn = []
    for entry in found.entries[:AFFINITIES]:
        known = torch.unique(entry.subject.val.labels).tolist()
        shares = class_affinity(entry.subject.val.features, entry.subject.val.labels, 0.1)
        drawn.append((entry, affinity_map(shares, [names[number] for number in known])))
    return drawn


def _drawn(draw: Any, found: Comparison) -> str:
    """A figure as SVG; empty where there is nothing to draw."""
    try:
        return _svg(draw(found))
    except ValueError:
        return ""


def _svg(figure: "Figure") -> str:
    import matplotlib

    text = io.StringIO()
    # Words stay words: a page with their outlines is several times as large, and nobody can search it.
    with matplotlib.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "csl"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _map_data(found: Comparison) -> dict[str, Any]:
    """What the script draws: points, classes, neighbours, and small images."""
    first = found.maps[0]
    subject = first.subject
    samples = torch.from_numpy(first.samples)
    labels = subject.val.labels[samples].tolist()
    names = subject.val.names
    data: dict[str, Any] = {
        "encoders": [entry.subject.name for entry in found.entries],
        "points": [_unit(one.points) for one in found.maps],
        "neighbors": found.neighbors,
        "trust": [[one.trust.trustworthiness, one.trust.continuity, one.trust.kept, one.trust.k] for one in found.maps],
        "labels": labels,
        "classes": list(subject.class_names),
        "colors": [_hex(color) for color in class_colors(max(1, len(subject.class_names)))],
        "names": [names[number] if names is not None else str(number) for number in samples.tolist()],
        "changed": found.changed,
    }
    if subject.val.images is not None:
        data["sprite"], data["side"] = sprite(subject.val.images(samples), SPRITE_COLUMNS)
        data["columns"] = SPRITE_COLUMNS
    return data


def _unit(points: Any) -> list[list[float]]:
    """Positions in the unit square, rounded to what a screen can show."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - (low + high) / 2) / max(float((high - low).max()), 1e-12) + 0.5
    return np.round(scaled, 4).tolist()  # type: ignore[no-any-return]


def _hex(color: Any) -> str:
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in color[:3])


def _json(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script: no name can end it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _rounded(table: Table) -> Table:
    return Table(
        [word.replace("_", " ") for word in table.header],
        [[f"{cell:.3f}" if isinstance(cell, float) else cell for cell in row] for row in table.rows],
    )


def _versions(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """For each run, with what it was trained: the versions of its last leg."""
    found = []
    for entry in entries:
        legs = [] if entry.run is None else entry.run.record.get("legs", [])
        if legs:
            words = ", ".join(f"{name} {version}" for name, version in legs[-1].get("versions", {}).items())
            commit = (legs[-1].get("git") or {}).get("commit", "")
            found.append((entry.subject.name, f"{words}{f'; commit {commit[:10]}' if commit else ''}"))
    return found
