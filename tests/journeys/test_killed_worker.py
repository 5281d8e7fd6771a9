"""A worker process that is killed at the worst moments. What it has begun is neither lost nor done twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection as database

from replication.models import AuditEntry
from tests.journeys.test_faults import assert_the_rows_say_what_the_cloud_did, to_rest
from tests.journeys.wishes import ask

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def database_url():
    """The address of the database that this test runs on, for another process."""
    settings = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**settings)


@pytest.fixture
def start_worker(practice):
    """Starts real worker processes, and ends those that a test leaves behind."""
    started = []

    def start():
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "SANDBOX_URL": practice.url,
            "INVENTORY_INTERVAL_SECONDS": "86400",
        }
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


def wait_until(condition, *, seconds=60):
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.05)


def status_of(replication):
    replication.refresh_from_db()
    return replication.status


def test_killed_between_the_post_and_writing_down_its_answer(practice, start_worker, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("answer_late", seconds=30)
    worker = start_worker()
    wait_until(practice.accepted)

    worker.kill()
    worker.wait()
    after_kill = status_of(replication)
    to_rest(practice, replication)

    assert (after_kill, replication.status, len(practice.accepted())) == ("submitting", "succeeded", 1)
    assert_the_rows_say_what_the_cloud_did(practice, replication)
    assert list(
        AuditEntry.objects.filter(replication=replication).order_by("id").values_list("action", flat=True)
    ) == [
        "replication.requested",
        "replication.submitting",
        "replication.unconfirmed",
        "replication.adopted",
        "replication.finished",
        "replication.arrived",
    ]


def test_killed_while_the_cloud_has_not_yet_begun(practice, start_worker, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("process_late", seconds=3)
    worker = start_worker()
    wait_until(lambda: status_of(replication) == "submitting")
    time.sleep(0.5)

    worker.kill()
    worker.wait()
    wait_until(practice.accepted)
    to_rest(practice, replication)

    assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
    assert_the_rows_say_what_the_cloud_did(practice, replication)


def test_told_to_stop_it_finishes_what_it_is_sending(practice, start_worker, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("answer_late", seconds=2)
    worker = start_worker()
    wait_until(practice.accepted)

    worker.send_signal(signal.SIGTERM)
    ended = worker.wait(timeout=30)

    assert (ended, status_of(replication), replication.records.count()) == (0, "running", 14)


def test_two_workers_beside_each_other_send_each_replication_once(practice, start_worker, oskar):
    replications = [
        ask(practice, oskar, source=source, destination="replica-production")
        for source in ("vault-orders-db", "vault-erp", "vault-payments", "vault-web-shop", "vault-mail")
    ]

    start_worker()
    start_worker()
    wait_until(lambda: all(status_of(one) not in {"requested", "submitting"} for one in replications))

    assert sorted(call["body"]["replicate"]["vault_id"] for call in practice.accepted()) == sorted(
        one.vault_id for one in replications
    )
