from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import re
import shutil
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_image_example import digits, evaluation, image_report, made_up_history, noisy, small
from results import evaluation as evaluated
from results import named, result, score
from test_report_page import EVIL, Page

from gankit.io.pixels import grid
from gankit.kinds.images.metrics.inputs import ImageFacts
from gankit.kinds.images.metrics.metrics import IMAGES, METRICS
from gankit.kinds.images.sections import (
    ImageSections,
    classifier_table,
    columns,
    image_sections,
    is_mnist,
    parzen,
    parzen_notes,
)
from gankit.kinds.images.sheets import (
    LARGEST,
    embedded,
    figure_2014,
    flat_colours,
    reduced,
    shape_of,
    sheet,
)
from gankit.metrics.evaluate import Evaluation, MetricResult, Rows
from gankit.metrics.metric import Noun, Score
from gankit.report.curves import curves, halved, reading, still_learning, training
from gankit.report.page import MAX_BYTES, Report
from gankit.report.records import class_table, confusion_table, worst_class
from gankit.report.summary import summary
from gankit.report.verdict import Standing, Verdict

YELLOW = [255, 204, 0]
QUICK = ("frechet", "kernel", "precision", "recall", "copies_exact", "copies_near")


@cache
def digits_report(records: bool = True) -> Report:
    return digits(notes=("A note.",), records=records)


def plain_report(
    real: np.ndarray, fake: np.ndarray, found: Evaluation[ImageFacts] | None = None, **more: Any
) -> tuple[Report, Evaluation[ImageFacts]]:
    half = len(real) // 2
    found = found or evaluation(real[:half], real[half:], fake, only=QUICK)
    given = {"card": {"name": "blobs"}, "history": [], **more}
    return image_report(found, real[:half], real[half:], fake, **given), found


NOTHING = ImageFacts("", (8, 8, 1), None, (), True, {})


def sections(*results: MetricResult, shape: tuple[int, int, int] = (28, 28, 1), **given: Any) -> ImageSections:
    images = np.zeros((1, *shape), np.uint8)
    found = evaluated(results, NOTHING, rows=Rows(20, 20, 10, 10, 20))
    return image_sections(evaluation=found, train=images, heldout=images, fake=images, **given)


# --- sheets -----------------------------------------------------------------------------------------------------------


def flat_images(values: list[int], side: int = 4) -> np.ndarray:
    return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, side, side, 1), np.uint8)


def test_the_figure_of_2014_has_the_nearest_training_image_of_the_fake_at_its_left_in_a_yellow_frame() -> None:
    fake, train = flat_images([10, 20, 30, 40]), flat_images([1, 2, 3, 4, 5])
    drawn = figure_2014(fake, train, [0, 4, 0, 2], columns=3)
    # Images of 4 pixels, gaps of 2, a margin of 2: they begin at 2, 8 and 14.
    assert drawn.shape == (2 + 4 + 2 + 4 + 2, 2 + 3 * 6, 3)
    shown = [[drawn[2 + 6 * r, 2 + 6 * c].tolist() for c in range(3)] for r in range(2)]
    assert shown == [[[10] * 3, [20] * 3, [5] * 3], [[30] * 3, [40] * 3, [3] * 3]]
    yellow = (drawn == YELLOW).all(-1)
    frame = np.zeros_like(yellow)
    frame[:, 12:] = True
    frame[2:6, 14:18] = frame[8:12, 14:18] = False
    assert (yellow == frame).all()


def test_fakes_that_fill_no_row_of_the_figure_are_left_out_and_too_few_are_refused() -> None:
    fake, train = flat_images([1, 2, 3]), flat_images([9])
    assert figure_2014(fake, train, [0, 0, 0], columns=3).shape[0] == 2 + 4 + 2
    with pytest.raises(ValueError, match="1 synthetic images"):
        figure_2014(fake[:1], train, [0], columns=3)
    with pytest.raises(ValueError, match="at least 2 columns"):
        figure_2014(fake, train, [0, 0, 0], columns=1)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 3]))
def test_a_grid_holds_each_image_at_its_place(num: int, columns: int, height: int, width: int, channels: int) -> None:
    images = np.random.default_rng(num).integers(0, 256, (num, height, width, channels), np.uint8)
    drawn, columns = grid(images, columns, 2, 128), min(columns, num)
    assert drawn.shape == (-(-num // columns) * (height + 2) - 2, columns * (width + 2) - 2, channels)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 2), i % columns * (width + 2)
        assert (drawn[top : top + height, left : left + width] == image).all()


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_images_of_any_shape_are_shown_at_most_96_pixels_large_and_in_their_proportions(h: int, w: int) -> None:
    shape = shape_of(h, w)
    assert 1 <= shape.height <= LARGEST and 1 <= shape.width <= LARGEST
    assert shape.reduced == (max(h, w) > LARGEST)
    if not shape.reduced:
        assert (shape.height, shape.width) == (h * shape.factor, w * shape.factor)
    else:
        assert max(shape.height, shape.width) == LARGEST
        assert abs(min(shape.height, shape.width) - max(1, min(h, w) * LARGEST / max(h, w))) <= 0.5


def test_large_images_are_averaged_over_areas_and_small_ones_keep_every_pixel() -> None:
    large = np.random.default_rng(0).integers(0, 256, (2, 192, 192, 3), np.uint8)
    means = large.reshape(2, 96, 2, 96, 2, 3).mean((2, 4))
    assert np.abs(reduced(large, shape_of(192, 192)) - means).max() <= 1
    tiny = large[:, :28, :28, :1]
    assert (reduced(tiny, shape_of(28, 28))[:, ::2, ::2] == tiny).all()


def test_opacity_is_laid_over_a_chequered_ground() -> None:
    image = np.zeros((1, 16, 16, 4), np.uint8)
    image[..., 0], image[0, :8, :, 3] = 250, 255
    drawn = flat_colours(image)
    assert drawn.shape == (1, 16, 16, 3) and (drawn[0, :8] == [250, 0, 0]).all()
    assert set(np.unique(drawn[0, 8:])) == {150, 200}
    assert flat_colours(np.zeros((1, 4, 4, 2), np.uint8)).shape == (1, 4, 4, 1)
    assert flat_colours(np.full((1, 4, 4, 7), 9, np.uint8)).shape == (1, 4, 4, 3)


def decoded(image: str) -> np.ndarray:
    from PIL import Image

    found = re.search(r'src="data:image/(png|jpeg);base64,([^"]+)"', image)
    assert found
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[2]))))


def test_an_embedded_image_comes_back_as_it_was() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    element = embedded(image, 'a "quoted" & text', lossless=True)
    assert (decoded(element) == image).all()
    assert 'width="7" height="5"' in element and "a &#34;quoted&#34; &amp; text" in element
    smooth = small(1, (64, 64, 3))[0]
    lossy = embedded(smooth, "", lossless=False)
    assert "image/jpeg" in lossy and np.abs(decoded(lossy).astype(int) - smooth).mean() < 3


def test_small_images_are_kept_without_loss_and_large_ones_are_photographs() -> None:
    assert "image/png" in sheet(small(3, (28, 28, 1)), 3, "")
    assert "image/jpeg" in sheet(small(3, (64, 64, 1)), 3, "")


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_of_images_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    page = Page(digits_report().html)
    assert page.open == [] and not page.all("script") and not page.all("iframe")
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for target in (attributes.get("href") or "", attributes.get("aria-labelledby") or ""):
            assert not target.startswith("#") or target[1:] in ids


def test_the_page_of_images_can_be_read_without_seeing_them() -> None:
    page = Page(digits_report().html)
    assert len(page.all("img")) > 40
    assert all(img["alt"] and int(img["width"] or 0) > 0 for img in page.all("img"))
    assert len(page.all("table")) == len(page.all("caption")) > 5
    headings = [t for t, _ in page.tags if re.fullmatch("h[1-6]", t)]
    assert headings.count("h1") == 1 and all(int(b[1]) - int(a[1]) <= 1 for a, b in pairwise(headings))


def test_every_part_is_there_for_images_with_classes() -> None:
    page = Page(digits_report().html)
    parts = ["samples", "overview", "by-class", "progress", "figure-2014", "closest", "distance", "fidelity"]
    parts += ["classes", "usefulness", "copies", "training", "model", "reading"]
    assert [a["id"] for t, a in page.tags if t == "h2"] == parts
    assert "24 fixed directions of pixel space, resized by nothing" in digits_report().html


def test_the_json_holds_the_evaluation_and_the_words_on_images() -> None:
    report = digits_report()
    value = json.loads(json.dumps(report.json, allow_nan=False))
    assert [v["metric"] for v in value["verdicts"]] == list(value["evaluation"]["metrics"])
    assert report.verdicts == value["summary"] + [v["text"] for v in value["verdicts"]]
    shown = " ".join("".join(Page(report.html).texts).split())
    assert all(sentence in shown for sentence in report.verdicts)
    assert "A note." in shown


def test_copied_fakes_come_first_among_the_closest_pairs_and_are_named_in_the_summary() -> None:
    report = digits_report()
    found = report.json["evaluation"]
    images = np.zeros((1200, 8, 8, 1), np.uint8)
    results = [
        result(named(METRICS, "copies_exact"), 0.0, 0.0, {}, **found["metrics"]["copies_exact"]["fake"]["details"])
    ]
    facts = ImageFacts(*(found[f.name] for f in dataclasses.fields(ImageFacts)))
    shown = image_sections(evaluation=evaluated(results, facts), train=images, heldout=images, fake=images)
    ranked = shown._ranked()
    assert {ranked[0]["fake"], ranked[1]["fake"]} == {3, 60}
    assert {ranked[0]["train"], ranked[1]["train"]} == {11, 12}
    assert "(much nearer)" in report.html
    said = next(s for s in report.verdicts if "training images were copied" in s)
    assert said.startswith("There are signs") and "exact copies (0.005; real images 0.000)" in said


def test_without_records_the_page_is_made_of_fakes_alone_and_the_copied_ones_are_left_out() -> None:
    real, fake = small(300, (12, 12, 1)), small(120, (12, 12, 1), seed=1)
    fake[[3, 60]] = real[[11, 12]]
    _, found = plain_report(real, fake)
    others = small(300, (12, 12, 1), seed=5)
    changed = fake.copy()
    changed[[3, 60]] = others[:2]

    def page(real: np.ndarray, fake: np.ndarray, records: bool) -> str:
        return plain_report(real, fake, found, records=records)[0].html

    assert page(real, fake, False) == page(others, fake, False) == page(real, changed, False)
    assert page(real, fake, True) != page(others, fake, True)
    assert "were left out of this report" in page(real, fake, False)


def test_a_model_without_its_data_shows_nothing_as_nearest_training_image() -> None:
    real, fake = small(200), small(60, seed=1)
    _, found = plain_report(real, fake)
    report, _ = plain_report(real, fake, found.without_training())
    ids = [a.get("id") for _, a in Page(report.html).tags]
    assert "figure-2014" not in ids and "closest" not in ids and "samples" in ids
    assert any("is not known" in s for s in report.verdicts)


def test_classes_that_the_classifier_saw_are_not_called_asked_for() -> None:
    report = digits(asked=False)
    assert "Synthetic images classified as it" in report.html and "images generated for it" not in report.html


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 300, 1), (300, 2, 3), (9, 7, 2), (20, 24, 4), (10, 10, 6), (130, 100, 4)]
)
def test_images_of_any_shape_make_a_page(shape: tuple[int, int, int]) -> None:
    real, fake = small(40, shape), small(24, shape, seed=1)
    report, _ = plain_report(real, fake, progress=[(100, fake[:3]), (200, fake[3:6])])
    page = Page(report.html)
    assert page.open == [] and len(page.all("img")) >= 5 and len(report.html.encode()) < MAX_BYTES
    assert (f"{shape[1]} × {shape[0]} pixels and are shown at" in report.html) == (max(shape) > LARGEST)


@pytest.mark.parametrize("shape", [(48, 48, 3), (128, 128, 3)])
def test_images_that_cannot_be_compressed_stay_under_two_megabytes(shape: tuple[int, int, int]) -> None:
    noise = noisy(np.zeros((400, *shape), np.uint8), 1.0)
    found = evaluation(*(small(100, seed=s) for s in (0, 1, 2)), only=("copies_exact",))
    by_class = {str(k): list(range(k, 100, 10)) for k in range(10)}
    facts = dataclasses.replace(found.facts, pictures={**found.facts.pictures, "by_class": by_class})
    steps = [(i, noise[:10]) for i in range(20)]
    known = {"heldout_classes": np.arange(100) % 10, "names": [str(i) for i in range(10)]}
    report = image_report(
        dataclasses.replace(found, facts=facts), noise[:100], noise[100:200], noise[200:300], card={}, progress=steps,
        **known,
    )  # fmt: skip
    assert len(Page(report.html).all("img")) > 20 and len(report.html.encode()) < MAX_BYTES


def test_what_is_missing_in_an_evaluation_is_left_out() -> None:
    images = small(10)
    lone = evaluated([MetricResult(named(METRICS, "frechet"), score(2.0, best=0.0))], NOTHING)
    report = image_report(lone, images, images, images, card={}, history=[])
    assert Page(report.html).open == [] and report.json["verdicts"][0]["metric"] == "frechet"
    nothing = image_report(evaluated([], NOTHING), images, images, images, card={}, history=[])
    assert "How good are the synthetic images of the model?" in nothing.html


def test_names_of_classes_and_models_are_shown_and_never_run() -> None:
    real, fake = small(120), small(40, seed=1)
    sides = (np.arange(60) % 2, np.arange(60) % 2, np.arange(40) % 2)
    names = [EVIL, '" onload="x']
    found = evaluation(real[:60], real[60:], fake, classes=sides, names=names, only=("agreement", "classes"))
    known = {"heldout_classes": sides[1], "names": names}
    history = [{"samples": i, "metric": -i, "alarms": [EVIL]} for i in (1, 2, 3)]
    card = {"name": EVIL, "metric": EVIL}
    report = image_report(found, real[:60], real[60:], fake, card=card, history=history, notes=[EVIL], **known)
    page = Page(report.html)
    assert page.open == [] and not page.all("script") and EVIL in page.texts
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_the_same_images_give_the_same_page() -> None:
    real, fake = small(60), small(30, seed=1)
    first, found = plain_report(real, fake)
    assert first.html == plain_report(real, fake, found)[0].html


def test_rows_that_do_not_exist_are_not_drawn() -> None:
    real, fake = small(60), small(30, seed=1)
    _, found = plain_report(real, fake)
    images = dict(found.facts.pictures)
    images["nearest_train"], images["typical"] = [10_000] * len(images["shown"]), [-1]
    report, _ = plain_report(
        real, fake, dataclasses.replace(found, facts=dataclasses.replace(found.facts, pictures=images))
    )
    assert Page(report.html).open == [] and "most typical" not in report.html


# --- words ------------------------------------------------------------------------------------------------------------


def metric(
    name: str, fake: float | Score | None, ceiling: float | None, *, half: float = 0.01, **baselines: float | None
) -> MetricResult:
    of = named(METRICS, name)
    known = {"noise": 0.0, "mean": 0.0, "bootstrap": ceiling} | baselines
    shown = score(None) if fake is None else fake
    return result(of, shown, ceiling, known if baselines.get("noise", 0.0) is not None else {}, half=half)


def said(shown: ImageSections) -> dict[str, Verdict]:
    return shown.told()


def place_of(found: MetricResult, shape: tuple[int, int, int] = (28, 28, 1)) -> Standing:
    return said(sections(found, shape=shape))[found.metric.name].standing


def told(value: float, ceiling: float = 0.1, noise: float | None = 400.0) -> Standing:
    return place_of(metric("frechet", value, ceiling, noise=noise))


@pytest.mark.parametrize(("value", "level"), [(0.105, "real"), (0.2, "close"), (2.0, "fair"), (50.0, "weak")])
def test_the_way_to_real_images_is_counted_in_halvings_of_the_distance(value: float, level: str) -> None:
    place = told(value)
    assert place.way == pytest.approx(math.log(400 / value) / math.log(4000))
    assert place.level == level


def test_a_ceiling_below_zero_counts_as_its_intervals_half_width() -> None:
    # Unbiased distances fall below 0; the interval of the ceiling is -.011 to .009.
    assert told(1.0, ceiling=-0.001).way == pytest.approx(math.log(400) / math.log(400 / 0.04))


def test_without_baselines_a_distance_is_judged_as_a_multiple_of_that_of_real_images() -> None:
    assert [told(v, noise=None).level for v in (0.19, 0.9, 1.1)] == ["close", "fair", "weak"]


def test_one_good_image_again_and_again_is_no_standard_of_realism() -> None:
    place = place_of(metric("precision", 0.7, 0.9, noise=0.0, mean=1.0))
    assert (place.baseline, place.level) == ("noise", "fair") and place.way == pytest.approx(0.7 / 0.9)


def test_a_single_fake_that_equals_a_training_image_is_a_sign_of_copying_unless_images_are_tiny() -> None:
    def found(heldout_share: float) -> MetricResult:
        fake = Score(0.001, 0.0, 0.006, 0.0, {"copies": 1, "heldout_share": heldout_share})
        return metric("copies_exact", fake, 0.0, half=0.004)

    assert place_of(found(0.0)).level == "fair"
    assert place_of(found(0.0), (3, 3, 1)).level == "real"
    assert place_of(found(0.001)).level == "real"  # the data hold the same image twice


def test_every_metric_of_images_has_words_of_its_own() -> None:
    assert all(m.title and m.noun and m.question != m.meaning and (m.bad or m.remedy or not m.judged) for m in METRICS)


def test_what_images_are_called_is_an_argument() -> None:
    noun = Noun("spectrogram", "spectrograms")
    real, fake = small(60), small(30, seed=1)
    found = evaluation(real[:30], real[30:], fake, only=QUICK, noun=noun)
    page = image_report(found, real[:30], real[30:], fake, card={"name": "x"}, noun=noun, progress=[(1, fake[:4])])
    text = " ".join([*Page(page.html).texts, *page.verdicts])
    assert "spectrograms" in text and not re.search(r"\b(image|image)s?\b", text)


def test_a_verdict_says_what_a_figure_means_and_what_to_try() -> None:
    def text(fake: float | Score) -> str:
        return said(sections(metric("recall", fake, 0.9)))["recall"].text

    weak = text(0.3)
    assert weak.startswith("Recall (variety): 0.300 (0.290–0.310), where real images reach 0.900")
    assert "33.3 % of the way there from noise (0.000)" in weak
    assert "kinds of real images are missing" in weak and "To try: a larger --penalty-weight" in weak
    assert "To try" not in text(0.9)
    none = score(None, reason="there are no images")
    assert text(none) == "Recall (variety): not computed, because there are no images."


def sentences(*results: MetricResult) -> list[str]:
    shown = sections(*results)
    return summary(shown, said(shown), made_up_history())


def test_the_summary_tells_distance_realism_variety_obedience_and_copies_in_order() -> None:
    found = sentences(
        metric("frechet", 2.0, 0.1, noise=400, mean=250),
        metric("precision", 0.3, 0.95),
        metric("recall", 0.94, 0.95),
        metric("agreement", 0.97, 0.99),
        metric("copies_near", 0.5, 0.5),
    )
    assert found[0] == "10 synthetic images were compared with 20 held-out real images of 28 × 28 pixels (grey)."
    assert found[1] == (
        "The synthetic images are on the way to real images, but not there: Fréchet distance 2.000, where real images "
        "would have 0.100, noise would have 400.0 and the mean image would have 250.0."
    )
    starts = [
        "Most of the synthetic images do not",
        "They are varied enough",
        "97.0 % of the synthetic",
        "No sign that",
    ]
    assert [s[: len(b)] for s, b in zip(found[2:6], starts, strict=True)] == starts
    assert found[6].startswith("What matters most is realism of single images (0.300; real images 0.950)")
    assert len(found) == 8


def test_copying_matters_more_than_any_distance() -> None:
    found = sentences(metric("frechet", 80.0, 0.1, noise=400), metric("copies_near", 0.9, 0.5))
    assert any(s.startswith("There are signs that training images were copied: near copies") for s in found)
    assert any("What matters most is near copies" in s and "--augment ada" in s for s in found)


def test_smooth_fakes_that_lie_near_to_everything_are_not_accused_of_copying() -> None:
    def copied(value: float, real: float) -> str:
        fake = score(value, 0.02, 0.5, three_sample={"z": -9.0, "p": 1e-9})
        return next(s for s in sentences(metric("copies_near", fake, real, half=0.04)) if "copied" in s)

    assert copied(0.56, 0.55).startswith("No sign")
    assert copied(0.56, 0.50).startswith("There are signs")


def test_missing_classes_and_the_least_obeyed_one_are_named() -> None:
    found = [{"class": c, "real": 0.5, "fake": f, "agreement": a} for c, f, a in (("cat", 1.0, 0.6), ("dog", 0, None))]
    assert worst_class(found, IMAGES) == [
        (
            "",
            "Missing among the synthetic images: “dog”. Least satisfied is “cat”: 60.0 % of the synthetic images "
            "generated for it are classified as it.",
        )
    ]
    assert worst_class([], IMAGES) == []


# --- tables and curves ------------------------------------------------------------------------------------------------


def test_mistakes_are_shares_of_the_true_class_and_many_classes_are_listed() -> None:
    (table,) = confusion_table([[3, 1], [0, 4]], ["cat", "dog"], "Who", "True")
    assert [[re.sub("<.*?>", "", str(c)) for c in row] for row in table.rows] == [
        ["cat", "75", "25"],
        ["dog", "", "100"],
    ]
    counts = np.diag(np.full(20, 9))
    counts[4, 7] = 1
    (table,) = confusion_table(counts.tolist(), [f"c{i}" for i in range(20)], "Who", "True")
    assert table.rows == (("c4", "c7", "10.0 %"),)
    assert (
        confusion_table([[1]], ["a", "b"], "Who", "True") == []
        and confusion_table(None, ["a", "b"], "Who", "True") == []
    )


def test_columns_of_classes_without_a_figure_are_left_out() -> None:
    known = [{"class": "a", "real": 0.5, "fake": 0.25, "agreement": None, "frechet": 2.0}]
    (table,) = class_table(known, columns(IMAGES), 30, "class")
    shares = [f"Share of {side} images" for side in ("real", "synthetic")]
    assert [h.text for h in table.head] == ["Class", *shares, "Fréchet distance"]
    assert table.rows == (("a", "50.0 %", "25.0 %", "2.000"),)
    (table,) = classifier_table({"classes": [{"class": "a", "pictures": 9, "precision": 1.0, "recall": 0.5}]}, IMAGES)
    assert table.rows == (("a", "9", "100 %", "50.0 %"),)


def test_the_figures_of_2014_stand_beside_the_parzen_likelihood_of_mnist_alone() -> None:
    entry = metric("parzen", 200.0, 240.0, half=1.96)
    (table,) = parzen(entry, IMAGES, mnist=True)
    assert ("This model", "200.0 ± 1") in table.rows and table.rows[-4][1] == "225 ± 2"
    assert len(parzen(entry, IMAGES, mnist=False)[0].rows) == len(table.rows) - 4
    assert is_mnist({"name": "mnist/train-images"}, (28, 28, 1))
    for name, shape in (("fashion-mnist", (28, 28, 1)), ("mnist", (32, 32, 3)), ("faces", (28, 28, 1))):
        assert not is_mnist({"name": name}, shape)
    assert "as in the protocol" in parzen_notes({"fakes": 10_000, "validation": 1000, "sigma": 0.2}, IMAGES)[0]
    assert "the protocol takes 10,000" in parzen_notes({"fakes": 500, "validation": 1000, "sigma": 0.2}, IMAGES)[0]


def test_a_metric_that_is_minus_a_distance_gains_by_halvings() -> None:
    rows = [{"samples": i, "metric": -(2.0 ** (8 - i))} for i in range(11)]
    assert [r["metric"] for r in halved(rows)] == list(range(-8, 3))
    # The last fifth brings 2 of 10 halvings, though hardly anything of the distance itself.
    assert still_learning(halved(rows)) == pytest.approx(0.2) and (still_learning(rows) or 0) < 0.01
    found = training(rows, copied=False, behind=False, records="images", halvings=True)
    assert found.direction == "longer" and reading(rows, {}, found)[-1] == f"{found.text}."
    mixed = [{"samples": 1, "metric": -1.0}, {"samples": 2, "metric": 0.5}]
    assert halved(mixed) == mixed


def test_the_curve_of_a_distance_is_drawn_in_halvings_and_named_by_the_card() -> None:
    rows = [{"samples": i, "metric": -(2.0 ** (8 - i))} for i in range(9)]
    ((_, svg),) = curves(rows, {"metric": "minus frechet"}, records="images", halvings=True)
    heights = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", max(re.findall(r'd="([^"]+)"', svg), key=len))]
    steps = np.diff(heights)
    assert "minus frechet" in svg and ">-100<" in svg and ">-1<" in svg
    assert len(steps) == 8 and steps == pytest.approx(np.full(8, steps.mean()), abs=0.03)


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_lays_the_page_of_images_out_without_overflow(tmp_path: Path, width: int) -> None:
    browser = next((b for b in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if b), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    probe = (
        "<script>document.title = [document.documentElement.scrollWidth, innerWidth, "
        "[...document.images].filter(i => !i.naturalWidth).length].join(' ')</script></body>"
    )
    (tmp_path / "x.html").write_text(digits_report().html.replace("</body>", probe), encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        f'<iframe src="x.html" width="{width}" height="900"></iframe>'
        "<script>onload = () => { document.title = frames[0].document.title }</script>",
        encoding="utf-8",
    )
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [browser, *flags, (tmp_path / "frame.html").as_uri()], capture_output=True, text=True, timeout=60
    )
    found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", done.stdout)
    assert found, done.stderr[-2000:]
    scroll, inner, broken = map(int, found.groups())
    assert scroll <= inner and broken == 0
