"""One picture: what its header says, decoding it, turning it upright, and making it fit a size and channels.

Knows Pillow's images; never files' places, labels or other pictures.
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gankit.config import TrainConfig
from gankit.data.pictures import MODES
from gankit.data.picturestore import Pixels
from gankit.errors import OptionError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 1 << 27
"""Pictures of more pixels (about 11,600 x 11,600) are refused from their header: decoding would fill the memory."""

MAX_SIDE = 4096
"""The largest --size."""

FILTERS = {"lanczos": "LANCZOS", "bicubic": "BICUBIC", "bilinear": "BILINEAR", "box": "BOX", "nearest": "NEAREST"}

DEEP = "of 16 bits, scaled to 8"
"""The remark on pictures that lose bits."""

_FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "TGA", "PCX", "JPEG2000", "AVIF")
_ORIENTATION, _TIFF_WIDTH, _TIFF_HEIGHT = 0x0112, 0x0100, 0x0101
# The decoder of JPEG can halve a picture faster than any filter, but not as well: it never goes below four times the
# size that is wanted. On 500 photographs brought to 64 x 64, twice the size changed pixels by 1.0 of 255 on average.
_DRAFT = 4


class UnreadablePicture(Exception):
    """One picture cannot be used; the text says why, and the reader of all pictures decides what that means."""


@dataclass(frozen=True)
class Wanted:
    """What pictures are made to be.

    size: width and height, or None for that of the file. fit: "crop", "pad" or "stretch". resample: of `FILTERS`.
    channels: 1, 2, 3 or 4.
    """

    size: tuple[int, int] | None
    fit: str
    resample: str
    channels: int


@dataclass(frozen=True)
class Header:
    """What is known of a picture before it is decoded.

    width, height: upright. colour: whether it has more than greys. alpha: whether it may be transparent somewhere.
    remarks: what will be converted.
    """

    width: int
    height: int
    colour: bool
    alpha: bool
    remarks: tuple[str, ...] = ()


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of `--size`.

    >>> parse_size("64"), parse_size("64x48")
    ((64, 64), (64, 48))

    Raises:
        OptionError: it is neither a number nor two, or they are not between 2 and 4096.
    """
    found = re.fullmatch(r"\s*(\d+)\s*(?:[xX×]\s*(\d+)\s*)?", text)
    if found is None:
        raise OptionError(f"--size must be a number of pixels, or width x height such as 64x48. Got {text!r} instead.")
    width, height = int(found[1]), int(found[2] or found[1])
    if not 2 <= min(width, height) <= max(width, height) <= MAX_SIDE:
        raise OptionError(f"--size must be between 2 and {MAX_SIDE} pixels a side. Got {text!r} instead.")
    return width, height


def size_of(config: TrainConfig) -> tuple[int, int] | None:
    """Width and height that were asked for, or None."""
    return None if config.size is None else parse_size(config.size)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps Pillow's warnings and log lines from the user: what matters is told in notes and errors.

    Filters of warnings belong to the whole process: enter this once, around a pool of threads, not within each.
    """
    logger, silent = logging.getLogger("PIL"), logging.NullHandler()
    propagate = logger.propagate
    logger.addHandler(silent)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(silent)


@contextlib.contextmanager
def opened(source: IO[bytes] | Image.Image) -> Iterator[Image.Image]:
    """A picture whose header was read and whose pixels were not; a stream is closed in the end.

    Raises:
        UnreadablePicture: it is none, is damaged, or is a bomb.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        with _reasons():
            _check_pixels(source.size)
            yield source
        return
    with source, _reasons():
        Image.init()
        with Image.open(source, formats=[name for name in _FORMATS if name in Image.OPEN]) as image:
            _check_pixels(image.size)
            yield image


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Turns whatever a decoder says of damaged bytes into a short reason."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except UnreadablePicture:
        raise
    except UnidentifiedImageError:
        raise UnreadablePicture("no picture of a known format") from None
    except Image.DecompressionBombError as error:
        count = re.search(r"\d{6,}", str(error))
        raise _too_large(int(count[0]) if count else 2 * MAX_PIXELS) from None
    except MemoryError:
        raise UnreadablePicture("it does not fit in memory") from None
    except Exception as error:
        # Decoders raise nearly anything on damaged bytes: SyntaxError, struct.error, IndexError, …
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadablePicture("it is cut off" if "truncated" in text.lower() else f"damaged: {text[:80]}") from None


def _check_pixels(size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise UnreadablePicture("it has no pixels")
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(size[0] * size[1], f"{size[0]:,} x {size[1]:,} = ")


def _too_large(count: int, sides: str = "") -> UnreadablePicture:
    return UnreadablePicture(f"{sides}{count:,} pixels, more than the {MAX_PIXELS:,} that are decoded")


def header_of(image: Image.Image) -> Header:
    """What an opened picture's header says. Raises UnreadablePicture where its values have no known range."""
    mode, remarks = image.mode, []
    width, height = image.size
    if _orientation(image) >= 5 and not _is_turned(image):
        width, height = height, width
    animated = getattr(image, "format", None) != "MPO" and getattr(image, "is_animated", False)
    if animated:
        remarks.append("animated, of which the first frame is taken")
    if _is_deep(image):
        remarks.append(DEEP)
    transparent = mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    colour = mode not in ("1", "L", "LA", "La") and not mode.startswith("I")
    match mode:
        case "P" | "PA":
            colour = not _grey_palette(image)
            remarks.append("with a palette")
        case "CMYK" | "YCbCr" | "LAB" | "HSV":
            # JPEG's YCbCr arrives as RGB: this is another file's.
            remarks.append(f"in {mode}, converted to RGB")
        case "1":
            remarks.append("of 1 bit")
        case "F":
            raise UnreadablePicture("32-bit floating values have no known range; save it with 8 or 16 bits")
        case "I" if not _is_deep(image):
            raise UnreadablePicture("32-bit values have no known range; save it with 8 or 16 bits")
    return Header(width, height, colour, transparent, tuple(remarks))


def _is_deep(image: Image.Image) -> bool:
    if image.mode.startswith("I;16"):
        return True
    tile = getattr(image, "tile", None) or [("", None, 0, "")]
    raw = str(tile[0][3])
    if image.mode == "I":
        return getattr(image, "format", None) in ("PNG", "PPM", "JPEG2000") or ";16" in raw
    return ";16" in raw and image.mode in ("RGB", "RGBA", "LA")


def _grey_palette(image: Image.Image) -> bool:
    colours = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _is_turned(image: Image.Image) -> bool:
    """Whether the size of an opened picture is already that of the upright one, as Pillow 11 has it for TIFF."""
    tags: Any = getattr(image, "tag_v2", None)
    return image.format == "TIFF" and image.size != (tags.get(_TIFF_WIDTH), tags.get(_TIFF_HEIGHT))


def _orientation(image: Image.Image) -> int:
    # Asking a PNG for its Exif data would decode it, unless the data stands before the pixels.
    if getattr(image, "format", None) == "PNG" and "exif" not in image.info:
        return 1
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of an opened picture lets something through; decodes it."""
    low, _ = image.convert("RGBA").getchannel("A").getextrema()
    return float(low) < 255  # type: ignore[arg-type]  # of one channel it is a pair of numbers


def decoded(image: Image.Image, wanted: Wanted) -> Pixels:
    """An opened picture as uint8 [H, W, C]: upright, in the channels and the size that are wanted.

    Colours become grey by Rec. 601 (.299 R + .587 G + .114 B). Transparency that is not wanted is laid over white.
    """
    from PIL import ImageOps

    if wanted.size is not None and getattr(image, "format", None) == "JPEG" and wanted.resample != "nearest":
        turned = _orientation(image) >= 5
        width, height = image.size
        scale = _scale((height, width) if turned else (width, height), wanted)
        image.draft(None, (max(1, int(width * scale * _DRAFT)), max(1, int(height * scale * _DRAFT))))
    image.load()
    upright = ImageOps.exif_transpose(image)
    fitted = _fitted(_in_mode(upright, MODES[wanted.channels]), wanted)
    return np.asarray(fitted, dtype=np.uint8).reshape(fitted.size[1], fitted.size[0], wanted.channels)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = _of_16_bits(image)
    if image.mode == mode:
        return image
    if image.mode == "P" or "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA") and mode in ("L", "RGB"):
        from PIL import Image as Images

        full = image.convert("RGBA")
        if float(full.getchannel("A").getextrema()[0]) < 255:  # type: ignore[arg-type]  # of one channel it is a pair
            image = Images.alpha_composite(Images.new("RGBA", full.size, (255, 255, 255, 255)), full)
        return image.convert("RGB").convert(mode) if image.mode == "RGBA" else image.convert(mode)
    if mode in ("L", "LA") and image.mode not in ("1", "L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    return image.convert(mode)


def _of_16_bits(image: Image.Image) -> Image.Image:
    from PIL import Image as Images

    values = np.asarray(image).astype(np.float64)
    return Images.fromarray(np.clip(np.rint(values / 257), 0, 255).astype(np.uint8))


def _scale(size: tuple[int, int], wanted: Wanted) -> float:
    """How many times as wide the whole picture becomes (of the two sides the larger where they differ)."""
    assert wanted.size is not None
    across, down = wanted.size[0] / size[0], wanted.size[1] / size[1]
    return min(across, down) if wanted.fit == "pad" else max(across, down)


def _fitted(image: Image.Image, wanted: Wanted) -> Image.Image:
    from PIL import Image as Images

    if wanted.size is None or image.size == wanted.size:
        return image
    method: Any = Images.Resampling[FILTERS[wanted.resample]]
    width, height = image.size
    if wanted.fit == "stretch":
        return image.resize(wanted.size, method)
    scale = _scale(image.size, wanted)
    if wanted.fit == "pad":
        inner = (min(wanted.size[0], max(1, round(width * scale))), min(wanted.size[1], max(1, round(height * scale))))
        # All channels 0: black, or transparent where there is an alpha channel.
        sheet = Images.new(image.mode, wanted.size)
        sheet.paste(image.resize(inner, method), ((wanted.size[0] - inner[0]) // 2, (wanted.size[1] - inner[1]) // 2))
        return sheet
    across, down = wanted.size[0] / scale, wanted.size[1] / scale
    left, top = (width - across) / 2, (height - down) / 2
    box = (max(0.0, left), max(0.0, top), min(float(width), left + across), min(float(height), top + down))
    return image.resize(wanted.size, method, box=box)
