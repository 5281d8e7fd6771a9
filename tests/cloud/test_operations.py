"""Operation logs of both clouds, as they stand in the documents."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from replication.cloud import OperationLog, OperationLogReplication, Unreadable
from tests.cloud.raw_server import document

RUNNING = OperationLog(
    id="4827f2da-b008-4507-ab7d-42d0df5ed002",
    project_id="4229d7a45436489f8c3dc2b1d35d4987",
    vault_id="3b5816b5-f29c-4172-9d9a-76c719a659ce",
    vault_name="vault-orders-db",
    policy_id="",
    provider_id="0daac4c5-6707-4851-97ba-169e36266b66",
    checkpoint_id="8b0851a8-adf3-4f4c-a914-dead08bf9664",
    operation_type="replication",
    status="running",
    created_at=datetime(2024, 5, 14, 9, 30, 0, 512_000, tzinfo=UTC),
    started_at=datetime(2024, 5, 14, 9, 30, 5, tzinfo=UTC),
    ended_at=None,
    updated_at=datetime(2024, 5, 14, 9, 41, 20, 4_000, tzinfo=UTC),
    error_code="",
    error_message="",
    progress_percent=37,
    request_id="req-9c5d1cf4-6b4d-4c0e-9d84-0f2a1fd3a1a1",
    resource_id="97595625-198e-4e4d-879b-9d53f68ba551",
    resource_name="pg-orders-01",
    backup_id="6df2b54c-dd62-4059-a07c-1b8f24f2725d",
    backup_name="autobk_b629",
    replication=None,
)


def test_the_documented_log_is_read_and_tells_no_destination():
    assert OperationLog.from_json(document("operation_log")["operation_log"]) == RUNNING


def test_a_log_of_the_sibling_cloud_tells_from_where_to_where():
    assert OperationLog.from_json(document("operation_log_huawei")["operation_log"]) == replace(
        RUNNING,
        id="4827f2da-b008-4507-ab7d-42d0df5ed001",
        status="success",
        ended_at=RUNNING.updated_at,
        progress_percent=100,
        backup_id="7558e1a3-7046-4787-95cd-14b0ad0642a8",
        replication=OperationLogReplication(
            source_backup_id="7558e1a3-7046-4787-95cd-14b0ad0642a8",
            source_region="region1",
            source_project_id="4229d7a45436489f8c3dc2b1d35d4987",
            destination_region="region2",
            destination_project_id="68589cac08274b82b4e254268a3862d8",
            destination_vault_id="",
            destination_backup_id="c3b0a3f4-7c0e-4d0f-8f44-6a2f0f9a1001",
        ),
    )


@pytest.mark.parametrize("name", ["operation_logs_list", "operation_logs_list_huawei"])
def test_every_log_of_the_documented_lists_is_read(name):
    listed = document(name)["operation_logs"]

    assert [OperationLog.from_json(one).id for one in listed] == [one["id"] for one in listed]


def test_extra_info_written_as_a_string_is_read_at_every_level():
    wire = document("operation_log")["operation_log"]
    wire["extra_info"] = (
        '{"common": "{\\"progress\\": \\"37\\", \\"request_id\\": \\"req-1\\"}", "replication": null, "backup": []}'
    )
    wire["error_info"] = '{"code": "BackupService.6129", "message": "Full."}'

    assert OperationLog.from_json(wire) == replace(
        RUNNING,
        error_code="BackupService.6129",
        error_message="Full.",
        request_id="req-1",
        resource_id="",
        resource_name="",
        backup_id="",
        backup_name="",
    )


LEAST = {"id": "l", "operation_type": "replication", "status": "a word that nobody knows"}


@pytest.mark.parametrize(
    "extra", [{}, {"extra_info": None, "error_info": None}, {"extra_info": "x", "error_info": 5}]
)
def test_the_least_that_is_needed_is_enough(extra):
    told = OperationLog.from_json(LEAST | extra)

    assert told == OperationLog(
        "l",
        "",
        "",
        "",
        "",
        "",
        "",
        "replication",
        LEAST["status"],
        *[None] * 4,
        "",
        "",
        None,
        *[""] * 5,
        None,
    )


@pytest.mark.parametrize("key", list(LEAST))
@pytest.mark.parametrize("value", [None, ""])
def test_a_field_that_we_need_is_named_when_it_is_missing(key, value):
    with pytest.raises(Unreadable, match=f"here.{key}: missing"):
        OperationLog.from_json(LEAST | {key: value}, "here")


def test_a_wrong_value_deep_inside_is_named_with_its_whole_path():
    wire = LEAST | {"extra_info": {"replication": {"source_region": []}}}

    with pytest.raises(Unreadable, match=r"here\.extra_info\.replication\.source_region: expected a string"):
        OperationLog.from_json(wire, "here")
