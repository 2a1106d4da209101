"""Differentiable augmentation of images and spectrograms before D, and the controller of its strength.

With few images D memorises them and no longer leads G anywhere. Augmentation shows D many versions of each image,
real and fake alike, so that G still learns the images as they are: at moderate strength what is done to both cannot be
told from what was done to neither (Karras et al. 2020, section 2.2).
"""

from __future__ import annotations

from collections.abc import Callable

from gankit.training.augment.ada import Ada
from gankit.training.augment.base import Augment
from gankit.training.augment.diffaugment import DiffAugment, Spectral

AUGMENTATIONS: dict[str, Callable[[], Augment]] = {"ada": Ada, "diffaugment": DiffAugment, "spectral": Spectral}
