"""Checks: what was seen is kept as it was, and held against what is seen later."""

import uuid
from datetime import timedelta

import pytest

from replication.models import AuditEntry, Check, Replication
from replication.roles import NotPermitted
from replication.services import checking, triggering
from replication.services.preflight import Destination, Rule, Verdict
from replication.services.triggering import ForecastChanged, Wish
from tests.builders import (
    NOW,
    a_backup,
    a_check,
    a_rate_card,
    a_record,
    a_replication,
    a_replication_vault,
    a_vault,
)


@pytest.fixture
def vaults(db):
    source, destination = a_vault(), a_replication_vault()
    for name in ("first", "second"):
        a_backup(vault=source, name=name, backup_id=name, replicated_to=[], copying_to=[])
    return source, destination


def destination_of(vault):
    return Destination("eu-nl", vault.project.project_id, vault.vault_id, vault)


def test_check_keeps_what_was_seen_whatever_comes_later(vaults):
    source, destination = vaults
    a_rate_card()
    for _number in range(5):
        past = a_replication(
            source=source,
            destination=destination,
            status="succeeded",
            submitted_at=NOW - timedelta(minutes=40),
            finished_at=NOW,
        )
        a_record(replication=past, status="succeeded")
    seen = checking.look(source, destination_of(destination), NOW)
    check = a_check(source=source, destination=destination)
    source.backups.all().delete()
    source.name = destination.name = "renamed"

    check = Check.objects.get()
    kept = checking.result_of(check)

    assert (kept.forecast.digest, kept.size, kept.room, kept.cost, kept.duration, kept.seen_at) == (
        seen.forecast.digest,
        seen.size,
        seen.room,
        seen.cost,
        seen.duration,
        NOW,
    )
    assert [(one.backup.name, one.verdict) for one in kept.forecast.verdicts] == [
        ("first", Verdict.REPLICATE),
        ("second", Verdict.REPLICATE),
    ]
    assert (kept.cost.traffic_per_gb, kept.duration.runs) == (seen.cost.traffic_per_gb, 5)


def test_saving_is_told_to_the_audit_and_sends_nothing(vaults, oskar):
    check = a_check(source=vaults[0], destination=vaults[1], actor=oskar)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.details["check"], entry.details["expected_backups"]) == (
        "check.saved",
        oskar,
        str(check.pk),
        2,
    )
    assert not Replication.objects.exists()


@pytest.mark.parametrize("person", ["vera", "anna", "adam"])
def test_only_who_may_trigger_saves_a_check(vaults, request, person):
    with pytest.raises(NotPermitted):
        a_check(source=vaults[0], destination=vaults[1], actor=request.getfixturevalue(person))

    assert (Check.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_nothing_differs_while_nothing_changes(vaults):
    before = checking.look(vaults[0], destination_of(vaults[1]), NOW).forecast
    now = checking.look(vaults[0], destination_of(vaults[1]), NOW + timedelta(days=1)).forecast

    assert not checking.compare(before, now)


def test_what_differs_is_named_rule_by_rule_and_backup_by_backup(vaults):
    source, destination = vaults
    before = checking.result_of(a_check(source=source, destination=destination)).forecast
    source.backups.filter(name="first").update(status="error")
    source.backups.filter(name="second").delete()
    a_backup(vault=source, name="third", replicated_to=[], copying_to=[], resource_size_gb=100)
    destination.status = "lock"
    destination.save()

    changes = checking.compare(before, checking.look(source, destination_of(destination), NOW).forecast)

    assert {(one.now.rule, one.before.state.value, one.now.state.value) for one in changes.rules} == {
        (Rule.BACKUP_STATUS, "ok", "warning"),
        (Rule.DESTINATION_STATUS, "ok", "blocker"),
    }
    assert {
        (one.name, one.before and one.before.verdict, one.now and one.now.verdict) for one in changes.backups
    } == {
        ("first", Verdict.REPLICATE, Verdict.INELIGIBLE),
        ("second", Verdict.REPLICATE, None),
        ("third", None, Verdict.REPLICATE),
    }
    assert (changes.size_before.total_gb, changes.size_now.total_gb) == (80, 100)


def test_check_tells_what_was_asked_for_since(vaults):
    source, destination = vaults
    a_replication(
        source=source, destination=destination, status="failed", requested_at=NOW - timedelta(hours=1)
    )
    check = a_check(source=source, destination=destination)
    later = a_replication(source=source, destination=destination, requested_at=NOW + timedelta(hours=1))
    a_replication(source=a_vault(name="another"), destination=destination, requested_at=NOW)

    assert checking.since(check) == [later]


def test_check_is_old_after_an_hour(vaults):
    check = a_check(source=vaults[0], destination=vaults[1])

    assert (check.is_old(NOW + timedelta(hours=1)), check.is_old(NOW + timedelta(hours=1, seconds=1))) == (
        False,
        True,
    )


def test_request_is_refused_when_it_would_do_something_else_than_was_shown(vaults, oskar):
    source, destination = vaults
    wanted = destination_of(destination)
    shown = triggering.forecast(source, wanted).digest
    a_backup(vault=source, name="third")

    with pytest.raises(ForecastChanged):
        triggering.request_replication(
            actor=oskar, wish=Wish(source, wanted, "Exercise", seen=shown), key=uuid.uuid4(), now=NOW
        )

    assert not Replication.objects.exists()


def test_request_by_what_was_shown_names_its_check_in_the_audit(vaults, oskar):
    source, destination = vaults
    check = a_check(source=source, destination=destination, actor=oskar)
    shown = checking.result_of(check).forecast.digest
    wish = Wish(source, destination_of(destination), "Exercise", seen=shown, check_id=str(check.pk))

    triggering.request_replication(actor=oskar, wish=wish, key=uuid.uuid4(), now=NOW)

    assert AuditEntry.objects.get(action="replication.requested").details["check"] == str(check.pk)
