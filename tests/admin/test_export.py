import csv
import io
from datetime import UTC, datetime

import pytest

from replication.models import AuditAction, AuditEntry, Replication
from replication.services import audit
from replication.services.spreadsheet import csv_lines
from tests.builders import NOW, a_replication, a_vault

EXPORT = "/admin/replication/{}/export/"


def rows_of(answer):
    text = b"".join(answer.streaming_content).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_export_holds_every_row_of_the_filter_from_all_pages(client, anna):
    client.force_login(anna)
    for n in range(120):
        a_replication(source=a_vault(name=f"vault-{n}"), status="succeeded", reason=f"run {n}")
    a_replication(source=a_vault(), status="failed")

    answer = client.post(EXPORT.format("replication") + "?status__exact=succeeded")

    rows = rows_of(answer)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert sorted(row["reason"] for row in rows) == sorted(f"run {n}" for n in range(120))


def test_export_speaks_of_a_replication_in_ids_words_and_times_with_offset(client, anna, oskar):
    client.force_login(anna)
    replication = a_replication(actor=oskar)

    (row,) = rows_of(client.post(EXPORT.format("replication")))

    assert row == {
        "id": str(replication.pk),
        "status": "requested",
        "requested_at": "2026-11-24T12:00:00+00:00",
        "submitted_at": "",
        "finished_at": "",
        "actor.username": "oskar",
        "reason": "Quarterly recovery exercise",
        "source_region": "eu-de",
        "source_project_id": replication.source_project_id,
        "vault_id": replication.vault_id,
        "source_vault.name": "vault-orders-db",
        "backup_id": "",
        "destination_region": "eu-nl",
        "destination_project_id": replication.destination_project_id,
        "destination_vault_id": replication.destination_vault_id,
        "destination.name": "vault-recovery",
        "replica_name": "",
        "replica_description": "",
        "auto_trigger": "false",
        "attempt": "0",
        "rearmed": "false",
        "provider_id": "",
        "cloud_request_id": "",
        "error_code": "",
        "error_message": "",
    }


def test_export_is_written_to_the_audit_and_not_into_itself(client, anna):
    client.force_login(anna)
    for n in range(3):
        audit.record(AuditAction.INVENTORY_REFRESH, now=NOW, request_id=f"request-{n}")

    answer = client.post(EXPORT.format("auditentry") + "?q=worker")

    assert [row["request_id"] for row in rows_of(answer)] == ["request-2", "request-1", "request-0"]
    entry = AuditEntry.objects.first()
    assert (entry.action, entry.actor, entry.actor_name, entry.request_id, entry.details) == (
        "audit.exported",
        anna,
        "anna",
        answer["X-Request-Id"],
        {"model": "replication.auditentry", "filter": "q=worker", "rows": 3},
    )


def test_export_is_not_a_link_that_somebody_could_be_made_to_follow(client, anna):
    client.force_login(anna)

    answer = client.get(EXPORT.format("replication"))

    assert (answer.status_code, AuditEntry.objects.count()) == (405, 0)


def test_export_with_a_filter_that_makes_no_sense_leads_back_to_the_list(client, anna):
    client.force_login(anna)

    answer = client.post(EXPORT.format("replication") + "?requested_at__year=soon")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/replication/replication/")
    assert AuditEntry.objects.count() == 0


def test_export_button_keeps_the_filter_of_the_list(client, anna):
    client.force_login(anna)
    a_replication()

    page = client.get("/admin/replication/replication/?status__exact=requested").content.decode()

    assert 'action="export/?status__exact=requested"' in page


def test_export_reads_the_table_once(client, anna, django_assert_max_num_queries):
    client.force_login(anna)
    for n in range(5):
        a_replication(source=a_vault(name=f"vault-{n}"))

    with django_assert_max_num_queries(40) as queries:
        list(client.post(EXPORT.format("replication")).streaming_content)

    table = Replication._meta.db_table
    reading = [query["sql"] for query in queries if f'"{table}"."error_message"' in query["sql"]]
    assert len([sql for sql in reading if "LIMIT" not in sql]) == 1


@pytest.mark.parametrize("start", [*"=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"])
def test_text_that_a_spreadsheet_would_calculate_is_neutralised(start):
    (_header, line) = csv_lines(["name"], [(f"{start}cmd|' /C calc'!A0",)])

    assert next(csv.reader(io.StringIO(line, newline=""))) == [f"'{start}cmd|' /C calc'!A0"]


def test_cells_keep_their_values():
    lines = csv_lines(
        ["a", "b__c"],
        [
            (None, True),
            (-5, 1.5),
            (datetime(2026, 11, 24, 12, 0, 0, 500000, tzinfo=UTC), {"ü": [1]}),
            ('He said "no", twice', "two\nlines"),
        ],
    )

    assert "".join(lines) == (
        '\ufeff"a","b.c"\r\n'
        '"","true"\r\n'
        "-5,1.5\r\n"
        '"2026-11-24T12:00:00.500000+00:00","{""ü"": [1]}"\r\n'
        '"He said ""no"", twice","two\nlines"\r\n'
    )
