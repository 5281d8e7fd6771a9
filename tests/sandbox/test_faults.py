"""The book of faults: each strikes the calls it was asked for and is gone; those that change what a call does."""

import contextlib

import pytest
import requests

from replication.sandbox.faults import KINDS
from tests.sandbox.visitor import code_of


@pytest.mark.parametrize("change", ["insert", "delete"])
def test_a_list_shifts_between_its_pages(visitor, change):
    whole = [backup["id"] for backup in visitor.backups("vault-orders-db")]
    visitor.spoil("backups.list", "shifting_pages", count=3, change=change)

    pages = [[b["id"] for b in visitor.backups("vault-orders-db", limit=5, offset=o)] for o in (0, 5, 10)]

    if change == "delete":
        assert pages == [whole[0:5], whole[6:11], whole[12:14]]
    else:
        assert [pages[0], pages[1], pages[2][:4]] == [whole[0:5], whole[4:9], whole[8:12]]


def test_an_ended_token_is_refused_until_a_new_one_is_asked_for(visitor):
    visitor.spoil("vaults.list", "expire_token")

    refused, still = visitor.get("vaults"), visitor.get("vaults")
    visitor.sign_in()
    renewed = visitor.get("vaults")

    assert [code_of(refused), code_of(still), renewed.status_code] == [
        (401, "APIGW.0307"),
        (401, "APIGW.0307"),
        200,
    ]


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_the_clock_can_jump(visitor, seconds):
    before = visitor.control("GET", "world").json()["now"]
    visitor.spoil("vaults.list", "clock_skew", seconds=seconds)

    visitor.get("vaults")

    after = visitor.control("GET", "world").json()["now"]
    assert (after > before) is (seconds > 0)


def test_records_logs_and_replicas_can_be_seen_late(open_cloud):
    visitor = open_cloud(profile="huawei", speed=1_000_000)
    target = f"backups?vault_id={visitor.vault_id('replica-longterm')}"
    visitor.spoil("checkpoints.replicate", "records_visible_after", seconds=600)

    def seen():
        backups = visitor.backups("vault-orders-db", show_replication="true")
        source = (
            len(visitor.replication_logs()),
            sum(len(backup["replication_records"]) for backup in backups),
        )
        visitor.move_to("eu-nl_archive")
        arrived = visitor.get(target).json()["count"]
        visitor.move_to("eu-de_production")
        return *source, arrived

    accepted = visitor.replicate(target="replica-longterm")
    early = seen()
    visitor.advance(601)
    late = seen()
    log_id = visitor.replication_logs()[0]["id"]
    visitor.advance(-601)

    assert accepted.status_code == 200
    assert (early, late) == ((0, 0, 0), (14, 14, 14))
    assert visitor.get(f"operation-logs/{log_id}").status_code == 404


@pytest.mark.parametrize(
    ("outcome", "log_status", "record_status"),
    [("failed", "failed", "fail"), ("skipped", "skipped", "skip"), ("timed_out", "timeout", "fail")],
)
def test_one_backup_can_end_badly(open_cloud, outcome, log_status, record_status):
    visitor = open_cloud(profile="huawei")
    chosen = visitor.backups("vault-orders-db")[5]["id"]
    visitor.spoil(
        "checkpoints.replicate", "fail_backup", backup_id=chosen, outcome=outcome, fail_code="BackupService.9"
    )

    visitor.replicate()
    visitor.advance(12 * 3600)

    bad = [log for log in visitor.replication_logs() if log["status"] != "success"]
    record = visitor.get(f"backups/{chosen}").json()["backup"]["replication_records"][0]
    assert [
        (log["extra_info"]["backup"]["backup_id"], log["status"], log["error_info"]["code"]) for log in bad
    ] == [(chosen, log_status, "BackupService.9")]
    assert (record["status"], record["extra_info"]["fail_code"], record["destination_backup_id"]) == (
        record_status,
        "BackupService.9",
        "",
    )


def test_a_fault_strikes_as_often_as_asked_after_those_it_lets_pass(visitor):
    visitor.spoil("vaults.list", "answer", status=500, count=2, skip=1)

    statuses = [visitor.get("vaults").status_code for _ in range(5)]

    assert statuses == [200, 500, 500, 200, 200]


def test_faults_of_other_operations_wait_for_theirs(visitor):
    visitor.spoil("backups.list", "answer", status=500)

    assert visitor.get("vaults").status_code == 200
    assert visitor.get("backups").status_code == 500


def test_a_fault_of_every_operation_strikes_sign_in_too(visitor):
    visitor.spoil("*", "answer", status=502, shape="html", code="", message="Bad Gateway")

    answer = requests.post(f"{visitor.url}/v3/auth/tokens", json={}, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")


def test_pending_faults_are_listed_with_what_can_be_asked_for_and_can_be_cleared(visitor):
    visitor.spoil("vaults.list", "truncate", count=3)
    visitor.spoil("vaults.get", "bad_json")

    listed = visitor.control("GET", "faults").json()
    visitor.control("DELETE", "faults")
    cleared = visitor.control("GET", "faults").json()

    assert [(fault["operation"], fault["fault"], fault["count"]) for fault in listed["faults"]] == [
        ("vaults.list", "truncate", 3),
        ("vaults.get", "bad_json", 1),
    ]
    assert listed["kinds"].keys() == KINDS.keys()
    assert cleared["faults"] == []


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        [],
        {"operation": "vaults.list"},
        {"operation": "vaults.fly", "fault": "bad_json"},
        {"operation": "vaults.list", "fault": "magic"},
        {"operation": "vaults.list", "fault": "bad_json", "count": 0},
        {"operation": "vaults.list", "fault": "bad_json", "count": True},
        {"operation": "vaults.list", "fault": "bad_json", "skip": -1},
        {"operation": "vaults.list", "fault": "bad_json", "depth": 3},
        {"operation": "vaults.list", "fault": "answer", "status": "500"},
        {"operation": "vaults.list", "fault": "answer", "status": 99},
        {"operation": "vaults.list", "fault": "answer", "shape": "poem"},
        {"operation": "vaults.list", "fault": "answer", "processed": 1},
        {"operation": "vaults.list", "fault": "answer", "headers": {"X-A": "two\r\nlines"}},
        {"operation": "vaults.list", "fault": "answer", "headers": {"X-\u0416": "1"}},
        {"operation": "vaults.list", "fault": "redirect", "location": "\u0416"},
        {"operation": "vaults.list", "fault": "throttle", "retry_after": "1\n"},
        {"operation": "vaults.list", "fault": "truncate", "share": 2},
        {"operation": "vaults.list", "fault": "shifting_pages", "change": "sideways"},
    ],
)
def test_a_fault_that_does_not_fit_is_refused_with_the_reason(visitor, wishes):
    answer = visitor.control("POST", "faults", wishes)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert visitor.control("GET", "faults").json()["faults"] == []


@pytest.mark.parametrize("fault", sorted(KINDS))
def test_after_any_fault_the_next_call_is_answered(visitor, fault):
    parameters = {
        name: value
        for name, value in {
            "seconds": 0,
            "pause_seconds": 0,
            "megabytes": 1,
            "number": 2,
            "field": "vaults",
        }.items()
        if name in KINDS[fault].parameters
    }
    assert visitor.spoil("vaults.list", fault, **parameters).status_code == 200

    with contextlib.suppress(requests.RequestException):
        visitor.session.get(
            f"{visitor.url}/v3/{visitor.project_id}/vaults", allow_redirects=False, timeout=10
        )
    visitor.sign_in()

    assert visitor.get("vaults").json()["count"] == 7
