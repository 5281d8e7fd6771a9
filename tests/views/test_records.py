"""The backups of a replication: all of them in pages, by what needs a look, searched by any id, and as a file."""

import csv
import io

import pytest
from django.urls import reverse

from replication.models import TablePreference
from replication.views.records import add_up
from tests.builders import NOW, a_record, a_replication, a_vault
from tests.views.site import text_of


def address(replication, name="list"):
    return reverse(f"replication-record-{name}", args=[replication.pk])


@pytest.fixture
def mixed(oskar):
    """One record of each status, those of another replication beside them."""
    replication = a_replication(status="running")
    records = {
        status: a_record(replication=replication, status=status, backup_name=f"backup-{status}", **fields)
        for status, fields in {
            "skipped": {},
            "succeeded": {"destination_backup_id": "replica-of-it", "arrived_at": NOW},
            "waiting": {},
            "unknown": {},
            "running": {"operation_log_id": "log-of-it"},
            "timed_out": {},
            "failed": {"error_code": "BackupService.1006", "resource_name": "pg-mail-01"},
        }.items()
    }
    a_record(replication=a_replication(source=a_vault(name="other")), status="failed")
    return replication, records


def shown(answer):
    return [record.status for record in answer.context["sheet"].rows]


def test_what_needs_a_look_comes_first(client, vera, mixed):
    replication, _records = mixed
    client.force_login(vera)

    answer = client.get(address(replication))

    assert shown(answer) == ["failed", "timed_out", "running", "unknown", "waiting", "succeeded", "skipped"]
    assert "7 backups" in text_of(answer)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=failed", ["failed"]),
        ("status=arrived", ["succeeded"]),
        ("status=x", ["failed", "timed_out", "running", "unknown", "waiting", "succeeded", "skipped"]),
        ("q=PG-MAIL", ["failed"]),
        ("q=backup-w", ["waiting"]),
        ("q=replica-of-it", ["succeeded"]),
        ("q=log-of-it", ["running"]),
        ("q=1006", ["failed"]),
        ("q=nothing", []),
        (
            "sort=-backup&q=backup",
            ["waiting", "unknown", "timed_out", "succeeded", "skipped", "running", "failed"],
        ),
    ],
)
def test_filter_search_and_order(client, vera, mixed, query, found):
    replication, _records = mixed
    client.force_login(vera)

    assert shown(client.get(f"{address(replication)}?{query}")) == found


def test_search_knows_each_id_of_a_record(client, vera, mixed):
    replication, records = mixed
    wanted = records["waiting"]
    client.force_login(vera)

    found = [
        shown(client.get(address(replication), {"q": text}))
        for text in (wanted.backup_id, wanted.replication_record_id, wanted.backup_id[:13])
    ]

    assert found == [["waiting"]] * 3


def test_file_holds_what_the_filter_shows(client, vera, mixed):
    replication, records = mixed
    client.force_login(vera)

    answer = client.post(address(replication, "export") + "?status=failed", {"format": "csv"})

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["replication"], row["backup_id"], row["error_code"], row["changed_at"]) == (
        str(replication.pk),
        records["failed"].backup_id,
        "BackupService.1006",
        "2026-11-24T12:00:00+00:00",
    )


def test_columns_are_kept_and_lead_back_here(client, vera, mixed):
    replication, _records = mixed
    client.force_login(vera)

    answer = client.post(
        reverse("list-columns", args=["records"]),
        {"column": ["error"], "next": f"{address(replication)}?q=x"},
    )

    assert answer["Location"] == f"{address(replication)}?q=x&columns=error"
    assert TablePreference.objects.get().columns == "error"
    assert client.get(address(replication)).context["sheet"].shown == {"backup", "error"}


def test_each_row_has_a_cell_for_each_column(client, vera, mixed):
    replication, _records = mixed
    client.force_login(vera)

    page = client.get(
        f"{address(replication)}?columns=backup,resource,status,progress,changed,error,ids"
    ).content.decode()

    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]
    assert page.count('<th scope="col"') == 7
    assert [row.count("<td") + row.count("<th ") for row in rows] == [7] * 7


def test_sums_are_those_of_all_records(vera, mixed):
    replication, _records = mixed
    a_record(replication=replication, status="failed", error_code="BackupService.1006", error_message="")
    a_record(replication=replication, status="succeeded", resource_size_gb=2)

    sums = add_up(replication)

    assert (sums.tally.total, sums.tally.over, sums.tally.copied, sums.tally.arrived) == (9, 6, 2, 1)
    assert (sums.total_gb, sums.copied_gb) == (8 * 40 + 2, 42)
    assert sums.faults == (("BackupService.1006", "", 2),)


def test_size_that_is_not_known_makes_no_sum(vera, mixed):
    replication, _records = mixed
    a_record(replication=replication, status="waiting", resource_size_gb=None)

    sums = add_up(replication)

    assert (sums.total_gb, sums.copied_gb) == (None, 40)
