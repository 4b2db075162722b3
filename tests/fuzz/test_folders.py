"""Random image files show what was drawn, and random folders give the images that are in them, in the right classes."""

import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from csl.data import Folder
from csl.data.decode import decode, decode_whole, is_image
from tests.data.layouts import of_classes, put, total
from tests.data.test_decode import UNDO, tagged
from tests.fuzz.cases import cases

MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "I as 16 bits"],
    "WEBP": ["RGB", "RGBA"],
    "BMP": ["1", "L", "P", "RGB"],
    "GIF": ["L", "P"],
    "PPM": ["1", "L", "RGB", "I;16"],
    "JPEG2000": ["L", "RGB"],
    "AVIF": ["RGB"],
}
TURNED = ("PNG", "JPEG", "TIFF", "WEBP")  # kinds that hold an orientation
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "JPEG": [{"quality": 95}, {"quality": 95, "progressive": True}],
    "TIFF": [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}],
    "WEBP": [{"lossless": True}],
    "AVIF": [{"quality": 100}],
}
PALETTE = ["red", "lime", "blue", "white", "black", "gray"]


class Drawn(NamedTuple):
    """An image file and its picture: four quadrants, each of one colour."""

    content: bytes
    picture: Image.Image
    mode: str


@st.composite
def images(draw: st.DrawFn) -> Drawn:
    kind = draw(st.sampled_from(sorted(MODES)))
    mode = draw(st.sampled_from(MODES[kind]))
    height, width = (2 * draw(st.integers(8, 20)) for _ in range(2))
    colors = draw(st.permutations(PALETTE if mode != "1" else ["white", "black"] * 2))[:4]
    picture = Image.new("RGB", (width, height))
    for number, color in enumerate(colors):
        corner = number % 2 * width // 2, number // 2 * height // 2
        picture.paste(color, (*corner, corner[0] + width // 2, corner[1] + height // 2))
    orientation = draw(st.integers(1, 8)) if kind in TURNED else 1
    stored = picture if orientation == 1 else picture.transpose(Image.Transpose(UNDO[orientation]))
    options = draw(st.sampled_from(OPTIONS.get(kind, [{}]))) | (
        {"exif": tagged(orientation)} if orientation > 1 else {}
    )
    if mode in ("CMYK", "LAB", "I") or mode.startswith("I"):
        options = {name: value for name, value in options.items() if name != "compression"}
    buffer = io.BytesIO()
    converted(stored, mode).save(buffer, kind, **options)
    return Drawn(buffer.getvalue(), picture, mode)


def converted(image: Image.Image, mode: str) -> Image.Image:
    levels = np.asarray(image.convert("L"))
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        lab = ImageCms.applyTransform(image, ImageCms.buildTransform(*profiles, "RGB", "LAB"))
        assert lab is not None
        return lab
    if mode.startswith("I"):
        kind, scale = {"I;16": (np.uint16, 257), "I": (np.int32, 1), "I as 16 bits": (np.int32, 257)}[mode]
        return Image.fromarray(levels.astype(kind) * kind(scale))
    return image.convert(mode)


@given(drawn=images(), size=st.integers(6, 24), channels=st.sampled_from([1, 3]))
@cases(120)
def test_an_image_file_shows_its_picture(drawn: Drawn, size: int, channels: int) -> None:
    is_gray = channels == 1 or drawn.mode in ("1", "L", "LA") or drawn.mode.startswith("I")
    expected = np.asarray(drawn.picture.convert("L").convert("RGB") if is_gray else drawn.picture).astype(int)
    out = decode(drawn.content, "x", size, channels).permute(1, 2, 0).numpy().astype(int)
    height, width = expected.shape[:2]
    longest = 2 * min(height, width)
    whole = decode_whole(drawn.content, "x", 100, channels)
    assert whole.shape == (channels, min(height, longest), min(width, longest))
    for row in (0, 1):
        for column in (0, 1):
            at = out[size // 4 + row * size // 2, size // 4 + column * size // 2]
            wanted = expected[height // 4 + row * height // 2, width // 4 + column * width // 2]
            assert np.abs(at - wanted[:channels]).max() <= 40, (row, column, at, wanted)


@given(drawn=images())
@cases(20)
def test_an_image_file_is_one_whatever_it_is_called(drawn: Drawn) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.of no kind"
        path.write_bytes(drawn.content)
        assert is_image(str(path))
        path.write_bytes(b"text" + drawn.content)
        assert not is_image(str(path))


NAMES = ["cat", "dog", "Fox", "0", "10", "été", "a b", "trainer", "valley", "testament"]
SPELLED = {
    "train": ["train", "Train", "TRAINING", "trainset"],
    "val": ["val", "Valid", "validation", "dev"],
    "test": ["test", "Testing", "TESTSET"],
}
JUNK = [".DS_Store.png", ".ipynb_checkpoints/1.png", "__MACOSX/1.png", "@eaDir/a.png/b.png", "notes.txt", "a.heic"]
JUNK += ["0.png~", "0.png.part", "Thumbs.db", "deep/.hidden/1.png", "deep/notes.json"]


class Layout(NamedTuple):
    """Images, by class in every set, and the files beside them that are none of these."""

    parts: list[str]
    counts: dict[str, int]
    wrapper: str
    junk: list[tuple[str, str]]
    links: list[tuple[str, str]]
    deep: int


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
    parts = draw(st.sampled_from([[], ["train"], ["train", "val"], ["train", "test"], ["train", "val", "test"]]))
    return Layout(
        [draw(st.sampled_from(SPELLED[part])) for part in parts],
        {name: draw(st.integers(2, 5)) for name in names},
        draw(st.sampled_from(["", "photos/", "a/b/"])),
        draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(JUNK)), max_size=4)),
        draw(st.lists(st.tuples(*[st.sampled_from(names)] * 2), max_size=2)),
        draw(st.integers(0, 1)),
    )


@given(layout=layouts())
@cases(60)
def test_a_folder_gives_the_images_that_are_in_it(layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        for part in layout.parts or ["."]:
            for name, count in layout.counts.items():
                inside = f"{layout.wrapper}{part}/{name}"
                put(root, *of_classes(inside, count=count), *of_classes(f"{inside}/deep", count=layout.deep))
        for name, junk in layout.junk:
            put(root / layout.wrapper / "".join(layout.parts[:1]), f"{name}/{junk}")
        for number, (name, target) in enumerate(layout.links):
            base = root / layout.wrapper / "".join(layout.parts[:1])
            (base / name / f"link{number}").symlink_to(base / target)
            (base / name / f"link{number}.png").symlink_to(base / target / "0.png")
        source = Folder(root, holdout=0.5)
        times = max(1, len(layout.parts))
        assert total(source) == {name: times * (layout.counts[name] + layout.deep) for name in sorted(layout.counts)}
        record = source.record()
        assert sum(record.sets.values()) == times * sum(count + layout.deep for count in layout.counts.values())
        assert sum(entry.number for entry in record.passed_over) == len(set(layout.junk)) + 2 * len(layout.links)


def read(folder: str) -> tuple[Folder | None, str]:
    """The folder as a source that can be divided, or why it is none."""
    try:
        source = Folder(folder, holdout=0.5)
        source.load()
    except ValueError as error:
        return None, str(error)
    return source, ""


@given(
    names=st.lists(
        st.sampled_from([*"abc", "train", "val", "a/train", "a/b", "a/c", "b/c", ".", "train/a"]), max_size=6
    )
)
@cases(60)
def test_any_folder_is_read_or_refused_in_words(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), *of_classes(*names, count=3))
        source, fault = read(folder)
        if source is None:
            assert fault.startswith(("root: ", "Folder "))
            return
        splits = source.load()
        labels = {int(label) for images in splits.sets().values() for label in images.labels}
        assert labels <= set(range(source.num_classes)) | {-1}
        assert (source.num_classes == 0) == (labels == {-1})
