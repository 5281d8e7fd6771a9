"""Worker processes that die at a chosen point: at the k-th of all statements to the database and calls of sockets.

Run as a program, this is the process that they are forked from. It loads the product once, has neither threads nor
connections of its own, reads one life a line from its input, and tells how that life went in one line.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What a socket can do that somebody outside notices. Closing is not among it: dying closes everything.
_RECEIVING = ("connect", "recv", "recv_into", "shutdown")
_SENDING = ("send", "sendall")


@dataclass(frozen=True)
class Life:
    """What a worker went through."""

    #: The names of the points that it reached, the one that it died at last.
    points: tuple[str, ...]
    died: bool


class Nursery:
    """Starts workers that may die. To be used as a context manager; leaves no process behind."""

    def __init__(self, database_url, spool):
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.deaths"],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "dashboard.settings",
                "DATABASE_URL": database_url,
                "SPOOL_DIR": str(spool),
                "PROGRESS_INTERVAL_SECONDS": "1",
                "REGION_LIMIT": "0",
                "LOG_LEVEL": "CRITICAL",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._mother.stdin.close()
        self._mother.wait(timeout=30)
        self._mother.stdout.close()

    def live(self, step, *, practice, die_at=0, signed_in=True, **arguments):
        """Let one worker do one step, and die at a point of it; at 0 it lives and counts."""
        life = {
            "step": step,
            "url": practice.url,
            "ahead": practice.ahead.total_seconds(),
            "die_at": die_at,
            "signed_in": signed_in,
            "arguments": arguments,
        }
        self._mother.stdin.write(json.dumps(life) + "\n")
        self._mother.stdin.flush()
        told = json.loads(self._mother.stdout.readline())
        assert told["ended"] in {0, -signal.SIGKILL}, f"{step} failed by itself: {told}"
        return Life(tuple(told["points"]), died=told["ended"] != 0)


class Points:
    """Counts the points of a life, and ends it at one."""

    def __init__(self, die_at, book):
        self._die_at = die_at
        self._book = book
        self._reached = 0

    def reach(self, name):
        self._reached += 1
        os.write(self._book, f"{name}\n".encode())
        if self._reached == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch_database(self, connection):
        """Make points of every statement, BEGIN among them, and of every end of a transaction, before and after it."""
        connection.execute_wrappers.append(self._execute)
        for name in ("_commit", "_rollback"):
            setattr(connection, name, self._around(name.strip("_").upper(), getattr(connection, name)))

    def watch_sockets(self):
        """Make points of every call of a socket; of sending before it, half-way through it and after it."""
        socket.getaddrinfo = self._before("getaddrinfo", socket.getaddrinfo)
        for name in _RECEIVING:
            setattr(socket.socket, name, self._before(name, getattr(socket.socket, name)))
        for name in _SENDING:
            setattr(socket.socket, name, self._halfway(name, getattr(socket.socket, name)))

    def _execute(self, execute, sql, params, many, context):
        self.reach(_short(sql))
        return execute(sql, params, many, context)

    def _before(self, name, call):
        def called(*arguments, **named):
            self.reach(name)
            return call(*arguments, **named)

        return called

    def _around(self, name, call):
        def called(*arguments, **named):
            self.reach(name)
            result = call(*arguments, **named)
            self.reach(f"after {name}")
            return result

        return called

    def _halfway(self, name, call):
        def called(connected, data, *arguments):
            self.reach(name)
            half = len(data) // 2
            socket.socket.__mro__[1].sendall(connected, data[:half])
            self.reach(f"half-way through {name}")
            result = call(connected, data[half:], *arguments)
            self.reach(f"after {name}")
            return half + result if name == "send" else result

        return called


def _short(sql):
    """Return the kind of a statement and its table."""
    words = sql.replace('"', "").split()
    after = next((place for place, word in enumerate(words) if word in {"FROM", "INTO", "UPDATE"}), None)
    table = words[after + 1] if after is not None and len(words) > after + 1 else ""
    return f"{words[0]} {table}".strip()


def main():
    """Fork a worker for every line of the input, and tell its points and how it ended."""
    import django

    django.setup()
    from tests.journeys import lives

    for line in sys.stdin:
        life = json.loads(line)
        lives.prepare(life["url"], signed_in=life["signed_in"])
        reading, writing = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(reading)
            _live(life, writing, lives)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as book:
            points = book.read().splitlines()
        _pid, status = os.waitpid(worker, 0)
        json.dump({"points": points, "ended": os.waitstatus_to_exitcode(status)}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()


def _live(life, book, lives):
    """Do one step as a process of its own, and never return."""
    from django.db import connection

    points = Points(life["die_at"], book)
    ended = 1
    try:
        # Connecting is not a statement, and no worker's first: it does so at its start.
        connection.ensure_connection()
        points.watch_database(connection)
        points.watch_sockets()
        getattr(lives, life["step"])(timedelta(seconds=life["ahead"]), **life["arguments"])
        points.reach("the end")
        ended = 0
    finally:
        if ended:
            traceback.print_exc()
        os._exit(ended)


if __name__ == "__main__":
    main()
