"""A Parquet file of a map, as open viewers of embeddings read it."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from csl.io import replacing
from csl.pairwise import CosineKeys
from csl.study.maps import Map
from csl.study.subjects import Encoded, Part

_NEIGHBORS = 10


def write_map(path: Path, maps: Sequence[Sequence[Map]], part: Part) -> None:
    """Write one row a sample, in the order of the first map.

    Columns: `projection_x` and `projection_y` of the first map, those of the others with a number at their end (the
    file's metadata say which they are); `label`; `sample`, its number in the set; `name` where images have names;
    `neighbors`, with `ids` of rows and cosine `distances` in the first encoder; `image`, with the `bytes` of a PNG.

    Args:
        path: The file.
        maps: The maps, as `csl.study.maps.aligned_maps` gives them.
        part: Which of the subjects' sets they show.

    Raises:
        OSError: If the file cannot be written.
    """
    import pyarrow
    import pyarrow.parquet

    first = maps[0][0]
    encoded = first.subject.part(part)
    samples = torch.from_numpy(first.samples)
    columns: dict[str, Any] = {}
    flat = [one for row in maps for one in row]
    for number, one in enumerate(flat):
        end = "" if number == 0 else f"_{number + 1}"
        at = dict(zip(one.samples.tolist(), one.points.tolist(), strict=True))
        for side, axis in enumerate("xy"):
            columns[f"projection_{axis}{end}"] = [at[s][side] if s in at else None for s in first.samples.tolist()]
    labels = encoded.labels[samples].tolist()
    columns["label"] = [first.subject.class_names[label] if label >= 0 else None for label in labels]
    columns["sample"] = samples.tolist()
    if encoded.names is not None:
        columns["name"] = [encoded.names[sample] for sample in samples.tolist()]
    columns["neighbors"] = _neighbors(encoded.features[samples])
    if encoded.images is not None:
        columns["image"] = _pictures(encoded, samples)
    known = {f"map_{number + 1}": f"{one.subject.name}: {one.layout.name}" for number, one in enumerate(flat)}
    table = pyarrow.table(columns).replace_schema_metadata(known)
    with replacing(path) as file:
        pyarrow.parquet.write_table(table, file)


def _neighbors(features: torch.Tensor) -> list[dict[str, list[float] | list[int]]]:
    count = min(_NEIGHBORS, len(features) - 1)
    similarity, near = CosineKeys(features).top(features, count, exclude=torch.arange(len(features)))
    return [
        {"ids": ids, "distances": apart} for ids, apart in zip(near.tolist(), (1 - similarity).tolist(), strict=True)
    ]


def _pictures(encoded: Encoded, samples: torch.Tensor) -> list[dict[str, bytes]]:
    assert encoded.images is not None
    return [{"bytes": _png(image)} for image in encoded.images(samples)]


def _png(image: torch.Tensor) -> bytes:
    from PIL import Image

    pixels = image.permute(1, 2, 0).numpy()
    Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).save(out := BytesIO(), format="png")
    return out.getvalue()
