"""A process that is killed outright, and the run that goes on from its folder to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gankit.run.folder import RunFolder

# The child: it takes up the run folder where it stands and plays to the end, saving at every look.
CHILD = """
import sys
from pathlib import Path
import numpy as np, torch
from gankit.run.folder import RunFolder
from gankit.networks import build
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.plan import GameConfig

torch.set_num_threads(1)
folder = Path(sys.argv[1])
rng = np.random.default_rng(0)
x = torch.from_numpy(rng.standard_normal((700, 6)).astype(np.float32))
spec = Spec("vector", (6,), (Block("continuous", 6),))
config = GameConfig(total_samples=64 * 400, batch=64, steps_per_look=5, evaluations=10, early_stop=False, seed=3)
game = Game(*build("residual", spec, width=24, depth=2, num_latents=8, seed=3), config)
if (folder / "config.json").exists():
    run = RunFolder.open(folder)
    if run.checkpoints():
        saved = run.load_checkpoint()
        game.load_state(saved.tensors, saved.state)
    run.cut_log(game.step)
else:
    run = RunFolder.create(folder, {"seed": 3})
judge = lambda g: -float(game.sample(g, 500, "judge", None).std(0).sub(1).abs().mean())
for p in play(game, Batches(x[:500]), Batches(x[500:]), judge):
    run.log({"step": p.step, "samples": p.samples, "d_loss": p.d_loss, "metric": p.metric})
    run.save_checkpoint(p.step, game.state_tensors(), game.state_json())
"""


def command(folder: Path) -> list[str]:
    return [sys.executable, "-c", CHILD, str(folder)]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_run_that_is_killed_twice_ends_in_the_bytes_of_one_that_was_not(tmp_path: Path) -> None:
    whole, killed = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    subprocess.run(command(whole.path), check=True)
    last = whole.checkpoints()[-1][0]
    assert last == 400

    for part in (1, 2):
        child = subprocess.Popen(command(killed.path))
        deadline = time.monotonic() + 120
        while not killed.checkpoints() or killed.checkpoints()[-1][0] < part * last // 4:
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert killed.checkpoints()[-1][0] < last, "the kill came after the end: nothing was tested"
    subprocess.run(command(killed.path), check=True)

    for (step, path), (other_step, other) in zip(whole.checkpoints(), killed.checkpoints(), strict=True):
        assert step == other_step and path.read_bytes() == other.read_bytes()
    assert whole.log_path.read_bytes() == killed.log_path.read_bytes()
