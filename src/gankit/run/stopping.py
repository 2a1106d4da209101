"""How a training is stopped from outside: what SIGINT and SIGTERM do while it runs.

Knows signals; never the training.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gankit.errors import InterruptedRun


class Interruption:
    """What SIGINT and SIGTERM do to a training.

    Before its first step they end it as Ctrl-C ends any program. After that the first asks for a stop at the next
    progress update, where the game can be saved, and the second ends the process, or the call, at once.
    """

    def __init__(self, note: Callable[[str], None], exits: bool) -> None:
        self._note, self._exits, self._asked, self._begun = note, exits, False, False

    def asked(self) -> bool:
        """Whether a stop is asked for; the game that asks obeys from here on, so that nothing need be torn away."""
        self._begun = True
        return self._asked

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signals' handler."""
        if self._asked and self._exits:
            os._exit(InterruptedRun.exit_code)
        elif self._asked or not self._begun:
            raise KeyboardInterrupt
        self._asked = True
        self._note("stopping at the next progress update; press again to stop at once.")


@contextmanager
def interruptible(note: Callable[[str], None], exits: bool = False) -> Iterator[Interruption]:
    """Lets SIGINT and SIGTERM stop a training at a progress update; the handlers are put back afterwards.

    exits: whether the process is a command's, which the second signal ends; else SIGINT alone is handled, and in the
    main thread only, where Python allows it.
    """
    interruption = Interruption(note, exits)
    numbers: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM) if exits else (signal.SIGINT,)
    if threading.current_thread() is not threading.main_thread():
        numbers = ()
    before = {number: signal.signal(number, interruption.handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
