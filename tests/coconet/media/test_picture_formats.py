"""A matrix of picture files against independent readers: the same values, or a refusal in words."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin

from coconet.errors import CoconetError
from coconet.media.header import MOST_PIXELS
from coconet.media.image import read_pages, read_picture, read_visible, write_picture

SIZES = ((24, 32), (23, 31))
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16")
ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}
SAMPLES = ("bool", "uint8", "uint16", "int8", "int16", "int32", "uint32", "float16", "float32", "float64")


def smooth(size: tuple[int, int], channels: int = 1) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    planes = [(7 * rows + (3 + 2 * channel) * columns + 40 * channel) % 256 for channel in range(channels)]
    return np.stack(planes, axis=2).astype(np.uint8)


def picture_of(mode: str, size: tuple[int, int]) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(smooth(size)[:, :, 0].astype(np.uint16) * 200 + 7)
    if mode in ("LA", "RGBA"):
        alpha = np.full((*size, 1), 255, np.uint8)
        return Image.fromarray(np.concatenate([smooth(size, 3), alpha], axis=2), "RGBA").convert(mode)
    return Image.fromarray(smooth(size, 3), "RGB").convert(mode)


def saved(path: Path, picture: Image.Image, form: str, **options: Any) -> bool:
    lossless: dict[str, Any] = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "JPEG" else {}
    try:
        picture.save(path, form, **lossless, **options)
    except (OSError, ValueError):
        return False  # Pillow does not write this mode in this format
    return True


def bgr(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.convert("RGB"))[:, :, ::-1]


@pytest.mark.parametrize(("mode", "form", "size"), list(product(MODES, ENDINGS, SIZES)))
def test_a_picture_has_the_values_that_pillow_reads(
    mode: str, form: str, size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / f"a{ENDINGS[form]}"
    if not saved(path, picture_of(mode, size), form):
        pytest.skip(f"Pillow writes no {mode} as {form}")
    pixels, reference = read_picture(path), Image.open(path)
    assert pixels.shape[:2] == size
    if reference.mode == "I;16":
        assert np.array_equal(pixels[:, :, 0], np.asarray(reference))
        return
    assert pixels.dtype == np.uint8
    colours = np.broadcast_to(pixels, (*size, 3)).astype(int)
    assert np.abs(colours - bgr(reference)).max() <= (3 if form == "JPEG" or mode == "YCbCr" else 1)
    if reference.mode in ("1", "L", "LA") and form != "WEBP":
        assert pixels.shape[2] == 1


@pytest.mark.parametrize(
    ("kind", "options", "size"),
    list(
        product(
            SAMPLES,
            (
                {},
                {"compression": "zlib"},
                {"compression": "zlib", "predictor": True},
                {"byteorder": ">"},
                {"bigtiff": True},
                {"tile": (16, 16)},
                {"photometric": "miniswhite"},
            ),
            SIZES,
        )
    ),
)
def test_a_gray_tiff_has_the_values_that_tifffile_reads(
    kind: str, options: dict[str, Any], size: tuple[int, int], tmp_path: Path
) -> None:
    values = (smooth(size)[:, :, 0].astype(np.float64) / 2).astype(kind)
    try:
        tifffile.imwrite(tmp_path / "a.tif", values, **options)
    except (KeyError, ValueError):
        pytest.skip("tifffile does not write this")
    expected = values.astype(np.float64)
    if kind == "bool":  # by itself tifffile writes 0 as white, and says so
        expected = np.asarray(Image.open(tmp_path / "a.tif").convert("L")).astype(np.float64)
    elif options.get("photometric") == "miniswhite" and np.dtype(kind).kind == "u":
        expected = np.iinfo(kind).max - expected
    if expected.max() >= 1 << 24:
        with pytest.raises(CoconetError, match="whole numbers of more than 24 bits"):
            read_picture(tmp_path / "a.tif")
        return
    pixels = read_picture(tmp_path / "a.tif")
    assert pixels.dtype == (kind if kind in ("uint8", "uint16") else "uint8" if kind == "bool" else "float32")
    assert np.array_equal(pixels[:, :, 0], expected)


@pytest.mark.parametrize(("planar", "alpha", "kind"), list(product(("contig", "separate"), (False, True), (1, 2))))
def test_colour_tiffs_of_every_arrangement_are_the_same(planar: str, alpha: bool, kind: int, tmp_path: Path) -> None:
    values = smooth((23, 31), 4 if alpha else 3).astype(f"u{kind}") * (257 if kind == 2 else 1)
    stored = np.moveaxis(values, 2, 0) if planar == "separate" else values
    extra = ("unassalpha",) if alpha else ()
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, extrasamples=extra)
    assert np.array_equal(read_picture(tmp_path / "a.tif")[:, :, ::-1], values[:, :, :3])


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "P"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_lzw_is_read_too(mode: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    picture_of(mode, (23, 31)).save(tmp_path / "a.tif", compression="tiff_lzw", exif=exif)
    pixels, reference = read_picture(tmp_path / "a.tif"), ImageOps.exif_transpose(Image.open(tmp_path / "a.tif"))
    expected = np.asarray(reference)[:, :, None] if mode == "I;16" else bgr(reference)
    assert np.array_equal(np.broadcast_to(pixels, expected.shape), expected)


@pytest.mark.parametrize(
    ("form", "orientation", "size"), list(product(("JPEG", "PNG", "WEBP", "TIFF"), range(1, 9), SIZES))
)
def test_every_orientation_of_every_format_comes_out_upright(
    form: str, orientation: int, size: tuple[int, int], tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / f"a{ENDINGS[form]}"
    assert saved(path, picture_of("RGB", size), form, exif=exif)
    upright = bgr(ImageOps.exif_transpose(Image.open(path)))
    pixels = read_picture(path)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).max() <= (3 if form == "JPEG" else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bit_tiffs_are_turned_as_well(orientation: int, tmp_path: Path) -> None:
    values = (smooth((23, 31))[:, :, 0]).astype(np.uint16) * 99
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(274, "H", 1, orientation, True)])
    exif = Image.Exif()
    exif[0x112] = orientation
    picture_of("L", (23, 31)).save(tmp_path / "b.tif", exif=exif)
    marks = np.asarray(Image.fromarray(np.arange(23 * 31, dtype=np.int32).reshape(23, 31)))
    turned = {2: marks[:, ::-1], 3: marks[::-1, ::-1], 4: marks[::-1], 5: marks.T, 6: marks.T[:, ::-1]}
    turned |= {1: marks, 7: marks.T[::-1, ::-1], 8: marks.T[::-1]}
    assert np.array_equal(read_picture(tmp_path / "a.tif")[:, :, 0], values.ravel()[turned[orientation]])


def test_pages_are_frames_and_thumbnails_are_not(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for level in (10, 20, 30):
            file.write(np.full((8, 9), level, np.uint16), contiguous=False)
        file.write(np.zeros((2, 2), np.uint8), subfiletype=1)
    assert [int(page.max()) for page in read_pages(tmp_path / "a.tif")] == [10, 20, 30]
    with pytest.raises(CoconetError, match="has 3 pages, not one"):
        read_picture(tmp_path / "a.tif")


def test_what_was_not_measured_is_a_hole(tmp_path: Path) -> None:
    celsius = np.array([[20.5, np.nan, -9999.0], [np.inf, -3.4028235e38, 31.25]], np.float32)
    tifffile.imwrite(tmp_path / "a.tif", celsius)
    assert np.array_equal(np.isfinite(read_picture(tmp_path / "a.tif")[:, :, 0]), [[1, 0, 0], [0, 0, 1]])
    tagged = np.array([[0, 500], [7, 9]], np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", tagged, extratags=[(42113, "s", 0, "500", True)])
    assert np.array_equal(np.isnan(read_picture(tmp_path / "b.tif")[:, :, 0]), [[0, 1], [0, 0]])
    kelvin = np.array([[295.0, 0.0], [301.5, 288.0]], np.float32)
    tifffile.imwrite(tmp_path / "c.tif", kelvin)
    assert np.array_equal(np.isnan(read_picture(tmp_path / "c.tif")[:, :, 0]), [[0, 1], [0, 0]])


def test_a_scale_in_the_file_is_applied(tmp_path: Path) -> None:
    items = '<GDALMetadata><Item name="SCALE" sample="0" role="scale">0.04</Item>'
    items += '<Item name="OFFSET" sample="0" role="offset">-273.15</Item></GDALMetadata>'
    tifffile.imwrite(tmp_path / "a.tif", np.array([[7500]], np.uint16), extratags=[(42112, "s", 0, items, True)])
    assert read_picture(tmp_path / "a.tif")[0, 0, 0] == pytest.approx(7500 * 0.04 - 273.15, abs=1e-3)


def png_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def test_more_pixels_than_any_camera_gives_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of(40000, 40000))
    with pytest.raises(CoconetError, match="has 40000 x 40000 pixels, more than the 67 million"):
        read_picture(tmp_path / "a.png")
    assert MOST_PIXELS < 40000**2
    huge = io.BytesIO()
    tifffile.imwrite(huge, np.zeros((9000, 9000), bool), compression="zlib")
    (tmp_path / "a.tif").write_bytes(huge.getvalue())
    with pytest.raises(CoconetError, match="has 9000 x 9000 pixels"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_an_animation_is_refused_in_words(form: str, tmp_path: Path) -> None:
    frames = [picture_of("RGB", (24, 32)), picture_of("RGB", (24, 32)).rotate(180)]
    frames[0].save(tmp_path / f"a{ENDINGS[form]}", form, save_all=True, append_images=frames[1:])
    with pytest.raises(CoconetError, match="is an animation of 2 frames, not a still picture"):
        read_picture(tmp_path / f"a{ENDINGS[form]}")


def test_visible_pictures_of_floating_samples_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(CoconetError, match=r"has floating or signed samples, .* swap --visible and --infrared"):
        read_visible(tmp_path / "a.tif")


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_tiff_that_is_cut_off_is_refused_in_words(cut: int, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.arange(400, dtype=np.uint16).reshape(20, 20))
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:cut])
    with pytest.raises(CoconetError, match=r"a\.tif (is|has) "):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(("bits", "white"), list(product((2, 4, 10, 12, 14), (False, True))))
def test_packed_samples_of_a_tiff_are_unpacked(bits: int, white: bool, tmp_path: Path) -> None:
    values = (np.arange(23 * 31).reshape(23, 31) * 37 % (1 << bits)).astype(np.uint16)
    rows = ("".join(f"{value:0{bits}b}" for value in row) for row in values.tolist())
    data = b"".join(int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big") for row in rows)
    tags = [(256, 31), (257, 23), (258, bits), (259, 1), (262, 0 if white else 1), (273, 122), (277, 1), (278, 23)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*tags, (279, len(data))])
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 9) + entries + bytes(4) + data)
    expected = (1 << bits) - 1 - values.astype(int) if white else values.astype(int)
    pixels = read_picture(tmp_path / "a.tif")
    assert pixels.dtype == (np.uint8 if bits < 8 else np.uint16)
    assert np.array_equal(pixels[:, :, 0], expected * 255 // ((1 << bits) - 1) if bits < 8 else expected)


def test_samples_that_are_no_picture_are_refused_and_not_half_taken(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "complex.tif", np.full((24, 32), 1 + 2j, np.complex64))
    tifffile.imwrite(tmp_path / "colours.tif", np.ones((24, 32, 3), np.float32), photometric="rgb")
    (tmp_path / "packed.bmp").write_bytes(
        struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 66, 0, 0, 54, 40, 2, 2, 1, 16, 0, 8, 0, 0, 0, 0) + bytes(8)
    )
    for path in tmp_path.iterdir():
        with pytest.raises(CoconetError, match=f"{path.name} (has|is) "):
            read_picture(path)


@pytest.mark.parametrize(
    ("ending", "kind", "channels"),
    [(".png", "uint8", 1), (".png", "uint8", 3), (".png", "uint16", 1), (".bmp", "uint8", 1), (".bmp", "uint8", 3)],
)
def test_a_picture_has_the_values_that_imageio_reads(ending: str, kind: str, channels: int, tmp_path: Path) -> None:
    reader = pytest.importorskip("imageio.v3")
    values = smooth((23, 31), channels).astype(kind) * (200 if kind == "uint16" else 1)
    write_picture(tmp_path / f"a{ending}", values)
    there = np.asarray(reader.imread(tmp_path / f"a{ending}")).reshape(23, 31, -1)
    assert np.array_equal(read_picture(tmp_path / f"a{ending}")[:, :, ::-1], there)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("white", [255, 1023, 16383, 65535])
def test_a_portable_map_has_its_samples_and_its_own_white(
    white: int, channels: int, text: bool, tmp_path: Path
) -> None:
    samples = np.random.default_rng(white).integers(0, white + 1, (5, 7, channels))
    kind = (5 if channels == 1 else 6) - 3 * text
    binary = samples.astype(">u2" if white > 255 else "u1").tobytes()
    body = (" ".join(map(str, samples.ravel())) + "\n").encode() if text else binary
    (path := tmp_path / "a.pnm").write_bytes(b"P%d # of a camera\n7 5\n%d\n" % (kind, white) + body)
    assert np.array_equal(read_picture(path)[:, :, ::-1], samples)
    assert np.array_equal(read_visible(path)[:, :, ::-1], np.rint(samples * (255 / white)))


def test_a_portable_map_of_another_kind_or_cut_off_is_refused(tmp_path: Path) -> None:
    for data in (b"P4\n8 1\n\xf0", b"P2\n2 1\n100\n1 99\n", b"P5\n3 2\n255\nab", b"P5\n3 2\n99999\nabcdef"):
        (path := tmp_path / "a.pgm").write_bytes(data)
        with pytest.raises(CoconetError, match="is not a picture, or is damaged"):
            read_picture(path)


@pytest.mark.parametrize("ending", [".pgm", ".ppm", ".pnm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_portable_map_is_written_in_gray_or_colour_under_any_of_its_names(
    ending: str, channels: int, tmp_path: Path
) -> None:
    write_picture(tmp_path / f"a{ending}", smooth((5, 7), channels))
    assert np.array_equal(read_picture(tmp_path / f"a{ending}"), smooth((5, 7), channels))


@pytest.mark.parametrize(("transfer", "refused"), [(1, False), (13, False), (16, True), (18, True)])
def test_a_visible_picture_of_high_dynamic_range_is_refused_as_video_is(
    transfer: int, refused: bool, tmp_path: Path
) -> None:
    told = PngImagePlugin.PngInfo()
    told.add(b"cICP", bytes([9, transfer, 0, 1]))
    Image.new("RGB", (8, 8), (200, 100, 50)).save(tmp_path / "a.png", pnginfo=told)
    if not refused:
        assert read_visible(tmp_path / "a.png")[0, 0].tolist() == [50, 100, 200]
        return
    with pytest.raises(CoconetError, match="has visible pictures of high dynamic range"):
        read_visible(tmp_path / "a.png")


def test_transparent_pictures_are_told_once_for_their_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, opacity in enumerate((255, 99, 0)):
        Image.new("RGBA", (8, 8), (200, 100, 50, opacity)).save(tmp_path / f"{number}.png")
        assert read_picture(tmp_path / f"{number}.png")[0, 0].tolist() == [50, 100, 200]
    said = capsys.readouterr().err
    assert (said.count("are transparent"), str(tmp_path / "1.png") in said, str(tmp_path) in said) == (1, False, True)


@pytest.mark.parametrize(
    "case",
    [
        ("unassalpha", 65535, ""),
        ("unassalpha", 99, "are transparent"),
        ("unspecified", 65535, "left out of its pictures: 1 band"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_tiff_has_beside_gray_or_colour_is_told(
    channels: int, case: tuple[str, int, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra, value, told = case
    picture = smooth((24, 32), channels).astype(np.uint16) * 257
    more = np.full((24, 32, 1), value, np.uint16)
    kind = "rgb" if channels == 3 else "minisblack"
    stored = np.concatenate([picture, more], axis=2)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric=kind, planarconfig="contig", extrasamples=(extra,))
    assert np.array_equal(read_picture(tmp_path / "a.tif"), picture[:, :, ::-1])
    said = capsys.readouterr().err
    assert told in said
    assert bool(said) == bool(told)
