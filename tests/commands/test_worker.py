"""The worker: it lives through what happens to databases and nudges, and ends when it is told to."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection as database
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from replication.models import CloudReading, Replication, WorkerBeat
from replication.services import submission, triggering
from tests.journeys.test_killed_worker import database_url
from tests.journeys.wishes import ask

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


def ask_for_one(practice, oskar, source="vault-orders-db"):
    return ask(practice, oskar, source=source, destination="replica-production")


def status_of(replication):
    return Replication.objects.values_list("status", flat=True).get(pk=replication.pk)


def always():
    return True


def test_worker_says_who_it_is_beats_and_says_that_it_stopped(practice, work_until):
    printed = work_until(always)

    [beat] = WorkerBeat.objects.all()
    assert printed == f"Worker {beat.worker_id} is running; Ctrl-C stops it.\nWorker stopped.\n"
    assert beat.started_at == beat.seen_at


def test_inventory_is_read_at_the_start_however_fresh_it_is(practice, work_until):
    started_at = practice.now()

    work_until(lambda: not CloudReading.objects.filter(read_at__lt=started_at).exists())

    assert CloudReading.objects.filter(read_at__gte=started_at).count() == 4


def test_nudge_is_followed_at_once(practice, oskar, work_until):
    replication = ask_for_one(practice, oskar)

    work_until(lambda: status_of(replication) == "running")

    assert (len(practice.accepted()), DBTaskResult.objects.get().status) == (1, "SUCCESSFUL")


def test_lost_nudge_delays_and_loses_nothing(practice, oskar, work_until):
    replication = ask_for_one(practice, oskar)
    DBTaskResult.objects.all().delete()

    work_until(lambda: status_of(replication) == "running")

    assert len(practice.accepted()) == 1


def test_doubled_nudges_send_once(practice, oskar, work_until):
    replication = ask_for_one(practice, oskar)
    for _again in range(3):
        submission.submit_task.enqueue(str(replication.pk))

    work_until(lambda: DBTaskResult.objects.filter(status="SUCCESSFUL").count() == 4)

    assert (status_of(replication), len(practice.accepted())) == ("running", 1)


def test_late_nudge_of_one_that_was_withdrawn_sends_nothing(practice, oskar, work_until):
    replication = ask_for_one(practice, oskar)
    triggering.withdraw_replication(actor=oskar, replication=replication, now=practice.now())

    work_until(lambda: DBTaskResult.objects.get().status == "SUCCESSFUL")

    assert (status_of(replication), practice.accepted()) == ("cancelled", [])


@pytest.mark.parametrize("nobody", ["6f1f0f0e-9a70-4a57-9c3a-0a4b6a1c2d01", "not an id"])
def test_nudge_for_what_does_not_exist_stops_nobody(practice, oskar, work_until, nobody):
    submission.submit_task.enqueue(nobody)
    replication = ask_for_one(practice, oskar)

    work_until(lambda: status_of(replication) == "running")

    assert len(practice.accepted()) == 1


def test_old_nudges_and_signs_of_life_are_forgotten_and_recent_ones_kept(practice, work_until):
    now = timezone.now()
    for number, age in enumerate([timedelta(minutes=61), timedelta(minutes=50)]):
        task = submission.submit_task.enqueue(f"6f1f0f0e-9a70-4a57-9c3a-0a4b6a1c2d0{number}")
        DBTaskResult.objects.filter(id=task.id).update(enqueued_at=now - age, status="SUCCESSFUL")
    for name, age in [("long gone", timedelta(hours=25)), ("gone", timedelta(hours=23))]:
        WorkerBeat.objects.create(worker_id=name, started_at=now - age, seen_at=now - age)

    work_until(lambda: not WorkerBeat.objects.filter(worker_id="long gone").exists())

    assert [result.args_kwargs["args"][0][-1] for result in DBTaskResult.objects.all()] == ["1"]
    assert set(WorkerBeat.objects.values_list("worker_id", flat=True)) == {
        "gone",
        submission.worker_identity(),
    }


def take_the_database_away():
    """Lock a SQLite file, or end every session on a PostgreSQL, as a restart does."""
    settings = database.settings_dict
    if database.vendor == "sqlite":
        rival = sqlite3.connect(settings["NAME"], isolation_level=None)
        rival.execute("begin exclusive")
        time.sleep(1)
        rival.execute("rollback")
        rival.close()
        return
    with psycopg.connect(database_url(), autocommit=True) as rival:
        rival.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )


def test_worker_survives_a_database_that_goes_away(practice, oskar, work_until, monkeypatch, caplog):
    if database.vendor == "sqlite":
        # Locked for longer than anybody waits, in a tenth of the time.
        monkeypatch.setitem(database.settings_dict["OPTIONS"], "timeout", 0.1)
        database.close()
    replication = ask_for_one(practice, oskar)
    DBTaskResult.objects.all().delete()
    practice.fault("answer_late", operation="operation_logs.list", seconds=0.5)
    taken = []

    def is_sent_in_spite_of_it():
        if not taken:
            # This is the watcher's thread: its own session is none of those that are ended.
            database.close()
            taken.append(take_the_database_away())
        return status_of(replication) == "running"

    work_until(is_sent_in_spite_of_it)

    assert "The database does not answer; trying again" in caplog.text
    assert len(practice.accepted()) == 1


@pytest.mark.parametrize("nudged", [True, False])
def test_told_to_stop_it_finishes_what_it_is_sending_and_begins_nothing_more(
    practice, oskar, work_until, nudged
):
    for source in ("vault-orders-db", "vault-erp", "vault-mail"):
        ask_for_one(practice, oskar, source)
    if not nudged:
        DBTaskResult.objects.all().delete()
    practice.fault("answer_late", seconds=1, count=3)

    work_until(practice.accepted)

    assert sorted(Replication.objects.values_list("status", flat=True)) == [
        "requested",
        "requested",
        "running",
    ]
    assert len(practice.accepted()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_idle_worker_ends_at_once_with_code_0(practice, signum):
    environment = {**os.environ, "DATABASE_URL": database_url(), "SANDBOX_URL": practice.url}
    started_at = practice.now()
    with subprocess.Popen(
        [sys.executable, "manage.py", "worker", "--pause", "3600"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            while CloudReading.objects.filter(read_at__lt=started_at).exists():
                time.sleep(0.05)
            time.sleep(0.5)
            worker.send_signal(signum)
            printed, complaints = worker.communicate(timeout=10)
        finally:
            worker.kill()

    assert (worker.returncode, printed.splitlines()[-1]) == (0, "Worker stopped.")
    assert "Traceback" not in complaints
