"""Networks that begin as others of their family were left: transfer learning between images of other sizes and classes.

Knows Spec and tensors; never files or kinds of data.

Wang et al. 2018, "Transferring GANs: generating images from limited data": both networks are taken over, and everything
is trained on. What of a network belongs to c is found by building it for conditions of two lengths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks.base import Networks
from gankit.spec import Block, Spec

Build = Callable[[Spec | None], Networks]
"""A fresh pair for a condition."""


def shapes_of(build: Build, which: int) -> list[dict[str, torch.Size]]:
    """The tensors of a network for conditions of one and of two numbers; without memory. which: 0 is G, 1 is D."""
    with torch.device("meta"):
        built = [build(Spec("vector", (n,), (Block("categorical", n),)))[which] for n in (1, 2)]
    return [{name: tensor.shape for name, tensor in network.state_dict().items()} for network in built]


def take_over(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    shapes: list[dict[str, torch.Size]],
    *,
    same: bool,
    backwards: bool,
) -> float:
    """Puts into a network what it has in common with another of its family.

    Tensors are paired by name, layers from the smallest maps on, where G begins and D ends. Along an axis whose length
    depends on c, what stands before the numbers of c is taken over, and those of c where `same` says that they mean the
    same.

    Args:
        network: G or D, whose other tensors stay.
        tensors: the state of the other one.
        shapes: see `shapes_of`.
        same: whether both were built for the same condition.
        backwards: whether layers are counted from the end, as D's are.

    Returns:
        The share of the network's numbers that were taken over.
    """
    own: dict[str, Tensor] = network.state_dict()
    taken = 0
    ends = _ends(own) if backwards else {}
    more = {of: end - ends[of] for of, end in _ends(tensors).items() if of in ends}
    for name, tensor in own.items():
        of, layer, rest = _parts(name)
        theirs = name if layer is None else f"{of}.{layer + more.get(of, 0)}{rest}"
        if (other := tensors.get(theirs)) is None or other.dtype != tensor.dtype or other.dim() != tensor.dim():
            continue
        one, two = (shape.get(name, tensor.shape) for shape in shapes)
        changing = [axis for axis in range(tensor.dim()) if one[axis] != two[axis]]
        if not same:
            for axis in changing:
                plain = 2 * one[axis] - two[axis]
                if min(tensor.shape[axis], other.shape[axis]) >= plain:
                    tensor, other = tensor.narrow(axis, 0, plain), other.narrow(axis, 0, plain)
        if tensor.shape == other.shape:
            tensor.copy_(other)
            taken += tensor.numel()
    return taken / max(1, sum(tensor.numel() for tensor in own.values()))


def _parts(name: str) -> tuple[str, int | None, str]:
    """`blocks.3.first.weight` as the list, the layer in it and what follows; None where there is no list."""
    found = re.match(r"(.*?)\.(\d+)(\..*)", name)
    return (found[1], int(found[2]), found[3]) if found else (name, None, "")


def _ends(names: Iterable[str]) -> dict[str, int]:
    """The last layer of every list."""
    last: dict[str, int] = {}
    for of, layer, _ in map(_parts, names):
        if layer is not None:
            last[of] = max(last.get(of, 0), layer)
    return last


def width_for(
    build: Callable[[int | None], Networks], generator: Mapping[str, Tensor], width: int | None
) -> int | None:
    """The width with which a pair has most in common with a G: at another size another than `width`, its own.

    build: a pair of a width, None being its default.
    """
    tried: list[int | None] = [None, *(n << k for k in range(10) for n in (1, 3))]
    if width:
        tried = [n for k in range(5) for n in (width << k, width >> k) if n]

    def common(asked: int | None) -> int:
        try:
            with torch.device("meta"):
                state: dict[str, Tensor] = build(asked)[0].state_dict()
        except OptionError:
            return 0
        return sum(t.numel() for name, t in state.items() if name in generator and generator[name].shape == t.shape)

    found: int | None = max(tried, key=common)
    return found
