from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from dashboard import health
from replication.models import CloudReading, WorkerBeat


@pytest.fixture
def now(monkeypatch):
    """A moment at which time stands still."""
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    return moment


def a_beat(seen_at):
    return WorkerBeat.objects.create(worker_id=f"host-{seen_at}", started_at=seen_at, seen_at=seen_at)


def a_reading(cloud, read_at, now):
    return CloudReading.objects.create(cloud=cloud, read_at=read_at, refresh_after=now)


def test_process_lives_without_asking_the_database(client, django_assert_num_queries):
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_ready_with_database_and_worker_tells_ages(client, db, now):
    a_beat(now - timedelta(seconds=500))
    a_beat(now - timedelta(seconds=7))
    a_reading("de", now - timedelta(seconds=90), now)
    a_reading("nl", now - timedelta(seconds=30), now)

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "reasons": [], "worker_seen_seconds": 7, "inventory_read_seconds": 90},
    )


def test_not_ready_when_no_worker_ever_beat(client, db):
    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()) == (
        503,
        {
            "status": "unready",
            "reasons": ["no worker"],
            "worker_seen_seconds": None,
            "inventory_read_seconds": None,
        },
    )


@pytest.mark.parametrize(("silence", "status"), [(119, 200), (120, 503), (3600, 503)])
def test_worker_counts_as_gone_after_two_minutes_of_silence(client, db, now, silence, status):
    a_beat(now - timedelta(seconds=silence))

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["worker_seen_seconds"]) == (status, silence)


def test_cloud_that_was_never_read_does_not_make_it_unready(client, db, now):
    a_beat(now)
    a_reading("de", now, now)
    a_reading("nl", None, now)

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["inventory_read_seconds"]) == (200, None)


def test_not_ready_while_a_migration_is_missing(client, db, now, monkeypatch):
    a_beat(now)
    monkeypatch.setattr(
        health, "_required_migrations", lambda: frozenset({("replication", "9999_of_tomorrow")})
    )

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["reasons"]) == (503, ["migrations missing"])


def test_not_ready_without_a_database_and_silent_about_why(client, db):
    def refuse(_execute, *_args):
        raise OperationalError("could not connect to db.internal as replication")

    with connection.execute_wrapper(refuse):
        answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()) == (
        503,
        {
            "status": "unready",
            "reasons": ["database unreachable"],
            "worker_seen_seconds": None,
            "inventory_read_seconds": None,
        },
    )


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE"])
def test_probe_is_only_read(client, path, method):
    assert client.generic(method, path).status_code == 405


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_probe_is_not_kept_by_caches_and_not_sent_to_tls(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True

    answer = client.get(path)

    assert answer.status_code in {200, 503}
    assert "no-store" in answer["Cache-Control"]
