"""What the machine has: the type that inner layers multiply in."""

from __future__ import annotations

import pytest
import torch

from gankit.errors import OptionError
from gankit.run import machine
from gankit.run.machine import precision_of

CPU = torch.device("cpu")


@pytest.mark.parametrize("has", [True, False])
def test_networks_of_2014_multiply_as_published_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    monkeypatch.setattr(machine, "_cpu_has_bfloat16", lambda: has)
    for network in ("dense2014", "conv2014"):
        assert precision_of("auto", network, "image", CPU) == "float32"
        assert precision_of("bfloat16", network, "image", CPU) == "bfloat16"
    assert precision_of("auto", "strided", "image", CPU) == ("bfloat16" if has else "float32")


def test_bfloat16_is_refused_where_a_network_cannot_use_it() -> None:
    with pytest.raises(OptionError, match="network residual for a vector cannot use it"):
        precision_of("bfloat16", "residual", "vector", CPU)
