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

from gankit.columns.cells import Values
from gankit.columns.codec import TableCodec
from gankit.columns.labels import known_rows, rows_of, split_records, understand_labels
from gankit.columns.schema import Schema
from gankit.columns.splitting import FRACTION, split_in_time, windows_of
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.origin import Origin
from gankit.kinds.audio.codec import AudioCodec, SpectrogramCodec, WaveCodec, sound_values
from gankit.kinds.audio.options import AudioOptions
from gankit.kinds.audio.reading import SHORTEST, SILENT, read_recordings, roomy
from gankit.kinds.audio.records import ClipSet, Recordings, recording_hash
from gankit.kinds.base import Kind, Prepared
from gankit.kinds.images.records import Pictures
from gankit.networks import NETWORKS, pair_for


def prepare_audio(
    kind: Kind[ClipSet, AudioCodec], source: Any, config: TrainConfig, notes: list[str]
) -> Prepared[ClipSet, AudioCodec]:
    """See `Kind.prepare`."""
    own = config.own(AudioOptions)
    whole = True if own.cut else None
    recordings = read_recordings(source, config, notes, least=1, whole=whole)
    cut = own.cut or len(recordings) == 1
    config, schema = understand_labels(
        recordings.labels, config, notes, "recordings", by_name=bool(recordings.origin.details.get("classes"))
    )
    values = {} if recordings.labels is None else schema.parse(recordings.labels)
    given = [c for c in schema.modelled if c.name in config.given]
    if cut:
        recordings, train_rows, heldout_rows = cut_to_learn(recordings, config, schema, values, notes)
        values = {} if recordings.labels is None else schema.parse(recordings.labels)
        others, heldout_values = recordings, values
    elif config.heldout is None:
        train_rows, heldout_rows = split_records(len(recordings), schema, values, config)
        others, heldout_values = recordings, values
    if config.heldout is not None:
        others = _heldout(config, recordings, notes)
        heldout_values = {} if others.labels is None else schema.parse(others.labels)
        train_rows = np.arange(len(recordings))
        heldout_rows = known_rows(len(others), given, heldout_values, notes, "recordings")
    train = rows_of(values, train_rows)
    network = _network(config)
    coder: type[AudioCodec] = WaveCodec if "signal" in NETWORKS[network].makes else SpectrogramCodec
    codec = coder.fit((), sound_values(recordings.x[train_rows], recordings.lengths[train_rows]), recordings.rate)
    looks = _looks(codec, recordings)
    seconds = recordings.x.shape[1] / recordings.rate
    channels = "one channel" if recordings.x.shape[2] == 1 else "two channels"
    what = "pieces" if cut else "recordings"
    notes.append(
        f"kind: audio ({len(recordings):,} {what} of {seconds:.3g} s at {recordings.rate:,} Hz, {channels}). Another: "
        "--kind."
    )
    return Prepared(
        kind, recordings.origin, schema, network, ClipSet(train, looks, train_rows, recordings),
        ClipSet(
            rows_of(heldout_values, heldout_rows), looks if others is recordings else _looks(codec, others),
            heldout_rows, others,
        ),
        codec, TableCodec.fit(given, train) if given else None, recording_hash(recordings),
        tuple(c.name for c in given),
    )  # fmt: skip


def _looks(codec: AudioCodec, recordings: Recordings) -> Pictures:
    return Pictures(codec.look(recordings.x), None, Origin("array"))


def _heldout(config: TrainConfig, recordings: Recordings, notes: list[str]) -> Recordings:
    """The recordings of --heldout, brought to the rate, length and channels of those that train."""
    config = config.with_options(cut="cut" in recordings.origin.details)
    found = brought_to(config.heldout, config, recordings.rate, recordings.x.shape[1], recordings.x.shape[2], notes)
    if config.given and found.labels is None:
        raise DataError(
            f"--heldout {config.heldout}: its recordings have no labels, and those that train have. Give labelled "
            "ones, or train without labels by --given none."
        )
    return found


def brought_to(
    source: Any, config: TrainConfig, rate: int, length: int, channels: int, notes: list[str], as_they_are: bool = False
) -> Recordings:
    """Recordings from wherever they are, in the rate, length and channels of those that train.

    config: with `cut`, longer ones are cut into pieces, unless they are judged `as_they_are` (see `read_recordings`).

    Raises:
        DataError: they have one channel, and those that train two.
    """
    wanted = config.with_options(rate=rate, seconds=length / rate, mono=channels == 1)
    cut = config.own(AudioOptions).cut and not as_they_are
    found = read_recordings(source, wanted, notes, least=1, as_they_are=as_they_are, whole=cut)
    if found.x.shape[2] != channels:
        raise DataError(
            f"{source}: its recordings have one channel, and those that train have two. Give recordings of the "
            "same kind."
        )
    return cut_to_judge(found, length) if cut else found


def _network(config: TrainConfig) -> str:
    if config.network == "auto":
        return "strided"
    return pair_for(config.network, ("image", "signal"), "these are recordings").name


Ints = npt.NDArray[np.int64]

PIECE_S = 1.0
"""Seconds of a piece where nobody says how many, as in most work on raw sound (Donahue et al. 2019)."""

OVERLAP = 4
"""A piece to learn from begins every so many parts of one; pieces that judge do not overlap."""

MANY = 20
"""From so many recordings on whole ones are held out, below that a part of the time of each."""

MOST_BYTES = 2**30
"""Pieces to learn from lie further apart where they would need more memory."""


def cut_to_learn(
    recordings: Recordings, config: TrainConfig, schema: Schema, values: Mapping[str, Values], notes: list[str]
) -> tuple[Recordings, Ints, Ints]:
    """Pieces of recordings of any length, and the rows of those that train and of those that are held out.

    No sample is in both parts. With `config.heldout` all of them train.

    Raises:
        DataError: the recordings are too short for two pieces.
    """
    window = _window(recordings, config)
    num, whole, channels = recordings.x.shape
    begins = np.arange(num, dtype=np.int64) * whole
    total = int(recordings.lengths.sum())
    hop = max(1, window // OVERLAP, -(-2 * total * window * channels // MOST_BYTES))
    if config.heldout is not None:
        train, heldout = windows_of(begins, recordings.lengths, window, hop), begins[:0]
    elif num >= MANY:
        rows, others = split_records(num, schema, values, config)
        train = windows_of(begins[rows], recordings.lengths[rows], window, hop)
        heldout = windows_of(begins[others], recordings.lengths[others], window, window)
    elif int(recordings.lengths.max()) >= 2 * window:
        fraction = FRACTION if config.heldout_fraction is None else config.heldout_fraction
        train, heldout = split_in_time(begins, recordings.lengths, window, hop, fraction, window)
    else:
        train = heldout = begins[:0]
    parts = [part[_audible(recordings, part, window)] for part in (train, heldout)]
    quiet = len(train) + len(heldout) - sum(map(len, parts))
    if not len(parts[0]) or (config.heldout is None and not len(parts[1])):
        count = "one recording" if num == 1 else f"{num:,} recordings"
        raise DataError(
            f"{count} of at most {recordings.lengths.max() / recordings.rate:.2f} s {'gives' if num == 1 else 'give'} "
            f"too few pieces of {window / recordings.rate:.3g} s that can be heard: one to learn from and one to judge "
            "by are the least, some hundreds teach well. Give more recordings, or take shorter pieces with --seconds."
        )
    said = f"{len(parts[0]):,} to learn from, {hop / recordings.rate:.3g} s apart"
    said += f", and {len(parts[1]):,} held out, which share no sample with them" if config.heldout is None else ""
    said += f"; {quiet:,} silent ones are left out" if quiet else ""
    short = int((recordings.lengths < window).sum())
    said += f"; without {short:,} of {num:,} recordings shorter than a piece" if short else ""
    notes.append(f"cut into pieces of {window / recordings.rate:.3g} s ({window:,} samples): {said}. Others: --seconds")
    found = _pieces(recordings, np.concatenate(parts), window)
    return found, np.arange(len(parts[0])), np.arange(len(parts[0]), len(found))


def cut_to_judge(recordings: Recordings, window: int) -> Recordings:
    """All the pieces of `window` samples that can be heard, end to end."""
    begins = windows_of(np.arange(len(recordings)) * recordings.x.shape[1], recordings.lengths, window, window)
    begins = begins[_audible(recordings, begins, window)]
    if not len(begins):
        raise DataError(
            f"no recording of those to judge by has a piece of {window / recordings.rate:.3g} s that can be heard, as "
            "those that train were cut into. Bring longer ones."
        )
    return _pieces(recordings, begins, window)


def _window(recordings: Recordings, config: TrainConfig) -> int:
    own = config.own(AudioOptions)
    rate = recordings.rate
    return roomy(round(PIECE_S * rate)) if own.seconds is None else max(SHORTEST, round(own.seconds * rate))


def _audible(recordings: Recordings, begins: Ints, window: int) -> npt.NDArray[np.bool_]:
    flat = recordings.x.reshape(-1, recordings.x.shape[2])
    return np.array([bool((np.abs(flat[b : b + window].astype(np.int32)) >= SILENT).any()) for b in begins], dtype=bool)


def _pieces(recordings: Recordings, begins: Ints, window: int) -> Recordings:
    """The pieces that begin at these samples of all recordings, laid end to end."""
    whole = recordings.x.shape[1]
    of, at = begins // whole, begins % whole
    x = np.stack([recordings.x[row, first : first + window] for row, first in zip(of, at, strict=True)])
    names = tuple(
        f"{recordings.names[row]} from {first / recordings.rate:.2f} s" for row, first in zip(of, at, strict=True)
    )
    labels = None if recordings.labels is None else recordings.labels.take(pa.array(of))
    origin = replace(recordings.origin, details={**recordings.origin.details, "cut": True})
    return Recordings(x, np.full(len(x), window), recordings.rate, labels, origin, names if recordings.names else ())
