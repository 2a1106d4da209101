"""Writes the demo's data, which gankit's dependencies ship, as people bring theirs: `demo_data.py FOLDER`.

titanic.csv: the 1,309 passengers of the Titanic, from scikit-learn's test data (the OpenML set 40945).
heights.csv: one column, the heights in metres of a landscape near Jacksboro, from Matplotlib's sample data.
digits/: 1,797 handwritten digits of 8 x 8 pixels in a folder a class, from scikit-learn.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from pathlib import Path

import numpy as np


def write_titanic(path: Path) -> int:
    """Turns the ARFF file into CSV, with the names of its attributes as the header; gives the number of rows."""
    import sklearn.datasets

    folder = Path(sklearn.datasets.__file__).parent / "tests/data/openml/id_40945"
    with gzip.open(next(folder.glob("data-*.arff.gz")), "rt", encoding="utf-8") as file:
        text = file.read()
    head, _, body = text.partition("@data\n")
    names = re.findall(r"^@attribute '([^']+)'", head, re.MULTILINE)
    rows = list(csv.reader(line for line in body.splitlines() if line))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(["" if cell == "?" else cell for cell in row] for row in rows)
    return len(rows)


def write_heights(path: Path, num_rows: int = 20_000) -> int:
    """Takes `num_rows` points of the landscape, spread evenly; gives the number of rows."""
    from matplotlib import cbook

    with cbook.get_sample_data("jacksboro_fault_dem.npz") as grid:
        heights = grid["elevation"].ravel()
    chosen = heights[np.linspace(0, len(heights) - 1, num_rows).astype(int)]
    path.write_text("height\n" + "\n".join(map(str, chosen)) + "\n", encoding="utf-8")
    return len(chosen)


def write_digits(folder: Path) -> int:
    """Writes every digit as a PNG into the folder of its class; gives their number."""
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    for number, (image, digit) in enumerate(zip(found.images, found.target, strict=True)):
        place = folder / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15.9).astype(np.uint8)).save(place / f"{number:04d}.png")
    return len(found.images)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{folder / 'titanic.csv'}: {write_titanic(folder / 'titanic.csv')} rows")
    print(f"{folder / 'heights.csv'}: {write_heights(folder / 'heights.csv')} rows")
    print(f"{folder / 'digits'}: {write_digits(folder / 'digits')} images")
