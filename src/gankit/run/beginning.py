"""The networks that a training begins with, where it is told to begin from another model.

Knows models, prepared data and networks; never the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from gankit.config import TrainConfig
from gankit.errors import ModelError, OptionError
from gankit.kinds.base import Prepared
from gankit.model import load
from gankit.model.files import load_discriminator
from gankit.model.model import Model
from gankit.networks import NETWORKS, build
from gankit.networks.base import Networks
from gankit.networks.transfer import shapes_of, take_over, width_for
from gankit.spec import Spec

LEAST_TAKEN = 0.05
"""Share of G below which there is no use in beginning from it."""


@dataclass(frozen=True)
class Beginning:
    """A model that a training begins with, and D of its run where it has one."""

    path: str
    model: Model
    discriminator: Mapping[str, Tensor] | None

    @classmethod
    def of(cls, path: str) -> Beginning:
        """The model that `--from` names.

        Raises:
            ModelError: there is no model there, or it is damaged.
        """
        model = load(path)
        condition = None if model.given is None else model.given.codec.spec
        discriminator = None
        if model.run is not None:
            try:
                discriminator = load_discriminator(model.run, model.plan, model.codec.spec, condition).state_dict()
            except ModelError:
                pass  # a run whose checkpoints were deleted: as a model file
        return cls(path, model, discriminator)

    def fitted(
        self, prepared: Prepared[Any, Any], config: TrainConfig, notes: list[str]
    ) -> tuple[Prepared[Any, Any], TrainConfig]:
        """Data and config with the model's networks, and the width with which the most of G is taken over.

        Raises:
            OptionError: the model is of another kind, its images have other channels, or other networks are asked for.
        """
        named, plan, spec, theirs = f"--from {self.path}", self.model.plan, prepared.codec.spec, self.model.codec.spec
        if not prepared.kind.begins_from_models:
            raise OptionError(f"--from is for images, and this is {prepared.kind.described}. Leave it out.")
        if self.model.kind != prepared.kind.name:
            raise OptionError(f"{named}: it makes {self.model.of.noun.many}. Begin from a model of images.")
        own: dict[str, Any] = {"network": plan.name, "latents": plan.num_latents, "depth": plan.depth}
        for name, value in own.items():
            if (asked := getattr(config, name)) not in (None, "auto", value):
                raise OptionError(
                    f"{named}: its {name} is {value}, and --{name} {asked} asks for another. Leave --{name} out, or "
                    "begin without --from."
                )
        if spec.shape[0] != theirs.shape[0]:
            raise OptionError(
                f"{named}: its images have {theirs.shape[0]} channels, and these have {spec.shape[0]}. Give --channels "
                "so that both have the same, or begin without --from."
            )
        prepared, config = replace(prepared, network=plan.name), replace(config, **own)
        condition = None if prepared.given is None else prepared.given.spec

        def of(width: int | None) -> Networks:
            return build(plan.name, spec, condition, width=width, depth=plan.depth, num_latents=plan.num_latents)

        if config.width is None and "width" not in NETWORKS[plan.name].unused:
            config = replace(config, width=width_for(of, self.model.generator.state_dict(), plan.width))
        shares = self.put_into(of(config.width), config.width, prepared)
        if shares[0] < LEAST_TAKEN:
            raise OptionError(
                f"{named}: {shares[0]:.0%} of its generator fits. Leave --width out, train at another --size, or begin "
                "without --from."
            )
        notes.append(
            f"begins as {self.path} was left: {shares[0]:.0%} of G and {shares[1]:.0%} of D are taken over, the rest "
            "is new"
        )
        return prepared, config

    def put_into(self, networks: Networks, width: int | None, prepared: Prepared[Any, Any]) -> tuple[float, float]:
        """Puts into G and D of a width what they have in common with the model; the shares of them that that is."""
        theirs = None if self.model.given is None else self.model.given.codec
        same = _levels(prepared.schema, prepared.given) == _levels(self.model.schema, theirs)
        plan = replace(self.model.plan, width=width)

        def built(condition: Spec | None) -> Networks:
            return plan.build(networks[0].spec, condition)

        shares = []
        for which, tensors in enumerate((self.model.generator.state_dict(), self.discriminator or {})):
            shares.append(take_over(networks[which], tensors, shapes_of(built, which), same=same, backwards=which == 1))
        return shares[0], shares[1]


def _levels(schema: Any, given: Any) -> list[tuple[str, tuple[str, ...]]]:
    """The columns that networks are conditioned on, and their levels in the order of their codes; of a schema and the
    codec of the given columns, or None.
    """
    names = [] if given is None else [field.name for field in given.fields]
    return [(column.name, column.levels) for name in names for column in schema.columns if column.name == name]
