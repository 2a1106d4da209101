"""Audio clips: read, cut into pieces where they are long, their labels understood, split and coded.

Knows clips, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns import splitting
from gankit.columns.codec import TableCodec
from gankit.columns.column import Values
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.records import Origin
from gankit.kinds.audio.codec import AudioCodec, SpectrogramCodec, WaveCodec, sound_values
from gankit.kinds.audio.files import Clips, ClipSet, clip_hash
from gankit.kinds.audio.options import AudioOptions
from gankit.kinds.audio.reading import SHORTEST, SILENT, read_clips, rounded_length
from gankit.kinds.base import Kind, Prepared
from gankit.kinds.images.records import Images
from gankit.networks import NETWORKS, pair_for

Ints = npt.NDArray[np.int64]

PIECE_S = 1.0
"""Seconds of a piece where nobody says how many, as in most work on raw sound (Donahue et al. 2019)."""

OVERLAP = 4
"""A piece to learn from begins every so many parts of one; held-out pieces do not overlap."""

MANY = 20
"""From so many audio clips on whole ones are held out, below that a part of the time of each."""

MOST_BYTES = 2**30
"""Pieces to learn from lie further apart where they would need more memory."""


def prepare_audio(
    kind: Kind[ClipSet, AudioCodec], source: Any, config: TrainConfig, notes: list[str]
) -> Prepared[ClipSet, AudioCodec]:
    """See `Kind.prepare`."""
    cut = config.own(AudioOptions).cut
    clips = read_clips(source, config, notes, least=1, whole=cut or None)
    cut = cut or len(clips) == 1
    config, schema = splitting.understand_labels(
        clips.labels, config, notes, "audio clips", bool(clips.origin.details.get("classes")), cells=False
    )
    values = {} if clips.labels is None else schema.parse(clips.labels)
    given = [c for c in schema.modelled if c.name in config.given]
    if cut:
        clips, train_rows, heldout_rows = cut_to_learn(clips, config, schema, values, notes)
        values = {} if clips.labels is None else schema.parse(clips.labels)
    elif config.heldout is None:
        train_rows, heldout_rows = splitting.split_records(len(clips), schema, values, config)
    others, heldout_values = clips, values
    if config.heldout is not None:
        others = _heldout(config, clips, notes)
        heldout_values = {} if others.labels is None else schema.parse(others.labels)
        train_rows = np.arange(len(clips))
        heldout_rows = splitting.known_rows(len(others), given, heldout_values, notes, "audio clips")
    train = splitting.rows_of(values, train_rows)
    network = "strided"
    if config.network != "auto":
        network = pair_for(config.network, ("image", "signal"), "these are audio clips").name
    coder: type[AudioCodec] = WaveCodec if "signal" in NETWORKS[network].makes else SpectrogramCodec
    codec = coder.fit((), sound_values(clips.x[train_rows], clips.lengths[train_rows]), clips.rate)
    images = _spectrograms(codec, clips)
    heldout_images = images if others is clips else _spectrograms(codec, others)
    seconds = clips.x.shape[1] / clips.rate
    channels = "one channel" if clips.x.shape[2] == 1 else "two channels"
    what = "pieces" if cut else "audio clips"
    notes.append(
        f"kind: audio ({len(clips):,} {what} of {seconds:.3g} s at {clips.rate:,} Hz, {channels}). "
        "Override with --kind."
    )
    return Prepared(
        kind, clips.origin, schema, network, ClipSet(train, images, train_rows, clips),
        ClipSet(splitting.rows_of(heldout_values, heldout_rows), heldout_images, heldout_rows, others), codec,
        TableCodec.fit(given, train) if given else None, clip_hash(clips), tuple(c.name for c in given),
    )  # fmt: skip


def clips_as(source: Any, prepared: Prepared[ClipSet, AudioCodec], config: TrainConfig) -> ClipSet:
    """See `Kind.like`: in the rate, length and channels of those that train."""
    config = replace(config, heldout=source, given=prepared.given_names)
    found = _heldout(config, prepared.train.clips, [])
    values = {} if found.labels is None else prepared.schema.parse(found.labels)
    return ClipSet(values, _spectrograms(prepared.codec, found), np.arange(len(found)), found)


def _spectrograms(codec: AudioCodec, clips: Clips) -> Images:
    return Images(codec.spectrograms(clips.x), None, Origin("array"))


def _heldout(config: TrainConfig, clips: Clips, notes: list[str]) -> Clips:
    """The audio clips of --heldout, in the rate, length and channels of those that train."""
    config = config.with_options(cut="cut" in clips.origin.details)
    found = clips_like(config.heldout, config, clips.rate, clips.x.shape[1], clips.x.shape[2], notes)
    if config.given and found.labels is None:
        raise DataError(
            f"--heldout {config.heldout}: its audio clips have no labels, and those that train have. Give labelled "
            "ones, or train without labels by --given none."
        )
    return found


def clips_like(
    source: Any, config: TrainConfig, rate: int, length: int, channels: int, notes: list[str], as_they_are: bool = False
) -> Clips:
    """Audio clips from wherever they are, in the rate, length and channels of those that train.

    config: with `cut`, longer ones are cut into pieces, unless they are taken `as_they_are` (see `read_clips`).

    Raises:
        DataError: they have one channel, and those that train two.
    """
    wanted = config.with_options(rate=rate, seconds=length / rate, mono=channels == 1)
    cut = config.own(AudioOptions).cut and not as_they_are
    found = read_clips(source, wanted, notes, least=1, as_they_are=as_they_are, whole=cut)
    if found.x.shape[2] != channels:
        raise DataError(
            f"{source}: its audio clips have one channel, and those that train have two. Give audio clips of the "
            "same kind."
        )
    return cut_end_to_end(found, length) if cut else found


def cut_to_learn(
    clips: Clips, config: TrainConfig, schema: Schema, values: Mapping[str, Values], notes: list[str]
) -> tuple[Clips, Ints, Ints]:
    """Pieces of audio clips of any length, and the rows of those that train and of those that are held out.

    No sample is in both parts. With `config.heldout` all of them train.

    Raises:
        DataError: the audio clips are too short for two pieces.
    """
    seconds = config.own(AudioOptions).seconds
    window = round((PIECE_S if seconds is None else seconds) * clips.rate)
    window = rounded_length(window) if seconds is None else max(SHORTEST, window)
    num, whole, channels = clips.x.shape
    begins = np.arange(num, dtype=np.int64) * whole
    total = int(clips.lengths.sum())
    hop = max(1, window // OVERLAP, -(-2 * total * window * channels // MOST_BYTES))
    if config.heldout is not None:
        train, heldout = splitting.windows_of(begins, clips.lengths, window, hop), begins[:0]
    elif num >= MANY:
        rows, others = splitting.split_records(num, schema, values, config)
        train = splitting.windows_of(begins[rows], clips.lengths[rows], window, hop)
        heldout = splitting.windows_of(begins[others], clips.lengths[others], window, window)
    elif int(clips.lengths.max()) >= 2 * window:
        fraction = splitting.FRACTION if config.heldout_fraction is None else config.heldout_fraction
        train, heldout = splitting.split_in_time(begins, clips.lengths, window, hop, fraction, window)
    else:
        train = heldout = begins[:0]
    parts = [part[_audible(clips, part, window)] for part in (train, heldout)]
    quiet = len(train) + len(heldout) - sum(map(len, parts))
    if not len(parts[0]) or (config.heldout is None and not len(parts[1])):
        count = "one audio clip" if num == 1 else f"{num:,} audio clips"
        raise DataError(
            f"{count} of at most {clips.lengths.max() / clips.rate:.2f} s {'gives' if num == 1 else 'give'} "
            f"too few pieces of {window / clips.rate:.3g} s that can be heard: one to train on and one to "
            "evaluate on are the least, some hundreds teach well. Give more audio clips, or take shorter pieces with "
            "--seconds."
        )
    said = f"{len(parts[0]):,} to learn from, {hop / clips.rate:.3g} s apart"
    said += f", and {len(parts[1]):,} held out, which share no sample with them" if config.heldout is None else ""
    said += f"; {quiet:,} silent ones are left out" if quiet else ""
    short = int((clips.lengths < window).sum())
    said += f"; without {short:,} of {num:,} audio clips shorter than a piece" if short else ""
    length = f"{window / clips.rate:.3g} s ({window:,} samples)"
    notes.append(f"cut into pieces of {length}: {said}. Override with --seconds")
    found = _pieces(clips, np.concatenate(parts), window)
    return found, np.arange(len(parts[0])), np.arange(len(parts[0]), len(found))


def cut_end_to_end(clips: Clips, window: int) -> Clips:
    """All the pieces of `window` samples that can be heard, end to end.

    Raises:
        DataError: there are none.
    """
    begins = splitting.windows_of(np.arange(len(clips)) * clips.x.shape[1], clips.lengths, window, window)
    begins = begins[_audible(clips, begins, window)]
    if not len(begins):
        raise DataError(
            f"no audio clip of those to evaluate on has a piece of {window / clips.rate:.3g} s that can be heard, as "
            "those that train were cut into. Bring longer ones."
        )
    return _pieces(clips, begins, window)


def _audible(clips: Clips, begins: Ints, window: int) -> npt.NDArray[np.bool_]:
    flat = clips.x.reshape(-1, clips.x.shape[2])
    return np.array([bool((np.abs(flat[b : b + window].astype(np.int32)) >= SILENT).any()) for b in begins], dtype=bool)


def _pieces(clips: Clips, begins: Ints, window: int) -> Clips:
    """The pieces that begin at these samples of all audio clips, laid end to end."""
    whole = clips.x.shape[1]
    of, at = begins // whole, begins % whole
    x = np.stack([clips.x[row, first : first + window] for row, first in zip(of, at, strict=True)])
    names = tuple(f"{clips.names[row]} from {first / clips.rate:.2f} s" for row, first in zip(of, at, strict=True))
    labels = None if clips.labels is None else clips.labels.take(pa.array(of))
    origin = replace(clips.origin, details={**clips.origin.details, "cut": True})
    return Clips(x, np.full(len(x), window), clips.rate, labels, origin, names if clips.names else ())
