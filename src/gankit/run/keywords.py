"""The options of a training as keywords, for signatures, editors and `help`; a test holds them against the options.

Knows names and types; never what an option does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

if TYPE_CHECKING:
    from gankit.networks.base import Pair
    from gankit.options import Option
    from gankit.training.losses import Loss, LossLike

F = TypeVar("F", bound=Callable[..., Any])


class TrainOptions(TypedDict, total=False):
    """What can be set of a training; None, where it is allowed, means worked out from the data and the length."""

    kind: str
    format: str | None
    delimiter: str | None
    encoding: str | None
    header: str
    skip_bad_lines: bool
    xpath: str | None
    column: str | Sequence[str] | Mapping[str, str]
    missing: str | Sequence[str]
    given: str | Sequence[str]
    heldout: str | None
    heldout_fraction: float | None
    memory: str | None
    network: str | Pair
    from_: str | None
    width: int | None
    depth: int | None
    latents: int | None
    members: int | None
    loss: str | Loss | LossLike | None
    penalty: str | None
    penalty_method: str
    penalty_weight: float | None
    learning_rate: float | None
    generator_rate: float | None
    batch: int | None
    d_steps: int
    ema_half_life: float | None
    warmup: float | None
    budget: str | float | None
    samples: str | int | None
    epochs: float | None
    early_stop: bool
    evaluations: int
    previews: str | int
    precision: str
    compile: str
    threads: int | None
    seed: int
    log: str | Sequence[str]
    device: str
    strict: bool
    augment: str
    size: str | int | None
    fit: str
    resample: str
    channels: str
    mirror: str
    rate: int | None
    seconds: float | None
    cut: bool
    mono: bool
    pattern: str | None
    no_rule: str | Sequence[str]
    rule: str | Sequence[str]
    time: str | None
    entity: str | None
    attributes: str | Sequence[str]
    window: int | None
    stride: int | None
    calendar: str | Sequence[str]
    unit: str
    alphabet: str | None
    text_per: str
    text_column: str | None
    target: str | None
    integers: str


def documented(options: Sequence[Option]) -> Callable[[F], F]:
    """Gives a function that takes `options` as keywords their names in its signature, and their words in its text."""

    def decorate(function: F) -> F:
        signature, hints = inspect.signature(function), TrainOptions.__annotations__
        kinds = inspect.Parameter.KEYWORD_ONLY
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [
            inspect.Parameter(o.name, kinds, default=o.default, annotation=hints[o.name].__forward_arg__)
            for o in options
            if o.name in hints
        ]
        function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        lines = [f"    {o.name}: {o.help}" + (f" One of {', '.join(o.choices)}." if o.choices else "") for o in options]
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nOptions:\n" + "\n".join(lines) + "\n"
        return function

    return decorate
