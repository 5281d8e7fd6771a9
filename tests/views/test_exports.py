"""Lists as files: the current filter and order, all pages, in memory that does not grow, and safe to open."""

import csv
import io
import json
import tracemalloc
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from replication.models import AuditEntry, Replication, TablePreference
from replication.services.spreadsheet import Delimiter, csv_lines, in_pieces, json_lines
from tests.builders import NOW, a_backup, a_record, a_replication, a_replication_vault, a_vault

FILE, VAULT_FILE = reverse("replication-export"), reverse("vault-export")


def text_of(answer):
    return b"".join(answer.streaming_content).decode()


def rows_of(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter))


@pytest.fixture
def past(oskar):
    vault, destination = a_vault(), a_replication_vault()
    return [
        a_replication(
            source=vault,
            destination=destination,
            status="succeeded" if number % 2 else "failed",
            reason=f"Night {number}",
            requested_at=NOW + timedelta(minutes=number),
        )
        for number in range(120)
    ]


def test_csv_holds_the_filter_in_its_order_from_all_pages(client, vera, past):
    client.force_login(vera)

    answer = client.post(f"{FILE}?status=succeeded&sort=requested&size=25&before=x", {"format": "csv"})

    text = text_of(answer)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="replications-2')
    assert text.startswith('\ufeff"id","status",')
    assert [row["reason"] for row in rows_of(text)] == [f"Night {number}" for number in range(1, 120, 2)]


def test_json_holds_the_same_rows_as_numbers_and_times_with_offset(client, vera, past):
    record = a_record(replication=past[1], status="succeeded", arrived_at=NOW)
    a_record(replication=past[1], status="failed")
    client.force_login(vera)

    rows = json.loads(text_of(client.post(f"{FILE}?q={record.backup_id}", {"format": "json"})))

    one = past[1]
    assert rows == [
        {
            "id": str(one.pk),
            "status": "succeeded",
            "origin": "dashboard",
            "requested_at": "2026-11-24T12:01:00+00:00",
            "submitted_at": "2026-11-24T12:00:00+00:00",
            "finished_at": "2026-11-24T12:00:00+00:00",
            "changed_at": "2026-11-24T12:00:00+00:00",
            "actor.username": "oskar",
            "reason": "Night 1",
            "source_region": "eu-de",
            "source_project_id": one.source_project_id,
            "vault_id": one.vault_id,
            "source_vault.name": "vault-orders-db",
            "destination_region": "eu-nl",
            "destination_project_id": one.destination_project_id,
            "destination_vault_id": one.destination_vault_id,
            "destination.name": "vault-recovery",
            "cloud_request_id": "",
            "error_code": "",
            "error_message": "",
            "backups": 2,
            "backups_copied": 1,
            "backups_arrived": 1,
        }
    ]


def test_csv_and_json_agree(client, vera, past):
    client.force_login(vera)

    from_csv = rows_of(text_of(client.post(FILE, {"format": "csv"})))
    from_json = json.loads(text_of(client.post(FILE, {"format": "json"})))

    assert len(from_json) == 120
    assert [{name: str(value) for name, value in row.items()} for row in from_json] == from_csv


def test_empty_list_is_a_file_without_rows(client, vera):
    client.force_login(vera)

    assert rows_of(text_of(client.post(FILE, {"format": "csv"}))) == []
    assert json.loads(text_of(client.post(FILE, {"format": "json"}))) == []


def test_delimiter_is_the_persons_and_kept(client, vera, past):
    client.force_login(vera)

    chosen = rows_of(text_of(client.post(FILE, {"format": "csv", "delimiter": "semicolon"})), ";")
    kept = rows_of(text_of(client.post(FILE, {"format": "csv"})), ";")
    page = client.get(reverse("replication-list")).content.decode()

    assert chosen == kept != []
    assert TablePreference.objects.get().delimiter == "semicolon"
    assert '<option value="semicolon" selected>' in page


@pytest.mark.parametrize("nonsense", ["tab", "", "\0", ";"])
def test_delimiter_that_is_none_is_the_languages(client, vera, past, nonsense):
    client.force_login(vera)

    assert len(rows_of(text_of(client.post(FILE, {"format": "csv", "delimiter": nonsense})))) == 120
    assert TablePreference.objects.count() == 0


def test_file_of_a_reader_in_german_has_semicolons(client, vera, past, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    client.force_login(vera)

    text = text_of(client.post(FILE, {"format": "csv"}, headers={"Accept-Language": "de"}))

    assert text.startswith('\ufeff"id";"status";')


def test_export_is_written_down_before_it_leaves(client, vera, past):
    client.force_login(vera)

    answer = client.post(f"{FILE}?status=failed", {"format": "json"})

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.request_id, entry.details) == (
        "audit.exported",
        vera,
        answer["X-Request-Id"],
        {"model": "replication.replication", "filter": "status=failed", "rows": 60},
    )


def test_file_of_vaults_has_what_the_cloud_said_of_them(client, vera):
    vault = a_vault(name="=cmd|' /C calc'!A0")
    a_backup(vault=vault)
    a_backup(vault=vault, vanished_at=NOW)
    a_replication_vault()
    client.force_login(vera)

    [row] = rows_of(text_of(client.post(f"{VAULT_FILE}?purpose=sources", {"format": "csv"})))

    assert row == {
        "id": str(vault.pk),
        "region": "eu-de",
        "project": "eu-de_production",
        "project_id": vault.project.project_id,
        "vault_id": vault.vault_id,
        "name": "'=cmd|' /C calc'!A0",
        "protect_type": "backup",
        "object_type": "server",
        "status": "available",
        "size_gb": "1000",
        "used_mb": "409600",
        "auto_expand": "false",
        "resource_count": "3",
        "created_at": "2026-08-16T12:00:00+00:00",
        "seen_at": "2026-11-24T12:00:00+00:00",
        "vanished_at": "",
        "backups": "1",
    }


def test_many_times_the_rows_need_no_more_memory(client, vera, past):
    client.force_login(vera)

    def peak_of(form):
        tracemalloc.start()
        sent = sum(len(piece) for piece in client.post(FILE, form).streaming_content)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return sent, peak

    forms = [{"format": "csv"}, {"format": "json"}]
    # Enough for two portions of rows to be in memory at one time, as they are from then on.
    _multiply(past[0], 2_000)
    for form in forms:
        peak_of(form)  # what is only loaded once is not counted
    small = [peak_of(form) for form in forms]
    _multiply(past[0], 9_000)
    large = [peak_of(form) for form in forms]

    assert [now[0] > 4 * before[0] for before, now in zip(small, large, strict=True)] == [True, True]
    assert [now[1] < 1.2 * before[1] for before, now in zip(small, large, strict=True)] == [True, True]


def _multiply(replication, rows):
    values = {
        field.attname: getattr(replication, field.attname)
        for field in Replication._meta.concrete_fields
        if field.name not in {"id", "key"}
    }
    Replication.objects.bulk_create(Replication(**values, key=uuid.uuid4()) for _row in range(rows))


def test_lines_are_joined_without_loss():
    lines = [f"{number}\n" for number in range(450)]

    pieces = list(in_pieces(lines))

    assert "".join(pieces) == "".join(lines)
    assert len(pieces) == 3


def test_semicolons_leave_commas_alone():
    lines = csv_lines(["a", "b"], [("one, two", "three; four")], Delimiter.SEMICOLON)

    assert "".join(lines) == '\ufeff"a";"b"\r\n"one, two";"three; four"\r\n'


def test_json_keeps_text_that_a_spreadsheet_would_calculate():
    assert json.loads("".join(json_lines(["a"], [("=1+1",), (None,), (True,)]))) == [
        {"a": "=1+1"},
        {"a": None},
        {"a": True},
    ]
