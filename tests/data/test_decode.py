import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, TiffImagePlugin

from csl.data import decode as decode_module
from csl.data.decode import decode, extensions, is_image, native_size


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def ramp(height: int = 8, width: int = 8) -> np.ndarray:
    return np.linspace(0, 255, height * width).reshape(height, width).round().astype(np.uint8)


def test_rgb_of_the_right_size_is_exact() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = decode(encoded(Image.fromarray(pixels)), "x", 8)
    assert out.dtype == torch.uint8
    assert (out.permute(1, 2, 0).numpy() == pixels).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_gray_and_bilevel(channels: int) -> None:
    assert (decode(encoded(Image.fromarray(ramp())), "x", 8, channels).numpy() == ramp()).all()
    bilevel = decode(encoded(Image.fromarray(ramp()).convert("1")), "x", 8, channels)
    assert set(bilevel.flatten().tolist()) == {0, 255}


def test_16_bit_gray_is_scaled() -> None:
    values = np.array([[0, 257], [65535, 32896]], dtype=np.uint16)
    assert decode(encoded(Image.fromarray(values)), "x", 2, 1).flatten().tolist() == [0, 1, 255, 128]


def tiff(values: np.ndarray, photometric: int = 1) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = photometric
    return encoded(Image.fromarray(values), "TIFF", tiffinfo=tags)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 100], [255, 7]], dtype=np.int32), [0, 100, 255, 7]),
        (np.array([[0, 257], [65535, 32896]], dtype=np.int32), [0, 1, 255, 128]),
        (np.array([[0, 257], [65535, 32896]], dtype=np.uint16), [0, 1, 255, 128]),
        (np.array([[0, 100], [255, 7]], dtype=np.uint16), [0, 0, 1, 0]),
        (np.array([[0, 100], [255, 7]], dtype=np.uint8), [0, 100, 255, 7]),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_integers_of_tiff_files(values: np.ndarray, expected: list[int], channels: int) -> None:
    assert decode(tiff(values), "x", 2, channels)[0].flatten().tolist() == expected


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_tiff_files_in_which_white_is_zero(kind: Any) -> None:
    white = 255 if kind == np.uint8 else 65535
    stored = np.array([[0, white], [0, 0]], dtype=kind)
    # Pillow's writer inverts 8-bit levels by itself, and leaves those of 16 bits.
    data = tiff(255 - stored if kind == np.uint8 else stored, photometric=0)
    assert decode(data, "x", 2, 1).flatten().tolist() == [255, 0, 255, 255]


def test_lab() -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.applyTransform(quadrants(), ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    assert lab is not None
    out = decode(encoded(lab, "TIFF"), "x", 16)
    assert (out[:, 2, 2].int() - torch.tensor([255, 0, 0])).abs().max() < 8
    assert out[:, 12, 12].min() > 250
    assert decode(encoded(lab, "TIFF"), "x", 16, 1)[0, 12, 12] > 250


@pytest.mark.parametrize("channels", [1, 3])
def test_ycbcr(channels: int) -> None:
    out = decode(encoded(Image.new("YCbCr", (4, 4), (200, 128, 128)), "TIFF"), "x", 4, channels)
    assert set(out.flatten().tolist()) == {200}


def test_one_transparent_colour_lies_over_white() -> None:
    image = Image.new("RGB", (4, 4), (1, 2, 3))
    assert set(decode(encoded(image, transparency=(1, 2, 3)), "x", 4).flatten().tolist()) == {255}
    gray = Image.new("L", (4, 4), 9)
    assert set(decode(encoded(gray, transparency=9), "x", 4, 1).flatten().tolist()) == {255}


def test_palette() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert decode(encoded(image), "x", 4)[:, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_white(mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert(mode)
    assert set(decode(encoded(image), "x", 4).flatten().tolist()) == {255}


def test_transparent_palette() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert set(decode(encoded(image, transparency=b"\xff\x00"), "x", 4).flatten().tolist()) == {255}


def test_cmyk_jpeg() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red, green, blue = decode(encoded(image, "JPEG"), "x", 8)[:, 4, 4].tolist()
    assert red > 200
    assert max(green, blue) < 60


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data, "x", 4)[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (64, 17)])
def test_any_shape_becomes_the_central_square(shape: tuple[int, int]) -> None:
    image = Image.fromarray(np.full((*shape, 3), 90, dtype=np.uint8))
    assert set(decode(encoded(image), "x", 8).flatten().tolist()) == {90}


def test_square_is_central() -> None:
    pixels = np.zeros((8, 24), dtype=np.uint8)
    pixels[:, 8:16] = ramp()
    assert (decode(encoded(Image.fromarray(pixels)), "x", 8, 1)[0].numpy() == ramp()).all()


def test_large_jpeg_is_decoded_at_reduced_scale_and_looks_the_same() -> None:
    y, x = np.mgrid[0:512, 0:512]
    pixels = (127 + 100 * np.sin(x / 60) * np.cos(y / 45)).astype(np.uint8)
    image = Image.fromarray(pixels)
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), dtype=np.int64)
    out = decode(encoded(image, "JPEG", quality=95), "x", 32, 1)[0].numpy().astype(np.int64)
    assert np.abs(out - expected).max() <= 3


UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how to store an image that this EXIF tag turns upright


def tagged(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})],
)
def test_exif_orientation_turns_upright(orientation: int, kind: str, options: dict[str, Any]) -> None:
    upright = Image.fromarray(ramp())
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(UNDO[orientation]))
    out = decode(encoded(stored, kind, exif=tagged(orientation), **options), "x", 8, 1)
    assert (out[0].numpy() == ramp()).all()


def quadrants() -> Image.Image:
    """Red, green / blue, white."""
    image = Image.new("RGB", (16, 16), "white")
    for color, corner in {"red": (0, 0), "green": (8, 0), "blue": (0, 8)}.items():
        image.paste(color, (*corner, corner[0] + 8, corner[1] + 8))
    return image


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_a_turned_photograph_is_turned_once(kind: str) -> None:
    # Tag 6: the stored image's left column is the picture's top row.
    out = decode(encoded(quadrants(), kind, exif=tagged(6)), "x", 16)
    assert out[:, 5, 5].tolist() == [0, 0, 255]
    assert out[:, 5, 10].tolist() == [255, 0, 0]
    assert out[:, 10, 5].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("block", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\0\x05broken", b"\xff" * 9, b""])
def test_an_unreadable_exif_block_spoils_no_picture(kind: str, block: bytes) -> None:
    out = decode(encoded(quadrants(), kind, exif=block, **({"lossless": True} if kind == "WEBP" else {})), "x", 16)
    assert (out[:, 12, 12] > 230).all()


def test_a_wrong_tag_beside_the_orientation_does_no_harm() -> None:
    width = struct.pack(">HHI4s", 0x100, 2, 1, b"wide")  # words where a number belongs
    orientation = struct.pack(">HHIHH", 0x112, 3, 1, 6, 0)
    block = b"MM\0*" + struct.pack(">IH", 8, 2) + width + orientation + bytes(4)
    data = encoded(quadrants(), "PNG", exif=block)
    assert decode(data, "x", 16)[:, 5, 5].tolist() == [0, 0, 255]


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "float", "32 bit"])
def test_what_cannot_be_read_is_named(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    good = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    content = {
        "empty": b"",
        "text": b"not an image at all",
        "truncated": good[: len(good) // 2],
        "float": encoded(Image.fromarray(np.zeros((4, 4), dtype=np.float32)), "TIFF"),
        "32 bit": encoded(Image.fromarray(np.full((4, 4), 70_000, dtype=np.int32)), "TIFF"),
    }[damage]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot decode image .*photo\.png: .*; repair or remove it"):
        decode(str(path), str(path), 8)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ValueError, match=r"cannot decode image gone\.png"):
        decode("gone.png", "gone.png", 8)


@pytest.mark.parametrize("read", [lambda data: decode(data, "bomb", 8), lambda data: native_size(data, "bomb")])
def test_a_decompression_bomb_is_refused(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_module, "MAX_PIXELS", 99)
    with pytest.raises(ValueError, match=r"image bomb: 10 x 10 pixels, more than 99: a decompression bomb"):
        read(encoded(Image.new("L", (10, 10))))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_real_bomb_of_few_bytes_is_refused() -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="decompression bomb"):
        decode(bomb, "bomb", 8)


def test_native_size_is_the_shorter_side() -> None:
    assert native_size(encoded(Image.new("L", (30, 20))), "x") == 20


def test_what_is_an_image(tmp_path: Path) -> None:
    files = {
        "photo.jpg_1088W": encoded(Image.new("L", (4, 4)), "JPEG"),
        "none": encoded(Image.new("L", (4, 4)), "WEBP"),
        "cars.txt": b"BMW is a car, P3 is none",
        "rows.txt": b"P3 and other teams",
        "empty": b"",
        "plot.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert [name for name in files if is_image(str(tmp_path / name))] == ["photo.jpg_1088W", "none"]
    assert {".jpg", ".jpe", ".jfif", ".png", ".tif", ".webp", ".avif", ".jp2", ".pgm"} <= extensions()
    assert not {".eps", ".h5", ".pdf", ".mpg"} & extensions()
