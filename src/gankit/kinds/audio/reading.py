"""Reading audio clips: which sources hold some, and from any of them to `Clips` of one rate and length, with
labels by a pattern of their names, by the folders they lie in, or by a list beside them.

Knows every source by the module that reads it; never torch or networks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import reading as io_reading
from gankit.io.archives import AUDIO_SUFFIXES, Collection, is_image, largest_size
from gankit.io.probe import Probe, probed
from gankit.io.records import Origin
from gankit.kinds.audio.files import (
    FULL,
    Clips,
    Samples,
    UnreadableSound,
    decode_sound,
    from_npz,
    from_object,
    has_rate,
    holds_samples,
    is_array_file,
    is_audio,
    to_int16,
)
from gankit.kinds.audio.options import AudioOptions
from gankit.kinds.images import labels as lists
from gankit.kinds.images.folders import Sought, labelled

MOST_CUT = 0.01
"""Share of the audio clips that may be longer than the length that is taken by itself."""

SILENT, RAIL, CLIPPED = 4, FULL, 0.01
"""No sample louder than the first: silent. More than that share of pairs of samples at the second: clipped."""

SHORTEST = 16
MOST_STRETCHED = 200
"""An audio clip becomes so many times as many samples at the most: damaged headers would fill the memory."""

_SHOWN = 4
_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SKIPPED = "_"


def stem(name: str) -> str:
    """An audio clip's name without folders and suffix.

    >>> stem("audio clips/7_theo_12.wav")
    '7_theo_12'
    """
    last = name.rsplit("/", 1)[-1]
    return next((last[: -len(s)] for s in AUDIO_SUFFIXES if last.lower().endswith(s)), last)


def by_pattern(names: Sequence[str], pattern: str, place: str) -> pa.Table:
    """The labels in the names of audio clips, one row a name.

    pattern: of `--pattern`. Every `{name}` is as few characters as fit, at least one; `{_}` is left out.

    Raises:
        OptionError: the pattern names no label, or one twice, or a name does not fit.
    """
    labels = [label for label in _FIELD.findall(pattern) if label != _SKIPPED]
    if not labels or len(set(labels)) < len(labels):
        raise OptionError(
            f"--pattern {pattern!r} must name labels in braces, each once, such as '{{digit}}_{{speaker}}_{{_}}' for "
            "7_theo_12.wav ({_} is left out)."
        )
    parts = enumerate(_FIELD.split(pattern))  # texts and names of labels in turn
    expression = "".join(
        re.escape(p) if i % 2 == 0 else "(?:.+?)" if p == _SKIPPED else f"(?P<{p}>.+?)" for i, p in parts
    )
    found = [re.fullmatch(expression, stem(name)) for name in names]
    odd = [name for name, match in zip(names, found, strict=True) if match is None]
    if odd:
        raise OptionError(
            f"{place}: {len(odd):,} of {len(names):,} names do not fit --pattern {pattern!r}, such as {odd[0]!r}. "
            "Change the pattern, or take those files out."
        )
    return pa.table({label: pa.array([m.group(label) for m in found if m is not None]) for label in labels})


def seem_patterned(names: Sequence[str]) -> str | None:
    """A pattern that the names seem to have: as many parts in all, one of them of few values; None if none."""
    for sign in ("_", "-"):
        parts = [stem(name).split(sign) for name in names]
        if len(parts[0]) < 2 or any(len(p) != len(parts[0]) for p in parts) or len(parts[0]) > 6:
            continue
        few = [1 < len(set(column)) <= len(names) // 2 for column in zip(*parts, strict=True)]
        if any(few):
            return sign.join(f"{{label{i}}}" if is_few else "{_}" for i, is_few in enumerate(few))
    return None


def labels_for(files: Collection, config: TrainConfig, notes: list[str]) -> tuple[list[str], pa.Table | None, bool]:
    """The audio clips to take, their labels, and whether these are the names of folders."""
    own, place = config.own(AudioOptions), files.name
    found, classes = labelled(
        files, Sought("audio clips", AUDIO_SUFFIXES, own.strict), config, notes, lists=own.pattern is None
    )
    if own.pattern is not None:
        return found.names, by_pattern(found.names, own.pattern, place), False
    if found.labels is None and (pattern := seem_patterned(found.names)) is not None:
        notes.append(
            f"{place}: names such as {found.names[0].rsplit('/', 1)[-1]} seem to hold labels; --pattern '{pattern}' "
            "takes them ({_} is left out; name them as you like)"
        )
    return found.names, found.labels, classes


def holds_audio(source: Any, config: TrainConfig) -> bool:
    """Whether `--kind auto` means audio clips: by the suffixes of files, or an array of samples with its rate.

    Never raises: what cannot be read is left to other readers, whose texts say what is wrong.
    """
    if config.kind != "auto":
        return config.kind == "audio"
    try:
        with probed(source) as probe:
            if probe.path is None:
                return config.own(AudioOptions).rate is not None and holds_samples(probe.source)
            return _path_holds_audio(probe, config)
    except Exception:
        # Whatever is wrong with it, these are no audio clips that can be seen at a glance.
        return False


def _path_holds_audio(probe: Probe, config: TrainConfig) -> bool:
    files = probe.collection
    if files is not None:
        return any(map(is_audio, files.names)) and not any(map(is_image, files.names))
    if probe.file is None:
        return False
    if is_audio(probe.file.name):
        return True
    if not is_array_file(probe.file.name):
        return config.of_kinds.get("text_column") is None and lists.seems_list(probe, config, AUDIO_SUFFIXES)
    if config.own(AudioOptions).rate is not None:
        return True
    return probe.file.suffix.lower() == ".npz" and has_rate(probe.stream())


@dataclass(frozen=True)
class _Found:
    """Audio clips as they were found: samples [T_i, C_i], a rate each, names for messages, and what goes with them."""

    sounds: list[Samples]
    rates: list[int]
    names: list[str]
    labels: pa.Table | None
    origin: Origin


def read_clips(
    source: Any, config: TrainConfig, notes: list[str], *, least: int = 2, as_they_are: bool = False,
    whole: bool | None = False,
) -> Clips:  # fmt: skip
    """Audio clips of one rate, length and number of channels, with their labels.

    source: a path to a folder, an archive, a folder in one, a file of sound, or an .npz (`x` [N, T] or [N, T, C],
        `rate`, perhaps `length` and labels); an array [N, T] or [N, T, C], a list of arrays [T] or [T, C], or a pair of
        these and labels, with `config.rate`.
    config: `rate`, `seconds`, `mono`, `pattern` and `strict` are obeyed.
    notes: one line is appended for every decision that was not obvious. least: fewer audio clips are refused.
    as_they_are: whether silent ones are kept, and nothing is said of clipped ones: so fakes are judged.
    whole: whether they stay as long as they are, whatever `seconds` says; None: where one is alone.

    Raises:
        DataError: there are none, too few, or none that can be learned from. OptionError: an option does not fit.
    """
    for name in ("rate", "seconds"):
        value = getattr(config.own(AudioOptions), name)
        if value is not None and not value > 0:
            raise OptionError(f"--{name} must be above 0. Got {value:g} instead.")
    with probed(source) as probe:
        place = probe.place
        if probe.path is not None or probe.is_standard_input:
            found = _from_path(probe, config, notes)
        else:
            io_reading.refuse_options(config, (), place)
            found = _of_array(*from_object(probe.source, config))
    if not as_they_are:
        found = _audible(found, config, notes, place)
    if len(found.sounds) < least:
        count = "one audio clip" if len(found.sounds) == 1 else f"{len(found.sounds)} audio clips"
        raise DataError(
            f"{place} gives {count}. Learning needs at least 2 (one to learn from, one held out), and some hundreds to "
            "learn well. Give more, such as a folder of WAV files; --cut cuts long ones into many."
        )
    sounds, rate = _at_one_rate(found, config, notes, place)
    sounds = _in_one_layout(sounds, config, notes, place)
    stay = len(sounds) == 1 if whole is None else whole
    length = max(map(len, sounds)) if stay else _length(sounds, rate, config, notes, place)
    channels = sounds[0].shape[1]
    if 2 * len(sounds) * length * channels > largest_size():
        raise DataError(
            f"{place}: {len(sounds):,} audio clips of {length / rate:.1f} s do not fit in memory. "
            + ("Take fewer of them" if whole else "Take a part of each with --seconds")
            + ", or fewer samples a second with --rate."
        )
    x = np.zeros((len(sounds), length, channels), np.int16)
    for row, one in enumerate(sounds):
        x[row, : len(one)] = one[:length]
    lengths = np.array([min(len(one), length) for one in sounds], np.int64)
    return Clips(x, lengths, rate, found.labels, found.origin, tuple(found.names))


def _of_array(sounds: list[Samples], rate: int, labels: pa.Table | None, origin: Origin) -> _Found:
    return _Found(sounds, [rate] * len(sounds), [f"row {row}" for row in range(len(sounds))], labels, origin)


def _from_path(probe: Probe, config: TrainConfig, notes: list[str]) -> _Found:
    files = probe.files
    if files is not None:
        assert probe.path is not None
        io_reading.refuse_options(config, (), f"a {files.form}")
        return _from_collection(files, probe.path, config, notes)
    path = probe.file
    if path is not None and not probe.part:
        if is_audio(path.name):
            io_reading.refuse_options(config, (), "a file of sound")
            mended: list[str] = []
            try:
                sound, rate = decode_sound(probe.stream(), path.name, mended)
            except UnreadableSound as error:
                raise DataError(f"{str(path)!r} cannot be read: {error}. Take another copy of it.") from error
            _note_mended(mended, 1, str(path), notes)
            return _Found([sound], [rate], [path.name], None, Origin("folder", name=path.stem))
        if is_array_file(path.name):
            return _of_array(*from_npz(probe.stream(), path, config))
    if path is not None and not probe.part and path.name.lower().endswith((*lists.LIST_SUFFIXES, ".csv.gz")):
        records = io_reading.read(probe, config, notes=notes)
        own = config.own(AudioOptions)
        found = lists.from_list(records, path, config, notes, own.strict, AUDIO_SUFFIXES, "audio clips")
        origin = Origin("folder", name=path.stem)
        return _decoded(
            found.names, lambda name: (path.parent / name).open("rb"), found.labels, origin, config, notes, str(path)
        )
    probe.data()  # raises, in the words for files that are not there
    raise DataError(
        f"{probe.name} is no audio clip, folder or archive of audio clips, nor an .npz. Audio clips are known by their "
        f"suffix ({', '.join(AUDIO_SUFFIXES[:4])}, …)."
    )


def _from_collection(files: Collection, path: Path, config: TrainConfig, notes: list[str]) -> _Found:
    names = [name for name in files.names if is_audio(name)]
    if not names:
        kinds = Counter(Path(name).suffix.lower() or "no suffix" for name in files.names).most_common(4)
        held = ", ".join(f"{times:,} {kind}" for kind, times in kinds) or "nothing"
        raise DataError(
            f"the {files.form} {files.name!r} holds no audio clips: it has {held}. Audio files are known by their "
            f"suffix ({', '.join(AUDIO_SUFFIXES[:4])}, …)."
        )
    names, labels, classes = labels_for(files, config, notes)
    origin = Origin(files.form, name=path.stem or "recordings", details={"classes": classes})
    return _decoded(names, files.open, labels, origin, config, notes, files.name)


def _decoded(
    names: Sequence[str], open: Callable[[str], IO[bytes]], labels: pa.Table | None, origin: Origin,
    config: TrainConfig, notes: list[str], place: str,
) -> _Found:  # fmt: skip
    """Those of the named files that can be read. open: the bytes of one."""
    found, faults, mended = dict[int, tuple[Samples, int]](), list[str](), list[str]()
    for row, name in enumerate(names):
        try:
            with open(name) as stream:
                found[row] = decode_sound(stream, name, mended)
        except (UnreadableSound, OSError) as error:
            faults.append(f"{name!r} ({error})")
    _leave_out(faults, len(names), "cannot be read", "Mend or remove them", config, notes, place)
    if not found:
        raise DataError(
            f"{place}: none of {len(names):,} audio clips can be read: {_some(faults)}. Mend them, or take "
            "another copy."
        )
    _note_mended(mended, len(names), place, notes)
    labels = None if labels is None else labels.take(pa.array(list(found)))
    sounds, rates = (list(part) for part in zip(*found.values(), strict=True))
    return _Found(sounds, rates, [names[row] for row in found], labels, origin)


def _note_mended(mended: Sequence[str], num: int, place: str, notes: list[str]) -> None:
    if mended:
        notes.append(
            f"{place}: {len(mended):,} of {num:,} audio clips state a length that is not theirs ({_some(mended)}); all "
            "samples that are there are read"
        )


def _some(faults: Sequence[str]) -> str:
    return "; ".join(faults[:_SHOWN]) + ("; …" if len(faults) > _SHOWN else "")


def _leave_out(
    faults: Sequence[str], num: int, what: str, mend: str, config: TrainConfig, notes: list[str], place: str
) -> None:
    """Says how many audio clips are left out and why, or refuses them where the user is strict."""
    if not faults:
        return
    note = f"{place}: {len(faults):,} of {num:,} audio clips {what}: {_some(faults)}"
    if config.own(AudioOptions).strict:
        raise DataError(f"{note}. {mend}, or leave off --strict.")
    notes.append(f"{note}; they are left out (--strict refuses them)")


def _audible(found: _Found, config: TrainConfig, notes: list[str], place: str) -> _Found:
    """Without what is silent or next to nothing; a note names those that are clipped."""
    strict, num = config.own(AudioOptions).strict, len(found.sounds)
    kept = [i for i, x in enumerate(found.sounds) if len(x) >= SHORTEST and np.abs(x.astype(np.int32)).max() >= SILENT]
    if num and not kept:
        raise DataError(
            f"{place}: every audio clip is silent, or shorter than {SHORTEST} samples. There is nothing to learn: "
            "check how they were made."
        )
    bad = [repr(found.names[i]) for i in sorted(set(range(num)) - set(kept))]
    _leave_out(bad, num, "are silent or nearly empty", "Take them out", config, notes, place)
    railed = [repr(found.names[i]) for i in kept if _is_clipped(found.sounds[i])]
    if railed:
        note = f"{place}: {len(railed):,} of {len(kept):,} audio clips are clipped ({_some(railed)})"
        if strict or len(railed) == len(kept):
            raise DataError(
                f"{note}: more than {CLIPPED:.0%} of their samples lie at the loudest value, and synthetic ones "
                "would sound so. Record or convert them with less gain"
                + (", or leave off --strict." if strict else ".")
            )
        notes.append(f"{note}: some synthetic ones will sound so (--strict refuses them)")
    if len(kept) == num:
        return found
    return _Found(
        [found.sounds[i] for i in kept], [found.rates[i] for i in kept], [found.names[i] for i in kept],
        None if found.labels is None else found.labels.take(pa.array(kept)), found.origin,
    )  # fmt: skip


def _is_clipped(sound: Samples) -> bool:
    """Whether it stays at the loudest value from sample to sample too often."""
    loudest = np.abs(sound.astype(np.int32)) >= RAIL
    return float((loudest[1:] & loudest[:-1]).mean()) > CLIPPED


def _at_one_rate(found: _Found, config: TrainConfig, notes: list[str], place: str) -> tuple[list[Samples], int]:
    """All at the rate asked for, or at the one that most of them have."""
    asked, counts = config.own(AudioOptions).rate, Counter(found.rates)
    rate = asked or max(counts, key=lambda r: (counts[r], -r))
    others = {r: times for r, times in counts.items() if r != rate}
    if slow := [name for name, r in zip(found.names, found.rates, strict=True) if r * MOST_STRETCHED < rate]:
        raise DataError(
            f"{place}: {slow[0]} has less than one of {MOST_STRETCHED} samples of the {rate:,} a second of "
            f"the others ({len(slow):,} such files). Mend or remove them."
        )
    if not others:
        return found.sounds, rate
    shown = ", ".join(f"{times:,} of {r:,} Hz" for r, times in sorted(others.items()))
    why = "" if asked else ", the rate that most have. Override with --rate"
    notes.append(f"{place}: {shown} resampled to {rate:,} Hz{why}")
    return [resampled(one, r, rate) for one, r in zip(found.sounds, found.rates, strict=True)], rate


def resampled(sound: Samples, rate: int, wanted: int) -> Samples:
    """An audio clip at another rate (polyphase filter). sound: int16 [T, C] -> int16 [ceil(T wanted / rate), C]."""
    if rate == wanted:
        return sound
    from scipy.signal import resample_poly

    shared = gcd(rate, wanted)
    return to_int16(resample_poly(sound.astype(np.float64), wanted // shared, rate // shared, axis=0))


def _in_one_layout(sounds: list[Samples], config: TrainConfig, notes: list[str], place: str) -> list[Samples]:
    """All with two channels, or all with one, which is the mean of two."""
    mono, two = config.own(AudioOptions).mono, sum(one.shape[1] == 2 for one in sounds)
    if two == 0 or (two == len(sounds) and not mono):
        return sounds
    if not mono:
        notes.append(
            f"{place}: {two:,} of {len(sounds):,} audio clips have two channels, which are made one, as in the rest"
        )
    return [to_int16(one.astype(np.float64).mean(1, keepdims=True)) for one in sounds]


def _length(sounds: Sequence[Samples], rate: int, config: TrainConfig, notes: list[str], place: str) -> int:
    """The samples that every audio clip is padded or cut to."""
    seconds, lengths = config.own(AudioOptions).seconds, np.array([len(one) for one in sounds])
    if seconds is not None:
        length = max(SHORTEST, round(seconds * rate))
    elif lengths.min() == lengths.max():
        length = int(lengths[0])
    else:
        length = rounded_length(int(np.quantile(lengths, 1 - MOST_CUT, method="higher")))
    cut, padded = int((lengths > length).sum()), int((lengths < length).sum())
    if cut or padded:
        notes.append(
            f"{place}: {lengths.min() / rate:.2f} to {lengths.max() / rate:.2f} s long; length {length / rate:.3g} s "
            f"({length:,} samples): {padded:,} are padded with silence, {cut:,} cut at their end. Override with "
            "--seconds"
        )
    return length


def rounded_length(length: int) -> int:
    """The next 2^k, 1.25 2^k, 1.5 2^k or 1.75 2^k, which halves well.

    >>> rounded_length(7361), rounded_length(8193), rounded_length(16)
    (8192, 10240, 16)
    """
    step = max(1, 1 << max(0, (length - 1).bit_length() - 3))
    return -(-length // step) * step
