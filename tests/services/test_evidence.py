"""What counts as a sign of a replication, and from where it is read."""

from datetime import timedelta

import pytest

from replication.cloud import CloudError
from replication.models import CloudReading, Evidence, Vault
from replication.services import connection, evidence
from tests.builders import NOW, a_replica, a_replication, a_sighting

PRODUCTION = "sandbox-production"


def read_source(practice, vault="vault-erp", **options):
    return evidence.read_source(
        connection.cbr(PRODUCTION),
        PRODUCTION,
        Vault.objects.get(name=vault).vault_id,
        since=practice.now(),
        **options,
    )


def answers_records():
    return CloudReading.objects.get(cloud=PRODUCTION).answers_records


@pytest.mark.parametrize(
    ("told", "belongs"),
    [
        ({}, True),
        ({"destination_region": "eu-nl"}, True),
        ({"destination_region": "eu-ch2"}, False),
        ({"destination_project_id": "another"}, False),
        ({"destination_vault_id": "another"}, False),
        # What a policy started is not ours, whatever else fits.
        ({"destination_region": "eu-nl", "policy_id": "policy-1"}, False),
    ],
)
def test_sighting_belongs_unless_something_that_it_tells_contradicts(db, told, belongs):
    assert a_sighting(**told).may_belong_to(a_replication(status="running")) is belongs


@pytest.mark.parametrize(
    ("baseline", "created_after", "newer"),
    [
        # What was known before sending is old, whatever its time says.
        ({"operation_log": ["log-1"]}, timedelta(hours=1), False),
        ({"operation_log": []}, -timedelta(hours=5), True),
        # Another source's knowledge says nothing about this one: the times decide, with room for clocks.
        ({"replication_records": ["log-1"]}, timedelta(0), True),
        ({}, -timedelta(minutes=4), True),
        ({}, -timedelta(minutes=6), False),
        ({}, None, False),
    ],
)
def test_sighting_is_newer_by_what_was_known_before_else_by_the_time(db, baseline, created_after, newer):
    replication = a_replication(status="running", baseline=baseline)
    seen = a_sighting(created_at=None if created_after is None else NOW + created_after)

    assert seen.is_newer_than(replication) is newer


def test_sighting_is_not_newer_than_what_was_never_sent(db):
    assert not a_sighting().is_newer_than(a_replication())


def test_cloud_that_tells_no_records_is_read_by_its_operation_log(practice):
    reading = read_source(practice)

    assert (reading.evidence, answers_records()) == (Evidence.LOG, False)


def test_cloud_that_tells_records_is_read_by_them(telling_practice):
    reading = read_source(telling_practice)

    assert (reading.evidence, len(reading.sightings), answers_records()) == (Evidence.RECORDS, 6, True)
    assert {one.word for one in reading.sightings} == {"success"}
    assert {one.destination_region for one in reading.sightings} == {"eu-nl"}
    assert all(one.destination_backup_id for one in reading.sightings)
    assert reading.keys() == sorted(one.key for one in reading.sightings)


def test_cloud_is_asked_for_records_until_it_is_known_that_it_has_none(practice):
    CloudReading.objects.update(answers_records=None)

    without_proof = read_source(practice), answers_records()
    with_proof = read_source(practice, backup_ids={"one that surely has a record"}), answers_records()

    assert [without_proof[1], with_proof[1]] == [None, False]
    assert without_proof[0].evidence == with_proof[0].evidence == Evidence.LOG


def test_cloud_is_known_to_tell_records_once_it_did(telling_practice):
    CloudReading.objects.update(answers_records=None)

    read_source(telling_practice)

    assert answers_records()


def test_vault_without_backups_has_no_records_and_that_is_an_answer(telling_practice):
    reading = read_source(telling_practice, "vault-intranet")

    assert (reading.evidence, reading.sightings) == (Evidence.RECORDS, ())


def test_operation_log_is_narrowed_to_replications(practice):
    logs = connection.cbr(PRODUCTION).list_operation_logs(
        vault_id=Vault.objects.get(name="vault-erp").vault_id, start_time=practice.now() - timedelta(days=40)
    )

    reading = evidence.read_source(
        connection.cbr(PRODUCTION),
        PRODUCTION,
        Vault.objects.get(name="vault-erp").vault_id,
        since=practice.now() - timedelta(days=39),
    )

    kinds = {log.operation_type for log in logs}
    assert {"backup", "replication"} <= kinds
    assert reading.keys() == sorted(log.id for log in logs if log.operation_type == "replication")


def test_source_that_cannot_be_read_to_its_end_is_an_error_and_no_empty_reading(practice):
    practice.fault("answer", operation="operation_logs.list", status=500, count=5)

    with pytest.raises(CloudError):
        read_source(practice)


def test_only_available_backups_of_a_destination_are_replicas(practice):
    vault = Vault.objects.get(name="replica-production")
    client = connection.cbr("sandbox-recovery")
    whole = evidence.read_replicas(client, vault.vault_id)
    practice.fault("changed_field", operation="backups.list", field="backups.status", value="waiting_protect")

    unfinished = evidence.read_replicas(client, vault.vault_id)

    assert (len(whole), unfinished) == (6, ())


@pytest.mark.parametrize(
    ("baseline", "new"),
    [
        # Known before sending: everything else is new, however old its time looks.
        ({"replica": ["fresh", "skewed"]}, ["old", "dateless"]),
        # Nothing known: the times decide, with room for clocks.
        ({}, ["fresh", "skewed"]),
    ],
)
def test_new_replicas_are_those_that_appeared_after_sending(db, baseline, new):
    replication = a_replication(status="running", baseline=baseline)
    replicas = [
        a_replica(id="fresh", created_at=NOW + timedelta(minutes=1)),
        a_replica(id="skewed", created_at=NOW - timedelta(minutes=4)),
        a_replica(id="old", created_at=NOW - timedelta(minutes=6)),
        a_replica(id="dateless", created_at=None),
    ]

    assert [one.id for one in evidence.new_replicas(replication, replicas)] == new
