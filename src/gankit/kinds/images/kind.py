"""Images, as a kind of data: bytes as they are, which networks see as numbers in [-1, 1].

Knows everything of images by its modules; never the loop's inside or terminals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt

from gankit.columns.codec import Codec, Columns
from gankit.columns.column import Values
from gankit.columns.schema import Column, Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.probe import Probe
from gankit.io.records import Origin
from gankit.io.writing import OutputFormat, file_formats
from gankit.kinds.base import Coded, Fakes, HeldOutMetric, Kind, Notes, Noun, Prepared, Preview, spread
from gankit.kinds.images.options import OPTIONS
from gankit.kinds.images.records import (
    FILES,
    MEDIA_TYPES,
    Images,
    ImageSet,
    finished,
    joined_images,
    room_for,
    to_image_object,
    without_hidden,
    write_images,
)
from gankit.metrics.metric import Interval
from gankit.randomness import numpy_generator
from gankit.spec import Block, Spec
from gankit.stored import Size

if TYPE_CHECKING:
    from torch import Tensor

    from gankit.kinds.images.features import Perception

IMAGE = "image"
"""The column that images are, among those of their labels."""

Bytes = npt.NDArray[np.uint8]

MOST_COLOURS = 16
"""Images of no more different colours keep to them."""

MOST_SAID = 64
"""Images of no more have few colours, and a line says that samples may have others."""

MEASURED_PIXELS, LEAST_MEASURED, MOST_MEASURED = 2**22, 256, 5000
"""The held-out metric is measured on at most so many pixels together, within bounds of images."""

MOST_PRETRAINED = 256
"""Images that the held-out metric is measured on, at most, where a network that has seen photographs looks at them: it
takes 10 ms an image."""


class ImageCodec(Codec[Columns]):
    """The codec of kind "image". Its compact form are the bytes, [N, H, W, C] uint8; all images have one shape.

    palette: uint8 [K, C], the only colours that images have; None: any.
    chooses: whether networks see a channel for each of these, and the largest one says which; compact are then codes,
        [N, H, W, 1] uint8. Else a colour is the nearest one, which on an edge may be one that lies between two others.
    clears: whether the last channel is alpha, and colours are 0 where it is 0.
    """

    LATER = ("palette", "chooses", "clears")

    def __init__(
        self, height: Size, width: Size, channels: Annotated[int, range(1, 5)], palette: Bytes | None = None,
        chooses: bool = False, clears: bool = False,
    ) -> None:  # fmt: skip
        if palette is not None and palette.shape[1:] != (channels,):
            raise ValueError("its palette has other channels")
        self.height, self.width, self.channels, self.palette = height, width, channels, palette
        self.chooses, self.clears = chooses, clears
        self.spec = Spec("image", (channels, height, width))
        if palette is not None and chooses:
            self.spec = Spec("image", (len(palette), height, width), (Block("categorical", len(palette)),))

    @classmethod
    def of(cls, x: np.ndarray, palette: np.ndarray | None) -> Self:
        """The codec for images [N, H, W, C] uint8 of these colours; of two colours none lies between."""
        _, height, width, channels = x.shape
        return cls(height, width, channels, palette, palette is not None and len(palette) > 2, channels in (2, 4))

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns) -> Self:
        """The codec for images of one size."""
        x = records[IMAGE].data
        return cls.of(x, palette_of(x))

    def unlike(self, other: ImageCodec) -> str | None:
        """See `Codec.unlike`."""
        here, there = self.spec.shape[0], other.spec.shape[0]
        said = f"its images have {there} channels, and these have {here}. Give --channels so that both have the same"
        return None if here == there else said

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`: uint8 [N, H, W, C], or codes."""
        return self.coded(records[IMAGE].data).x

    def coded(self, x: np.ndarray, rows: np.ndarray | None = None) -> Coded:
        """Some rows of images uint8 [N, H, W, C] as compact records, where they are or as codes."""
        if not self.chooses or self.palette is None:
            return Coded(x, rows)
        chosen = range(len(x)) if rows is None else rows
        codes = room_for((len(chosen), self.height, self.width, 1))
        for at, row in enumerate(chosen):
            codes[at, ..., 0] = _nearest(x[row], self.palette)
        return Coded(finished(codes), None if rows is None else np.arange(len(rows)))

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`: from uint8 [N, H, W, C], or codes."""
        return {IMAGE: Values(self.seen(compact), np.zeros(len(compact), dtype=np.int8))}

    def seen(self, compact: np.ndarray) -> np.ndarray:
        """Compact records as the images that metrics look at, [N, H, W, C] uint8, in colours of the palette."""
        if self.palette is None:
            return without_hidden(compact) if self.clears else compact
        if self.chooses:
            return np.asarray(self.palette[compact[..., 0]])
        return np.asarray(self.palette[np.stack([_nearest(image, self.palette) for image in compact])])


def palette_of(x: np.ndarray, most: int = MOST_COLOURS) -> np.ndarray | None:
    """The colours of images uint8 [N, H, W, C], [K, C], where they are `most`, and 2 at least; else None."""
    channels = x.shape[3]
    places = np.arange(channels, dtype=np.uint32) * 8
    found = np.zeros(0, np.uint32)
    for image in x:
        codes = (image.reshape(-1, channels).astype(np.uint32) << places).sum(axis=1, dtype=np.uint32)
        found = np.union1d(found, codes[~np.isin(codes, found)])
        if len(found) > most:
            return None
    return (found[:, None] >> places).astype(np.uint8) if len(found) > 1 else None


def _nearest(image: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Which of the colours [K, C] is the nearest to each pixel: uint8 [H, W, C] -> int64 [H, W]."""
    colours = palette.astype(np.float32)  # |x - p|^2 without |x|^2, which is the same for all p
    return np.asarray((np.square(colours).sum(axis=1) - 2 * image.astype(np.float32) @ colours.T).argmin(axis=-1))


SHOWN_NUMBERS, LEAST_SHOWN = 1_500_000, 8
"""Images of a preview: as many as have that many numbers together, but not fewer than 8."""


def _fitting(prepared: Prepared[Any, Any], count: int) -> int:
    return int(np.clip(SHOWN_NUMBERS // math.prod(prepared.heldout.whole.x.shape[1:]), LEAST_SHOWN, count))


SetT = TypeVar("SetT", bound=ImageSet)
CodecT = TypeVar("CodecT", bound=Codec[Any])


class PixelKind(Kind[SetT, CodecT]):
    """A kind whose records are measured as images.

    measured: what held-out ones are called in the note on checkpoints.
    """

    measured: str

    def evidence(self, prepared: Prepared[SetT, CodecT], config: TrainConfig, notes: Notes) -> Perception:
        """See `Kind.evidence`: a classifier of the labels, or fixed features."""
        from gankit.kinds.images.features import perception_for

        return perception_for(prepared, config, notes, self.measured)

    def load_evidence(
        self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any], prepared: Prepared[SetT, CodecT]
    ) -> Perception:
        """See `Kind.load_evidence`."""
        from gankit.kinds.images.features import Perception

        return Perception.from_state(tensors, numbers, prepared.train.whole.x.shape[3])

    def held_out_metric(
        self, prepared: Prepared[SetT, CodecT], config: TrainConfig, evidence: Any, fakes_seed: int
    ) -> HeldOutMetric:
        """See `Kind.held_out_metric`: minus a distance in the features of `evidence`."""
        from gankit.metrics.distances import held_out_kernel_metric, held_out_metric

        _, height, width, _ = prepared.heldout.whole.x.shape
        most = MOST_PRETRAINED if evidence.is_pretrained else MOST_MEASURED
        count = int(np.clip(MEASURED_PIXELS // (height * width), min(LEAST_MEASURED, most), most))
        real = prepared.heldout.some(count, numpy_generator(config.seed, "judged"))
        metric = held_out_kernel_metric if evidence.is_pretrained else held_out_metric
        distance, codec = metric(evidence.features(real)), cast(Any, prepared.codec)

        def value(fakes: Fakes) -> Interval:
            return distance(evidence.features(codec.seen(fakes.made(count, fakes_seed))))

        return HeldOutMetric(f"minus the {evidence.distance} ({evidence.name})", value)

    def preview(self, fakes: Fakes, prepared: Prepared[SetT, Any], count: int, seed: int) -> Preview:
        """See `Kind.preview`: images [count, H, W, C] uint8."""
        return Preview("grid", prepared.codec.seen(fakes.first(_fitting(prepared, count), seed)))

    def preview_real(self, prepared: Prepared[SetT, Any], count: int) -> Preview:
        """See `Kind.preview_real`."""
        some = spread(prepared.heldout, _fitting(prepared, count))
        return Preview("grid", np.asarray(some.whole.x[some.rows]))

    def suffix(self, origin: Origin) -> str:
        """See `Kind.suffix`."""
        return "npz"


class ImageKind(PixelKind[ImageSet, ImageCodec]):
    """Images with their labels."""

    name = "image"
    noun = Noun("image", "images")
    described = "images"
    options = OPTIONS
    conditioned = "Train it anew on images with such a label."
    side_by_side = False
    most_fakes = 10_000
    measures_threads = True
    has_places = True
    augmentation = "ada"
    codec = ImageCodec
    assessed_by = "gankit.kinds.images.evaluation:ImageAssessment"
    measured = "held-out images"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`: by the kinds of files, the heads of arrays, or the types of objects."""
        from gankit.kinds.images.reading import holds_images

        return holds_images(probe, config)

    def prepare(self, probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[ImageSet, ImageCodec]:
        """See `Kind.prepare`."""
        from gankit.kinds.images.preparing import prepare_images

        return prepare_images(self, probe, config, notes)

    def coded(self, prepared: Prepared[ImageSet, Any], part: ImageSet) -> Coded:
        """See `Kind.coded`: bytes where they are, in memory or in the file that they are mapped from; or codes."""
        codec: ImageCodec = prepared.codec
        return codec.coded(part.whole.x, part.rows)

    def like(self, source: Any, prepared: Prepared[ImageSet, ImageCodec], config: TrainConfig) -> ImageSet:
        """See `Kind.like`."""
        from gankit.kinds.images.preparing import images_like

        return images_like(source, prepared, config)

    def settle(self, prepared: Prepared[ImageSet, Any], config: TrainConfig, notes: Notes) -> TrainConfig:
        """See `Kind.settle`: whether images are mirrored."""
        from gankit.kinds.images.features import mirror_for

        return config.with_options(mirror=mirror_for(prepared, config, notes))

    def records(
        self, schema: Schema, codec: ImageCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int,
        seed: int, origin: Origin,
    ) -> Any:  # fmt: skip
        """See `Kind.records`: `Images`."""
        values = codec.decode(made)
        labels = schema.format({**given, **values}, len(made), first_row=first_row, seed=seed)
        return Images(values[IMAGE].data, labels if labels.num_columns else None, origin)

    def pixels(self, source: Any, codec: ImageCodec, notes: Notes) -> tuple[np.ndarray, list[str]]:
        """See `Kind.pixels`."""
        from gankit.kinds.images.decoding import channels_option
        from gankit.kinds.images.reading import read_images

        channels, size = codec.channels, f"{codec.width}x{codec.height}"
        named = channels_option(channels)
        found = read_images(source, TrainConfig(kind="image", size=size, channels=named), notes, least=1)
        if found.x.shape[3] != channels:
            raise DataError(f"{source}: its images have {found.x.shape[3]} channels, and the model's have {channels}.")
        return np.asarray(found.x), list(found.names)

    def of_pixels(self, x: np.ndarray, origin: Origin) -> Images:
        """See `Kind.of_pixels`."""
        return Images(x, None, origin)

    def join(self, batches: Sequence[Any], origin: Origin) -> Any:
        """See `Kind.join`."""
        return to_image_object(joined_images(batches, origin))

    @property
    def formats(self) -> Mapping[str, OutputFormat]:
        """See `Kind.formats`: archives, arrays, and a grid."""
        return file_formats(FILES, MEDIA_TYPES)

    def write_file(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `Kind.write_file`."""
        if format is not None:
            raise OptionError(
                f"--format {format}: what images go to is told by the name after -o: a folder, a .zip, an .npz, an "
                ".npy, or a .png as a grid. Leave --format out."
            )
        write_images(batches, path, origin, first_row=first_row)
