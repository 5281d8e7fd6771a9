"""Asking for a replication, withdrawing it, settling an unclear one: rights, doubles, evidence."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django_tasks_db.models import DBTaskResult

from replication.models import AuditEntry, Look, Replication
from replication.roles import NotPermitted, Right
from replication.services import triggering
from replication.services.triggering import (
    AlreadyActive,
    KeyReused,
    NotCancellable,
    NotReplicable,
    NotSettleable,
    Wish,
)
from tests.builders import NOW, a_backup, a_replication, a_replication_vault, a_user, a_vault

KEY = uuid.UUID("6f1f0f0e-9a70-4a57-9c3a-0a4b6a1c2d01")


@pytest.fixture
def wish(db):
    source = a_vault()
    a_backup(vault=source, backup_id="b-1")
    destination = a_replication_vault()
    return Wish(
        source=source,
        destination=triggering.find_destination(
            region="eu-nl", project_id=destination.project.project_id, vault_id=destination.vault_id
        ),
        reason="Quarterly recovery exercise",
    )


def ask(actor, wish, key=KEY):
    return triggering.request_replication(actor=actor, wish=wish, key=key, now=NOW, request_id="web-1")


def test_request_writes_replication_audit_entry_and_nudge_together(oskar, wish):
    replication, created = ask(oskar, wish)

    assert created
    assert (replication.status, replication.actor, replication.check_after, replication.submitted_at) == (
        "requested",
        oskar,
        NOW,
        None,
    )
    assert (replication.vault_id, replication.destination_vault_id, replication.destination_region) == (
        wish.source.vault_id,
        wish.destination.vault_id,
        "eu-nl",
    )
    assert replication.forecast == {
        "total_gb": 40,
        "replicate": ["b-1"],
        "already": [],
        "copying": [],
        "ineligible": [],
        "codes": [],
    }
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor, entry.actor_name, entry.request_id, entry.details["reason"]) == (
        "replication.requested",
        oskar,
        "oskar",
        "web-1",
        "Quarterly recovery exercise",
    )
    assert [task.args_kwargs["args"] for task in DBTaskResult.objects.all()] == [[str(replication.id)]]


def test_same_key_again_returns_the_same_replication(oskar, wish):
    first, _created = ask(oskar, wish)

    again, created = ask(oskar, wish)

    assert (again, created, Replication.objects.count()) == (first, False, 1)


def test_same_key_from_another_operator_returns_the_same_replication(oskar, wish):
    first, _created = ask(oskar, wish)

    again, created = ask(a_user("olga", "operator"), wish)

    assert (again, created, again.actor) == (first, False, oskar)


def test_same_key_with_other_parameters_is_refused(oskar, wish):
    first, _created = ask(oskar, wish)
    other_vault = a_vault(name="vault-mail")
    a_backup(vault=other_vault)

    with pytest.raises(KeyReused) as refused:
        ask(oskar, Wish(other_vault, wish.destination, "Another one"))

    assert (refused.value.replication, Replication.objects.count()) == (first, 1)


@pytest.mark.parametrize("status", ["requested", "submitting", "unconfirmed", "running"])
def test_second_replication_of_the_vault_to_the_region_is_refused_while_one_is_active(oskar, wish, status):
    active = a_replication(source=wish.source, destination=wish.destination.vault, status=status)

    with pytest.raises(AlreadyActive) as refused:
        ask(oskar, wish)

    assert (refused.value.replication, Replication.objects.count()) == (active, 1)


@pytest.mark.parametrize("status", ["succeeded", "partial", "failed", "rejected", "cancelled"])
def test_second_replication_is_possible_when_the_first_is_over(oskar, wish, status):
    a_replication(source=wish.source, destination=wish.destination.vault, status=status)

    _replication, created = ask(oskar, wish)

    assert created


def test_request_that_the_cloud_would_refuse_is_not_written_down(oskar, wish):
    wish.source.status = "lock"
    wish.source.save()

    with pytest.raises(NotReplicable) as refused:
        ask(oskar, wish)

    assert [finding.code for finding in refused.value.forecast.blockers] == ["BackupService.6112"]
    assert (Replication.objects.count(), AuditEntry.objects.count(), DBTaskResult.objects.count()) == (
        0,
        0,
        0,
    )


def test_destination_that_nobody_knows_is_accepted_as_typed(oskar, wish):
    typed = triggering.find_destination(region="eu-nl", project_id="f" * 32, vault_id="typed-by-hand")

    replication, _created = ask(oskar, Wish(wish.source, typed, "Into a foreign vault"))

    assert (replication.destination, replication.destination_vault_id) == (None, "typed-by-hand")


def test_typed_project_of_another_region_is_refused(oskar, wish):
    typed = triggering.find_destination(
        region="eu-ch2", project_id=wish.destination.project_id, vault_id="typed-by-hand"
    )

    with pytest.raises(NotReplicable) as refused:
        ask(oskar, Wish(wish.source, typed, "Wrong region"))

    assert [finding.code for finding in refused.value.forecast.blockers] == [
        "BackupService.1005",
        "BackupService.1011",
    ]


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
def test_only_operators_may_trigger(who, wish, request):
    with pytest.raises(NotPermitted) as refused:
        ask(request.getfixturevalue(who), wish)

    assert (refused.value.right, Replication.objects.count()) == (Right.TRIGGER, 0)


def test_deactivated_operator_may_not_trigger(oskar, wish):
    oskar.is_active = False

    with pytest.raises(NotPermitted):
        ask(oskar, wish)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_key", [True, False])
def test_many_at_once_make_one_replication(oskar, wish, same_key):
    barrier = threading.Barrier(8)
    outcomes = []

    def click():
        barrier.wait()
        try:
            replication, _created = ask(oskar, wish, KEY if same_key else uuid.uuid4())
            outcomes.append(replication.pk)
        except AlreadyActive as refused:
            outcomes.append(refused.replication.pk)
        finally:
            connection.close()

    clickers = [threading.Thread(target=click) for _ in range(8)]
    for clicker in clickers:
        clicker.start()
    for clicker in clickers:
        clicker.join()

    assert outcomes == [Replication.objects.get().pk] * 8
    assert (AuditEntry.objects.count(), DBTaskResult.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_whole_vault_and_single_backups_asked_for_at_once_leave_either_the_one_or_the_others(oskar, wish):
    for number in range(2, 5):
        a_backup(vault=wish.source, backup_id=f"b-{number}")
    singles = [replace(wish, backup=backup) for backup in wish.source.backups.order_by("backup_id")]
    wishes = [one for single in singles for one in (single, wish)]
    barrier = threading.Barrier(len(wishes))
    refused_by = []

    def click(one):
        barrier.wait()
        try:
            ask(oskar, one, uuid.uuid4())
        except AlreadyActive as refused:
            refused_by.append(refused.replication.pk)
        finally:
            connection.close()

    clickers = [threading.Thread(target=click, args=(one,)) for one in wishes]
    for clicker in clickers:
        clicker.start()
    for clicker in clickers:
        clicker.join()

    made = sorted(Replication.objects.values_list("backup_id", flat=True))
    assert made in ([""], ["b-1", "b-2", "b-3", "b-4"])
    assert len(refused_by) == len(wishes) - len(made)
    assert set(refused_by) <= set(Replication.objects.values_list("pk", flat=True))


def test_constraint_lets_several_single_backups_wait_but_only_one_of_a_vault_and_region_be_sent(wish):
    place = {"source": wish.source, "destination": wish.destination.vault}
    a_replication(**place, backup_id="b-1", status="running")
    waiting = a_replication(**place, backup_id="b-2")
    row = Replication.objects.filter(pk=waiting.pk)

    with pytest.raises(IntegrityError), transaction.atomic():
        row.move("requested", "submitting", now=NOW, submitted_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        a_replication(**place, backup_id="b-2")

    assert row.get().status == "requested"


def test_withdrawing_before_sending_cancels_and_is_audited(oskar, db):
    replication = a_replication(actor=oskar)

    triggering.withdraw_replication(actor=oskar, replication=replication, now=NOW)

    replication.refresh_from_db()
    assert (replication.status, replication.finished_at, replication.check_after) == ("cancelled", NOW, None)
    assert [(entry.action, entry.from_status, entry.to_status) for entry in AuditEntry.objects.all()] == [
        ("replication.cancelled", "requested", "cancelled")
    ]


@pytest.mark.parametrize("status", ["submitting", "unconfirmed", "running", "succeeded", "rejected"])
def test_withdrawing_after_sending_is_refused(oskar, db, status):
    replication = a_replication(actor=oskar, status=status)

    with pytest.raises(NotCancellable):
        triggering.withdraw_replication(actor=oskar, replication=replication, now=NOW)

    replication.refresh_from_db()
    assert (replication.status, AuditEntry.objects.count()) == (status, 0)


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
def test_only_operators_may_withdraw(who, request, db):
    replication = a_replication()

    with pytest.raises(NotPermitted):
        triggering.withdraw_replication(actor=request.getfixturevalue(who), replication=replication, now=NOW)


WINDOW_OVER = NOW + timedelta(minutes=31)


def an_unclear_one(looks, **fields):
    replication = a_replication(status="unconfirmed", **fields)
    for minutes, complete, found in looks:
        Look.objects.create(
            replication=replication, at=NOW + timedelta(minutes=minutes), complete=complete, found=found
        )
    return replication


ENOUGH = [(1, True, 0), (10, True, 0), (31, True, 0)]


@pytest.mark.parametrize(
    ("looks", "now", "gap"),
    [
        (ENOUGH, WINDOW_OVER, ""),
        (ENOUGH, NOW + timedelta(minutes=12), "The cloud may still show it: wait 18 more minutes."),
        (ENOUGH[1:], WINDOW_OVER, "2 of 3 complete looks at the cloud are done."),
        (
            [(1, True, 0), (3, True, 0), (10, True, 0)],
            WINDOW_OVER,
            "The latest look at the cloud was incomplete or too early. The next one follows by itself.",
        ),
        (
            [*ENOUGH, (32, False, 0)],
            WINDOW_OVER,
            "The latest look at the cloud was incomplete or too early. The next one follows by itself.",
        ),
        (
            [*ENOUGH, (32, True, 2)],
            WINDOW_OVER,
            "The cloud shows something that may be this replication. Look at the evidence first.",
        ),
        # What was seen once and is gone again does not close the way for ever; looks and window begin anew.
        (
            [(3, True, 2), (10, True, 0), (20, True, 0), (32, True, 0)],
            NOW + timedelta(minutes=32),
            "The cloud may still show it: wait 1 more minute.",
        ),
        (
            [(1, True, 0), (3, True, 0), (10, True, 2), (32, True, 0), (45, True, 0)],
            NOW + timedelta(minutes=45),
            "2 of 3 complete looks at the cloud are done.",
        ),
        ([(3, True, 2), (10, True, 0), (20, True, 0), (34, True, 0)], NOW + timedelta(minutes=34), ""),
        (ENOUGH, NOW + timedelta(minutes=29, seconds=30), "The cloud may still show it: wait 1 more minute."),
    ],
)
def test_absence_needs_complete_looks_over_the_whole_window(db, looks, now, gap):
    replication = an_unclear_one(looks)

    assert triggering.absence_gap(replication, now) == gap


def test_sending_again_needs_a_person_and_the_evidence(oskar, db):
    replication = an_unclear_one(ENOUGH)

    triggering.rearm_replication(
        actor=oskar, replication=replication, reason="Nothing there after half an hour", now=WINDOW_OVER
    )

    replication.refresh_from_db()
    assert (replication.status, replication.rearmed, replication.check_after) == (
        "requested",
        True,
        WINDOW_OVER,
    )
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor, entry.details) == (
        "replication.rearmed",
        oskar,
        {"reason": "Nothing there after half an hour"},
    )


def test_giving_up_needs_the_evidence_too(oskar, db):
    replication = an_unclear_one(ENOUGH)

    triggering.give_up_replication(actor=oskar, replication=replication, reason="Not needed", now=WINDOW_OVER)

    replication.refresh_from_db()
    assert (replication.status, replication.finished_at) == ("cancelled", WINDOW_OVER)


@pytest.mark.parametrize("act", [triggering.rearm_replication, triggering.give_up_replication])
def test_without_evidence_an_unclear_replication_stays_unclear(oskar, db, act):
    replication = an_unclear_one([])

    with pytest.raises(NotSettleable):
        act(actor=oskar, replication=replication, reason="Please", now=WINDOW_OVER)

    replication.refresh_from_db()
    assert (replication.status, AuditEntry.objects.count()) == ("unconfirmed", 0)


def test_taking_over_needs_something_found(oskar, db):
    replication = an_unclear_one([(1, True, 0)])

    with pytest.raises(NotSettleable):
        triggering.allow_adoption(actor=oskar, replication=replication, reason="It is ours", now=NOW)


def test_taking_over_makes_the_next_look_due_at_once(oskar, db):
    replication = an_unclear_one([(1, True, 2)])

    triggering.allow_adoption(actor=oskar, replication=replication, reason="It is ours", now=WINDOW_OVER)

    replication.refresh_from_db()
    assert (replication.status, replication.adoption_allowed, replication.check_after) == (
        "unconfirmed",
        True,
        WINDOW_OVER,
    )


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
@pytest.mark.parametrize(
    "act", [triggering.rearm_replication, triggering.give_up_replication, triggering.allow_adoption]
)
def test_only_operators_may_settle(who, act, request, db):
    replication = an_unclear_one(ENOUGH)

    with pytest.raises(NotPermitted):
        act(actor=request.getfixturevalue(who), replication=replication, reason="Please", now=WINDOW_OVER)
