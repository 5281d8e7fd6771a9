"""Numbers and ages, each at its edge."""

from datetime import timedelta

import pytest

from replication.models import CloudReading, WorkerBeat
from replication.services import statistics
from replication.services.statistics import Overview, WorkerHealth
from tests.builders import NOW, a_project, a_record, a_replication, a_replication_vault, a_vault

pytestmark = pytest.mark.django_db


def test_nothing_happened_yet():
    assert statistics.overview(NOW) == Overview(0, 0, 0, 0, 0)


def test_every_status_is_counted_where_people_look_for_it(django_assert_num_queries):
    destination = a_replication_vault()
    for status in (
        *("requested", "submitting", "unconfirmed", "running"),
        *("succeeded", "partial", "failed", "rejected", "cancelled"),
    ):
        a_replication(source=a_vault(name=f"vault-{status}"), destination=destination, status=status)

    with django_assert_num_queries(2):
        counted = statistics.overview(NOW)

    assert counted == Overview(running=1, queued=2, unconfirmed=1, attention=4, arrived_today=0)


def test_trouble_calls_for_attention_for_a_week_and_an_unclear_one_for_good():
    destination = a_replication_vault()
    for name, status, days in [
        ("fresh", "failed", 7),
        ("old", "failed", 7.01),
        ("unclear", "unconfirmed", 300),
    ]:
        a_replication(
            source=a_vault(name=name),
            destination=destination,
            status=status,
            requested_at=NOW - timedelta(days=days),
        )

    counted = statistics.overview(NOW)

    assert counted == Overview(running=0, queued=0, unconfirmed=1, attention=2, arrived_today=0)


def test_arrivals_of_the_last_day_are_counted_in_backups():
    replication = a_replication(status="succeeded")
    for hours in (1, 24, 25, None):
        arrived_at = None if hours is None else NOW - timedelta(hours=hours)
        a_record(replication=replication, status="succeeded", arrived_at=arrived_at)

    assert statistics.overview(NOW).arrived_today == 2


def a_reading(cloud, **fields):
    a_project(f"eu-de_{cloud}", cloud=cloud)
    CloudReading.objects.filter(cloud=cloud).update(**fields)


def test_inventory_without_entries_waits_for_its_first_reading():
    health = statistics.inventory_health(NOW)

    assert (health.oldest_read_at, health.failed, health.is_stale, health.is_first_reading_pending) == (
        None,
        (),
        False,
        True,
    )


def test_inventory_is_as_old_as_its_oldest_entry(django_assert_num_queries):
    a_reading("young", read_at=NOW)
    a_reading("old", read_at=NOW - timedelta(minutes=29))

    with django_assert_num_queries(1):
        health = statistics.inventory_health(NOW)

    assert (health.oldest_read_at, health.is_stale, health.is_first_reading_pending) == (
        NOW - timedelta(minutes=29),
        False,
        False,
    )
    assert [reading.cloud for reading in health.readings] == ["old", "young"]


def test_inventory_is_stale_after_three_missed_readings():
    a_reading("old", read_at=NOW - timedelta(minutes=31))

    assert statistics.inventory_health(NOW).is_stale


def test_entry_that_was_never_read_leaves_the_age_open_and_one_that_failed_is_not_pending():
    a_reading("young", read_at=NOW)
    a_reading("new", read_at=None)

    pending = statistics.inventory_health(NOW)
    a_reading("new", error="No such project.")
    failed = statistics.inventory_health(NOW)

    assert (pending.oldest_read_at, pending.is_first_reading_pending, pending.failed) == (None, True, ())
    assert (failed.is_first_reading_pending, [one.cloud for one in failed.failed]) == (False, ["new"])


@pytest.mark.parametrize(
    ("silent_seconds", "health"),
    [
        ([], WorkerHealth(seen_at=None, is_alive=False)),
        ([119], WorkerHealth(seen_at=NOW - timedelta(seconds=119), is_alive=True)),
        ([120], WorkerHealth(seen_at=NOW - timedelta(seconds=120), is_alive=False)),
        # One worker that lives is enough, however many have died.
        ([9000, 5, 700], WorkerHealth(seen_at=NOW - timedelta(seconds=5), is_alive=True)),
    ],
)
def test_worker_is_alive_while_the_latest_beat_is_young(silent_seconds, health):
    for seconds in silent_seconds:
        seen_at = NOW - timedelta(seconds=seconds)
        WorkerBeat.objects.create(worker_id=f"worker-{seconds}", started_at=NOW, seen_at=seen_at)

    assert statistics.worker_health(NOW) == health
