"""Origins of replicas: kept as the cloud names them, from either side, and for longer than it does."""

from dataclasses import replace

import pytest

from replication.cloud import ReplicationRecord as Told
from replication.models import ReplicaOrigin
from replication.services import origins
from tests.builders import NOW, a_project, a_replica

TOLD = Told(
    id="record-1",
    status="success",
    created_at=NOW,
    source_backup_id="backup-1",
    vault_id="vault-1",
    destination_region="eu-nl",
    destination_project_id="p-2",
    destination_vault_id="vault-2",
    destination_backup_id="replica-1",
    progress_percent=100,
    fail_code="",
    fail_reason="",
    auto_trigger=False,
)


def a_source(*records):
    return a_replica(id="backup-1", vault_id="vault-1", image_type="backup", replication_records=records)


def kept():
    return list(
        ReplicaOrigin.objects.order_by("replica_id").values_list(
            "replica_id", "source_vault_id", "source_backup_id", "is_automatic"
        )
    )


@pytest.fixture
def project(db):
    return a_project()


@pytest.mark.parametrize("source_backup_id", ["backup-1", ""])
@pytest.mark.parametrize("auto_trigger", [True, False, None])
def test_source_names_its_replica(project, source_backup_id, auto_trigger):
    record = replace(TOLD, source_backup_id=source_backup_id, auto_trigger=auto_trigger)

    origins.keep_told(project, [a_source(record)], NOW)

    assert kept() == [("replica-1", "vault-1", "backup-1", auto_trigger)]


def test_replica_names_its_source(project):
    replica = a_replica(id="replica-1", vault_id="vault-2", replication_records=(TOLD,))

    origins.keep_told(project, [replica], NOW)

    assert kept() == [("replica-1", "vault-1", "backup-1", False)]


@pytest.mark.parametrize(
    "backup",
    [
        a_source(replace(TOLD, destination_backup_id="")),
        a_source(),
        a_replica(id="backup-1", replication_records=None),
        a_replica(id="replica-1", replication_records=(replace(TOLD, source_backup_id=""),)),
    ],
    ids=["not there yet", "no record", "the cloud does not tell", "a replica without a source"],
)
def test_what_names_no_pair_is_not_kept(project, backup):
    origins.keep_told(project, [backup], NOW)

    assert kept() == []


def test_what_was_named_once_stays_as_it_was_named(project):
    origins.keep_told(project, [a_source(TOLD)], NOW)

    origins.keep_told(project, [a_source(replace(TOLD, auto_trigger=True))], NOW)
    origins.keep_told(project, [], NOW)

    assert kept() == [("replica-1", "vault-1", "backup-1", False)]
