"""Networks that begin as others of their family were left: transfer learning between records of other columns, levels,
lengths, sizes and classes.

Knows Spec and tensors; never files or kinds of data.

Wang et al. 2018, "Transferring GANs: generating images from limited data": both networks are taken over, and everything
is trained on. What of a network belongs to its records it says itself (`Network.axes`); what belongs to c is found by
building it for conditions of two lengths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from gankit.errors import OptionError
from gankit.networks.base import Axis, Network, Networks
from gankit.spec import Block, Match, Spec

Build = Callable[[Spec | None], Networks]
"""A fresh pair for a condition."""


def shapes_of(build: Build, which: int) -> list[dict[str, torch.Size]]:
    """The tensors of a network for conditions of one and of two numbers; without memory. which: 0 is G, 1 is D."""
    with torch.device("meta"):
        built = [build(Spec("vector", (n,), (Block("categorical", n),)))[which] for n in (1, 2)]
    return [{name: tensor.shape for name, tensor in network.state_dict().items()} for network in built]


def take_over(
    network: Network, other: Network, shapes: list[dict[str, torch.Size]], records: Match, conditions: Match | None,
    *, backwards: bool,
) -> float:  # fmt: skip
    """Puts into a network what it has in common with another of its family.

    Tensors are paired by name, layers from the smallest maps on, where G begins and D ends. Along an axis that runs
    along the records, what is the same is taken over by the match of these, and nothing is taken over for what is new,
    but that it enters with weights of 0 where the network says so. Along an axis whose length depends on c, what stands
    before the numbers of c is taken over, and those of c by their match.

    Args:
        network: G or D, whose other numbers stay.
        other: what it begins as.
        shapes: see `shapes_of`; none where there is no c.
        records: which numbers of its records are which of the other's.
        conditions: the same for c; None = no number is.
        backwards: whether layers are counted from the end, as D's are.

    Returns:
        The share of the numbers that the network learns that were taken over.
    """
    own: dict[str, Tensor] = network.state_dict()
    its: dict[str, Tensor] = other.state_dict()
    bases = _bases(network, other, records, conditions)
    bases |= network.own_bases(other, bases)
    mine, theirs = network.axes(), other.axes()
    if (mine is None or theirs is None) and not _is_identity(bases["numbers"]):
        raise OptionError("--from: these networks begin from models of the same columns in the same order only.")
    mine, theirs, taken = mine or {}, theirs or {}, 0
    learned = {name: tensor.numel() for name, tensor in network.named_parameters()}
    ends = _ends(own) if backwards else {}
    more = {of: end - ends[of] for of, end in _ends(its).items() if of in ends}
    for name, tensor in own.items():
        of, layer, rest = _parts(name)
        paired = name if layer is None else f"{of}.{layer + more.get(of, 0)}{rest}"
        found, stated = its.get(paired), mine.get(name)
        if found is None or found.dtype != tensor.dtype or found.dim() != tensor.dim():
            continue
        if stated is not None and (not stated or paired not in theirs):
            continue
        along = {axis: _along(what, theirs[paired][axis], bases) for axis, what in (stated or {}).items()}
        one, two = (shape.get(name, tensor.shape) for shape in shapes or ({}, {}))
        for axis in range(tensor.dim()):
            if one[axis] != two[axis] and axis not in along:
                of_c = bases["condition"] * (two[axis] - one[axis] == 1)
                along[axis] = _behind([sparse.eye(2 * one[axis] - two[axis]), of_c])
        entering = {axis for axis, what in (stated or {}).items() if what.enters}
        turned = {axis for axis, what in (stated or {}).items() if what.turned}
        of_logits = tensor.dim() == 1 and stated and stated[0].parts[-1][-1] == "numbers"
        shift = torch.from_numpy(np.resize(records.shift, len(tensor))) if of_logits else None
        known = _put(tensor, found, along, entering, turned, shift)
        taken += known if name in learned else 0
    return taken / max(1, sum(learned.values()))


def _bases(network: Network, other: Network, records: Match, conditions: Match | None) -> dict[str, Any]:
    """For each word of `Axis` the sparse matrix from what it runs along there to what it runs along here."""
    here, there = network.spec, other.spec
    sizes = [spec.shape[0 if spec.form == "image" else -1] for spec in (here, there)]
    numbers = _matrix(records, *sizes)
    steps = [spec.shape[0] if spec.form == "sequence" else 1 for spec in (here, there)]
    lengths = [[block.size for block in spec.blocks] for spec in (here, there)]
    blocks = [  # [blocks, numbers]
        sparse.csr_matrix((np.ones(sum(of)), np.arange(sum(of)), np.cumsum([0, *of])), (len(of), sum(of)))
        for of in lengths
    ]
    kinds = [
        np.repeat([b.type == "continuous" for b in spec.blocks], of)
        for spec, of in zip((here, there), lengths, strict=True)
    ]
    c = [0 if net.condition is None else net.condition.dim for net in (network, other)]
    nothing = Match.of_places((), (), c[0])
    found = {"numbers": numbers, "steps": sparse.eye(*steps), "condition": _matrix(conditions or nothing, *c)}
    if here.blocks and there.blocks:
        found["blocks"] = (blocks[0] @ numbers @ blocks[1].T > 0).astype(np.float32)
        found["continuous"], found["chosen"] = (numbers[kinds[0] == k][:, kinds[1] == k] for k in (True, False))
    return found


def _matrix(match: Match, here: int, there: int) -> Any:
    return sparse.csr_matrix((match.weights, (match.rows, match.columns)), shape=(here, there))


def _is_identity(matrix: Any) -> bool:
    here, there = matrix.shape
    return here == there and matrix.nnz == here and bool((matrix.diagonal() == 1).all())


def _along(here: Axis, there: Axis, bases: Mapping[str, Any]) -> Any:
    """The sparse matrix from an axis there to the axis here."""
    parts = []
    for mine, its in zip(here.parts, there.parts, strict=True):
        pairs = zip(mine, its, strict=True)
        factors = [sparse.eye(a, b) if isinstance(a, int) else bases[a] for a, b in pairs]
        parts.append(reduce(sparse.kron, factors))
    return _behind(parts)


def _behind(parts: list[Any]) -> Any:
    return sparse.block_diag(parts, format="csr", dtype=np.float32)


def _put(
    own: Tensor, other: Tensor, along: Mapping[int, Any], entering: set[int], turned: set[int], shift: Tensor | None
) -> int:
    """Puts what is known from a tensor into another of other lengths along some axes; how many numbers that were."""
    shape = [along[axis].shape[1] if axis in along else size for axis, size in enumerate(own.shape)]
    if list(other.shape) != shape or any(along[axis].shape[0] != own.shape[axis] for axis in along):
        return 0
    x, known, placed = other, torch.ones_like(own, dtype=torch.bool), torch.ones_like(own, dtype=torch.bool)
    for axis, matrix in along.items():
        x = _times(matrix, x, axis)
        if axis in turned:
            x = x + own - _times(matrix @ matrix.T, own, axis)
        filled = torch.from_numpy(np.asarray(abs(matrix).sum(1)).ravel() > 0)
        filled = filled.view([-1 if a == axis else 1 for a in range(own.dim())])
        known = known & filled
        placed = placed if axis in entering | turned else placed & filled
    own.copy_(torch.where(placed, x if shift is None else x + shift, own))
    return int(known.sum())


def _times(matrix: Any, x: Tensor, axis: int) -> Tensor:
    """The product of a sparse matrix and x along an axis."""
    front = x.movedim(axis, 0)
    product = torch.from_numpy(matrix @ front.reshape(len(front), -1).numpy())
    return product.view(-1, *front.shape[1:]).movedim(0, axis)


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
