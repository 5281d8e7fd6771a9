"""Many workers on one database, as on many machines: nobody sends twice, nobody waits for ever, nobody sees a lock.

Real processes on the database of the run. What one of them is told to do at the same time as another is decided by
conditional updates alone: none of them knows of the others.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from django.db import connection as database
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from replication.models import Attempt, Replication, Vault, WorkerBeat
from replication.services import submission
from tests.journeys.test_killed_worker import database_url, status_of, wait_until
from tests.journeys.wishes import ask
from tests.practice import practising

ROOT = Path(__file__).resolve().parents[2]
QUEUE = 60
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def practice(transactional_db, settings):
    with practising("otc", settings, duplicate_guard="off") as practice:
        practice.control(
            "POST",
            "vaults",
            {"project": "eu-de_internal", "number": QUEUE, "backups_each": 1, "stored_mb": 1},
        )
        practice.read_inventory()
        yield practice


@pytest.fixture
def vaults(practice):
    return list(
        Vault.objects.filter(name__startswith="vault-branch").order_by("name").values_list("name", flat=True)
    )


class Machine:
    """One process of ours, and what it complained of."""

    def __init__(self, practice, folder, *command):
        self.log = folder / f"{command[0]}-{time.monotonic_ns()}.log"
        self.name = command[0]
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "SANDBOX_URL": practice.url,
            "SPOOL_DIR": str(folder / f"spool-{time.monotonic_ns()}"),
            "INVENTORY_INTERVAL_SECONDS": "86400",
            "PROGRESS_INTERVAL_SECONDS": "3600",
            "REGION_LIMIT": "0",
            "LOG_LEVEL": "WARNING",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def errors(self):
        """What it complained of, apart from warnings."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if " WARNING " not in line]

    def stop(self):
        """Tell it to stop, and return its exit code and how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60), time.monotonic() - began

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start(practice, tmp_path):
    """Starts processes, and ends those that a test leaves behind."""
    started = []

    def run(*command):
        started.append(Machine(practice, tmp_path, *command))
        return started[-1]

    yield run
    for machine in started:
        machine.kill()


def ask_for_all(practice, actor, vaults):
    return [ask(practice, actor, source=name, destination="replica-production") for name in vaults]


#: Accepted; small copies may be over before anybody looks.
ACCEPTED = ("running", "succeeded")


def count(*statuses):
    return Replication.objects.filter(origin="dashboard", status__in=statuses).count()


def assert_each_was_sent_once(practice, replications):
    sent = Counter(call["body"]["replicate"]["vault_id"] for call in practice.accepted())
    assert sent == dict.fromkeys((one.vault_id for one in replications), 1)
    assert list(Attempt.objects.order_by().values_list("number", "outcome").distinct()) == [(1, "accepted")]
    assert Attempt.objects.count() == len(replications)
    submissions = Counter(
        Replication.objects.filter(audit_entries__action="replication.submitting").values_list(
            "pk", flat=True
        )
    )
    assert submissions == dict.fromkeys((one.pk for one in replications), 1)


def test_four_workers_and_two_rounds_beside_them_send_each_once_while_people_go_on_asking(
    practice, oskar, vaults, start
):
    replications = ask_for_all(practice, oskar, vaults[:40])
    workers = [start("worker") for _ in range(4)]
    wait_until(lambda: count(*ACCEPTED) > 0)

    rounds = [start("reconcile") for _ in range(2)]
    # Each of these is a request of a person, who would see a lock as an error.
    replications += ask_for_all(practice, oskar, vaults[40:])
    wait_until(lambda: count("requested", "submitting") == 0)

    codes = [one.process.wait(timeout=60) for one in rounds]
    stopped = [worker.stop()[0] for worker in workers]
    assert_each_was_sent_once(practice, replications)
    assert (codes, stopped) == ([0, 0], [0, 0, 0, 0])
    assert [one.errors() for one in [*workers, *rounds]] == [[]] * 6
    assert WorkerBeat.objects.count() == 4
    assert len(set(Attempt.objects.values_list("worker", flat=True))) > 1


def test_unclear_replication_is_looked_for_although_the_queue_is_long(practice, oskar, vaults, start):
    unclear = ask(practice, oskar, source=vaults[0], destination="replica-production")
    practice.lose_the_answer_of(unclear)
    Replication.objects.filter(pk=unclear.pk).update(claimed_until=practice.now())
    queue = ask_for_all(practice, oskar, vaults[1:])
    # A cloud so slow that the queue lasts for a good while.
    practice.fault("answer_late", seconds=1, count=1000)

    start("worker")
    wait_until(lambda: status_of(unclear) in ACCEPTED, seconds=120)

    assert count("requested") > 0
    assert len(queue) == QUEUE - 1
    # What follows it tells of its copies, which may be over by now.
    assert list(unclear.audit_entries.order_by("id").values_list("action", flat=True)[:4]) == [
        "replication.requested",
        "replication.submitting",
        "replication.unconfirmed",
        "replication.adopted",
    ]


def test_claim_of_a_killed_worker_is_taken_over_after_its_lease_and_not_sent_again(
    practice, oskar, vaults, start
):
    replications = ask_for_all(practice, oskar, vaults[:3])
    practice.fault("answer_late", seconds=30, count=1)
    killed = start("worker")
    wait_until(practice.accepted)
    killed.kill()
    [held] = Replication.objects.filter(status="submitting")
    lease = held.claimed_until - held.submitted_at

    others = [start("worker") for _ in range(2)]
    wait_until(lambda: count(*ACCEPTED) == 2)
    within_its_lease = status_of(held)
    Replication.objects.filter(pk=held.pk).update(claimed_until=timezone.now(), check_after=timezone.now())
    wait_until(lambda: status_of(held) in ACCEPTED)

    assert (lease, within_its_lease) == (submission.CLAIM, "submitting")
    assert [worker.stop()[0] for worker in others] == [0, 0]
    assert [worker.errors() for worker in others] == [[], []]
    assert Counter(call["body"]["replicate"]["vault_id"] for call in practice.accepted()) == dict.fromkeys(
        (one.vault_id for one in replications), 1
    )
    assert list(held.attempts.values_list("number", "outcome")) == [(1, "abandoned")]


@pytest.mark.parametrize("nudged", [True, False])
def test_worker_told_to_stop_before_a_long_queue_finishes_what_it_had_begun_and_no_more(
    practice, oskar, vaults, start, nudged
):
    ask_for_all(practice, oskar, vaults)
    if not nudged:
        DBTaskResult.objects.all().delete()
    practice.fault("answer_late", seconds=1, count=1000)
    worker = start("worker")
    wait_until(lambda: count(*ACCEPTED) > 0 and count("submitting") > 0)
    before = len(practice.accepted())

    code, seconds = worker.stop()

    assert code == 0
    assert seconds < 10
    assert worker.errors() == []
    assert count("submitting", "unconfirmed") == 0
    assert count(*ACCEPTED) == len(practice.accepted())
    assert before <= len(practice.accepted()) <= before + 1
    assert count("requested") >= QUEUE - before - 1


def end_all_sessions():
    """End each session on the database of the run but the one that does it, and return how many there were."""
    with psycopg.connect(database_url(), autocommit=True) as admin:
        ended = admin.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()"
        ).fetchone()[0]
    time.sleep(1)
    return ended


@pytest.mark.skipif("database.vendor != 'postgresql'", reason="SQLite has no sessions that could be ended")
def test_workers_whose_sessions_are_ended_go_on(practice, oskar, vaults, start):
    replications = ask_for_all(practice, oskar, vaults)
    practice.fault("answer_late", seconds=0.1, count=1000)
    workers = [start("worker") for _ in range(3)]
    wait_until(lambda: count(*ACCEPTED) > 3)
    database.close()

    ended = [end_all_sessions() for _restart in range(3)]
    wait_until(lambda: count("requested", "submitting") == 0)

    assert [worker.stop()[0] for worker in workers] == [0, 0, 0]
    assert_each_was_sent_once(practice, replications)
    # The workers alone were connected, so these sessions were theirs. Later there may be none to end: a worker that
    # has noticed waits a while before it comes back, and one that looks at its connection first does not notice.
    assert ended[0] > 0
