"""Which replica in the destination vault proves which record."""

from datetime import timedelta

import pytest

from replication.cloud import ReplicationRecord as CloudRecord
from replication.services.arrival import mark_arrivals
from tests.builders import NOW, a_record, a_replica, a_replication, a_vault

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def replication(db):
    return a_replication(status="running", baseline={"replica": ["known-before"]})


def arrivals(replication, records, replicas):
    mark_arrivals(replication, records, replicas, LATER)
    return [record.destination_backup_id if record.has_arrived else None for record in records]


def test_replica_of_the_same_server_and_name_is_the_records(replication):
    records = [
        a_record(replication=replication, status="succeeded", backup_name="monday"),
        a_record(replication=replication, status="succeeded", backup_name="tuesday"),
    ]

    found = arrivals(
        replication, records, [a_replica(id="r-2", name="tuesday"), a_replica(id="r-1", name="monday")]
    )

    assert found == ["r-1", "r-2"]
    assert records[0].arrived_at == records[0].changed_at == LATER


def test_one_replica_proves_no_second_arrival(replication):
    records = [
        a_record(replication=replication, status="succeeded", backup_name="monday"),
        a_record(replication=replication, status="succeeded", backup_name="tuesday"),
    ]

    assert arrivals(replication, records, [a_replica(id="r-1", name="monday")]) == ["r-1", None]


def test_replica_whose_id_a_record_knows_proves_no_other_record(replication):
    records = [
        a_record(replication=replication, status="succeeded"),
        a_record(replication=replication, status="succeeded", destination_backup_id="r-1"),
    ]

    assert arrivals(replication, records, [a_replica(id="r-1")]) == [None, "r-1"]


@pytest.mark.parametrize(
    "replica",
    [
        a_replica(id="known-before"),
        a_replica(resource_id="another-server"),
        a_replica(name="another name", resource_id="another-server"),
    ],
    ids=["known before", "of another server", "of another server and name"],
)
def test_replica_that_is_not_ours_proves_nothing(replication, replica):
    records = [a_record(replication=replication, status="succeeded")]

    assert arrivals(replication, records, [replica]) == [None]


def test_replica_that_another_replication_owns_proves_nothing(replication):
    other = a_replication(source=a_vault(name="vault-mail"), destination=replication.destination)
    a_record(replication=other, destination_backup_id="replica-1", status="succeeded")
    records = [a_record(replication=replication, status="succeeded")]

    assert arrivals(replication, records, [a_replica()]) == [None]


def test_replicas_that_cannot_be_told_apart_arrive_when_all_are_there(replication):
    records = [a_record(replication=replication, status="succeeded") for _backup in range(3)]
    replicas = [a_replica(id=f"r-{number}") for number in range(3)]

    two = arrivals(replication, records, replicas[:2])
    three = arrivals(replication, records, replicas)

    assert (two, three) == ([None] * 3, [""] * 3)


def test_replicas_that_cannot_be_told_apart_do_not_wait_for_a_failed_one(replication):
    records = [
        a_record(replication=replication, status="succeeded"),
        a_record(replication=replication, status="failed"),
    ]

    assert arrivals(replication, records, [a_replica()]) == ["replica-1", None]


@pytest.mark.parametrize("status", ["failed", "skipped", "timed_out"])
def test_record_that_the_cloud_gave_up_never_arrives(replication, status):
    records = [a_record(replication=replication, status=status, destination_backup_id="replica-1")]

    assert arrivals(replication, records, [a_replica()]) == [None]
    assert records[0].status == status


def test_replica_that_names_its_source_is_that_records(replication):
    records = [a_record(replication=replication, status="succeeded", backup_id="b-1")]
    told = CloudRecord(
        id="rr-1",
        status="success",
        created_at=NOW,
        source_backup_id="b-1",
        vault_id="",
        destination_region="",
        destination_project_id="",
        destination_vault_id="",
        destination_backup_id="",
        progress_percent=100,
        fail_code="",
        fail_reason="",
    )

    found = arrivals(
        replication, records, [a_replica(name="renamed", resource_id="", replication_records=(told,))]
    )

    assert found == ["replica-1"]


def test_replica_speaks_for_a_source_that_has_not_said_a_word(replication):
    record = a_record(replication=replication, status="waiting")

    arrivals(replication, [record], [a_replica()])

    assert (record.status, record.evidence, record.finished_at, record.read_at) == (
        "succeeded",
        "replica",
        LATER,
        LATER,
    )


def test_time_of_the_first_arrival_stays(replication):
    record = a_record(replication=replication, status="succeeded", arrived_at=NOW)

    changed = mark_arrivals(replication, [record], [a_replica()], LATER)

    assert (changed, record.arrived_at) == ([], NOW)


def test_record_of_an_unknown_server_arrives_by_nothing_but_an_id(replication):
    records = [a_record(replication=replication, status="succeeded", resource_id="")]

    assert arrivals(replication, records, [a_replica(resource_id="")]) == [None]
