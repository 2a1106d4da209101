"""Starts a training as several processes of this machine, and again from its last checkpoint where one of them dies.

Knows PyTorch's elastic launcher, which torchrun is made of, and commands; never what is trained.
"""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from gankit.errors import DivergedError, GankitError, InterruptedRun, OptionError

RESTARTS = 3
"""Times that processes are started anew after one died."""

STOPPING_S = 600
"""Seconds that processes have to reach their next progress update and save, once a stop is asked for."""

_OWN_WORDS = (1, GankitError.exit_code, DivergedError.exit_code, InterruptedRun.exit_code)
"""Exit codes with which a process has said itself what is wrong: to start it again would not help."""


def launch(
    processes: int, command: Sequence[str], resuming: Sequence[str], run: Path, note: Callable[[str], None]
) -> int:
    """Runs `gankit` with the arguments `command` as so many processes, and gives their exit code.

    Args:
        processes: how many, at least 2; they share this machine.
        command: what begins the training.
        resuming: what goes on with it, once the run folder `run` is there.
        note: is told when they are started again.

    Raises:
        OptionError: they cannot be started. GankitError: they died too often.
    """
    from torch.distributed import is_available

    if not is_available():
        raise OptionError("--nproc: this torch was built without torch.distributed. Train in one process.")

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what it would say is said here
    for restarts in range(RESTARTS + 1):
        config = LaunchConfig(
            1, 1, processes, run_id=uuid.uuid4().hex, rdzv_backend="c10d", rdzv_endpoint="localhost:0",
            max_restarts=0, signals_to_handle="SIGTERM,SIGINT", shutdown_timeout=STOPPING_S,
        )  # fmt: skip
        begun = (run / "config.json").exists() and restarts
        try:
            elastic_launch(config, sys.executable)("-m", "gankit", *(resuming if begun else command))
        except SignalException:
            return InterruptedRun.exit_code
        except ChildFailedError as failed:
            code = failed.get_first_failure()[1].exitcode
            if code in _OWN_WORDS:
                return code
            if restarts < RESTARTS:
                note(f"a process has ended (exit code {code}); all start again from the last checkpoint.")
        else:
            return 0
    raise GankitError(
        f"processes of this training have ended {RESTARTS + 1} times. What they said stands above; go on with: gankit "
        f"train -o {run} --resume"
    )
