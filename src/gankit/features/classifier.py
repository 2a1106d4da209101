"""A small convolutional classifier of the user's labels: its probabilities, and its inner features.

Knows pixels and labels; never generators, or what is concluded from what it sees.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gankit.errors import DataError, ModelError, OptionError
from gankit.features.base import Features, checked, in_batches, multiplies_bfloat16, seen_size, to_network
from gankit.randomness import key, numpy_generator
from gankit.stored import Size, of_type

NUM_FEATURES = 64
"""Numbers of the layer before the last, in which distances are measured."""

EPOCHS = 30
LEAST_SAMPLES = 20_000
MOST_SAMPLES = 120_000
"""Where no length is given: `EPOCHS` times the images, but within these two."""

_BATCH = 128
_LEARNING_RATE = 3e-3
_WIDTHS = (32, 64, 128, 128)
_SHIFT = 1 / 14  # of the side: two pixels of MNIST's 28
_TIMED_STEPS = 8


class _Network(nn.Module):
    """Strided convolutions down to at most 4 pixels a side, a mean over what is left, and two linear layers."""

    def __init__(self, channels: int, size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        side = max(size)
        stride = 2 if side > 16 else 1
        layers = _convolution(channels, _WIDTHS[0], 5, stride)
        side, inside = -(-side // stride), _WIDTHS[0]
        for width in _WIDTHS[1:]:
            if side > 4:
                layers += _convolution(inside, width, 3, 2)
                side, inside = -(-side // 2), width
        layers += _convolution(inside, inside, 3, 1)
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, NUM_FEATURES))
        self.head = nn.Linear(NUM_FEATURES, num_classes)

    def features(self, x: Tensor) -> Tensor:
        """[B, C, h, w] float32 in [-1, 1] -> [B, NUM_FEATURES], none below 0."""
        return functional.relu(self.body(x))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] float32 in [-1, 1] -> logits [B, K]."""
        return torch.as_tensor(self.head(self.features(x)))


def _convolution(inside: int, outside: int, kernel: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outside), nn.ReLU()]


def _built(channels: int, size: tuple[int, int], num_classes: int, seed: int) -> _Network:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(key(seed, "perception/classifier/init"))
        network = _Network(channels, size, num_classes)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # torch's types lack it


class Config(TypedDict):
    """What a classifier's tensors do not tell."""

    channels: Size
    size: tuple[Size, Size]
    num_classes: Size
    samples: int


@final
class Classifier:
    """A trained classifier. `train_classifier` makes it; `state` and `from_state` keep it.

    num_classes: K. samples: images it was shown in its training.
    """

    def __init__(self, network: _Network, config: Config) -> None:
        self._network = network.eval()
        self._channels, self._size = config["channels"], config["size"]
        self.num_classes, self.samples = config["num_classes"], config["samples"]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The probability of each class: [N, H, W, C] uint8, of the size it was trained on -> [N, K] float32.

        Raises:
            DataError: the images have another size or other channels.
        """
        return self._outputs(x, lambda t: self._network(t).softmax(1), self.num_classes)

    @property
    def features(self) -> Features:
        """The layer before its last one, as features."""
        return _ClassifierFeatures(self)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """(tensors by name, plain JSON), from which `from_state` makes the same classifier."""
        tensors = {name: t.detach().cpu().contiguous() for name, t in self._network.state_dict().items()}
        return tensors, {
            "kind": "classifier", "channels": self._channels, "size": list(self._size),
            "num_classes": self.num_classes, "samples": self.samples,
        }  # fmt: skip

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Classifier:
        """The classifier that `state` described.

        Raises:
            ModelError: the two do not describe a classifier of this version.
        """
        try:
            stated: Config = of_type(Config, dict(config))
            shape = stated["channels"], stated["size"], stated["num_classes"]
            with torch.device("meta"):  # before it takes memory
                _Network(*shape).load_state_dict(dict(tensors), assign=True)
            network = _built(*shape, seed=0)
            network.load_state_dict(dict(tensors))
            return cls(network, stated)
        except (ValueError, RuntimeError) as error:
            why = " ".join(str(error).split())[:200]
            raise ModelError(
                f"the stored classifier cannot be used: {why}. Delete it; it is trained again from the labels."
            ) from error

    def _outputs(self, x: np.ndarray, function: Callable[[Tensor], Tensor], width: int) -> np.ndarray:
        x = checked(x, self._channels)
        if seen_size(*x.shape[1:3]) != self._size:
            raise DataError(
                f"these images are {x.shape[1]} x {x.shape[2]} pixels, and the classifier was trained on images it "
                f"sees as {self._size[0]} x {self._size[1]}. Bring images of the same size."
            )
        numbers = 16 * self._size[0] * self._size[1]
        return in_batches(x, lambda b: function(to_network(b, self._size)), numbers, width)


@final
class _ClassifierFeatures(Features):
    name = "classifier"

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def describe(self) -> str:
        """One sentence for the report."""
        shown, (height, width) = self._classifier, self._classifier._size
        return (
            f"{NUM_FEATURES} features of a small convolutional classifier that was trained on the labels of the "
            f"training part ({shown.num_classes} classes, {shown.samples:,} images shown) and sees images at "
            f"{height} x {width} pixels (larger ones are averaged down by a box filter); not Inception features, so "
            "that distances compare only with others in the same features."
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8 -> [N, NUM_FEATURES] float32."""
        return self._classifier._outputs(x, self._classifier._network.features, NUM_FEATURES)


def train_classifier(
    x: np.ndarray, y: np.ndarray, num_classes: int, seed: int, *, samples: int | None = None,
    max_seconds: float | None = None,
) -> Classifier:  # fmt: skip
    """A classifier of the labels: AdamW, one cycle of the learning rate (Smith & Topin 2018), small random shifts.

    It is a function of (x, y, num_classes, seed, samples) on the same machine.

    x: [N, H, W, C] uint8; any size, looked at with at most 64 pixels on the longer side (box filter).
    y: [N] int in 0 .. num_classes - 1. num_classes: at least 2; a class may be missing from `y`.
    samples: images to be shown, counting repeats; None: `EPOCHS` times N, within `LEAST_SAMPLES` and `MOST_SAMPLES`.
    max_seconds: at most about this long instead; turned into a number of samples once, from the first timed steps.

    Raises:
        DataError: images or labels are not what is said above.
        OptionError: both lengths are given, or one is not positive.
    """
    x, y = checked(x), np.asarray(y)
    if num_classes < 2 or len(x) < 2:
        raise DataError(
            f"a classifier needs at least 2 classes and 2 images. Got {num_classes} and {len(x)}. Without labels, "
            "use fixed features."
        )
    if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
        raise DataError(f"labels must be whole numbers, one an image: [{len(x)}]. Got {y.dtype} {list(y.shape)}.")
    for row in np.flatnonzero((y < 0) | (y >= num_classes))[:1]:
        raise DataError(f"label of image {row}: must be in 0 .. {num_classes - 1}. Got {int(y[row])} instead.")
    if samples is not None and max_seconds is not None:
        raise OptionError("the length of the classifier's training is given twice: leave out samples or max_seconds.")
    for name, length in (("samples", samples), ("max_seconds", max_seconds)):
        if length is not None and not length > 0:
            raise OptionError(f"{name} must be above 0. Got {length} instead.")
    size = seen_size(*x.shape[1:3])
    network = _built(x.shape[3], size, num_classes, seed)
    training = _Training(x, y.astype(np.int64), size, seed)
    shown = samples or int(np.clip(EPOCHS * len(x), LEAST_SAMPLES, MOST_SAMPLES))
    if max_seconds is not None:
        shown = min(shown, max(1, int(max_seconds / training.seconds_per_image(network))))
    steps = training.run(network, max(1, round(shown / training.batch)))
    config: Config = {
        "channels": x.shape[3],
        "size": size,
        "num_classes": num_classes,
        "samples": steps * training.batch,
    }
    return Classifier(network, config)


@final
class _Training:
    """The steps of one training; every draw is keyed by the seed and the step or epoch."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: tuple[int, int], seed: int) -> None:
        self.x, self.y, self.size, self.seed = x, y, size, seed
        self.batch = min(_BATCH, len(x))
        self._bfloat16 = multiplies_bfloat16()

    def seconds_per_image(self, network: _Network) -> float:
        """Measured on a copy, after one step for warming up."""
        spare = copy.deepcopy(network)
        self.run(spare, 1)
        start = time.perf_counter()
        self.run(spare, _TIMED_STEPS)
        return (time.perf_counter() - start) / (_TIMED_STEPS * self.batch)

    def run(self, network: _Network, num_steps: int) -> int:
        """Trains `network` for `num_steps` steps and gives their number back."""
        network.train()
        optimiser = torch.optim.AdamW(network.parameters(), _LEARNING_RATE, weight_decay=0.01)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=num_steps + 1)
        order, epoch = np.empty(0, np.int64), 0
        for step in range(num_steps):
            while len(order) < self.batch:
                draws = numpy_generator(self.seed, "perception/classifier/order", epoch)
                order, epoch = np.concatenate([order, draws.permutation(len(self.x))]), epoch + 1
            rows, order = np.sort(order[: self.batch]), order[self.batch :]
            images = self._shifted(to_network(self.x[rows], self.size), step)
            with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
                logits = network(images)
            loss = functional.cross_entropy(logits.float(), torch.from_numpy(self.y[rows]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
            optimiser.step()
            rate.step()
        return num_steps

    def _shifted(self, images: Tensor, step: int) -> Tensor:
        """The batch moved by a few pixels, its border repeated: [B, C, h, w] -> the same shape."""
        height, width = self.size
        reach = (round(height * _SHIFT), round(width * _SHIFT))
        draws = numpy_generator(self.seed, "perception/classifier/shift", step)
        down, right = (int(draws.integers(0, 2 * r + 1)) for r in reach)
        padded = functional.pad(images, (reach[1], reach[1], reach[0], reach[0]), mode="replicate")
        moved = padded[:, :, down : down + height, right : right + width]
        return moved.contiguous(memory_format=torch.channels_last)
