"""Models of small images with every network, made at once: one short training, and other generators in its place."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from sklearn.datasets import load_digits

import gankit
from gankit.model import Model, NetworkPlan

WIDTHS = {"dense2014": 30, "conv2014": 40, "dcgan": 8, "residual": 16, "strided": 8, "stylegan2": 16}
"""Networks that make images, and a width that is small."""

DRAWN = {"dense2014": 0.4, "conv2014": 0.4}
"""Spread of what is added to their weights, where .1 makes images too much alike."""

LATENTS = 12


def digits(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """[count, 8, 8] uint8 and their classes."""
    found = load_digits()
    return (found.images[:count] * 15.9).astype(np.uint8), found.target[:count].astype(np.int64)


@lru_cache
def _trained(labelled: bool) -> Model:
    x, y = digits()
    data = (x, y) if labelled else x
    return gankit.train(data, network="dcgan", width=4, samples="100", batch=20, evaluations=1, early_stop=False)


@lru_cache
def image_model(network: str, *, labelled: bool = True) -> Model:
    """A model of digits of 8 x 8 pixels whose weights are drawn, not learned; every part of G matters in them."""
    model = _trained(labelled)
    plan = NetworkPlan(network, WIDTHS[network], None, LATENTS)
    generator, _ = plan.build(model.codec.spec, None if model.given is None else model.given.codec.spec)
    draws = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.add_(DRAWN.get(network, 0.1) * torch.randn(weight.shape, generator=draws))
    return replace(model, plan=plan, generator=generator.eval())
