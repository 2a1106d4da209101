"""Audio clips as spectrograms and as samples: what is kept, and what comes back."""

from __future__ import annotations

import audio_examples as examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from gankit.columns.column import Values
from gankit.kinds.audio.codec import (
    LENGTH,
    SOUND,
    AudioCodec,
    SpectrogramCodec,
    Spectrum,
    WaveCodec,
    bands_of,
    frame_of,
    sound_values,
)

RATE = 8000


def tone(hertz: float, length: int = 4096, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(length) / rate)).astype(np.float32)


def padded(count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    sounds, _ = examples.tones(count)
    x = np.zeros((count, 512, 1), np.int16)
    for row, one in enumerate(sounds):
        x[row, : len(one)] = one
    return x, np.array([len(one) for one in sounds])


@pytest.mark.parametrize("length", [4096, 4000, 1000, 333])
def test_a_signal_comes_back_from_its_transforms(length: int) -> None:
    spectrum = Spectrum.of(RATE, length)
    signal = np.random.default_rng(0).normal(0, 0.2, length).astype(np.float32)
    np.testing.assert_allclose(spectrum.signal(spectrum.transform(signal)), signal, atol=1e-5)


@pytest.mark.parametrize("hertz", [200.0, 500.0, 1500.0, 3000.0])
def test_a_tone_is_loud_in_the_band_of_its_pitch(hertz: float) -> None:
    spectrum = Spectrum.of(RATE, 4096)
    level = spectrum.decibels(tone(hertz))[4:-4].mean(0)
    mel = 2595 * np.log10(1 + hertz / 700) / (2595 * np.log10(1 + RATE / 2 / 700)) * (spectrum.bands + 1) - 1
    assert abs(int(level.argmax()) - mel) <= 1
    assert level.max() > level[np.abs(np.arange(spectrum.bands) - level.argmax()) > 8].max() + 30


def test_twice_the_sound_is_six_decibels_more() -> None:
    spectrum = Spectrum.of(RATE, 4096)
    signal = np.random.default_rng(0).normal(0, 0.1, 4096).astype(np.float32)
    more = spectrum.decibels(2 * signal) - spectrum.decibels(signal)
    np.testing.assert_allclose(more, 20 * np.log10(2), atol=1e-3)


@pytest.mark.parametrize("hertz", [200.0, 700.0, 2000.0])
def test_a_tone_keeps_its_pitch_on_the_way_through_a_spectrogram(hertz: float) -> None:
    spectrum = Spectrum.of(RATE, 4096)
    back = spectrum.sound(spectrum.decibels(tone(hertz)))
    found = np.abs(np.fft.rfft(back * np.hanning(4096))).argmax() * RATE / 4096
    band = abs(np.diff(700 * (10 ** (np.array([0, 1]) * np.log10(1 + RATE / 2 / 700) / 65) - 1))[0])
    assert abs(found - hertz) < max(3 * band, 0.05 * hertz)


def test_the_loudness_that_comes_back_is_near_the_one_that_was_asked_for() -> None:
    spectrum = Spectrum.of(RATE, 4096)
    chirp = (0.4 * np.sin(2 * np.pi * np.cumsum(np.linspace(200, 3000, 4096)) / RATE)).astype(np.float32)
    wanted = spectrum.decibels(chirp)
    error = np.abs(spectrum.decibels(spectrum.sound(wanted)) - wanted)[wanted > wanted.max() - 30]
    assert error.mean() < 2.5


def test_frames_suit_the_rate_and_never_outgrow_the_clip() -> None:
    assert [frame_of(r, r) for r in (8000, 16000, 44100)] == [512, 1024, 2048]
    for rate, length in [(8000, 300), (100, 64), (44100, 20000), (10, 16)]:
        spectrum = Spectrum.of(rate, length)
        assert spectrum.frames >= 16 or spectrum.frame == 16
        assert spectrum.bands == bands_of(rate, spectrum.frame) <= spectrum.frame // 2
        assert np.isfinite(spectrum.sound(spectrum.decibels(np.ones(length, np.float32)))).all()


@pytest.mark.parametrize("kind", [SpectrogramCodec, WaveCodec])
def test_a_fitted_codec_is_the_same_after_json(kind: type[AudioCodec]) -> None:
    x, lengths = padded()
    codec = kind.fit((), sound_values(x, lengths), examples.RATE)
    again = AudioCodec.from_json(codec.to_json())
    assert type(again) is kind and again.spec == codec.spec
    made = codec.encode({SOUND: Values(x[:3], np.zeros(3, np.int8))})
    for name in (SOUND, LENGTH):
        np.testing.assert_array_equal(again.decode(made)[name].data, codec.decode(made)[name].data)


def test_spectrograms_are_bytes_with_time_to_the_right_and_high_pitch_above() -> None:
    x, lengths = padded()
    codec = SpectrogramCodec.fit((), sound_values(x, lengths), examples.RATE)
    looks = codec.encode({SOUND: Values(x, np.zeros(len(x), np.int8))})
    bands, frames = codec.spectrum.bands, codec.spectrum.frames
    assert looks.shape == (len(x), bands, frames, 1) and looks.dtype == np.uint8
    assert codec.spec.shape == (1, bands, frames)
    rows = looks[:, :, :8, 0].mean(2).argmax(1)
    assert rows[::2].min() > rows[1::2].max()  # low tones lie below high ones
    short = int(np.argmin(lengths))
    assert not looks[short, :, -3:].any() and looks.max() >= 250


def test_the_silence_behind_a_clip_is_found_again() -> None:
    x, lengths = padded()
    codec = SpectrogramCodec.fit((), sound_values(x, lengths), examples.RATE)
    found = codec.decode(codec.spectrograms(x))
    error = found[LENGTH].data - lengths
    assert np.abs(error).max() <= 2 * codec.spectrum.hop and np.abs(np.median(error)) <= codec.spectrum.hop / 2
    for row, length in enumerate(found[LENGTH].data):
        assert not found[SOUND].data[row, length:].any()


def test_clips_of_one_length_keep_it() -> None:
    x, _ = padded(4)
    codec = SpectrogramCodec.fit((), sound_values(x, np.full(4, 512)), examples.RATE)
    assert codec.decode(np.zeros_like(codec.spectrograms(x)))[LENGTH].data.tolist() == [512] * 4


def test_a_clip_depends_on_its_own_spectrogram_alone() -> None:
    x, lengths = padded(6)
    codec = SpectrogramCodec.fit((), sound_values(x, lengths), examples.RATE)
    looks = codec.spectrograms(x)
    whole = codec.decode(looks)[SOUND].data
    np.testing.assert_array_equal(codec.decode(looks[4:5])[SOUND].data[0], whole[4])


@settings(max_examples=30, deadline=None)
@given(x=arrays(np.int16, (2, 64, 2)))
def test_samples_come_back_as_they_were(x: np.ndarray) -> None:
    codec = WaveCodec(Spectrum.of(400, 64), 2, 0.0, False, 0)
    values = codec.decode(codec.encode({SOUND: Values(x, np.zeros(2, np.int8))}))
    np.testing.assert_array_equal(values[SOUND].data, x)
    assert values[LENGTH].data.tolist() == [64, 64]


def test_two_channels_stay_apart() -> None:
    x, _lengths = padded(8)
    two = np.concatenate([x, np.roll(x, 1, 0)], 2)
    codec = SpectrogramCodec.fit((), sound_values(two, np.full(8, 512)), examples.RATE)
    looks = codec.spectrograms(two)
    np.testing.assert_array_equal(looks[1:, :, :, 1], looks[:-1, :, :, 0])
    assert codec.decode(looks[:2])[SOUND].data.shape == (2, 512, 2)


@pytest.mark.parametrize("coder", [SpectrogramCodec, WaveCodec])
def test_no_fake_is_louder_than_the_loudest_training_clip(coder: type[AudioCodec]) -> None:
    sounds, _ = examples.tones(6)
    x = np.stack([np.pad(one, ((0, examples.LENGTH - len(one)), (0, 0))) for one in sounds])
    codec = coder.fit((), sound_values(x, np.full(6, examples.LENGTH)), examples.RATE)
    assert codec.peak == np.abs(x.astype(int)).max() / 32768
    whole = 255 if coder is SpectrogramCodec else 1
    loud = np.full_like(codec.encode(sound_values(x[:1], np.array([examples.LENGTH]))), whole)
    for known, most in ((codec, codec.peak), (AudioCodec.from_json(codec.to_json() | {"peak": None}), 1)):
        made = known.decode(loud)[SOUND].data.astype(int)
        assert np.abs(made).max() == pytest.approx(32768 * most, abs=1)
    state = codec.to_json()
    del state["peak"]
    assert AudioCodec.from_json(state).peak is None
