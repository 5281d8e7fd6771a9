"""From a click to arrived replicas, against both profiles of the cloud."""

import uuid
from datetime import timedelta

from replication.models import AuditEntry, Replication, Vault
from replication.services import triggering
from replication.services.triggering import Wish
from tests.journeys.wishes import ask


def test_every_backup_is_followed_until_it_has_arrived(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    promised = replication.forecast["replicate"]

    practice.round()
    replication.refresh_from_db()
    assert replication.status == "running"
    practice.round()
    for _minute in range(120):
        practice.advance(minutes=5)
        practice.round()
        replication.refresh_from_db()
        if not replication.may_change:
            break

    [call] = practice.accepted()
    records = list(replication.records.order_by("backup_id"))
    assert replication.status == "succeeded"
    assert sorted(promised) == [record.backup_id for record in records]
    assert {record.replication_record_id: record.backup_id for record in records} == {
        one["replication_record_id"]: one["backup_id"] for one in call["answer"]["replication"]["backups"]
    }
    assert {record.status for record in records} == {"succeeded"}
    assert all(record.arrived_at for record in records)
    assert {record.evidence for record in records} == {
        "replication_records" if practice.profile == "huawei" else "operation_log"
    }
    assert replication.response == call["answer"]
    assert replication.cloud_request_id == call["request_id"]
    assert list(
        AuditEntry.objects.filter(replication=replication).order_by("id").values_list("action", "actor_name")
    ) == [
        ("replication.requested", "oskar"),
        ("replication.submitting", "worker"),
        ("replication.accepted", "worker"),
        ("replication.finished", "worker"),
        ("replication.arrived", "worker"),
    ]


def test_replicas_appear_in_the_inventory_and_the_vault_fills(practice, oskar):
    before = Vault.objects.get(name="replica-production")
    replicas_before = before.backups.present().count()
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    for _minute in range(120):
        practice.round()
        practice.advance(minutes=5)
        replication.refresh_from_db()
        if not replication.may_change:
            break

    practice.read_inventory()

    after = Vault.objects.get(name="replica-production")
    assert after.backups.present().count() == replicas_before + replication.records.count()
    assert after.used_mb > before.used_mb


def test_one_failing_backup_makes_it_partly_succeeded_and_says_why(practice, oskar):
    practice.fault("fail_backup")
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")

    for _minute in range(120):
        practice.round()
        practice.advance(minutes=5)
        replication.refresh_from_db()
        if not replication.may_change:
            break

    failed = replication.records.filter(status="failed")
    assert replication.status == "partial"
    assert [(one.error_code, one.error_message, one.arrived_at) for one in failed] == [
        ("BackupService.1006", "Failed to import the replica.", None)
    ]
    assert replication.records.filter(status="succeeded", arrived_at=None).count() == 0


def test_following_costs_one_list_call_a_source_vault_however_many_backups(practice, oskar, caplog):
    big = ask(practice, oskar, source="vault-data-warehouse", destination="replica-longterm")
    practice.round()
    practice.advance(seconds=2)
    practice.round()
    practice.advance(seconds=30)
    caplog.clear()

    practice.round()

    calls = [record.getMessage() for record in caplog.records if record.name == "replication.cloud"]
    assert big.records.count() == 400
    source, destination = ([call for call in calls if f"/{region}/" in call] for region in ("eu-de", "eu-nl"))
    assert (len(source), len(destination)) in {(1, 0), (1, 1)}
    assert ("/backups" if practice.profile == "huawei" else "/operation-logs") in source[0]


def test_progress_never_goes_back(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()
    seen = {}

    for _look in range(40):
        practice.advance(seconds=90)
        practice.round()
        for record in replication.records.all():
            before = seen.get(record.pk, -1)
            assert (record.progress_percent or 0) >= before
            seen[record.pk] = record.progress_percent or 0


def test_nothing_left_to_replicate_is_succeeded_at_once(practice, oskar):
    first = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    for _minute in range(120):
        practice.round()
        practice.advance(minutes=5)
        first.refresh_from_db()
        if not first.may_change:
            break

    second = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()

    second.refresh_from_db()
    assert (second.status, second.records.count(), second.check_after) == ("succeeded", 0, None)


def test_queue_entry_that_was_lost_changes_nothing(practice, oskar):
    from django_tasks_db.models import DBTaskResult

    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    DBTaskResult.objects.all().delete()

    practice.round()

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("running", 1)


def test_requester_who_lost_the_right_is_not_sent_for(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    oskar.groups.clear()

    practice.round()

    replication.refresh_from_db()
    assert (replication.status, practice.accepted()) == ("cancelled", [])


def test_two_workers_send_once(practice, oskar):
    from replication.services import submission

    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    stale = Replication.objects.get(pk=replication.pk)

    practice.round("worker-1")
    submission.submit(stale.pk, worker_id="worker-2", clock=practice.now)
    claim = submission._claim(stale, {}, "worker-2", practice.now)

    assert claim is None
    assert len(practice.accepted()) == 1


def test_frozen_worker_that_wakes_up_late_sends_nothing(practice, oskar):
    from replication.services import connection, submission

    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    claim = submission._claim(replication, {}, "worker-1", practice.now)
    practice.advance(minutes=3)

    claim.send(connection.cbr("sandbox-production"))

    replication.refresh_from_db()
    assert (replication.status, practice.accepted()) == ("requested", [])


def test_worker_that_died_before_sending_leaves_an_unclear_replication_that_a_person_may_send_again(
    practice, oskar
):
    from replication.services import submission

    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    submission._claim(replication, {}, "worker-1", practice.now)

    practice.advance(minutes=5)
    practice.round("worker-2")
    replication.refresh_from_db()
    assert replication.status == "unconfirmed"
    for _look in range(4):
        practice.advance(minutes=30)
        practice.round("worker-2")
    triggering.rearm_replication(
        actor=oskar, replication=replication, reason="The cloud shows nothing", now=practice.now()
    )
    practice.round("worker-2")

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("running", 1)


def test_second_replication_while_the_first_runs_is_refused_by_us_and_nothing_is_sent(practice, oskar):
    import pytest

    ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()

    with pytest.raises(triggering.AlreadyActive):
        ask(practice, oskar, source="vault-orders-db", destination="replica-longterm")

    assert len(practice.accepted()) == 1


def test_typed_destination_outside_our_projects_is_followed_but_its_arrival_is_not_claimed(practice, oskar):
    source = Vault.objects.get(name="vault-orders-db")
    vault = Vault.objects.select_related("project").get(name="replica-production")
    vault.project.cloud = ""
    vault.project.save()
    wish = Wish(
        source,
        triggering.find_destination(
            region="eu-nl", project_id=vault.project.project_id, vault_id=vault.vault_id
        ),
        "Typed by hand",
    )
    replication, _created = triggering.request_replication(
        actor=oskar, wish=wish, key=uuid.uuid4(), now=practice.now()
    )

    for _minute in range(120):
        practice.round()
        practice.advance(minutes=5)
        replication.refresh_from_db()
        if not replication.may_change:
            break

    assert replication.status == "succeeded"
    assert replication.finished_at - replication.submitted_at > timedelta(0)
    assert {record.arrived_at for record in replication.records.all()} == {None}
