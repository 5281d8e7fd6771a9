"""The audit is only ever added to."""

import pytest
from django.db.models import ProtectedError

from replication.models import AuditAction, AuditEntry
from replication.services import audit
from tests.builders import NOW, a_replication


@pytest.fixture
def entry(oskar):
    return audit.record(
        AuditAction.REQUESTED,
        now=NOW,
        actor=oskar,
        replication=a_replication(actor=oskar),
        to_status="requested",
        request_id="web-1",
        reason="Exercise",
        note="",
    )


def test_entry_says_who_what_when_and_why(entry, oskar):
    assert (entry.at, entry.action, entry.actor, entry.actor_name, entry.request_id, entry.details) == (
        NOW,
        "replication.requested",
        oskar,
        "oskar",
        "web-1",
        {"reason": "Exercise"},
    )


def test_entry_without_a_person_is_the_workers(db):
    entry = audit.record(AuditAction.FINISHED, now=NOW, replication=a_replication())

    assert (entry.actor, entry.actor_name) == (None, "worker")


def test_entry_cannot_be_changed_or_deleted(entry):
    entry.actor_name = "somebody else"

    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor_name="somebody else"),
    ):
        with pytest.raises(TypeError):
            attempt()

    assert list(AuditEntry.objects.values_list("actor_name", flat=True)) == ["oskar"]


def test_person_with_entries_cannot_be_deleted(entry, oskar):
    with pytest.raises(ProtectedError):
        oskar.delete()
