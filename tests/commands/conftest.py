"""A cloud to work with, and the worker as its supervisor sees it."""

import os
import signal
import threading
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection as database

from replication.models import WorkerBeat
from tests.practice import practising


@pytest.fixture
def practice(db, settings):
    with practising("otc", settings) as practice:
        yield practice


@pytest.fixture
def work_until():
    """Runs the worker in this process until something is so, then tells it to stop as a supervisor does.

    Returns what the worker printed.
    """
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    # Until the worker has handlers of its own, a signal must not end the tests.
    signal.signal(signal.SIGTERM, lambda *_: None)
    watchers = []

    def work(condition, *, signum=signal.SIGTERM, seconds=30):
        in_time = []

        def watch():
            give_up_at = time.monotonic() + seconds
            try:
                while time.monotonic() < give_up_at:
                    if WorkerBeat.objects.exists() and condition():
                        in_time.append(True)
                        break
                    time.sleep(0.02)
            finally:
                database.close()
                os.kill(os.getpid(), signum)

        watchers.append(threading.Thread(target=watch))
        watchers[-1].start()
        printed = StringIO()
        call_command("worker", "--pause", "0.05", stdout=printed)
        watchers[-1].join()
        assert in_time, "it did not happen"
        return printed.getvalue()

    yield work
    for watcher in watchers:
        watcher.join()
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
