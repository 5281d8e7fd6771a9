"""The worker: runs nudges from the queue, and a round over everything that is due.

Survives a locked SQLite and a restarted PostgreSQL. Any number of workers may run side by side; each step is claimed
by a conditional update, so none of them needs to know of the others.
"""

import logging
import signal
import time
from argparse import ArgumentParser
from datetime import timedelta
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from replication.models import WorkerBeat
from replication.services import inventory, rounds, submission

logger = logging.getLogger("replication.worker")

#: Seconds between two rounds, and longest delay of a nudge.
_PAUSE = 0.5
#: Nudges that are followed between two rounds: few, since each may take as long as the cloud does. The round sends the rest.
_NUDGES_AT_ONCE = 5
#: Seconds to wait when the database is away.
_DATABASE_PAUSE = 2.0
#: Seconds between two beats that are written while there is little to do.
_BEAT = 10.0
#: Nudges are of no use after they were run, or when their worker was killed.
_NUDGES_KEPT = timedelta(hours=1)
_BEATS_KEPT = timedelta(days=1)


class _ToldToStop(Exception):
    """A signal came while a round was under way: what is begun is finished, and nothing more is begun."""


class Command(BaseCommand):
    """Runs until it is told to stop; finishes what it is sending first."""

    help = "Send queued replications, follow the accepted ones and keep the inventory fresh, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--pause", type=float, default=_PAUSE, help="seconds between two rounds (default 0.5)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        self.running = True
        self.worker_id = submission.worker_identity()
        self.nudges = self._runner()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        self.beaten = float("-inf")
        self.tidied = float("-inf")
        self.stdout.write(f"Worker {self.worker_id} is running; Ctrl-C stops it.")
        known = False
        while self.running:
            try:
                close_old_connections()
                if not known:
                    inventory.know_entries(timezone.now())
                    inventory.make_all_due(timezone.now())
                    known = True
                self._beat()
                self._run_nudges()
                rounds.make_round(worker_id=self.worker_id, clock=timezone.now, beat=self._beat)
                self._tidy()
            except _ToldToStop:
                break
            except (OperationalError, InterfaceError):
                logger.exception("The database does not answer; trying again")
                connection.close()
                self._sleep(_DATABASE_PAUSE)
            else:
                self._sleep(options["pause"])
        self.stdout.write("Worker stopped.")

    def _runner(self) -> Worker:
        """Return the queue's own worker, which runs what is there, but not so much that a round has to wait long."""
        return Worker(
            queue_names=["*"],
            interval=0,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=_NUDGES_AT_ONCE,
            worker_id=self.worker_id[:64],
            excluded_queue_names=[],
        )

    def _run_nudges(self) -> None:
        self.nudges = self._runner()
        # A signal may have come between the two.
        self.nudges.running = self.running
        self.nudges.run()

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.running = self.nudges.running = False

    def _sleep(self, seconds: float) -> None:
        """Sleep in slices, so that a signal is heard soon."""
        until = time.monotonic() + seconds
        while self.running and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _beat(self) -> None:
        """Write a sign of life, not more often than needed.

        Raises:
            _ToldToStop: between two things to do is the moment to stop.
        """
        if not self.running:
            raise _ToldToStop
        if time.monotonic() - self.beaten < _BEAT:
            return
        now = timezone.now()
        WorkerBeat.objects.update_or_create(
            worker_id=self.worker_id,
            defaults={"seen_at": now},
            create_defaults={"seen_at": now, "started_at": now},
        )
        self.beaten = time.monotonic()

    def _tidy(self) -> None:
        """Forget old nudges and old signs of life, now and then. Replications and audit are kept for good."""
        if time.monotonic() - self.tidied < _NUDGES_KEPT.total_seconds():
            return
        now = timezone.now()
        DBTaskResult.objects.filter(enqueued_at__lt=now - _NUDGES_KEPT).delete()
        WorkerBeat.objects.filter(seen_at__lt=now - _BEATS_KEPT).delete()
        self.tidied = time.monotonic()
