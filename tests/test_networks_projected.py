"""The projected pair, and what judges it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photographs import photographs

import gankit
from gankit import networks
from gankit.config import TrainConfig
from gankit.errors import DependencyError
from gankit.features import fixed_features
from gankit.kinds import prepare
from gankit.kinds.images.features import Perception, perceive
from gankit.networks import backbones, build
from gankit.networks.backbones import WEIGHTS, backbone
from gankit.networks.images.projected import BACKBONE, Normed
from gankit.randomness import numpy_generator
from gankit.spec import Spec
from gankit.training.losses import LOSSES

pytest.importorskip(backbones.LIBRARY, reason="the extra is not installed: pip install 'gankit[pretrained]'")

CONDITION = Spec("vector", (2,))


def test_a_generator_needs_none_of_the_packages_and_a_discriminator_asks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(WEIGHTS, BACKBONE, ("no_such_package", WEIGHTS[BACKBONE][1], ""))
    backbone.cache_clear()
    generator, discriminator = build("projected", Spec("image", (3, 16, 16)), width=8)
    assert generator(torch.zeros(2, 128), torch.zeros(2, 0), None).shape == (2, 3, 16, 16)
    with pytest.raises(DependencyError, match=r"no_such_package.*pip install 'gankit\[pretrained\]'"):
        discriminator.start_from_records(torch.zeros(2, 3, 16, 16))


def test_frozen_weights_are_in_no_state() -> None:
    generator, discriminator = build("projected", Spec("image", (3, 64, 64)), CONDITION)
    discriminator(torch.zeros(1, 3, 64, 64), torch.zeros(1, 2))
    kept = sum(t.numel() for t in discriminator.state_dict().values())
    learned = sum(p.numel() for p in discriminator.parameters())
    fixed = sum(
        t.numel() for name, t in discriminator.state_dict().items() if name.startswith(("across", "down", "dev"))
    )
    assert kept == learned + fixed and not any("block" in name for name in discriminator.state_dict())
    own = {tuple(p.shape) for p in backbone(BACKBONE).parameters() if p.dim() == 4 and p.shape[2] > 1}
    assert not own & {tuple(t.shape) for t in [*discriminator.state_dict().values(), *generator.state_dict().values()]}


def test_weights_are_divided_by_their_largest_singular_value_with_its_gradient() -> None:
    draws = torch.Generator().manual_seed(0)
    layer = Normed(5, 7, 3)
    torch.nn.init.normal_(layer.weight, generator=draws)
    x = torch.randn(2, 5, 6, 6, generator=draws)
    layer(x).square().sum().backward()
    weight = layer.weight.detach().clone().requires_grad_()
    largest = torch.linalg.matrix_norm(weight.flatten(1), ord=2)
    torch.nn.functional.conv2d(x, weight / largest, layer.bias).square().sum().backward()
    assert layer.weight.grad is not None and weight.grad is not None
    assert torch.allclose(layer.weight.grad, weight.grad, rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        before = layer(x)
        layer.weight.mul_(3.0)
        assert torch.allclose(layer(x), before, atol=1e-5)


def test_it_is_judged_by_another_network_than_the_one_its_discriminator_sees_with() -> None:
    x = photographs(60, 32)
    updates: list[gankit.Progress] = []
    options = {"network": "projected", "batch": 4, "samples": 80, "evaluations": 2, "width": 8, "verbose": False}
    model = gankit.train(x, on_progress=updates.append, **options)
    judged = [u for u in updates if u.metric is not None]
    assert judged and all(u.metric_low < u.metric < u.metric_high for u in judged)
    assert model.perception.is_pretrained and "EfficientNet-Lite2" in model.perception.name
    again = Perception.from_state(*model.perception.state(), 3)
    assert again.is_pretrained and again.distance == "kernel distance"
    plain = Perception.from_state(*Perception(fixed_features(3)).state(), 3)
    assert not plain.is_pretrained and plain.distance == "Frechet distance"


def test_a_class_begins_as_no_difference_and_a_discriminator_as_one_that_is_unsure() -> None:
    generator, discriminator = build("projected", Spec("image", (3, 64, 64)), CONDITION)
    x = torch.from_numpy(photographs(32)).permute(0, 3, 1, 2) / 127.5 - 1
    discriminator.start_from_records(x)
    z, c = torch.randn(8, 128, generator=torch.Generator().manual_seed(0)), torch.eye(2).repeat(4, 1)
    with torch.no_grad():
        assert torch.equal(generator.eval()(z, z[:, :0], c), generator(z, z[:, :0], 1 - c))
        logits = discriminator.places(x, torch.eye(2).repeat(16, 1))
        assert torch.equal(logits, discriminator.places(x, 1 - torch.eye(2).repeat(16, 1)))
        assert torch.allclose(logits.mean(1), discriminator(x, torch.eye(2).repeat(16, 1)))
    assert logits.shape[1] > 64 and logits.abs().mean() < 1  # within the margin of the hinge


def test_losses_of_places_are_means_over_them() -> None:
    real, fake = torch.tensor([[0.5, 2.0]]), torch.tensor([[-3.0, 0.0]])
    assert LOSSES["hinge"].discriminator(real, fake).item() == pytest.approx((0.5 + 0) / 2 + (0 + 1) / 2)


# --- when it is the default -------------------------------------------------------------------------------------------


def chosen(x: np.ndarray, **options: Any) -> tuple[str, str]:
    """The network that images are given by default, and the notes."""
    notes: list[str] = []
    return prepare(x, TrainConfig(**options), notes).network, "\n".join(notes)


def test_few_photographs_get_it_in_budgets_that_it_was_measured_to_win_in() -> None:
    x = photographs(40)
    network, said = chosen(x, budget="10m")
    assert network == "projected" and "--network strided" in said
    assert chosen(x, budget="5m")[0] == chosen(x, samples="60k")[0] == "strided"
    assert chosen(x, budget="10m", network="stylegan2")[0] == "stylegan2"
    assert chosen(photographs(40, 32), budget="10m")[0] == "strided"
    assert chosen(x[..., :1], budget="10m")[0] == chosen(x // 64 * 64, budget="10m")[0] == "strided"


def test_where_the_extra_is_not_installed_a_note_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "LIBRARY", "no_such_package")
    network, said = chosen(photographs(40), budget="10m")
    assert network == "strided" and "pip install 'gankit[pretrained]'" in said
    assert not perceive(prepare(photographs(40), TrainConfig(), []), 0).is_pretrained


def test_photographs_are_judged_by_a_network_that_has_seen_others() -> None:
    assert perceive(prepare(photographs(40), TrainConfig(), []), 0).is_pretrained
    noise = numpy_generator(0, "noise").integers(0, 256, (40, 64, 64, 3), dtype=np.uint8)
    assert not perceive(prepare(noise, TrainConfig(), []), 0).is_pretrained


def test_the_choice_is_made_before_torch_is_imported(tmp_path: Path) -> None:
    np.savez(tmp_path / "photographs.npz", x=photographs(40))
    code = (
        "import sys\nfrom gankit.config import TrainConfig\nfrom gankit.kinds import prepare\n"
        "print(prepare('photographs.npz', TrainConfig(budget='10m'), []).network, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["projected", "False"]
