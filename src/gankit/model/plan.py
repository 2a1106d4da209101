"""How a model's generator is built again, and what it is given.

Knows the table of networks and codecs by name; never files or samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from gankit.columns.codec import TableCodec
    from gankit.networks.base import Discriminator, Generator
    from gankit.spec import Spec


@dataclass(frozen=True)
class NetworkPlan:
    """How to build the generator again: a name of NETWORKS, its sizes (None = the family's default), and the type that
    its inner layers multiply in ("float32" or "bfloat16").
    """

    name: str
    width: int | None
    depth: int | None
    num_latents: int
    precision: str = "float32"

    def build(self, spec: Spec, condition: Spec | None, seed: int = 0) -> tuple[Generator, Discriminator]:
        """A fresh pair on the CPU."""
        import torch

        from gankit.networks import build

        generator, discriminator = build(
            self.name, spec, condition, width=self.width, depth=self.depth, num_latents=self.num_latents, seed=seed
        )
        if self.precision == "bfloat16":
            generator.multiply_in = discriminator.multiply_in = torch.bfloat16
        return generator, discriminator


@dataclass(frozen=True)
class Given:
    """The given columns of a conditional generator that takes a condition c.

    codec: of the given columns.
    codes: [M, columns] int64, the combinations of cells that training showed; counts: [M] how often.
    """

    codec: TableCodec
    codes: np.ndarray
    counts: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"codec": self.codec.to_json(), "codes": self.codes.tolist(), "counts": self.counts.tolist()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Given:
        """What `to_json` wrote."""
        import numpy as np

        from gankit.columns.codec import TableCodec

        codec = TableCodec.from_json(value["codec"])
        codes = np.asarray(value["codes"], dtype=np.int64).reshape(-1, len(codec.fields))
        return cls(codec, codes, np.asarray(value["counts"], dtype=np.float64))
