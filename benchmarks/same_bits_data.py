"""Small data of every kind for `same_bits.py`, the same on every machine."""

from __future__ import annotations

import csv
import wave
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np


def rows(count: int = 700, seed: int = 0) -> dict[str, list[Any]]:
    """A table of mixed types whose columns depend on each other, with gaps; cells as they are written."""
    draws = np.random.default_rng(seed)
    cities = draws.choice(["Oslo", "Lima", "Pune", "Kyiv", "Apia"], count, p=[0.4, 0.3, 0.2, 0.09, 0.01])
    age = np.clip(draws.normal(40, 12, count), 18, 90).round().astype(int)
    pay = np.round(draws.lognormal(7 + 0.02 * (age - 40) + (cities == "Oslo"), 0.4), 2)
    gain = np.where(draws.random(count) < 0.8, 0, draws.integers(1, 40, count) * 50)
    begun = [datetime(2020, 1, 1) + timedelta(days=int(d)) for d in draws.integers(0, 900, count)]
    ended = [b + timedelta(days=int(d)) for b, d in zip(begun, draws.integers(0, 60, count), strict=True)]
    gaps = draws.random((count, 2))
    return {
        "id": [f"P-{number:05d}" for number in draws.permutation(count)],
        "city": list(cities),
        "age": [str(a) if g > 0.08 else "?" for a, g in zip(age, gaps[:, 0], strict=True)],
        "pay": [f"{p:.2f}" for p in pay],
        "gain": [str(g) for g in gain],
        "member": ["yes" if m else "no" for m in draws.random(count) < 1 / (1 + np.exp(-(age - 40) / 8))],
        "begun": [b.strftime("%d.%m.%Y") for b in begun],
        "ended": [e.strftime("%d.%m.%Y") if g > 0.1 else "" for e, g in zip(ended, gaps[:, 1], strict=True)],
        "unit": ["kg"] * count,
        "rich": [">2k" if p > 2000 else "<=2k" for p in pay],
    }


def to_csv(columns: dict[str, list[Any]], path: str) -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def digits(count: int = 500, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Images [N, size, size] uint8 of scikit-learn's digits, and their labels [N]."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = np.clip(found.images[:count] * 16, 0, 255).astype(np.uint8)
    return x.repeat(size // 8, axis=1).repeat(size // 8, axis=2), found.target[:count].astype(np.int64)


def photos(folder: str, count: int = 150) -> str:
    """A folder of coloured images of 12 x 10 pixels: a bright disc on a shaded ground."""
    from PIL import Image

    draws = np.random.default_rng(3)
    y, x = np.mgrid[0:10, 0:12]
    Path(folder).mkdir()
    for row in range(count):
        centre, colour = draws.uniform(2, 8, 2), draws.uniform(100, 255, 3)
        disc = np.exp(-((x - centre[0] - 1) ** 2 + (y - centre[1]) ** 2) / 6)[..., None]
        ground = np.linspace(20, draws.uniform(40, 120), 12)[None, :, None]
        pixels = np.clip(disc * colour + (1 - disc) * ground, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(Path(folder, f"{row}.png"))
    return folder


def load_table(count: int = 700) -> dict[str, list[Any]]:
    """A long series: hourly load and temperature with a daily course and gaps, and a state."""
    draws = np.random.default_rng(5)
    hours = np.arange(count)
    noise = np.zeros(count)
    for t in range(1, count):
        noise[t] = 0.8 * noise[t - 1] + draws.normal(0, 0.4)
    load = 10 + 3 * np.sin(2 * np.pi * hours / 24) + noise
    warm = 15 + 5 * np.cos(2 * np.pi * hours / 24) + draws.normal(0, 1, count)
    return {
        "when": [(datetime(2024, 3, 1) + timedelta(hours=int(h))).isoformat(" ") for h in hours],
        "load": [f"{v:.2f}" for v in load],
        "warm": [f"{v:.1f}" if g > 0.05 else "" for v, g in zip(warm, draws.random(count), strict=True)],
        "state": list(np.where(load > 11, "high", np.where(load > 9, "mid", "low"))),
    }


def waves(count: int = 160, steps: int = 16) -> tuple[np.ndarray, list[str]]:
    """Series [N, T, 2] float64 of two classes, and the classes."""
    draws = np.random.default_rng(6)
    names = [("slow", "fast")[row % 2] for row in range(count)]
    rate = np.array([1.0 if name == "slow" else 2.0 for name in names])[:, None] * draws.uniform(0.9, 1.1, (count, 1))
    x = np.sin(2 * np.pi * (rate * np.arange(steps) / steps + draws.random((count, 1))))
    return np.stack([x, -x + 0.1 * draws.normal(size=x.shape)], 2), names


def visits(path: str) -> str:
    """Many series of different lengths in one table, with an attribute."""
    draws = np.random.default_rng(7)
    columns: dict[str, list[Any]] = {"patient": [], "day": [], "arm": [], "pulse": [], "mood": []}
    for patient in range(60):
        arm, level = "ab"[patient % 2], draws.normal(70, 8)
        for day in range(int(draws.integers(5, 13))):
            level += draws.normal(-1 if arm == "a" else 1, 2)
            cells = (f"N{patient:03d}", day, arm, round(float(level), 1), "good" if level < 70 else "poor")
            for name, cell in zip(columns, cells, strict=True):
                columns[name].append(cell)
    return to_csv(columns, path)


SYLLABLES = {"Aba": ("ka", "lo", "mi", "na", "tu"), "Obo": ("brek", "grun", "stol", "wist", "zorp")}


def names(language: str, count: int, seed: int = 0) -> list[str]:
    draws = np.random.default_rng([seed, len(language), ord(language[0])])
    return ["".join(draws.choice(SYLLABLES[language], draws.integers(1, 5))).capitalize() for _ in range(count)]


def sentences(count: int) -> list[str]:
    draws = np.random.default_rng(8)
    parts = ("a the", "red small old", "cat dog bird", "sees hears likes", "the", "old loud", "house tree lake")
    return [" ".join(str(draws.choice(part.split())) for part in parts) for _ in range(count)]


RATE = 4000


def tones(folder: str, count: int = 200) -> str:
    """A flat folder of WAV files low_ann_3.wav of a quarter of a second, 16 bits."""
    draws = np.random.default_rng(9)
    Path(folder).mkdir()
    for row in range(count):
        pitch = (300, 900)[row % 2] * 2 ** draws.uniform(-0.2, 0.2)
        times = np.arange(RATE // 4 - int(draws.integers(0, 200))) / RATE
        x = np.sin(2 * np.pi * (pitch * times + draws.random())) * draws.uniform(0.2, 0.7)
        x = np.rint(32767 * (x + draws.normal(0, 0.003, len(x)))).astype("<i2")
        name = f"{('low', 'high')[row % 2]}_{('ann', 'bob')[row // 2 % 2]}_{row}.wav"
        with wave.open(str(Path(folder, name)), "wb") as file:
            file.setparams((1, 2, RATE, len(x), "NONE", ""))
            file.writeframes(x.tobytes())
    return folder
