"""The networks that a training begins with, where it is told to begin from another model.

Knows models, prepared data and networks; never the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gankit.config import TrainConfig
from gankit.errors import ModelError, OptionError
from gankit.kinds.base import Prepared
from gankit.model import load
from gankit.model.files import load_discriminator
from gankit.model.model import Model
from gankit.networks import NETWORKS
from gankit.networks.base import Discriminator, Networks
from gankit.networks.transfer import shapes_of, take_over, width_for
from gankit.spec import Match, Spec

LEAST_TAKEN = 0.05
"""Share of G below which there is no use in beginning from it."""


@dataclass(frozen=True)
class Beginning:
    """A model that a training begins with, and D of its run where it has one."""

    path: str
    model: Model
    discriminator: Discriminator | None

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
                discriminator = load_discriminator(model.run, model.plan, model.codec.spec, condition)
            except ModelError:
                pass  # a run whose checkpoints were deleted: as a model file
        return cls(path, model, discriminator)

    def fitted(self, prepared: Prepared[Any, Any], config: TrainConfig, notes: list[str]) -> TrainConfig:
        """The config with the model's networks, and the width with which the most of G is taken over.

        Raises:
            OptionError: the model's records are of another form, or other sizes of networks are asked for.
        """
        named, plan = f"--from {self.path}", self.model.plan
        if why := prepared.codec.unlike(self.model.codec):
            raise OptionError(f"{named}: {why}, or begin without --from.")
        match, _ = self._matches(prepared)
        if not len(match.rows):
            part = prepared.codec.part
            raise OptionError(f"{named}: no {part} of its data is among these. Begin without --from.")
        pair = NETWORKS[plan.name]
        own: dict[str, Any] = {"latents": plan.num_latents, "depth": plan.depth, "members": plan.members}
        own = {name: value for name, value in own.items() if name not in pair.unused}
        for name, value in own.items():
            if (asked := getattr(config, name)) not in (None, value):
                its = "that of its networks" if value is None else value
                raise OptionError(
                    f"{named}: its {name} is {its}, and --{name} {asked} asks for another. Leave --{name} out, or "
                    "begin without --from."
                )
        config = replace(config, network=plan.name, **own)
        spec, condition = prepared.codec.spec, None if prepared.given is None else prepared.given.spec

        def of(width: int | None) -> Networks:
            return replace(plan, width=width).build(spec, condition)

        if config.width is None and "width" not in pair.unused:
            config = replace(config, width=width_for(of, self.model.generator.state_dict(), plan.width))
        shares = self.put_into(of(config.width), config.width, prepared)
        if shares[0] < LEAST_TAKEN:
            raise OptionError(
                f"{named}: {shares[0]:.0%} of its generator fits. Leave --width out, bring data that is more like the "
                "model's, or begin without --from."
            )
        said = [match.text for match in self._matches(prepared) if match is not None and match.text]
        notes.append(
            f"begins as {self.path} was left: {shares[0]:.0%} of G and {shares[1]:.0%} of D are taken over, the rest "
            "is new" + "".join(f"; {text}" for text in said)
        )
        return config

    def put_into(self, networks: Networks, width: int | None, prepared: Prepared[Any, Any]) -> tuple[float, float]:
        """Puts into G and D of a width what they have in common with the model; the shares of them that that is."""
        plan = replace(self.model.plan, width=width)

        def built(condition: Spec | None) -> Networks:
            return plan.build(networks[0].spec, condition)

        shares = [0.0, 0.0]
        for which, other in enumerate((self.model.generator, self.discriminator)):
            if other is not None:
                shapes = shapes_of(built, which) if networks[0].condition or self.model.given else []
                shares[which] = take_over(
                    networks[which], other, shapes, *self._matches(prepared), backwards=which == 1
                )
        return shares[0], shares[1]

    def _matches(self, prepared: Prepared[Any, Any]) -> tuple[Match, Match | None]:
        """Which numbers of records, and of conditions, are which of the model's."""
        here, there = prepared.schema, self.model.schema
        given, theirs = prepared.given, self.model.given
        conditions = None if given is None or theirs is None else given.match(here, theirs.codec, there)
        return prepared.codec.match(here, self.model.codec, there), conditions
