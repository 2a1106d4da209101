"""The settings of Goodfellow et al. 2014 as data: sizes, initial weights and schedules of the networks they trained.

Knows Spec; never tensors, columns, files or kinds of data.

Everything is from the YAML files of the paper's code (github.com/goodfeli/adversarial, revision 1720041) and from
pylearn2, which reads them. Facts that are easily missed:

- D minimises half of its loss (AdversaryCost2), so with the plain sum its rate is half of G's.
- G and D move at once, from the same noise and the same dropout, not one after the other as in algorithm 1 of the
  paper. That decides: where D moves first it runs away (benchmarks/pictures.md).
- Only mnist.yaml says `noise: uniform`; the other files leave pylearn2's default, standard normal noise.
- The momentum rises linearly from epoch 1 to epoch 250; the rate is divided by 1.000004 after every batch.
- CIFAR-10 is contrast-normalised (`gcn: 55`: each image without its mean, of norm 55, so of deviation .992 a number).
- tfd_pretrain has two stages: pretrain.yaml, then train.yaml, which puts another network (8000 ReLU, 100 sigmoid)
  in front of the trained G. Here: the first stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from gankit.spec import Spec


@dataclass(frozen=True)
class Sizes2014:
    """The networks of one YAML file. Weights start uniform in (-reach, reach), biases at 0, unless said otherwise.

    source: the file.
    units_g: units of G's hidden layers.
    last_sigmoid: whether G's last hidden layer is sigmoid (the others are ReLU).
    last_bias: where the biases of that layer start.
    sigmoid_output: pixels by a sigmoid, in [0, 1]; else linear, in deviations of a contrast-normalised image.
    output_reach: of G's output weights; None = 100 of each unit's weights standard normal, the others 0.
    marginal_bias: whether G's output biases start at the inverse sigmoid of the training records' mean.
    uniform_noise: noise uniform in (-sqrt 3, sqrt 3) in place of standard normal.
    units_d: units of D's maxout layers; for convolutions of the dense one.
    """

    source: str
    units_g: int
    last_sigmoid: bool
    last_bias: float
    sigmoid_output: bool
    output_reach: float | None
    marginal_bias: bool
    uniform_noise: bool
    units_d: int


@dataclass(frozen=True)
class Schedule2014:
    """How the networks of one YAML file were trained: SGD with momentum.

    learning_rate, discriminator_rate: of G and of D at the start, for losses that are plain sums (D's is halved
        there, see the module's docstring).
    batch: real records of a step.
    momentum, final_momentum, momentum_epochs: linear from the first epoch to that one.
    rate_decay: what the rate is divided by after each batch.
    smallest_rate: what the rate never goes below.
    max_column_norm: the norm of the weights into a unit is cut to it after each step; None = it is not.
    loss, penalty: of the game; keys of LOSSES and PENALTIES.
    at_once: whether G and D move at once.
    """

    learning_rate: float
    discriminator_rate: float
    batch: int
    momentum: float = 0.5
    final_momentum: float = 0.7
    momentum_epochs: int = 250
    rate_decay: float = 1.000004
    smallest_rate: float = 1e-6
    max_column_norm: float | None = None
    loss: str = "nonsaturating"
    penalty: str = "none"
    at_once: bool = True


MNIST = Sizes2014("mnist.yaml", 1200, False, 0.0, True, 0.05, True, True, 240)
FACES = Sizes2014("tfd_pretrain/pretrain.yaml", 8000, True, -2.0, True, None, True, False, 1200)
CIFAR10_DENSE = Sizes2014("cifar10_fully_connected.yaml", 8000, True, 0.0, False, 0.5, False, False, 1600)
CIFAR10_CONVOLUTIONAL = Sizes2014("cifar10_convolutional.yaml", 8000, True, 0.0, False, 0.05, False, False, 500)

SCHEDULES: dict[str, Schedule2014] = {
    MNIST.source: Schedule2014(0.1, 0.05, 100),
    FACES.source: Schedule2014(0.05, 0.025, 100, max_column_norm=1.9365),
    CIFAR10_DENSE.source: Schedule2014(0.025, 0.0125, 100),
    CIFAR10_CONVOLUTIONAL.source: Schedule2014(0.004, 0.002, 128),
}

GREY_DIGITS = 28
"""Grey pictures up to this side get the networks for MNIST, larger ones those for faces."""


def sizes2014(name: str, spec: Spec) -> Sizes2014:
    """The published networks for records like these.

    Args:
        name: "dense2014" or "conv2014".
        spec: the records. Dense: grey up to 28 x 28, and all that is no image, as MNIST; larger grey as faces; colour
            as CIFAR-10.

    >>> sizes2014("dense2014", Spec("image", (1, 28, 28))).source
    'mnist.yaml'
    >>> sizes2014("dense2014", Spec("image", (1, 48, 48))).source
    'tfd_pretrain/pretrain.yaml'
    """
    if name == "conv2014":
        return CIFAR10_CONVOLUTIONAL
    assert name == "dense2014", name
    if spec.form != "image":
        return MNIST
    channels, height, width = spec.shape
    if channels > 1:
        return CIFAR10_DENSE
    return MNIST if max(height, width) <= GREY_DIGITS else FACES


def schedule2014(name: str, spec: Spec) -> Schedule2014:
    """How the networks that `sizes2014` gives were trained.

    >>> schedule2014("conv2014", Spec("image", (3, 32, 32))).batch
    128
    """
    return SCHEDULES[sizes2014(name, spec).source]
