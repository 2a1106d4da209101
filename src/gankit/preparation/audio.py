"""Recordings: read, their labels understood, split, and what of it a game and a judge take.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gankit.codecs import AudioCodec, SpectrogramCodec, TableCodec, WaveCodec
from gankit.config import TrainConfig
from gankit.data import Origin, Pictures, Recordings, read_recordings, recording_hash
from gankit.errors import DataError
from gankit.preparation.labels import known_rows, rows_of, split_records, understand_labels
from gankit.preparation.prepared import Prepared, SoundPart
from gankit.preparation.refusing import refuse_other_network
from gankit.preparation.soundcuts import cut_to_judge, cut_to_learn

CODERS: dict[str, type[AudioCodec]] = {"wave": WaveCodec}
"""How recordings are shown to a network, where not as spectrograms."""


def prepare_audio(source: Any, config: TrainConfig, notes: list[str]) -> Prepared:
    """See `gankit.preparation.prepare`."""
    whole = True if config.cut else None
    recordings = read_recordings(source, config, notes, least=1, whole=whole)
    cut = config.cut or len(recordings) == 1
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
    coder = CODERS.get(network, SpectrogramCodec)
    codec = coder.fit(recordings.x[train_rows], recordings.lengths[train_rows], recordings.rate)
    looks = _looks(codec, recordings)
    seconds = recordings.x.shape[1] / recordings.rate
    channels = "one channel" if recordings.x.shape[2] == 1 else "two channels"
    what = "pieces" if cut else "recordings"
    notes.append(
        f"kind: audio ({len(recordings):,} {what} of {seconds:.3g} s at {recordings.rate:,} Hz, {channels}). Another: "
        "--kind."
    )
    return Prepared(
        recordings.origin, schema, "audio", network, train, rows_of(heldout_values, heldout_rows), codec,
        TableCodec.fit(given, train) if given else None, recording_hash(recordings),
        SoundPart(looks, train_rows, recordings),
        SoundPart(looks if others is recordings else _looks(codec, others), heldout_rows, others),
    )  # fmt: skip


def _looks(codec: AudioCodec, recordings: Recordings) -> Pictures:
    return Pictures(codec.look(recordings.x), None, Origin("array"))


def _heldout(config: TrainConfig, recordings: Recordings, notes: list[str]) -> Recordings:
    """The recordings of --heldout, brought to the rate, length and channels of those that train."""
    config = replace(config, cut="cut" in recordings.origin.details)
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
    wanted = replace(config, rate=rate, seconds=length / rate, mono=channels == 1)
    cut = config.cut and not as_they_are
    found = read_recordings(source, wanted, notes, least=1, as_they_are=as_they_are, whole=cut)
    if found.x.shape[2] != channels:
        raise DataError(
            f"{source}: its recordings have one channel, and those that train have two. Give recordings of the "
            "same kind."
        )
    return cut_to_judge(found, length) if cut else found


def _network(config: TrainConfig) -> str:
    refuse_other_network(config.network, ("images", "recordings"), "these are recordings")
    return "strided" if config.network == "auto" else config.network
