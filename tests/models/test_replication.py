"""What the database holds whatever the code does, and the one way in which a status changes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from replication.lifecycle import IllegalTransition
from replication.models import Replication, ReplicationRecord
from tests.builders import NOW, a_record, a_replication, a_replication_vault, a_vault

pytestmark = pytest.mark.django_db


def refused():
    """Expect the database to refuse; in a savepoint, so that the test can go on."""
    return pytest.raises(IntegrityError)


def test_two_active_replications_of_a_vault_to_a_region_are_refused():
    first = a_replication(status="running")

    with refused(), transaction.atomic():
        a_replication(source=first.source_vault, destination=first.destination)

    assert Replication.objects.count() == 1


def test_active_replications_of_a_vault_to_two_regions_are_possible():
    first = a_replication(status="running")

    a_replication(source=first.source_vault, destination=first.destination, destination_region="eu-ch2")

    assert Replication.objects.active().count() == 2


def test_record_id_belongs_to_one_replication():
    first = a_replication(status="running")
    a_record(replication=first, replication_record_id="record-1")
    second = a_replication(source=a_vault(name="vault-mail"), destination=first.destination, status="running")

    with refused(), transaction.atomic():
        a_record(replication=second, replication_record_id="record-1")

    assert ReplicationRecord.objects.count() == 1


def test_records_without_a_known_id_do_not_meet():
    replication = a_replication(status="running")

    a_record(replication=replication, replication_record_id="")
    a_record(replication=replication, replication_record_id="")

    assert replication.records.count() == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "succeeded", "finished_at": None},
        {"status": "running", "finished_at": NOW},
        {"status": "running", "submitted_at": None},
        {"status": "unconfirmed", "submitted_at": None},
        {"status": "rejected", "submitted_at": None},
    ],
)
def test_contradicting_times_are_refused(fields):
    with refused(), transaction.atomic():
        a_replication(**fields)

    assert Replication.objects.count() == 0


def test_move_changes_status_times_and_version_together():
    replication = a_replication()
    later = NOW + timedelta(seconds=5)

    moved = Replication.objects.filter(pk=replication.pk).move(
        "requested", "cancelled", now=later, check_after=None
    )

    replication.refresh_from_db()
    assert moved
    assert (
        replication.status,
        replication.finished_at,
        replication.changed_at,
        replication.version,
        replication.check_after,
    ) == ("cancelled", later, later, 2, None)


def test_move_from_a_status_that_is_no_longer_held_changes_nothing():
    replication = a_replication(status="running")

    moved = Replication.objects.filter(pk=replication.pk).move("requested", "cancelled", now=NOW)

    replication.refresh_from_db()
    assert (moved, replication.status, replication.version) == (False, "running", 1)


def test_only_one_of_many_claims_wins():
    replication = a_replication()
    row = Replication.objects.filter(pk=replication.pk)

    claims = [row.move("requested", "submitting", now=NOW, submitted_at=NOW) for _worker in range(3)]

    assert claims == [True, False, False]


@pytest.mark.parametrize("status", ["succeeded", "partial", "failed", "rejected", "cancelled"])
def test_final_status_never_changes(status):
    replication = a_replication(status=status)

    with pytest.raises(IllegalTransition):
        Replication.objects.filter(pk=replication.pk).move(status, "running", now=NOW)


def test_move_is_refused_for_more_than_one_replication():
    first = a_replication()
    a_replication(source=a_vault(name="vault-mail"), destination=first.destination)

    with pytest.raises(ValueError, match="one replication at a time"), transaction.atomic():
        Replication.objects.all().move("requested", "cancelled", now=NOW)

    assert set(Replication.objects.values_list("status", flat=True)) == {"requested"}


def test_due_are_those_whose_time_has_come_longest_waiting_first():
    destination = a_replication_vault()
    for name, minutes in [("late", -5), ("later", -10), ("early", 5)]:
        a_replication(
            source=a_vault(name=name), destination=destination, check_after=NOW + timedelta(minutes=minutes)
        )
    a_replication(source=a_vault(name="over"), destination=destination, status="succeeded")

    due = Replication.objects.due(NOW)

    assert [replication.source_vault.name for replication in due] == ["later", "late"]


def test_stalled_is_derived_from_the_last_change_and_only_while_active():
    running = a_replication(status="running")
    over = a_replication(source=a_vault(name="over"), destination=running.destination, status="succeeded")
    waiting = a_replication(source=a_vault(name="waiting"), destination=running.destination)

    assert not waiting.is_stalled(NOW + timedelta(days=1))
    assert not running.is_stalled(NOW + timedelta(minutes=30))
    assert running.is_stalled(NOW + timedelta(minutes=31))
    assert not over.is_stalled(NOW + timedelta(days=1))
