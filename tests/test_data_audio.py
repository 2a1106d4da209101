"""Audio clips: read from files, folders, archives and arrays, labelled, made alike, and written back."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import audio_examples as examples
import numpy as np
import pytest
from scipy.io import wavfile

from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, OptionError, OutputError
from gankit.kinds import prepare
from gankit.kinds.audio.files import (
    Clips,
    UnreadableSound,
    clip_hash,
    decode_sound,
    encode_wav,
    to_clip_object,
    to_samples,
    write_clips,
)
from gankit.kinds.audio.reading import by_pattern, holds_audio, read_clips, resampled, rounded_length, seem_patterned

PLAIN = TrainConfig()
ROOT = Path(__file__).resolve().parent.parent
DIGITS = ROOT.parent / "shared" / "data" / "fsdd_clips.zip"


def wav(array: np.ndarray, rate: int = 2000) -> bytes:
    stream = io.BytesIO()
    wavfile.write(stream, rate, array)
    return stream.getvalue()


def read(source: object, **options: object) -> tuple[Clips, list[str]]:
    notes: list[str] = []
    return read_clips(source, replace(PLAIN, **options), notes), notes


# --- one file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_every_bit_depth_of_wav_is_the_same_sound(dtype: str) -> None:
    wave = 0.5 * np.sin(np.arange(300) / 9)
    kind = np.dtype(dtype)
    scale = {"uint8": 127, "int16": 32767, "int32": 2**31 - 1}.get(dtype, 1)
    array = (np.rint(wave * scale) + (128 if dtype == "uint8" else 0)).astype(kind) if scale > 1 else wave.astype(kind)
    samples, rate = decode_sound(io.BytesIO(wav(array)), "a.wav")
    assert rate == 2000 and samples.shape == (300, 1) and samples.dtype == np.int16
    np.testing.assert_allclose(samples[:, 0] / 32767, wave, atol=0.01 if dtype == "uint8" else 1e-4)


def test_wav_files_of_24_bits_are_rounded_to_16() -> None:
    values = np.array([0, 255, 256, -256, 2**23 - 1, -(2**23)], dtype="<i4")
    body = b"".join(int(v).to_bytes(3, "little", signed=True) for v in values)
    head = wav(np.zeros(9, np.int16))[:44]
    data = bytearray(head + body)
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    data[28:34] = (6000).to_bytes(4, "little") + (3).to_bytes(2, "little")  # bytes a second, bytes a sample
    data[34:36], data[40:44] = (24).to_bytes(2, "little"), len(body).to_bytes(4, "little")
    samples, _ = decode_sound(io.BytesIO(bytes(data)), "a.wav")
    assert samples[:, 0].tolist() == [0, 1, 1, -1, 32767, -32768]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"RIFF\x10\0\0\0WAVEnothing.", "cut off"),
        (encode_wav(np.ones((500, 1), np.int16), 8000)[:400], "400 of 1,044 bytes are there"),
        (encode_wav(np.zeros((0, 1), np.int16), 8000), "no samples"),
        (wav(np.zeros((20, 3), np.int16)), "3 channels"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_with_it(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableSound, match=why):
        decode_sound(io.BytesIO(data), "a.wav")


def test_samples_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UnreadableSound, match="NaN"):
        to_samples(np.array([0.0, np.nan]))


@pytest.mark.parametrize("format", ["FLAC", "OGG"])
def test_flac_and_ogg_are_read_by_soundfile(format: str, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
    sounds, _ = examples.tones(4)
    for row, sound in enumerate(sounds):
        soundfile.write(tmp_path / f"{row}.{format.lower()}", sound / 32768, 8000)
    found, _ = read(tmp_path)
    assert found.rate == 8000 and len(found) == 4
    error = np.abs(found.x[0, : len(sounds[0])].astype(float) - sounds[0])
    assert error.max() <= (1 if format == "FLAC" else 3000)


def test_without_soundfile_the_text_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DependencyError, match=r"pip install 'gankit\[audio\]'"):
        decode_sound(io.BytesIO(b"fLaC" + bytes(100)), "a.flac")


# --- folders and labels -------------------------------------------------------------------------------------------


def test_folders_are_classes_and_shorter_clips_are_padded(tmp_path: Path) -> None:
    found, notes = read(examples.by_class(tmp_path / "sounds"))
    sounds, classes = examples.tones()
    assert found.x.shape == (40, 512, 1) and found.rate == examples.RATE
    assert found.labels is not None and sorted(found.labels.column("label").to_pylist()) == sorted(classes)
    row = found.names.index("high/7.wav")
    assert found.lengths[row] == len(sounds[7])
    np.testing.assert_array_equal(found.x[row, : len(sounds[7])], sounds[7])
    assert not found.x[row, len(sounds[7]) :].any()
    assert any("36 are padded with silence, 0 cut" in note for note in notes)


def test_a_pattern_takes_labels_from_names(tmp_path: Path) -> None:
    found, _ = read(examples.by_name(tmp_path), pattern="{pitch}_{who}_{_}")
    assert found.labels is not None and found.labels.column_names == ["pitch", "who"]
    assert set(found.labels.column("who").to_pylist()) == {"ann", "bob"}


def test_names_that_seem_to_hold_labels_are_pointed_out(tmp_path: Path) -> None:
    found, notes = read(examples.by_name(tmp_path))
    assert found.labels is None
    assert any("--pattern '{label0}_{label1}_{_}'" in note for note in notes)
    assert seem_patterned(["one.wav", "two.wav"]) is None


@pytest.mark.parametrize(
    ("pattern", "why"), [("plain", "must name labels"), ("{a}_{a}", "must name labels"), ("{a}-{b}", "do not fit")]
)
def test_a_pattern_that_does_not_fit_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        by_pattern(["x_1.wav", "y_2.wav"], pattern, "the folder")


def test_zip_archives_and_folders_in_them_are_read(tmp_path: Path) -> None:
    archive = examples.zipped(tmp_path / "all.zip", examples.by_class(tmp_path / "sounds"))
    whole, _ = read(archive)
    part, _ = read(tmp_path / "all.zip" / "low")
    assert len(whole) == 40 and len(part) == 20 and whole.origin.format == "zip"


# --- what is not as it should be ----------------------------------------------------------------------------------


def test_damaged_files_are_left_out_with_a_count_or_refused(tmp_path: Path) -> None:
    folder = examples.by_class(tmp_path, 8)
    (folder / "low" / "broken.wav").write_bytes(b"RIFF\x10\0\0\0WAVEnothing.")
    found, notes = read(folder)
    assert len(found) == 8
    assert any("1 of 9 audio clips cannot be read: 'low/broken.wav'" in note for note in notes)
    with pytest.raises(DataError, match=r"broken\.wav.*leave off --strict"):
        read(folder, strict=True)


def test_silent_clips_are_left_out_and_all_silent_ones_refused(tmp_path: Path) -> None:
    folder = examples.by_class(tmp_path / "some", 8)
    examples.fill(folder, [np.zeros((300, 1), np.int16)], ["high/silent.wav"])
    found, notes = read(folder)
    assert len(found) == 8 and any("silent.wav" in note for note in notes)
    with pytest.raises(DataError, match="silent"):
        read(folder, strict=True)
    nothing = examples.fill(tmp_path / "none", [np.zeros((300, 1), np.int16)] * 3, ["a.wav", "b.wav", "c.wav"])
    with pytest.raises(DataError, match="every audio clip is silent"):
        read(nothing)


def test_clipped_clips_are_told_of_and_refused_where_all_are(tmp_path: Path) -> None:
    folder = examples.by_class(tmp_path / "some", 6)
    loud = np.where(np.arange(400) % 20 < 10, 32767, -32768).astype(np.int16)[:, None]
    examples.fill(folder, [loud], ["low/loud.wav"])
    found, notes = read(folder)
    assert len(found) == 7 and any("1 of 7 audio clips are clipped" in note for note in notes)
    with pytest.raises(DataError, match="less gain"):
        read(examples.fill(tmp_path / "all", [loud] * 2, ["a.wav", "b.wav"]))


def test_other_rates_are_brought_to_the_most_frequent_one(tmp_path: Path) -> None:
    folder = examples.by_class(tmp_path, 6)
    sounds, _ = examples.tones(1)
    examples.fill(folder, sounds, ["low/fast.wav"], rate=4000)
    found, notes = read(folder)
    assert found.rate == 2000 and any("1 of 4,000 Hz resampled to 2,000 Hz" in note for note in notes)
    assert found.lengths[found.names.index("low/fast.wav")] == 256
    assert read(folder, rate=1000)[0].rate == 1000


def test_a_tone_keeps_its_pitch_when_it_is_resampled() -> None:
    tone = np.rint(9000 * np.sin(2 * np.pi * 100 * np.arange(4000) / 4000)).astype(np.int16)[:, None]
    found = resampled(tone, 4000, 1000)
    expected = 9000 * np.sin(2 * np.pi * 100 * np.arange(1000) / 1000)
    np.testing.assert_allclose(found[100:-100, 0], expected[100:-100], atol=100)


def test_two_channels_are_kept_and_mixed_where_some_have_one_or_it_is_asked(tmp_path: Path) -> None:
    two, _ = examples.tones(4, channels=2)
    folder = examples.fill(tmp_path, two, [f"{i}.wav" for i in range(4)])
    assert read(folder)[0].x.shape[2] == 2
    mixed, _ = read(folder, mono=True)
    np.testing.assert_allclose(mixed.x[0, :, 0], two[0].mean(1), atol=1)
    examples.fill(folder, examples.tones(1)[0], ["one.wav"])
    found, notes = read(folder)
    assert found.x.shape[2] == 1 and any("4 of 5 audio clips have two channels" in note for note in notes)


def test_the_length_is_cut_to_the_seconds_that_are_asked_for(tmp_path: Path) -> None:
    found, notes = read(examples.by_class(tmp_path), seconds=0.15)
    assert found.x.shape[1] == 300 and found.lengths.max() == 300 and any("cut at their end" in n for n in notes)
    assert [rounded_length(n) for n in (7361, 8192, 8193, 300)] == [8192, 8192, 10240, 320]


@pytest.mark.parametrize(("name", "value"), [("seconds", 0.0), ("rate", -1)])
def test_impossible_lengths_and_rates_are_refused(name: str, value: float, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=f"--{name} must be above 0"):
        read(examples.by_class(tmp_path, 4), **{name: value})


def test_one_clip_and_a_folder_without_any_are_refused(tmp_path: Path) -> None:
    sounds, _ = examples.tones(1)
    with pytest.raises(DataError, match="gives one audio clip"):
        read(examples.fill(tmp_path / "one", sounds, ["a.wav"]) / "a.wav")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("nothing to hear")
    with pytest.raises(DataError, match=r"holds no audio clips: it has 1 \.txt"):
        read(tmp_path / "text")


# --- arrays -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64", "int32"])
@pytest.mark.parametrize("channels", [0, 1, 2])
def test_an_array_comes_back_as_it_was(dtype: str, channels: int) -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(0, 0.2, (5, 64, max(channels, 1))).clip(-1, 1)
    scale = {"int16": 32767, "int32": 2**31 - 1}.get(dtype, 1)
    array = (x * scale).astype(dtype)
    array = array if channels else array[:, :, 0]
    found, _ = read(array, rate=500)
    back = to_clip_object(found)
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_allclose(back / scale, array / scale, atol=2**-15)


def test_signals_beyond_one_come_back_in_their_own_range() -> None:
    signal = 40 * np.sin(np.arange(300) / 7)[None].repeat(3, 0)
    found, _ = read(signal, rate=100)
    np.testing.assert_allclose(to_clip_object(found), signal, atol=0.01)


def test_a_list_with_labels_comes_back_as_a_list_with_labels() -> None:
    sounds, classes = examples.tones(6)
    plain = [one[:, 0] for one in sounds]
    found, _ = read((plain, classes), rate=examples.RATE)
    back, labels = to_clip_object(found)
    assert labels == classes
    for one, other in zip(back, plain, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (np.zeros((3, 20, 5), np.int16), "5 channels"),
        ([np.zeros(20, np.int16), np.zeros((20, 2), np.int16)], "item 2"),
        ({"a": 1}, "cannot be read as audio clips"),
        ((np.ones((3, 20)), [1, 2]), r"labels must be"),
        (np.full((3, 20), np.nan), "NaN"),
    ],
)
def test_objects_that_are_no_clips_are_refused(source: object, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read(source, rate=100)


def test_an_array_without_a_rate_is_refused() -> None:
    with pytest.raises(OptionError, match="--rate"):
        read(np.ones((3, 20)))


def test_what_is_taken_for_clips_by_itself(tmp_path: Path) -> None:
    folder = examples.by_class(tmp_path / "sounds", 4)
    assert holds_audio(folder, PLAIN) and holds_audio(str(folder / "low" / "0.wav"), PLAIN)
    assert holds_audio(examples.zipped(tmp_path / "all.zip", folder), PLAIN)
    assert holds_audio(np.zeros((3, 20)), replace(PLAIN, rate=100))
    assert not holds_audio(np.zeros((3, 20)), PLAIN)
    assert not holds_audio(tmp_path / "nowhere", PLAIN)


# --- writing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".zip", ".npz"])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read_again(suffix: str, channels: int, tmp_path: Path) -> None:
    sounds, classes = examples.tones(6, channels=channels)
    folder = examples.fill(tmp_path / "in", sounds, [f"{c}_{i}.wav" for i, c in enumerate(classes)])
    found, _ = read(folder, pattern="{pitch}_{_}")
    target = tmp_path / f"out{suffix}"
    batches = [found.take(np.arange(4)), found.take(np.arange(4, 6))]
    assert write_clips(batches, target, found.origin, first_row=10) == 6
    back, _ = read(target)
    assert back.labels is not None and found.labels is not None
    assert back.labels.to_pydict() == found.labels.to_pydict()
    np.testing.assert_array_equal(back.x, found.x)
    np.testing.assert_array_equal(back.lengths, found.lengths)
    assert back.rate == found.rate and clip_hash(back) == clip_hash(found)
    if suffix == "":
        assert sorted(p.name for p in target.glob("*.wav"))[0] == "000010.wav"


def test_class_folders_are_written_as_class_folders(tmp_path: Path) -> None:
    found, _ = read(examples.by_class(tmp_path / "in", 6))
    write_clips([found], tmp_path / "out", found.origin)
    assert {p.name for p in (tmp_path / "out").iterdir() if p.is_dir()} == {"low", "high"}
    write_clips([found], tmp_path / "out", found.origin)  # over its own
    (tmp_path / "out" / "mine.txt").write_text("keep me")
    with pytest.raises(OutputError, match=r"mine\.txt"):
        write_clips([found], tmp_path / "out", found.origin)


def test_one_clip_is_one_file_and_several_are_not(tmp_path: Path) -> None:
    found, _ = read(examples.by_class(tmp_path / "in", 6))
    write_clips([found.take(np.arange(1))], tmp_path / "one.wav", found.origin)
    rate, samples = wavfile.read(tmp_path / "one.wav")
    assert rate == found.rate and len(samples) == found.lengths[0]
    with pytest.raises(OutputError, match="-n 1"):
        write_clips([found], tmp_path / "many.wav", found.origin)
    with pytest.raises(OutputError, match=r"\.mp3"):
        write_clips([found], tmp_path / "many.mp3", found.origin)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "one.wav"]


@pytest.mark.skipif(not DIGITS.exists(), reason="the shared data are not here")
def test_the_spoken_digits_are_read() -> None:
    found, notes = read(DIGITS, pattern="{digit}_{speaker}_{_}")
    assert found.x.shape == (3000, 8192, 1) and found.rate == 8000
    assert found.labels is not None and len(set(found.labels.column("speaker").to_pylist())) == 6
    assert any("17 cut" in note for note in notes)


# --- what is not quite right in a file, and is read ---------------------------------------------------------------


def off(data: bytes, at: int, by: int) -> bytes:
    """A file in which the four bytes at a place state more."""
    stated = int.from_bytes(data[at : at + 4], "little")
    return data[:at] + (stated + by).to_bytes(4, "little") + data[at + 4 :]


@pytest.mark.parametrize("by", [16, 3, -20])
def test_a_wav_whose_length_is_off_is_read_with_a_line(tmp_path: Path, by: int) -> None:
    folder = examples.by_class(tmp_path, 6)
    file = next(folder.glob("low/*.wav"))
    before, _ = decode_sound(io.BytesIO(file.read_bytes()), "a.wav")
    file.write_bytes(off(file.read_bytes(), 4, by))
    after, _ = decode_sound(io.BytesIO(file.read_bytes()), "a.wav")
    assert np.array_equal(after, before)
    found, notes = read(folder)
    assert len(found) == 6 and any("1 of 6 audio clips state a length that is not theirs (low/" in n for n in notes)


@pytest.mark.parametrize("lacking", [2, 3])
def test_of_a_frame_that_is_cut_the_whole_ones_before_it_are_read(lacking: int) -> None:
    wave = np.sin(np.arange(200) / 9).astype(np.float32)
    found, _ = decode_sound(io.BytesIO(wav(wave)[:-lacking]), "a.wav")
    assert len(found) == 199
    np.testing.assert_allclose(found[:, 0] / 32767, wave[:199], atol=1e-4)


def test_a_length_that_is_off_throughout_is_no_cut_file() -> None:
    data = wav(np.arange(2000, dtype=np.int16))
    assert len(decode_sound(io.BytesIO(off(off(data, 4, 16), 40, 16)), "a.wav")[0]) == 2000
    with pytest.raises(UnreadableSound, match=r"4,044 of 4,444 bytes are there"):
        decode_sound(io.BytesIO(off(off(data, 4, 400), 40, 400)), "a.wav")


def test_samples_that_a_file_states_and_has_not_are_told_of(tmp_path: Path) -> None:
    for row in range(3):
        data = wav((8000 * np.sin(np.arange(2000) / (9 + row))).astype(np.int16))
        (tmp_path / f"{row}.wav").write_bytes(off(data, 40, 4000))
    found, notes = read(tmp_path)
    assert found.x.shape == (3, 2000, 1) and any(
        "3 of 3 audio clips state a length that is not theirs" in n for n in notes
    )


def test_samples_behind_a_length_of_0_are_read_to_the_end_and_said(tmp_path: Path) -> None:
    wave = (8000 * np.sin(np.arange(300) / 7)).astype(np.int16)
    data, more = wav(wave), b"LIST\x04\0\0\0INFO"
    examples.by_class(tmp_path, 6)
    (tmp_path / "low" / "x.wav").write_bytes(data[:40] + bytes(4) + data[44:])
    found, notes = read(tmp_path, seconds=0.05)
    assert any("1 of 7 audio clips state a length that is not theirs (low/x.wav)" in note for note in notes)
    assert np.array_equal(found.x[found.names.index("low/x.wav"), :300, 0], wave[: found.x.shape[1]])
    empty = off(data[:40] + bytes(4) + more, 4, len(more) - 600)
    with pytest.raises(UnreadableSound, match="it holds no samples"):
        decode_sound(io.BytesIO(empty), "a.wav")


def test_of_a_recorder_that_never_wrote_the_length_all_samples_are_read() -> None:
    data = wav(np.arange(100, dtype=np.int16))
    nothing = data[:4] + bytes(4) + data[8:40] + bytes(4) + data[44:]
    assert decode_sound(io.BytesIO(nothing), "a.wav")[0][:, 0].tolist() == list(range(100))


def test_floats_in_the_scale_of_whole_numbers_are_named_as_such(tmp_path: Path) -> None:
    for row in range(3):
        (tmp_path / f"{row}.wav").write_bytes(wav((20000 * np.sin(np.arange(300) / 9)).astype(np.float32)))
    with pytest.raises(DataError, match=r"floats go up to .* in -1 … 1: divide by 32768"):
        read(tmp_path)
    (tmp_path / "0.wav").write_bytes(wav((1e9 * np.sin(np.arange(300) / 9)).astype(np.float32)))
    with pytest.raises(DataError, match=r"in -1 … 1: divide by 2147483648"):
        read(tmp_path)


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_may_come_first_and_do_so_in_samples(tmp_path: Path, channels: int) -> None:
    x = np.random.default_rng(0).normal(0, 0.1, (6, channels, 300)).astype(np.float32)
    found, _ = read(x, rate=500)
    assert found.x.shape == (6, 300, channels)
    np.testing.assert_allclose(to_clip_object(found), x, atol=1e-4)
    np.savez(tmp_path / "x.npz", x=x, rate=500, length=np.arange(200, 206))
    assert read(tmp_path / "x.npz")[0].lengths.tolist() == list(range(200, 206))


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_a_rate_makes_a_file_of_arrays_audio(tmp_path: Path, suffix: str) -> None:
    x = np.random.default_rng(0).normal(0, 0.1, (6, 300)).astype(np.float32)
    path = tmp_path / f"x.{suffix}"
    np.savez(path, audio=x) if suffix == "npz" else np.save(path, x)
    config = TrainConfig(rate=500)
    assert holds_audio(path, config) and not holds_audio(path, TrainConfig())
    assert read_clips(path, config, []).x.shape == (6, 300, 1)


@pytest.mark.parametrize("name", ["rate", "sr", "fs", "sample_rate"])
def test_the_rate_in_a_file_of_arrays_has_several_names(tmp_path: Path, name: str) -> None:
    x = np.random.default_rng(0).normal(0, 0.1, (6, 300)).astype(np.float32)
    np.savez(tmp_path / "x.npz", **{"x": x, name: np.array([500])})
    assert holds_audio(tmp_path / "x.npz", TrainConfig())
    assert read_clips(tmp_path / "x.npz", TrainConfig(), []).rate == 500
    np.savez(tmp_path / "y.npz", **{"x": x, name: np.arange(6)})
    assert not holds_audio(tmp_path / "y.npz", TrainConfig())


def test_too_many_channels_that_come_first_are_counted() -> None:
    with pytest.raises(DataError, match="have 3 channels"):
        read(np.zeros((6, 3, 300), np.float32), rate=500)


def test_an_array_of_arrays_is_a_list(tmp_path: Path) -> None:
    x = np.empty(6, object)
    x[:] = [np.sin(np.arange(300 + i) / 9) for i in range(6)]
    for source in (x, (x, list("aabbab"))):
        prepared = prepare(source, TrainConfig(rate=500), [])
        assert prepared.kind.name == "audio" and len(prepared.train.whole) == 6
    found, _ = read(x, rate=500)
    assert found.lengths.tolist() == [len(one) for one in x]


def test_a_file_of_python_objects_is_named_as_such(tmp_path: Path) -> None:
    x = np.empty(3, object)
    x[:] = [np.ones(3), np.ones(4), np.ones(5)]
    np.savez(tmp_path / "x.npz", x=x, rate=8000)
    with pytest.raises(DataError, match=r"holds Python objects, .* arrays of several sizes"):
        read(tmp_path / "x.npz")
