"""What SIGINT and SIGTERM do while a command trains.

Knows signals and the voice; never data, models or the loop.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gankit.cli.terminal import Voice
from gankit.errors import InterruptedRun


class Interruption:
    """What SIGINT and SIGTERM do to a training.

    Before its first step they end it as Ctrl-C ends any program. After that the first asks for a stop at the next look,
    where the game can be saved, and the second ends the process at once.
    """

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._asked = False
        self._begun = False

    def asked(self) -> bool:
        """Whether a stop is asked for; the game that asks obeys from here on, so that nothing need be torn away."""
        self._begun = True
        return self._asked

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signals' handler."""
        if self._asked:
            os._exit(InterruptedRun.exit_code)
        if not self._begun:
            raise KeyboardInterrupt
        self._asked = True
        self._voice.note("stopping at the next look; once more stops at once.")


@contextmanager
def interruptible(voice: Voice) -> Iterator[Interruption]:
    """Lets SIGINT and SIGTERM stop a training at a look; the handlers are put back afterwards."""
    interruption = Interruption(voice)
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interruption.handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
