"""Features of images: the same for the same images, blind to nothing that matters, named as what they are."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from gankit.errors import DataError, DependencyError, OptionError
from gankit.features import Features, fixed_features, inception_features
from gankit.features.base import seen_size, to_network
from gankit.metrics.distances import frechet
from gankit.randomness import numpy_generator


def images(n: int, height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    return numpy_generator(seed, "test").integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def faces(n: int, seed: int) -> np.ndarray:
    """Smooth blobs at random places: [n, 32, 32, 1] uint8."""
    draws = numpy_generator(seed, "test blobs")
    y, x = np.mgrid[0:32, 0:32][:, None]
    cy, cx = draws.uniform(8, 24, (2, n, 1, 1))
    return np.rint(255 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 40))[..., None].astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 1), (17, 5, 4), (32, 32, 3), (100, 130, 3)])
def test_fixed_features_take_images_of_any_size_and_channels(shape: tuple[int, int, int]) -> None:
    found = fixed_features(shape[2])(images(3, *shape))
    assert found.shape == (3, 384) and found.dtype == np.float32 and np.isfinite(found).all()


def test_fixed_features_are_a_function_of_the_seed_and_leave_the_global_state() -> None:
    x = images(4, 16, 16, 3)
    before = torch.random.get_rng_state()
    one, same, other = fixed_features(3, 1)(x), fixed_features(3, 1)(x), fixed_features(3, 2)(x)
    assert (before == torch.random.get_rng_state()).all()
    assert (one == same).all() and not np.allclose(one, other)


def test_features_of_a_image_do_not_depend_on_its_neighbours() -> None:
    x = images(1500, 8, 8, 1)
    look = fixed_features(1)
    np.testing.assert_allclose(look(x)[1400:], look(x[1400:]), rtol=1e-5, atol=1e-6)


def test_fixed_features_order_fakes_by_how_wrong_they_are() -> None:
    real, fresh, look = faces(400, 1), faces(400, 2), fixed_features(1)
    grain = numpy_generator(5, "test grain").integers(-20, 21, fresh.shape)
    grainy = np.clip(fresh.astype(int) + grain, 0, 255).astype(np.uint8)
    moved = np.roll(fresh, 5, axis=1)
    noise = images(400, 32, 32, 1)
    one = np.repeat(fresh[:1], 400, axis=0)
    near, place, texture, worst, collapsed = (
        frechet(look(real), look(fake), interval=False).value for fake in (fresh, moved, grainy, noise, one)
    )
    assert 3 * near < min(place, texture, collapsed) and max(place, texture, collapsed) < worst


def test_large_images_are_averaged_down_to_64_pixels() -> None:
    assert seen_size(128, 64) == (64, 32) and seen_size(64, 64) == (64, 64) and seen_size(1000, 3) == (64, 1)
    x = images(2, 128, 128, 3)
    expected = x.reshape(2, 64, 2, 64, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(to_network(x, (64, 64)).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "x", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 1)), [[1]], np.zeros((2, 0, 8, 1), np.uint8)]
)
def test_what_is_no_images_is_refused(x: Any) -> None:
    with pytest.raises(DataError, match=r"uint8 array \[N, H, W, C\]"):
        fixed_features(1)(x)


def test_other_channels_are_refused() -> None:
    with pytest.raises(DataError, match="3 channels, and the features were made for 1"):
        fixed_features(1)(images(2, 8, 8, 3))


def test_read_only_and_mapped_images_are_taken(tmp_path: Path) -> None:
    x = images(3, 8, 8, 1)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(fixed_features(1)(mapped), fixed_features(1)(x))


# --- Inception, with a stand-in for the library: its own classes are tried where it is installed --------------------


class StandIn(torch.nn.Module):
    """The library's interface: uint8 [B, 3, H, W] -> (features [B, 2048],)."""

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: str) -> None:
        super().__init__()
        assert (name, features_list) == ("inception-v3-compat", ["2048"])
        assert Path(feature_extractor_weights_path).read_bytes() == b"weights"

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        assert x.dtype == torch.uint8 and x.shape[1] == 3
        return (x.float().mean((2, 3)).repeat(1, 683)[:, :2048],)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A stand-in for torch-fidelity, and the place where its weights are looked for."""
    digits = hashlib.sha256(b"weights").hexdigest()[:8]
    module = ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.URL_INCEPTION_V3 = f"https://example.org/weights-{digits}.pth"  # type: ignore[attr-defined]
    module.FeatureExtractorInceptionV3 = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / f"weights-{digits}.pth"


def test_inception_without_the_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(DependencyError, match="pip install torch-fidelity"):
        inception_features()


def test_inception_without_weights_fetches_nothing_unasked(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(url: str, to: str, hash_prefix: str, progress: bool) -> None:
        fetched.append(url)
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(OptionError, match="not on this machine"):
        inception_features()
    assert fetched == []
    with pytest.raises(OptionError, match="could not be fetched: no network"):
        inception_features(download=True)
    assert len(fetched) == 1


def test_damaged_inception_weights_are_not_opened(library: Path) -> None:
    library.write_bytes(b"something else")
    with pytest.raises(OptionError, match="SHA-256"):
        inception_features()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_inception_sees_grey_rgb_and_rgba(library: Path, channels: int) -> None:
    library.write_bytes(b"weights")
    look = inception_features()
    x = images(5, 9, 7, channels)
    found = look(x)
    assert found.shape == (5, 2048)
    expected = x[..., [0, 0, 0] if channels == 1 else [0, 1, 2]].mean((1, 2))
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-5)
    with pytest.raises(OptionError, match="5 channels"):
        look(images(1, 4, 4, 5))


def test_only_inception_features_are_called_fid(library: Path) -> None:
    library.write_bytes(b"weights")
    assert "FID" in inception_features().describe() and "299 x 299" in inception_features().describe()
    described = fixed_features(1).describe()
    assert "FID" not in described and "random" in described and isinstance(fixed_features(1), Features)
