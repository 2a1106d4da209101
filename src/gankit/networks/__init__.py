"""Generators and discriminators, one file a pair, and the table of them.

Knows Spec and tensors; never columns, files or kinds of data. A pair is imported when it is first asked for: the names
alone need no torch.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gankit.errors import DependencyError, OptionError
from gankit.registry import Registry

if TYPE_CHECKING:
    from gankit.networks.base import Networks, Pair, RecordType
    from gankit.spec import Spec

NETWORKS: Registry[Pair] = Registry(
    "gankit.networks",
    {
        "sequential": "gankit.networks.vectors.sequential:PAIR",
        "residual": "gankit.networks.vectors.residual:PAIR",
        "dense2014": "gankit.networks.vectors.dense2014:PAIR",
        "conv2014": "gankit.networks.images.conv2014:PAIR",
        "strided": "gankit.networks.images.strided:PAIR",
        "dcgan": "gankit.networks.images.dcgan:PAIR",
        "projected": "gankit.networks.images.projected:PAIR",
        "stylegan2": "gankit.networks.images.stylegan2:PAIR",
        "principal": "gankit.networks.sequences.principal:PAIR",
        "temporal": "gankit.networks.sequences.temporal:PAIR",
        "recurrent": "gankit.networks.sequences.stepwise:RECURRENT",
        "attention": "gankit.networks.sequences.stepwise:ATTENTION",
        "symbols": "gankit.networks.sequences.symbols:PAIR",
        "wave": "gankit.networks.sequences.wave:PAIR",
    },
)


LIBRARY = "efficientnet_lite_pytorch"
"""The package of networks that have seen photographs, which the extra `pretrained` brings."""


def has_pretrained() -> bool:
    """Whether networks that have seen photographs are installed."""
    return find_spec(LIBRARY) is not None


def pair_for(name: str, offered: tuple[RecordType, ...], found: str) -> Pair:
    """The pair `name`, which is for records of a type that is `offered`.

    Args:
        name: a key of NETWORKS.
        offered: the types of records that the data can be coded as.
        found: what the data is, as in "these are series".

    Raises:
        OptionError: it makes something else. DependencyError: there is no such pair, see `build`.

    >>> pair_for("temporal", ("sequence",), "these are series").name
    'temporal'
    """
    pair = _known(name)
    if not set(pair.makes) & set(offered):
        raise OptionError(f"--network {name} makes {pair.noun}, and {found}. Leave it out.")
    return pair


def build(name: str, spec: Spec, condition: Spec | None = None, **sizes: Any) -> Networks:
    """A fresh pair (G, D) by its name; see `Pair.build`, which `sizes` go to.

    Raises:
        DependencyError: there is no such pair, as of a model that was trained where another package is installed.
    """
    return _known(name).build(spec, condition, **sizes)


def _known(name: str) -> Pair:
    if name not in NETWORKS:
        raise DependencyError(f"there is no network {name} here. Install the package that it comes with.")
    return NETWORKS[name]
