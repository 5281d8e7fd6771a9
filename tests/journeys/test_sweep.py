"""Sweeps: what was started elsewhere becomes known, and a restored database never sends twice."""

import json
import urllib.request
from datetime import timedelta

import pytest
from django.core.management import call_command

from replication.models import AuditEntry, CloudReading, Replication, Vault
from replication.services import connection, rounds, sweeping
from tests.journeys.wishes import ask


def start_elsewhere(source, destination):
    """Replicate a vault as somebody does in the cloud's console: with the same account, past the dashboard."""
    source = Vault.objects.select_related("project__region").get(name=source)
    destination = Vault.objects.select_related("project__region").get(name=destination)
    credentials = connection.credentials(source.project.cloud)
    body = {
        "replicate": {
            "vault_id": source.vault_id,
            "destination_region": destination.project.region.name,
            "destination_project_id": destination.project.project_id,
            "destination_vault_id": destination.vault_id,
        }
    }
    request = urllib.request.Request(
        f"{credentials.cbr_endpoint()}/checkpoints/replicate",
        data=json.dumps(body).encode(),
        headers={"X-Auth-Token": credentials.access().token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())["replication"]


def sweep(practice):
    for name in connection.cloud_names():
        assert sweeping.sweep(name, practice.now) is not None


@pytest.fixture
def swept(practice):
    """What the seed has replicated before is known already."""
    sweep(practice)
    return Replication.objects.count()


def test_replication_started_elsewhere_is_imported_once_and_followed(practice, swept):
    answer = start_elsewhere("vault-orders-db", "replica-production")

    sweep(practice)
    sweep(practice)

    replication = Replication.objects.get(source_vault__name="vault-orders-db")
    assert (replication.origin, replication.actor, replication.status) == ("foreign", None, "running")
    assert sorted(replication.records.values_list("backup_id", flat=True)) == sorted(
        one["backup_id"] for one in answer["backups"]
    )
    assert list(replication.audit_entries.values_list("action", "actor_name")) == [
        ("replication.foreign", "worker")
    ]
    for _round in range(60):
        practice.advance(minutes=10)
        practice.round()
    replication.refresh_from_db()
    assert replication.status == "succeeded"
    if practice.profile == "huawei":
        assert {bool(record.arrived_at) for record in replication.records.all()} == {True}


def test_vault_that_somebody_replicates_elsewhere_is_taken_here_as_well(practice, oskar, swept):
    from replication.services import triggering

    start_elsewhere("vault-orders-db", "replica-production")
    sweep(practice)

    with pytest.raises(triggering.AlreadyActive) as refusal:
        ask(practice, oskar, source="vault-orders-db", destination="replica-production")

    assert refusal.value.replication.is_foreign


def test_our_own_replications_are_never_imported(practice, oskar, swept):
    for source in ("vault-orders-db", "vault-erp"):
        ask(practice, oskar, source=source, destination="replica-production")
    practice.round()

    for _step in range(3):
        sweep(practice)
        practice.advance(minutes=5)
        practice.round()
        sweep(practice)

    assert Replication.objects.filter(origin="foreign").count() == swept


def test_unclear_replication_is_left_to_its_own_looks(practice, oskar, swept):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("close_after_processing")
    practice.round()

    sweep(practice)

    replication.refresh_from_db()
    assert (replication.status, Replication.objects.count()) == ("unconfirmed", swept + 1)


def forget_the_sending(replication):
    """Bring our rows back to where a backup of the database, made before the sending, has them."""
    replication.records.all().delete()
    replication.attempts.all().delete()
    AuditEntry.objects.filter(replication=replication).exclude(action="replication.requested")._raw_delete(
        "default"
    )
    Replication.objects.filter(pk=replication.pk).update(
        status="requested",
        attempt=0,
        submitted_at=None,
        finished_at=None,
        claimed_by="",
        claimed_until=None,
        response=None,
        baseline={},
        check_after=replication.requested_at,
    )


def test_restored_database_sends_nothing_again_in_safe_mode(practice, oskar, swept, settings):
    sent = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()
    practice.advance(minutes=2)
    forget_the_sending(sent)
    never_sent = ask(practice, oskar, source="vault-erp", destination="replica-production")
    settings.SAFE_MODE_SINCE = practice.now()

    practice.round()
    held_back = len(practice.accepted())
    practice.advance(seconds=1)
    found = rounds.sweep_all(clock=practice.now)
    for _round in range(3):
        practice.round()

    sent.refresh_from_db()
    never_sent.refresh_from_db()
    assert held_back == 1
    assert sum(find.suspected for find in found.values()) == 1
    assert ({sent.status} <= {"running", "succeeded"}, never_sent.status) == (True, "running")
    assert [call["body"]["replicate"]["vault_id"] for call in practice.accepted()] == [
        sent.vault_id,
        never_sent.vault_id,
    ]


def test_worker_sweeps_by_itself_and_then_sends(practice, oskar, swept, settings):
    settings.SAFE_MODE_SINCE = practice.now()
    replication = ask(practice, oskar, source="vault-erp", destination="replica-production")
    practice.round()
    assert practice.accepted() == []

    CloudReading.objects.update(sweep_after=practice.now())
    practice.advance(seconds=1)
    practice.round()
    practice.round()

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("running", 1)


def test_project_that_cannot_be_read_stays_held_back(practice, oskar, swept, settings):
    settings.SAFE_MODE_SINCE = practice.now()
    replication = ask(practice, oskar, source="vault-erp", destination="replica-production")
    practice.advance(seconds=1)
    practice.fault("answer", operation="*", count=1000, status=500)

    found = rounds.sweep_all(clock=practice.now)
    practice.round()

    replication.refresh_from_db()
    assert set(found.values()) == {None}
    assert (replication.status, practice.accepted()) == ("requested", [])


def test_daily_sweep_is_made_by_one_worker_and_comes_back_after_a_day(practice, swept):
    CloudReading.objects.update(sweep_after=practice.now())

    first = sweeping.sweep_due(practice.now(), practice.now)
    second = sweeping.sweep_due(practice.now(), practice.now)
    practice.advance(days=1)

    assert (first, second) == (4, 0)
    assert sweeping.sweep_due(practice.now(), practice.now) == 4


def test_command_sweeps_and_says_what_it_found(practice, swept, capsys):
    start_elsewhere("vault-orders-db", "replica-production")

    call_command("reconcile", sweep=True)

    assert "sandbox-production: started elsewhere and imported: 1;" in capsys.readouterr().out


def test_history_of_the_seed_is_imported_as_over(practice):
    sweep(practice)

    foreign = list(Replication.objects.all())
    assert foreign
    assert {one.origin for one in foreign} == {"foreign"}
    assert {one.is_final for one in foreign} == {True}
    assert all(one.finished_at >= one.submitted_at for one in foreign)
    assert all(practice.now() - one.requested_at < timedelta(days=60) for one in foreign)


@pytest.mark.parametrize("hours", [-2, 2])
def test_clock_of_the_cloud_that_is_off_neither_hides_nor_invents_a_forgotten_sending(
    practice, oskar, swept, hours
):
    practice.control("POST", "clock", {"advance_seconds": hours * 3600})
    # Older than what is asked for next, whatever the cloud's clock says.
    start_elsewhere("vault-erp", "replica-production")
    practice.advance(seconds=30)
    waiting = ask(practice, oskar, source="vault-erp", destination="replica-production")
    sent = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    Replication.objects.filter(pk=waiting.pk).update(check_after=practice.now() + timedelta(days=1))
    practice.round()
    forget_the_sending(sent)

    sweep(practice)

    waiting.refresh_from_db()
    sent.refresh_from_db()
    assert (waiting.status, sent.status) == ("requested", "unconfirmed")
    practice.advance(minutes=1)
    Replication.objects.filter(pk=sent.pk).update(check_after=practice.now())
    practice.round()
    sent.refresh_from_db()
    [ours] = [call for call in practice.accepted() if call["body"]["replicate"]["vault_id"] == sent.vault_id]
    assert sorted(sent.records.values_list("backup_id", flat=True)) == sorted(
        one["backup_id"] for one in ours["answer"]["replication"]["backups"]
    )


def test_refusal_because_somebody_copies_makes_us_look_at_once_who_that_is(practice, oskar, swept):
    replication = ask(practice, oskar, source="vault-erp", destination="replica-production")
    start_elsewhere("vault-erp", "replica-production")

    practice.round()

    replication.refresh_from_db()
    assert (replication.status, replication.error_code, replication.check_after) == (
        "rejected",
        "BackupService.6130",
        None,
    )
    foreign = Replication.objects.get(origin="foreign", source_vault__name="vault-erp", status="running")
    assert foreign.records.count() > 0


def test_refusal_of_any_other_kind_is_not_looked_after(practice, oskar, swept):
    replication = ask(practice, oskar, source="vault-erp", destination="replica-production")
    start_elsewhere("vault-erp", "replica-production")
    practice.fault("answer", status=400, code="BackupService.6119")

    practice.round()

    replication.refresh_from_db()
    assert (replication.status, Replication.objects.count()) == ("rejected", swept + 1)
