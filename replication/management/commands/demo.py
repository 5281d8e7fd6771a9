"""Runs the whole product on one machine: sandbox cloud, worker and web server as one process tree.

Starts the other commands as processes and waits for them over the wire; it knows none of their insides, and speaks to
no cloud.
"""

import contextlib
import errno
import fcntl
import http.client
import os
import shlex
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from replication.management.commands.create_demo_users import PASSWORD, PEOPLE
from replication.management.processes import Ending, ProcessEnded, ProcessTree
from replication.management.static_files import collect_if_changed
from replication.services import statistics

_HOST = "127.0.0.1"
#: Seconds that a process may take to give a sign of life, and that the first reading of the inventory may take.
_START = 90.0
_FIRST_READING = 45.0
#: What makes it a demo, whatever else is configured on this machine. Empty means unset.
_FIXED = {
    "DEMO": "true",
    "DEBUG": "false",
    "SECRET_KEY": "",
    "REPLICATION_CLOUDS": "",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
    "BEHIND_TLS_PROXY": "false",
    "CSRF_TRUSTED_ORIGINS": "",
    "GUNICORN_CMD_ARGS": "",
}
#: What suits a cloud sixty times as fast as a real one.
_DEFAULTS = {
    "PROGRESS_INTERVAL_SECONDS": "3",
    "INVENTORY_INTERVAL_SECONDS": "60",
    "SETTLE_WINDOW_SECONDS": "60",
    "LOG_LEVEL": "WARNING",
}
_SPEED = "60"


class Command(BaseCommand):
    """Runs until Ctrl-C or SIGTERM, and leaves no process behind."""

    help = "Run the dashboard with a sandbox cloud and demo users. PORT and SANDBOX_PORT move it."
    # Run by the processes that it starts, under their own settings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--var",
            type=Path,
            default=settings.VAR_DIR,
            help="folder for the database and the sandbox's world",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_real_accounts()
        port, sandbox_port = ports(os.environ)
        var: Path = options["var"].resolve()
        environment = demo_environment(os.environ, var, sandbox_port)
        if any(os.environ.get(name) != value for name, value in environment.items()):
            # Settings are read once, when a process starts: start again under those of the demo.
            os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606  # ourselves
        ending = end_on_signals()
        try:
            with held(var / "demo.lock", f"http://{_HOST}:{port}/"):
                refuse_taken_ports(port, sandbox_port)
                self.run(var, port, sandbox_port, environment, ending)
        except ProcessEnded as ended:
            raise CommandError(f"The {ended.name} {ended.outcome}, so the demo stops.") from None
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def run(
        self, var: Path, port: int, sandbox_port: int, environment: Mapping[str, str], ending: Ending
    ) -> None:
        """Prepare what has to be there, start the processes, and follow them.

        Raises:
            ProcessEnded: one of them ended by itself.
            KeyboardInterrupt: somebody asked for the end.
        """
        manage = (sys.executable, "manage.py")
        with ProcessTree(environment, settings.BASE_DIR, ending) as processes:
            processes.start(
                "sandbox cloud",
                *manage,
                *(
                    "sandbox",
                    "--port",
                    str(sandbox_port),
                    "--state",
                    var / "sandbox.sqlite3",
                    "--speed",
                    _SPEED,
                ),
            )
            self.say("Preparing the database and the users …")
            call_command("migrate", interactive=False, verbosity=0)
            call_command("create_demo_users", verbosity=0)
            self.say("Preparing the static files …")
            collect_if_changed()
            processes.check()
            started_at = timezone.now()
            processes.start("worker", *manage, "worker")
            processes.start("web server", *web_server(port))
            self.say("Starting the sandbox cloud, the worker and the web server …")
            wait_for(processes, "sandbox cloud", lambda: _answer(sandbox_port, "/v3") in {200, 300})
            # A beat from before would only prove that a worker was here the last time.
            wait_for(processes, "worker", lambda: has_beaten_since(started_at))
            wait_for(processes, "web server", lambda: _answer(port, "/health/live") == 200)
            wait_for(processes, "dashboard", lambda: _answer(port, "/health/ready") == 200)
            self.say("Reading the inventory …")
            if not processes.wait_until(inventory_is_read, seconds=_FIRST_READING):
                self.say("The first reading of the inventory takes longer than usual; it goes on by itself.")
            connections.close_all()
            self.say(greeting(port, sandbox_port, var))
            try:
                processes.follow()
            except KeyboardInterrupt:
                self.say("Stopping …")
                raise

    def say(self, line: str) -> None:
        """Print at once, also into a pipe."""
        self.stdout.write(line)
        self.stdout.flush()


def end_on_signals() -> Ending:
    """Let Ctrl-C, SIGTERM and a closed terminal end it in the same good order."""
    ending = Ending()
    ending.listen(signal.SIGINT, signal.SIGTERM)
    # nohup ignores the closed terminal on purpose.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        ending.listen(signal.SIGHUP)
    return ending


def refuse_real_accounts() -> None:
    """Raise unless only the sandbox is configured.

    Raises:
        CommandError: real accounts are configured, which users with a public password must never reach.
    """
    if settings.REPLICATION_CLOUDS:
        raise CommandError(
            f"REPLICATION_CLOUDS names real cloud accounts ({', '.join(settings.REPLICATION_CLOUDS)}). The demo has "
            "users with a public password, so it works with the sandbox cloud only. Unset REPLICATION_CLOUDS, here "
            "and in .env, to run it."
        )


def ports(environment: Mapping[str, str]) -> tuple[int, int]:
    """Return the ports of the web server and of the sandbox: PORT or 8000, and SANDBOX_PORT or the next one.

    Raises:
        CommandError: one of them is no port.
    """
    port = _port("PORT", environment.get("PORT") or "8000")
    sandbox_port = _port("SANDBOX_PORT", environment.get("SANDBOX_PORT") or str(port + 1))
    if port == sandbox_port:
        raise CommandError(f"PORT and SANDBOX_PORT are both {port}; the two servers need different ports.")
    return port, sandbox_port


def _port(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise CommandError(f"{name} is {text}, which is not a port: use a number from 1 to 65535.")
    return int(text)


def demo_environment(environment: Mapping[str, str], var: Path, sandbox_port: int) -> dict[str, str]:
    """Return the environment of the demo's processes: what makes it a demo, over what was given, over defaults."""
    own = {**_FIXED, "SANDBOX_URL": f"http://{_HOST}:{sandbox_port}"}
    # A file named by such a variable would win over the variable.
    files = {f"{name}_FILE": "" for name in own if environment.get(f"{name}_FILE")}
    defaults = {**_DEFAULTS, "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}"}
    return {**defaults, **environment, **own, **files}


@contextlib.contextmanager
def held(path: Path, address: str) -> Iterator[None]:
    """Hold the folder for this demo alone, as long as this process lives.

    Raises:
        CommandError: another demo holds it, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+")
    except OSError as error:
        raise CommandError(f"{path.parent} cannot be written: {error.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "starting"
            raise CommandError(
                f"A demo is running on {path.parent} already ({holder}). Use that one, or stop it first: two would "
                "share one database and one sandbox."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {address}\n")
        lock.flush()
        yield


def refuse_taken_ports(port: int, sandbox_port: int) -> None:
    """Raise unless both ports can be listened on.

    Raises:
        CommandError: one cannot; the message says how to move.
    """
    for number, server in ((port, "web server"), (sandbox_port, "sandbox cloud")):
        with socket.socket() as trial:
            # As the servers do: a port whose last connections only linger is free.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((_HOST, number))
            except OSError as error:
                why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
                raise CommandError(
                    f"Port {number} {why}, which the {server} needs. Choose another: PORT={_elsewhere(port)} make demo"
                    " (the sandbox cloud takes the port after it, or SANDBOX_PORT)."
                ) from None


def _elsewhere(port: int) -> int:
    return port + 100 if port + 101 <= 65535 else 8100


def web_server(port: int) -> tuple[str, ...]:
    """Return the command of the web server, the one that is recommended for production."""
    return (
        *(sys.executable, "-m", "gunicorn", "dashboard.wsgi:application"),
        *("--workers", "2", "--threads", "4", "--bind", f"{_HOST}:{port}"),
        *("--no-control-socket", "--log-level", "warning"),
    )


def wait_for(processes: ProcessTree, name: str, answers: Callable[[], bool]) -> None:
    """Wait until a process gives a sign of life.

    Raises:
        CommandError: it does not in time.
        ProcessEnded: one of the processes ended meanwhile.
    """
    if not processes.wait_until(answers, seconds=_START):
        raise CommandError(f"The {name} does not answer after {_START:.0f} seconds, so the demo stops.")


def _answer(port: int, path: str) -> int | None:
    """Return the status that a server answers with; `None` when it does not answer."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


def has_beaten_since(started_at: datetime) -> bool:
    """Return whether a worker has given a sign of life since then."""
    seen_at = statistics.worker_health(timezone.now()).seen_at
    return seen_at is not None and seen_at >= started_at


def inventory_is_read() -> bool:
    """Return whether every entry of the sandbox was read, or tried in vain."""
    return not statistics.inventory_health(timezone.now()).is_first_reading_pending


def greeting(port: int, sandbox_port: int, var: Path) -> str:
    """Return what a visitor needs: where to go, as whom, and how to end it."""
    people = "\n".join(f"    {name:<6} {role.value}" for name, role in PEOPLE.items())
    return (
        f"\nThe dashboard is at  http://{_HOST}:{port}/\n"
        f"Sign in with the password “{PASSWORD}” as\n{people}\n"
        f"The sandbox cloud is at http://{_HOST}:{sandbox_port}/ and {_SPEED} times as fast as a real one.\n"
        f"History stays in {shlex.quote(str(var))}. Ctrl-C ends everything.\n"
    )
