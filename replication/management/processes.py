"""A handful of processes that live and die together: started, watched and ended as one.

Knows how to run processes, not what they are for.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

#: Seconds that processes get to end by themselves before they are killed, all of them together.
GRACE = 10.0
_PAUSE = 0.1
_PR_SET_PDEATHSIG = 1


class ProcessEnded(Exception):
    """One of the processes ended by itself, so the rest is of no use.

    Attributes:
        name: what was started under this name.
        outcome: how it ended, in words.
    """

    def __init__(self, name: str, outcome: str) -> None:
        self.name = name
        self.outcome = outcome
        super().__init__(f"{name} {outcome}")


class Ending:
    """Lets signals end this process as Ctrl-C does, and remembers that one came.

    Python drops what is raised inside callbacks of its own, as around a fork; who waits has to look here as well.
    """

    def __init__(self) -> None:
        self.is_asked_for = False

    def listen(self, *signals: signal.Signals) -> None:
        """Take these signals from now on."""
        for signum in signals:
            signal.signal(signum, self._ask)

    def _ask(self, _signum: int, _frame: FrameType | None) -> NoReturn:
        self.is_asked_for = True
        raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _Child:
    name: str
    process: subprocess.Popen[bytes]


class ProcessTree:
    """Starts processes and, when it is left, ends every one of them with all that they started in turn.

    On Linux the kernel ends them also when this process is killed and can do nothing more itself.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path, ending: Ending | None = None) -> None:
        self._environment = environment
        self._ending = ending or Ending()
        self._directory = directory
        self._children: list[_Child] = []

    def __enter__(self) -> "ProcessTree":
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def start(self, name: str, *command: str | Path) -> None:
        """Start a process. It gets its own session, so that a Ctrl-C reaches it only through us."""
        process = subprocess.Popen(  # noqa: S603  # the commands are written in this project
            [str(part) for part in command],
            env=self._environment,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            # Greetings meant for somebody who started it alone; what goes wrong comes on stderr.
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_follow_into_death(os.getpid()),  # noqa: PLW1509  # no thread runs here that could hold a lock
        )
        self._children.append(_Child(name, process))

    def check(self) -> None:
        """Look whether all are there and nobody asked for the end.

        Raises:
            KeyboardInterrupt: a signal asked for it, and what it raised was lost.
            ProcessEnded: one is not there.
        """
        if self._ending.is_asked_for:
            raise KeyboardInterrupt
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise ProcessEnded(child.name, _in_words(code))

    def wait_until(self, is_so: Callable[[], bool], *, seconds: float) -> bool:
        """Wait until something is so, and return whether it came to that in time.

        Raises:
            ProcessEnded: one of the processes ended meanwhile.
        """
        give_up_at = time.monotonic() + seconds
        while not is_so():
            self.check()
            if time.monotonic() > give_up_at:
                return False
            time.sleep(_PAUSE)
        return True

    def follow(self) -> None:
        """Watch until one of the processes ends.

        Raises:
            ProcessEnded: one did.
        """
        while True:
            self.check()
            time.sleep(_PAUSE)

    def end(self) -> None:
        """Ask each to end, the last started first, and kill what has not ended in time. A second Ctrl-C kills at once."""
        give_up_at = time.monotonic() + GRACE
        with contextlib.suppress(KeyboardInterrupt):
            for child in reversed(self._children):
                _signal_group(child, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, give_up_at - time.monotonic()))
        for child in self._children:
            # Its session may hold more than itself, even when it has ended in good order.
            _signal_group(child, signal.SIGKILL)
            child.process.wait()
        self._children.clear()


def _signal_group(child: _Child, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signum)


def _follow_into_death(parent: int) -> Callable[[], None] | None:
    """Return what makes the kernel end a child when its parent dies; `None` where the kernel cannot do that."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            # The parent died before the kernel was asked.
            os.kill(os.getpid(), signal.SIGTERM)

    return ask_kernel


def _in_words(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by signal {-code} ({signal.Signals(-code).name})"
