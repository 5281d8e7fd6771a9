"""The log book: what the cloud logs is kept, each operation once, in its latest state, for good."""

from datetime import timedelta

import pytest

from replication.cloud import OperationLog as Told
from replication.models import OperationLog, ReplicaOrigin
from replication.services import logbook
from tests.builders import NOW, a_project

LATER = NOW + timedelta(minutes=5)


def told(log_id="log-1", **fields):
    document = {
        "id": log_id,
        "operation_type": "replication",
        "status": "running",
        "vault_id": "vault-1",
        "vault_name": "vault-orders-db",
        "policy_id": "",
        "created_at": "2026-11-24T11:00:00.000+00:00",
        "started_at": "2026-11-24T11:00:05.000+00:00",
        "error_info": {"code": "", "message": ""},
        "extra_info": {
            "common": {"progress": 40, "request_id": "req-1"},
            "resource": {"id": "server-1", "name": "pg-orders-01", "type": "OS::Nova::Server"},
            "backup": {"backup_id": "backup-1", "backup_name": "autobk_1"},
            **fields.pop("extra_info", {}),
        },
        **fields,
    }
    return Told.from_json(document)


@pytest.fixture
def project(db):
    return a_project()


def keep(*logs, now=NOW):
    return logbook.keep("sandbox-production", logs, now)


def rows(*columns):
    return list(OperationLog.objects.order_by("operation_log_id").values_list(*columns))


def test_log_is_kept_with_all_that_the_reference_documents(project):
    assert keep(told()) == 1

    [row] = OperationLog.objects.values()
    assert {name: value for name, value in row.items() if name != "id"} == {
        "project_id": project.pk,
        "operation_log_id": "log-1",
        "operation_type": "replication",
        "status": "running",
        "vault_id": "vault-1",
        "vault_name": "vault-orders-db",
        "policy_id": "",
        "provider_id": "",
        "checkpoint_id": "",
        "resource_id": "server-1",
        "resource_name": "pg-orders-01",
        "backup_id": "backup-1",
        "backup_name": "autobk_1",
        "destination_region": "",
        "destination_project_id": "",
        "destination_backup_id": "",
        "created_at": NOW - timedelta(hours=1),
        "started_at": NOW - timedelta(minutes=59, seconds=55),
        "ended_at": None,
        "updated_at": None,
        "progress_percent": 40,
        "error_code": "",
        "error_message": "",
        "cloud_request_id": "req-1",
        "kept_at": NOW,
        "read_at": NOW,
    }


def test_later_reading_brings_the_log_up_to_date_and_keeps_when_it_was_first_read(project):
    keep(told())

    kept = keep(told(status="success", ended_at="2026-11-24T12:01:00.000+00:00"), now=LATER)

    assert kept == 1
    assert rows("operation_log_id", "status", "ended_at", "kept_at", "read_at") == [
        ("log-1", "success", NOW + timedelta(minutes=1), NOW, LATER)
    ]


def test_what_was_asked_for_earlier_never_overwrites_what_was_asked_for_later(project):
    keep(told(extra_info={"common": {"progress": 80}}), now=LATER)

    assert keep(told()) == 0

    assert rows("progress_percent", "read_at") == [(80, LATER)]


def test_operation_that_has_ended_never_runs_again(project):
    keep(told(status="failed", error_info={"code": "BackupService.1006", "message": "Import failed."}))

    assert keep(told(), now=LATER) == 0

    assert rows("status", "error_code", "error_message") == [
        ("failed", "BackupService.1006", "Import failed.")
    ]


def test_log_that_the_cloud_no_longer_lists_stays(project):
    keep(told("log-1"), told("log-2"))

    keep(told("log-2"), now=NOW + timedelta(days=31))

    assert rows("operation_log_id") == [("log-1",), ("log-2",)]


def test_same_log_twice_in_one_answer_is_one_row(project):
    assert keep(told(), told()) == 1
    assert rows("operation_log_id") == [("log-1",)]


def test_same_id_in_two_projects_is_two_logs(project):
    a_project("eu-de_internal", cloud="sandbox-internal")
    keep(told())

    logbook.keep("sandbox-internal", [told()], NOW)

    assert rows("project__cloud") == [("sandbox-production",), ("sandbox-internal",)] or rows(
        "project__cloud"
    ) == [("sandbox-internal",), ("sandbox-production",)]


def test_entry_without_a_project_keeps_nothing(db):
    assert keep(told()) == 0
    assert rows("pk") == []


def test_endless_name_is_cut_and_hides_no_other_log(project):
    assert keep(told("log-1", vault_name="v" * 1000), told("log-2")) == 2
    assert [len(name) for (name,) in rows("vault_name")] == [255, len("vault-orders-db")]


@pytest.mark.parametrize("number", [1, 600])
def test_unchanged_logs_cost_one_statement_a_slice_and_write_nothing(
    project, number, django_assert_max_num_queries
):
    logs = [told(f"log-{position:04}") for position in range(number)]
    keep(*logs)

    # The project, and around each slice's question the savepoints of the transaction.
    with django_assert_max_num_queries(3 + (number + 499) // 500):
        assert keep(*logs, now=LATER) == 0

    assert set(rows("read_at")) == {(NOW,)}


def test_log_that_names_the_replica_tells_its_origin_for_good(project):
    destination = {
        "source_backup_id": "backup-1",
        "destination_region": "eu-nl",
        "destination_project_id": "p-2",
        "destination_backup_id": "replica-1",
    }
    keep(told(status="success", policy_id="policy-1", extra_info={"replication": destination}))

    assert list(
        ReplicaOrigin.objects.values_list(
            "replica_id", "source_vault_id", "source_backup_id", "is_automatic", "told_by"
        )
    ) == [("replica-1", "vault-1", "backup-1", True, "operation_log")]
    assert rows("destination_region", "destination_project_id", "destination_backup_id") == [
        ("eu-nl", "p-2", "replica-1")
    ]
