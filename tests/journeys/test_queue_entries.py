"""Entries of the queue are only nudges: lost, doubled or late, they neither lose a replication nor send it twice."""

import pytest
from django.forms.models import model_to_dict
from django_tasks_db.models import DBTaskResult

from replication.models import Attempt, Replication
from replication.services import submission, triggering
from tests.journeys.test_faults import to_rest
from tests.journeys.wishes import ask


def run_entry(practice, replication):
    """Do what a worker does with an entry."""
    submission.submit(str(replication.pk), worker_id="worker of the queue", clock=practice.now)


def all_that_is_known(replication):
    return (
        model_to_dict(Replication.objects.get(pk=replication.pk)),
        list(Attempt.objects.filter(replication=replication).order_by("number").values()),
        list(replication.audit_entries.order_by("id").values_list("action", flat=True)),
    )


@pytest.mark.parametrize("what", ["deleted", "taken by a worker that died", "failed"])
def test_lost_entry_is_made_up_for_by_the_next_round(practice, oskar, what):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    if what == "deleted":
        DBTaskResult.objects.all().delete()
    else:
        DBTaskResult.objects.update(status="FAILED" if what == "failed" else "RUNNING", worker_ids=["dead"])

    practice.round()

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("running", 1)


def test_entry_taken_by_two_workers_at_once_sends_once(practice, oskar, monkeypatch):
    """The second comes while the first, which found the same row waiting, is about to claim it."""
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    claim = submission._claim

    def claim_after_another(*arguments):
        monkeypatch.setattr(submission, "_claim", claim)
        run_entry(practice, replication)
        return claim(*arguments)

    monkeypatch.setattr(submission, "_claim", claim_after_another)
    submission.submit(replication.pk, worker_id="worker that is slower", clock=practice.now)

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("running", 1)
    assert [attempt.worker for attempt in Attempt.objects.all()] == ["worker of the queue"]


@pytest.mark.parametrize(
    "status", ["running", "succeeded", "unconfirmed", "submitting", "rejected", "cancelled"]
)
def test_entry_that_comes_late_changes_nothing(practice, oskar, status):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    if status == "unconfirmed":
        practice.fault("close_before_processing")
    if status == "rejected":
        practice.fault("answer", status=400, code="BackupService.6119")
    if status == "cancelled":
        triggering.withdraw_replication(actor=oskar, replication=replication, now=practice.now())
    elif status == "submitting":
        practice.lose_the_answer_of(replication)
    else:
        practice.round()
    if status == "succeeded":
        to_rest(practice, replication)
    before, accepted = all_that_is_known(replication), practice.accepted()

    run_entry(practice, replication)

    assert before[0]["status"] == status
    assert (all_that_is_known(replication), practice.accepted()) == (before, accepted)


def test_entry_that_comes_before_a_pause_is_over_does_not_shorten_it(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("throttle", retry_after="60")
    practice.round()
    before = all_that_is_known(replication)

    run_entry(practice, replication)

    assert before[0]["status"] == "requested"
    assert (all_that_is_known(replication), practice.accepted()) == (before, [])
