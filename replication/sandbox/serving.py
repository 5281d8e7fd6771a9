"""Starting and ending a sandbox, inside a test or as a process of its own.

Which cloud is simulated and how it answers is decided elsewhere.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from replication.sandbox.server import CloudServer
from replication.sandbox.simulation import Options, Simulation
from replication.sandbox.switches import Profile

POLL_SECONDS = 0.02


class PortTaken(Exception):
    """The address cannot be listened on; the message says why and what to do."""


class Sandbox:
    """A simulated cloud on a real port, in threads of this process; used in a `with` block.

    Args:
        port: Where to listen; 0 takes a free port.
        host: The address to listen on; the controls answer on loopback whatever this is.
        profile: Whose documentation the answers follow, otc or huawei.
        seed: Decides the world; none takes that of the state file, or 1.
        scale: How large the world is; none takes that of the state file, or 1.
        speed: Divides every duration.
        switches: Answers to open questions by name; those left out have their default.
        state: A file to remember by; none forgets everything at the end.

    Raises:
        StateUnusable: The state file cannot be used.
        UnknownSwitch: A switch does not exist.
        PortTaken: The port cannot be listened on.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        profile: Profile = "otc",
        seed: int | None = None,
        scale: int | None = None,
        speed: float = 1.0,
        switches: Mapping[str, str] | None = None,
        state: Path | None = None,
    ) -> None:
        self._simulation = Simulation(Options(profile, seed, scale, speed, switches or {}, state))
        try:
            self._server = CloudServer((host, port), self._simulation)
        except (OSError, OverflowError) as error:
            self._simulation.close()
            raise PortTaken(
                f"Cannot listen on port {port}: {error}. Name another port, or 0 for any."
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name="sandbox", daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://{self._server.server_name}:{self.port}"

    @property
    def profile(self) -> Profile:
        return self._simulation.profile

    @property
    def notes(self) -> list[str]:
        """What a person who started this should know, such as a seed that was not used."""
        return self._simulation.notes

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._simulation.closing.set()
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()
        self._simulation.close()


def serve(sandbox: Sandbox, say: Callable[[str], None]) -> None:
    """Run a sandbox until SIGTERM or SIGINT; to be called in the main thread.

    Args:
        sandbox: The sandbox, not yet started.
        say: Takes each line that tells what runs and where.
    """
    ended = threading.Event()
    former = {
        number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        with sandbox:
            for note in sandbox.notes:
                say(note)
            say(f"Sandbox cloud (profile {sandbox.profile}) on {sandbox.url}")
            ended.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
