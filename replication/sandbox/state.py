"""The file that the sandbox remembers by: which world was founded when, and what has been done to it since.

The seeded world is not stored, it is founded again from its seed; kept are the events, each one written before its answer
leaves, so that a killed sandbox has lost none. Only a failing machine may lose the last: waiting for its disk would cost
ten times the work of a call. One sandbox holds the file for itself. What an event means is known to the world alone.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

APPLICATION_ID = 0x56524431
FORMAT = 1


class StateUnusable(Exception):
    """The state file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Founding:
    """What a world grows from."""

    seed: int
    scale: int
    founded_at: datetime


class Journal:
    """The events of one world, kept in a SQLite file or, without a path, in memory.

    Args:
        path: The file, made if it does not exist.
        founding: What to found where the file is new; an existing file keeps its own.

    Raises:
        StateUnusable: The file cannot be opened, is held by another sandbox or is not a sandbox's file.
    """

    def __init__(self, path: Path | None, founding: Founding) -> None:
        self.path = path
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            # The sandbox's own lock orders the threads that come here.
            self._database = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False, timeout=0
            )
        except (OSError, sqlite3.Error) as error:
            raise StateUnusable(
                f"Cannot open the state file {path}: {error}. Name a file that can be written."
            ) from error
        try:
            self._open(founding)
        except sqlite3.Error as error:
            self._database.close()
            raise StateUnusable(self._explain(error)) from error
        except (StateUnusable, ValueError, TypeError, KeyError) as error:
            self._database.close()
            raise StateUnusable(
                f"{path} is no state file of this sandbox ({error}). Name another or delete it."
            ) from error

    def _open(self, founding: Founding) -> None:
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("BEGIN EXCLUSIVE")
        (application_id,) = self._database.execute("PRAGMA application_id").fetchone()
        (format_number,) = self._database.execute("PRAGMA user_version").fetchone()
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            self._database.execute("CREATE TABLE founding (seed INTEGER, scale INTEGER, founded_at TEXT)")
            self._database.execute("CREATE TABLE event (number INTEGER PRIMARY KEY, document TEXT NOT NULL)")
            self._database.execute("CREATE TABLE clock (offset_seconds REAL)")
            self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._database.execute(f"PRAGMA user_version = {FORMAT}")
            self._write_founding(founding)
        elif application_id != APPLICATION_ID:
            raise StateUnusable("another program's database")
        elif format_number != FORMAT:
            raise StateUnusable(f"format {format_number} instead of {FORMAT}")
        self._database.execute("COMMIT")
        # Only now is it known that the file is ours to change.
        self._database.execute("PRAGMA journal_mode = WAL")
        self.founding = self._read_founding()

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield all kept events in their order."""
        for (document,) in self._database.execute("SELECT document FROM event ORDER BY number").fetchall():
            yield json.loads(document)

    def append(self, event: Mapping[str, Any]) -> None:
        """Keep an event; it outlives this process when this returns.

        Raises:
            StateUnusable: It could not be kept, and nothing of it is.
        """
        try:
            self._database.execute("INSERT INTO event (document) VALUES (?)", (json.dumps(event),))
        except sqlite3.Error as error:
            raise StateUnusable(self._explain(error)) from error

    @property
    def clock_offset(self) -> timedelta:
        row = self._database.execute("SELECT offset_seconds FROM clock").fetchone()
        return timedelta(seconds=row[0])

    @clock_offset.setter
    def clock_offset(self, offset: timedelta) -> None:
        self._database.execute("UPDATE clock SET offset_seconds = ?", (offset.total_seconds(),))

    def start_over(self, founding: Founding) -> None:
        """Forget everything and found a new world."""
        self._database.execute("BEGIN EXCLUSIVE")
        self._write_founding(founding)
        self._database.execute("COMMIT")
        self.founding = founding

    def close(self) -> None:
        self._database.close()

    def _write_founding(self, founding: Founding) -> None:
        for table in ("founding", "event", "clock"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand one line above
        self._database.execute(
            "INSERT INTO founding VALUES (?, ?, ?)",
            (founding.seed, founding.scale, founding.founded_at.isoformat()),
        )
        self._database.execute("INSERT INTO clock VALUES (0)")

    def _read_founding(self) -> Founding:
        seed, scale, founded_at = self._database.execute(
            "SELECT seed, scale, founded_at FROM founding"
        ).fetchone()
        return Founding(int(seed), int(scale), datetime.fromisoformat(founded_at))

    def _explain(self, error: sqlite3.Error) -> str:
        if "locked" in str(error):
            return f"{self.path} is in use by another sandbox. Stop that one or name another file."
        if "not a database" in str(error) or "malformed" in str(error):
            return f"{self.path} is no state file of this sandbox ({error}). Name another or delete it."
        return f"Cannot use the state file {self.path}: {error}. Name a file that can be written."
