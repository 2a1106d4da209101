"""The optimiser moves the weights that the gradients belong to, however either lies in memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gankit.networks.base import Network
from gankit.training.plan import Descent, GameConfig


class Layer(Network, nn.Conv2d):
    """A network of one convolution."""


@pytest.mark.parametrize("parameters", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("gradients", [torch.contiguous_format, torch.channels_last])
def test_a_step_is_that_of_plain_adam_however_gradients_lie_in_memory(
    parameters: torch.memory_format, gradients: torch.memory_format
) -> None:
    draws = torch.Generator().manual_seed(0)
    start, direction = (torch.randn(4, 3, 2, 2, generator=draws) for _ in range(2))
    network = Layer(3, 4, 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(start)
    network.to(memory_format=parameters)
    descent = Descent(network, GameConfig(total_samples=1, beta1=0.9, beta2=0.99))

    expected = nn.Parameter(start.clone())
    plain = torch.optim.Adam([expected], lr=0.1, betas=(0.9, 0.99), foreach=False, fused=False)
    for k in range(3):
        # the gradient of this sum is `direction`, and comes in the layout asked for
        loss = (network.weight * ((k + 1) * direction).to(memory_format=gradients)).sum()
        descent.step(descent.gradients(loss), 0.1, betas=(0.9, 0.99))
        expected.grad = (k + 1) * direction
        plain.step()
        state = {name: t.contiguous() for name, t in descent.state_tensors().items()}
        descent.load_state(state, torch.device("cpu"))  # as a checkpoint gives it back
    assert torch.allclose(network.weight, expected, atol=1e-6)
