"""Rules kept by construction, beside the same training without: `python benchmarks/rules.py hotel trips ohlc`.

Trains each data set twice (with the rules that are found, and with `--no-rule all`), draws 100,000 rows and counts what
breaks that holds in every real row; for trips also how durations are distributed and go with distances. The trips are
made here: 20,000 rows of pick-up, drop-off, distance, fare, tip, tolls, total, zone and borough.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

import gankit

CASES = Path("../shared/cases")
FAKES = 100_000


def trips(rows: int = 20_000) -> pd.DataFrame:
    """Taxi trips as they are kept: a trip is short beside the year that they are of."""
    g = np.random.default_rng(0)
    pickup = pd.Timestamp("2024-01-01") + pd.to_timedelta(g.integers(0, 366 * 86400, rows), unit="s")
    hour = np.asarray(pickup.hour)
    miles = np.round(g.lognormal(0.6, 0.8, rows) + 0.2, 2)
    speed = g.lognormal(2.4, 0.3, rows) * np.where((hour > 6) & (hour < 20), 0.75, 1.2)
    seconds = np.maximum(np.rint(miles / speed * 3600), 60)
    zone = g.choice(120, rows, p=np.arange(120, 0, -1) / (120 * 121 / 2))
    card = g.random(rows) < 0.7
    fare = np.round(3 + 2.5 * miles + 0.5 * np.floor(seconds / 60), 2)
    tip = np.where(card, np.round(fare * g.choice([0.1, 0.15, 0.2, 0.25], rows), 2), 0.0)
    tolls = np.where(g.random(rows) < 0.06, 6.94, 0.0)
    return pd.DataFrame(
        {
            "pickup": pickup.strftime("%Y-%m-%d %H:%M:%S"),
            "dropoff": (pickup + pd.to_timedelta(seconds, unit="s")).strftime("%Y-%m-%d %H:%M:%S"),
            "distance": miles, "zone": [f"Z{z:03d}" for z in zone], "borough": [f"B{z % 5}" for z in zone],
            "card": card.astype(int), "cash": (~card).astype(int), "fare": fare, "tip": tip, "tolls": tolls,
            "total": np.round(fare + tip + tolls, 2),
        }
    )  # fmt: skip


def broken_hotel(d: pd.DataFrame) -> dict[str, pd.Series]:
    """What breaks in hotel.csv."""
    booked, checkin, checkout = (pd.to_datetime(d[c], dayfirst=True) for c in ("booked", "checkin", "checkout"))
    return {
        "checkin < checkout": ~(checkin < checkout),
        "booked < checkin": ~(booked < checkin),
        "nights": (checkout - checkin).dt.days != d.nights,
        "amount": d.amount != d.nights * d.rate,
    }


def broken_trips(d: pd.DataFrame) -> dict[str, pd.Series]:
    """What breaks in trips."""
    pairs = trips()[["zone", "borough"]].drop_duplicates().set_index("zone").borough
    return {
        "pickup < dropoff": ~(pd.to_datetime(d.pickup) < pd.to_datetime(d.dropoff)),
        "total": (d.total - d.fare - d.tip - d.tolls).abs() > 0.005,
        "one of card, cash": d.card + d.cash != 1,
        "zone -> borough": d.zone.map(pairs) != d.borough,
    }


def broken_ohlc(d: pd.DataFrame) -> dict[str, pd.Series]:
    """What breaks in ohlc.csv."""
    return {
        "High": ~(d.High >= d[["Open", "Close", "Low"]].max(axis=1)),
        "Low": ~(d.Low <= d[["Open", "Close"]].min(axis=1)),
        "holes": d.isna().any(axis=1),
    }


def durations(d: pd.DataFrame) -> np.ndarray:
    """Seconds from pick-up to drop-off."""
    return np.asarray((pd.to_datetime(d.dropoff) - pd.to_datetime(d.pickup)).dt.total_seconds())


def figures(name: str, real: pd.DataFrame, fake: pd.DataFrame) -> str:
    """What is said of fakes."""
    broken = {"hotel": broken_hotel, "trips": broken_trips, "ohlc": broken_ohlc}[name](fake)
    said = [f"{rule} {100 * share.mean():.2f}%" for rule, share in broken.items()]
    any_broken = pd.concat(broken.values(), axis=1).any(axis=1)
    said.append(f"any {int(any_broken.sum()):,} of {len(fake):,}")
    if name == "trips":
        half = len(real) // 2
        a, b, f = durations(real[:half]), durations(real[half:]), durations(fake)
        said.append(
            f"KS of durations {ks_2samp(f, b).statistic:.3f} (two halves of real rows {ks_2samp(a, b).statistic:.3f})"
        )
        pairs = [np.corrcoef(durations(d), d.distance)[0, 1] for d in (real, fake)]
        said.append(f"corr(duration, distance) real {pairs[0]:.3f}, fake {pairs[1]:.3f}")
    return "; ".join(said)


def main() -> None:
    """Prints a line a training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["hotel", "trips", "ohlc"])
    parser.add_argument("--samples", default="1M")
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    for name in chosen.names:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{name}.csv"
            real = trips() if name == "trips" else pd.read_csv(CASES / f"{name}.csv")
            real.to_csv(file, index=False)
            kind: dict[str, Any] = {"kind": "series"} if name == "ohlc" else {}
            for seed in range(chosen.seeds):
                for words, options in (("with rules", {}), ("--no-rule all", {"no_rule": ["all"]})):
                    model = gankit.train(file, samples=chosen.samples, seed=seed, **kind, **options)
                    out = Path(folder) / "fakes.csv"
                    steps = model.codec.num_steps if name == "ohlc" else 1
                    model.write(out, -(-FAKES // steps), seed=1)
                    print(f"{name}, {words}, seed {seed}: {figures(name, real, pd.read_csv(out))}", flush=True)


if __name__ == "__main__":
    main()
