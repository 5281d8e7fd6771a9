"""What a measurement needs around it: a database of its own, and a sandbox cloud in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def postgres_server() -> str:
    """Return where databases may be made: what BENCH_POSTGRES_URL says, else the server of DATABASE_URL, else this machine's."""
    configured = os.environ.get("DATABASE_URL", "")
    if configured.startswith("postgres"):
        configured = configured.rpartition("/")[0]
    else:
        configured = "postgres://postgres@127.0.0.1:5432"
    return os.environ.get("BENCH_POSTGRES_URL", configured)


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Make an empty database, and remove it in the end."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    import psycopg

    server = postgres_server()
    name = f"replication_faults_{os.getpid()}"
    try:
        with psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=5) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError as error:
        sys.exit(
            f"PostgreSQL does not let us make a database at {server}: {error}. BENCH_POSTGRES_URL names another server."
        )
    try:
        yield f"{server}/{name}"
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[str]:
    """Run a sandbox with these options on a free port, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "manage.py", "sandbox", "--port", str(port), "--state", str(folder / "sandbox")),
        *options,
    ]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "LOG_LEVEL": "CRITICAL"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_sandbox/world", timeout=5):
            return
        time.sleep(0.05)
    sys.exit("The sandbox does not answer.")
