"""Image files to one array: headers first, then decoding with many threads, turning upright, and fitting a size.

Knows Pillow and bytes; never labels, torch or networks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, reason
from gankit.io.pixels import MODES, Pixels
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.records import chunks, finished, fits_in_memory, room_for, without_hidden

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 1 << 27
"""Images of more pixels (about 11,600 x 11,600) are refused from their header: decoding would fill the memory."""

MAX_SIDE = 4096
"""The largest --size."""

CHANNELS = {"grey": 1, "grey-alpha": 2, "rgb": 3, "rgba": 4}
"""What `--channels` means."""

DEEP = "of 16 bits, scaled to 8"
"""The remark on images that lose bits."""

PAGED = "of several pages, of which the first is taken (give such a file itself to take its pages as images)"
"""The remark on files of several pages."""

ANIMATED = "animated, of which the first frame is taken (saved as .png each, all frames are)"
"""The remark on files of several frames."""

_FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "TGA", "PCX", "JPEG2000", "AVIF")
_ORIENTATION, _TIFF_WIDTH, _TIFF_HEIGHT = 0x0112, 0x0100, 0x0101
_SAMPLE_FORMAT, _SIGNED = 0x0153, 2
# The decoder of JPEG can halve an image faster than any filter, but not as well: it never goes below four times the
# size that is wanted. On 500 photographs brought to 64 x 64, twice the size changed pixels by 1.0 of 255 on average.
_DRAFT = 4
_AT_ONCE = 4096
_A_TASK = 32
_THREADS = 16
_SHOWN = 20
_DARK = 32
_FEW_COLOURS, _LOOKED_AT = 16, 32  # colours that are none between others, and images that are looked at for them

T = TypeVar("T")
Result = TypeVar("Result")


class UnreadableImage(Exception):
    """One image cannot be used; the text says why, and the reader of all images decides what that means."""


@dataclass(frozen=True)
class Wanted:
    """What images are made to be.

    size: width and height, or None for that of the file. fit: "crop", "pad" or "stretch". resample: the filter.
    channels: 1, 2, 3 or 4.
    """

    size: tuple[int, int] | None
    fit: str
    resample: str
    channels: int


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded.

    width, height: upright. colour: whether it has more than greys. alpha: whether it may be transparent somewhere.
    remarks: what will be converted. extremes: least and most value of signed numbers, of which no range is known.
    """

    width: int
    height: int
    colour: bool
    alpha: bool
    remarks: tuple[str, ...] = ()
    extremes: tuple[int, int] | None = None


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


def channels_option(channels: int) -> str:
    """The `--channels` of images with so many channels; auto where none names them."""
    return next((name for name, num in CHANNELS.items() if num == channels), "auto")


def size_of(config: TrainConfig) -> tuple[int, int] | None:
    """Width and height that were asked for, or None.

    Raises:
        OptionError: see `parse_size`.
    """
    own = config.own(ImageOptions)
    return None if own.size is None else parse_size(own.size)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps Pillow's warnings and log lines from the user: what matters is said in notes and errors.

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
    """An image whose header was read and whose pixels were not; a stream is closed in the end.

    Raises:
        UnreadableImage: it is none, is damaged, or is a bomb.
    """
    from PIL import Image, UnidentifiedImageError

    too_large = f"pixels, more than the {MAX_PIXELS:,} that are decoded"
    with contextlib.ExitStack() as stack:
        try:
            if not isinstance(source, Image.Image):
                Image.init()
                formats = [name for name in _FORMATS if name in Image.OPEN]
                source = stack.enter_context(Image.open(stack.enter_context(source), formats=formats))
            width, height = source.size
            if min(width, height) < 1:
                raise UnreadableImage("it has no pixels")
            if width * height > MAX_PIXELS:
                raise UnreadableImage(f"{width:,} x {height:,} = {width * height:,} {too_large}")
            yield source
        except UnreadableImage:
            raise
        except UnidentifiedImageError:
            raise UnreadableImage("no image of a known format") from None
        except Image.DecompressionBombError as error:
            count = re.search(r"\d{6,}", str(error))
            raise UnreadableImage(f"{int(count[0]) if count else 2 * MAX_PIXELS:,} {too_large}") from None
        except MemoryError:
            raise UnreadableImage("it does not fit in memory") from None
        except Exception as error:
            # Decoders raise nearly anything on damaged bytes: SyntaxError, struct.error, IndexError, …
            text = reason(error)
            raise UnreadableImage("it is cut off" if "truncated" in text.lower() else f"damaged: {text[:80]}") from None


def header_of(image: Image.Image) -> Header:
    """What an opened image's header says.

    Raises:
        UnreadableImage: its values have no known range.
    """
    mode, remarks = image.mode, []
    width, height = image.size
    if _orientation(image) >= 5 and not _is_turned(image):
        width, height = height, width
    if getattr(image, "format", None) != "MPO" and getattr(image, "is_animated", False):
        remarks.append(PAGED if image.format == "TIFF" else ANIMATED)
    if _is_deep(image):
        remarks.append(DEEP)
    transparent = mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    colour = mode not in ("1", "L", "LA", "La") and not mode.startswith("I")
    match mode:
        case "P" | "PA":
            palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
            colour = bool((palette != palette[:, :1]).any())
            remarks.append("with a palette")
        case "CMYK" | "YCbCr" | "LAB" | "HSV":
            # JPEG's YCbCr arrives as RGB: this is another file's.
            remarks.append(f"in {mode}, converted to RGB")
        case "1":
            remarks.append("of 1 bit")
        case "F":
            raise UnreadableImage("32-bit floating values have no known range; save it with 8 or 16 bits")
        case "I" if not _is_deep(image):
            raise UnreadableImage("32-bit values have no known range; save it with 8 or 16 bits")
    return Header(width, height, colour, transparent, tuple(remarks), _extremes(image))


def _extremes(image: Image.Image) -> tuple[int, int] | None:
    """Least and most value of signed numbers: of 16 bits, and of 8, which Pillow takes for unsigned ones."""
    tags, tile = getattr(image, "tag_v2", {}), getattr(image, "tile", None)
    if image.mode == "L" and tags.get(_SAMPLE_FORMAT) == (_SIGNED,):
        x = np.asarray(image).view(np.int8)
        return int(x.min()), int(x.max())
    args: Any = tile[0][3] if tile else ""
    if image.mode != "I" or not str(args if isinstance(args, str) else args[0]).endswith("S"):
        return None
    found: Any = image.getextrema()
    return found  # type: ignore[no-any-return]  # of one channel


def _is_deep(image: Image.Image) -> bool:
    tile = getattr(image, "tile", None) or [("", None, 0, "")]
    deep = ";16" in str(tile[0][3])
    if image.mode == "I":
        return deep or getattr(image, "format", None) in ("PNG", "PPM", "JPEG2000")
    return image.mode.startswith("I;16") or (deep and image.mode in ("RGB", "RGBA", "LA"))


def _is_turned(image: Image.Image) -> bool:
    """Whether the size of an opened image is already that of the upright one, as Pillow 11 has it for TIFF."""
    tags: Any = getattr(image, "tag_v2", None)
    return image.format == "TIFF" and image.size != (tags.get(_TIFF_WIDTH), tags.get(_TIFF_HEIGHT))


def _orientation(image: Image.Image) -> int:
    # Asking a PNG for its Exif data would decode it, unless the data stands before the pixels.
    if getattr(image, "format", None) == "PNG" and "exif" not in image.info:
        return 1
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of an opened image lets something through; decodes it."""
    return float(image.convert("RGBA").getchannel("A").getextrema()[0]) < 255  # type: ignore[arg-type]  # one channel


def decoded(image: Image.Image, wanted: Wanted) -> Pixels:
    """An opened image as uint8 [H, W, C]: upright, in the channels and the size that are wanted.

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
    from PIL import Image as Images

    if image.mode == "I" or image.mode.startswith("I;16"):
        levels = np.rint(np.asarray(image).astype(np.float64) / 257)
        image = Images.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    if image.mode == mode:
        return image
    if image.mode == "P" or "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA") and mode in ("L", "RGB"):
        if is_transparent(image):
            white = Images.new("RGBA", image.size, (255, 255, 255, 255))
            image = Images.alpha_composite(white, image.convert("RGBA"))
        return image.convert("RGB").convert(mode) if image.mode == "RGBA" else image.convert(mode)
    if mode in ("L", "LA") and image.mode not in ("1", "L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    return image.convert(mode)


def _scale(size: tuple[int, int], wanted: Wanted) -> float:
    """How many times as wide the whole image becomes (of the two sides the larger where they differ)."""
    assert wanted.size is not None
    across, down = wanted.size[0] / size[0], wanted.size[1] / size[1]
    return min(across, down) if wanted.fit == "pad" else max(across, down)


def _fitted(image: Image.Image, wanted: Wanted) -> Image.Image:
    from PIL import Image as Images

    if wanted.size is None or image.size == wanted.size:
        return image
    method: Any = Images.Resampling[wanted.resample.upper()]
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


@dataclass(frozen=True)
class Source:
    """One image that is still to be decoded. name: for messages. open: its bytes, or an image of Pillow."""

    name: str
    open: Callable[[], IO[bytes] | Image.Image]


def decode_all(
    sources: Sequence[Source], config: TrainConfig, notes: list[str], place: str, least: int = 2,
    known: int | None = None,
) -> tuple[Pixels, list[int]]:  # fmt: skip
    """All images as uint8 [K, H, W, C], and which of the sources they are (ascending).

    config: `size`, `fit`, `resample`, `channels` and `strict` are obeyed. notes: a line for each decision. place: of
    the images, for messages. least: how many there must be. known: their channels, where they are known and the same.

    Raises:
        DataError: too few can be read, with `strict` one cannot, or their sizes differ and no size was asked for.
    """
    own, size = config.own(ImageOptions), size_of(config)
    with quiet(), ThreadPoolExecutor(_num_threads()) as pool:
        found = list(_mapped(pool, partial(_attempt, header_of), sources))
        faults = {row: reason for row, reason in enumerate(found) if isinstance(reason, str)}
        headers = {row: header for row, header in enumerate(found) if isinstance(header, Header)}
        remarks = {remark for header in headers.values() for remark in header.remarks}
        if len(headers) < least and remarks & {PAGED, ANIMATED}:
            raise too_few(len(headers), place, f" {PAGED}" if PAGED in remarks else f", {ANIMATED}")
        _check_faults(faults, sources, config.with_options(strict=False), place, least)  # decoding may find more
        sizes = Counter((header.width, header.height) for header in headers.values())
        if size is None and len(sizes) > 1:
            raise _mixed_sizes(sizes, place)
        if (signed := [header.extremes for header in headers.values() if header.extremes]) and min(signed)[0] < 0:
            low, high = min(signed)[0], max(most for _, most in signed)
            raise DataError(
                f"{place}: the values of {len(signed):,} images run from {low:,} to {high:,} (signed), and "
                "black and full light are not known. Scale them to 0 … 65,535 and save them as unsigned: "
                f"(x + {-low}) * 65535 / {high - low}."
            )
        channels = CHANNELS.get(own.channels) or known or _channels(pool, headers, sources)
        target = size or next(iter(sizes))
        rows = list(headers)
        wanted = Wanted(size, own.fit, own.resample, channels)
        if own.resample == "auto":
            few = size is not None and any(pair != size for pair in sizes) and _has_few_colours(sources, rows, channels)
            wanted = replace(wanted, resample="nearest" if few else "lanczos")
        x = room_for((len(rows), target[1], target[0], channels))

        def fill(task: tuple[int, int]) -> str | None:
            slot, row = task
            pixels = _attempt(lambda image: decoded(image, wanted), sources[row])
            if isinstance(pixels, str):
                return pixels
            if pixels.shape != x.shape[1:]:
                return f"it is {pixels.shape[1]} x {pixels.shape[0]} when decoded, unlike the others"
            x[slot] = pixels
            return None

        late = dict(zip(rows, _mapped(pool, fill, list(enumerate(rows))), strict=True))
    faults.update({row: reason for row, reason in late.items() if reason is not None})
    _check_faults(faults, sources, config, place, least)
    slots = [slot for slot, row in enumerate(rows) if late[row] is None]
    for front, slot in enumerate(slots):  # in place, for x may not fit in memory twice
        if front < slot:
            x[front] = x[slot]
    x = x[: len(slots)]
    kept = [rows[slot] for slot in slots]
    x = hidden_cleared(x, notes, place)
    if own.channels == "auto" and known is None and channels >= 3 and _is_grey(x[..., :3]):
        x = np.concatenate([x[..., :1], x[..., 3:]], axis=3)
        kept_as, changes = ("grey", "rgb") if channels == 3 else ("grey with alpha", "rgba")
        notes.append(f"{place}: saved in colour, but all greys: taken as {kept_as} (--channels {changes} changes it)")
    _note_conversions(notes, place, [headers[row] for row in kept], faults, sources, config, x, wanted.resample)
    return finished(x), kept


def _has_few_colours(sources: Sequence[Source], rows: Sequence[int], channels: int) -> bool:
    """Whether some of the images, evenly apart, have `_FEW_COLOURS` together at most, which no filter may mix."""
    found: set[Any] = set()

    def colours(image: Image.Image) -> list[Any] | None:
        image.load()
        return _in_mode(image, MODES[channels]).getcolors(_FEW_COLOURS)

    for row in rows[:: -(-len(rows) // _LOOKED_AT)]:
        counted = _attempt(colours, sources[row])
        if not isinstance(counted, str):
            if counted is None:
                return False
            found.update(colour for _, colour in counted)
    return 1 < len(found) <= _FEW_COLOURS


def _num_threads() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_THREADS, cores)


def _mapped(pool: ThreadPoolExecutor, work: Callable[[T], Result], items: Sequence[T]) -> Iterator[Result]:
    """`pool.map`, some images a task and a few thousand at a time.

    Small images take less time than handing over a task, and a million tasks in waiting take a gigabyte.
    """

    def some(part: Sequence[T]) -> list[Result]:
        return [work(item) for item in part]

    size = max(1, min(_A_TASK, len(items) // 64))
    for start in range(0, len(items), _AT_ONCE):
        end = min(start + _AT_ONCE, len(items))
        for results in pool.map(some, [items[i : min(i + size, end)] for i in range(start, end, size)]):
            yield from results


def _attempt(work: Callable[[Image.Image], Result], source: Source) -> Result | str:
    """What some work on an image gives, or why it cannot be used."""
    try:
        with opened(source.open()) as image:
            return work(image)
    except UnreadableImage as error:
        return str(error)
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, MemoryError, ValueError) as error:
        return reason(error)[:80]


def _check_faults(
    faults: dict[int, str], sources: Sequence[Source], config: TrainConfig, place: str, least: int
) -> None:
    left, listed = len(sources) - len(faults), _listed(faults, sources)
    if faults and config.own(ImageOptions).strict:
        raise DataError(
            f"{place}: {len(faults):,} of {len(sources):,} images cannot be read: {listed}. Mend or remove them, or "
            "leave off --strict, which skips them."
        )
    if left == 0 and faults:
        raise DataError(f"{place}: none of {len(sources):,} images can be read: {listed}. Mend them, or bring others.")
    if left < least:
        why = f" ({len(faults):,} more cannot be read: {listed})" if faults else ""
        raise too_few(left, place, why)


def too_few(num: int, place: str, why: str = "") -> DataError:
    """The error for one image, or none, where many are needed."""
    return DataError(
        f"{place} gives {'one image' if num == 1 else f'{num} images'}{why}. Learning needs at least 2 (one to "
        "learn from, one held out), and some hundreds to learn well. Give more."
    )


def _listed(faults: dict[int, str], sources: Sequence[Source]) -> str:
    shown = "; ".join(f"{sources[row].name!r} ({reason})" for row, reason in sorted(faults.items())[:_SHOWN])
    return shown + ("; …" if len(faults) > _SHOWN else "")


def _channels(pool: ThreadPoolExecutor, headers: dict[int, Header], sources: Sequence[Source]) -> int:
    """3 if any has colour, else 1; one more if any image lets something through."""
    channels = 3 if any(header.colour for header in headers.values()) else 1
    doubtful = [sources[row] for row, header in headers.items() if header.alpha]
    for start in range(0, len(doubtful), 64):
        # one that cannot be used is noted when it is decoded
        if any(found is True for found in pool.map(partial(_attempt, is_transparent), doubtful[start : start + 64])):
            return channels + 1
    return channels


def hidden_cleared(x: Pixels, notes: list[str], place: str) -> Pixels:
    """Images with an alpha channel whose colours are 0 where nothing shows: what editors leave there is not learned.

    x: uint8 [N, H, W, C]; copied where something must change.
    """
    parts = chunks(len(x), x[:1].nbytes) if x.shape[3] in (2, 4) else []
    hidden = [((x[part][..., -1:] == 0) & (x[part][..., :-1] > 0)).any(axis=(1, 2, 3)) for part in parts]
    if not (num := sum(int(rows.sum()) for rows in hidden)):
        return x
    cleared = room_for(x.shape)
    for part in parts:
        cleared[part] = without_hidden(x[part])
    notes.append(f"{place}: {num:,} of {len(x):,} images have colours where they are fully transparent, taken as 0")
    return finished(cleared)


def _is_grey(x: Pixels) -> bool:
    """Whether three channels are equal everywhere; ends at the first chunk where they are not."""
    parts = [slice(0, 16), *chunks(len(x), x[:1].nbytes)]
    return fits_in_memory(x.nbytes) and all((x[part] == x[part][..., :1]).all() for part in parts)


def pages_in(stream: IO[bytes]) -> int:
    """The pages of a TIFF file; 1 of any other image, and of one that is damaged."""
    from PIL import Image

    with quiet(), contextlib.suppress(Exception), Image.open(stream, formats=["TIFF"]) as image:
        return int(getattr(image, "n_frames", 1))
    return 1


def page(stream: IO[bytes], number: int) -> Any:
    """A page of a TIFF file, counted from 0, as an image of its own."""
    from PIL import Image

    image: Any = Image.open(stream, formats=["TIFF"])
    image.seek(number)
    image.is_animated = False
    return image


def _mixed_sizes(sizes: Counter[tuple[int, int]], place: str) -> DataError:
    shown = ", ".join(f"{w} x {h} ({times:,})" for (w, h), times in sizes.most_common(4))
    shorter = sorted(min(size) for size in sizes.elements())
    # Nine tenths of the images need not be enlarged; 256 is what a machine without a GPU can still bear.
    fitting = shorter[len(shorter) // 10]
    proposed = max(4, min(256, 1 << (fitting.bit_length() - 1)))
    return DataError(
        f"{place}: {sizes.total():,} images have {len(sizes):,} different sizes (width x height): {shown}"
        f"{', …' if len(sizes) > 4 else ''}. Bring them to one with --size {proposed} (--fit says how: crop, pad or "
        "stretch)."
    )


def _note_conversions(
    notes: list[str], place: str, headers: Sequence[Header], faults: dict[int, str], sources: Sequence[Source],
    config: TrainConfig, x: Pixels, resample: str,
) -> None:  # fmt: skip
    own = config.own(ImageOptions)
    if faults:
        notes.append(
            f"{place}: {len(faults):,} of {len(sources):,} images cannot be read and are skipped: "
            f"{_listed(faults, sources)}; --strict refuses them"
        )
    deep = [slot for slot, header in enumerate(headers) if DEEP in header.remarks]
    if deep and (most := max(int(x[slot].max()) for slot in deep)) < _DARK:
        notes.append(
            f"{place}: the lightest pixel of those of 16 bits is {most} of 255 after scaling. If they hold 10 or 12 "
            "bits, scale their values to 65,535 first, or few levels of grey are left."
        )
    for remark, times in Counter(remark for header in headers for remark in header.remarks).most_common():
        notes.append(f"{place}: {times:,} of {len(headers):,} images are {remark}")
    lost = sum(header.alpha for header in headers) if x.shape[3] in (1, 3) and own.channels != "auto" else 0
    if lost:
        notes.append(f"{place}: {lost:,} images may be transparent, and are laid over white (--channels rgba keeps it)")
    coloured = sum(header.colour for header in headers)
    if x.shape[3] == 1 and coloured and own.channels == "grey":
        notes.append(f"{place}: {coloured:,} images in colour made grey (.299 red, .587 green, .114 blue)")
    elif own.channels == "auto" and 0 < coloured < len(headers) and x.shape[3] >= 3:
        notes.append(f"{place}: {len(headers) - coloured:,} grey images among colour taken as rgb (--channels grey)")
    size = size_of(config)
    changed = [header for header in headers if size is not None and (header.width, header.height) != size]
    if size is None or not changed:
        return
    how = {
        "crop": "the longer side cut at the centre", "pad": "with black borders",
        "stretch": "without regard to their shape",
    }[own.fit]  # fmt: skip
    other = any(header.width * size[1] != header.height * size[0] for header in changed)
    smaller = sum(header.width < size[0] or header.height < size[1] for header in changed)
    notes.append(
        f"{place}: {len(changed):,} of {len(headers):,} images resized to {size[0]} x {size[1]} by the "
        f"{resample} filter{', ' + how if other else ''}{f'; {smaller:,} of them enlarged' if smaller else ''}"
        f" (--size, {'--fit, ' if other else ''}--resample)"
    )
