"""An answer that the database could not take lies on disk, and is brought in later exactly as it came."""

import json
import stat

import pytest
from django.db import OperationalError, connection

from replication.cloud import AcceptedReplication, NotFound, OutcomeUnknown, Throttled, Transcript
from replication.models import Attempt, AuditEntry
from replication.services import spool
from replication.services.outcome import Delivery
from tests.builders import NOW, a_replication


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.SPOOL_DIR = tmp_path / "spool"
    return tmp_path / "spool"


def a_delivery(**fields):
    replication = a_replication(status="submitting", claimed_by="worker-1", attempt=1, **fields)
    Attempt.objects.create(replication=replication, number=1, worker="worker-1", begun_at=NOW)
    transcript = Transcript(
        bytes_written=512, http_status=200, request_id="req-1", answer_digest="ab", answer="{}"
    )
    return Delivery(replication, "worker-1", 1, transcript)


def an_answer(delivery):
    order = delivery.order
    document = {
        "replication": {
            "vault_id": order.vault_id,
            "destination_region": order.destination_region,
            "destination_project_id": order.destination_project_id,
            "destination_vault_id": order.destination_vault_id,
            "provider_id": "0daac4c5",
            "backups": [{"backup_id": "backup-1", "replication_record_id": "record-1"}],
            "not documented": ["kept", 1],
        }
    }
    return AcceptedReplication.from_json(document, order=order, request_id="req-1")


def test_answer_is_brought_in_as_it_came(db, folder):
    delivery = a_delivery()
    accepted = an_answer(delivery)

    path = spool.keep(delivery, accepted)
    stored = spool.bring_in(lambda: NOW)

    replication = delivery.replication
    replication.refresh_from_db()
    [attempt] = replication.attempts.all()
    assert (stored, path.exists(), list(folder.iterdir())) == (1, False, [])
    assert (replication.status, replication.response) == ("running", accepted.document)
    assert list(replication.records.values_list("backup_id", "replication_record_id")) == [
        ("backup-1", "record-1")
    ]
    assert (attempt.outcome, attempt.ended_at, attempt.bytes_written, attempt.answer_digest) == (
        "accepted",
        NOW,
        512,
        "ab",
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("No vault", code="BackupService.6105", http_status=404, request_id="req-2"), "rejected"),
        (OutcomeUnknown("Lost", region="eu-de", method="POST", path="/v3"), "unconfirmed"),
        (Throttled("Too many", http_status=429), "requested"),
    ],
    ids=["refusal", "unknown", "throttled"],
)
def test_failure_is_brought_in_as_it_came(db, error, status):
    delivery = a_delivery()
    if isinstance(error, Throttled):
        error.retry_after = 7.0

    spool.keep(delivery, error)
    spool.bring_in(lambda: NOW)

    replication = delivery.replication
    replication.refresh_from_db()
    assert (replication.status, replication.error_message, replication.cloud_request_id) == (
        status,
        error.message,
        error.request_id,
    )
    if isinstance(error, Throttled):
        assert (replication.check_after - NOW).total_seconds() == 7


def test_answer_that_comes_in_twice_changes_nothing_the_second_time(db):
    delivery = a_delivery()
    spool.keep(delivery, an_answer(delivery))
    spool.bring_in(lambda: NOW)

    spool.keep(delivery, an_answer(delivery))
    spool.bring_in(lambda: NOW)

    delivery.replication.refresh_from_db()
    assert (delivery.replication.status, delivery.replication.records.count()) == ("running", 1)
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "replication.accepted",
        "replication.late_answer",
    ]


def test_answer_after_the_replication_became_unclear_settles_it(db):
    delivery = a_delivery()
    spool.keep(delivery, an_answer(delivery))
    type(delivery.replication).objects.filter(pk=delivery.replication.pk).update(status="unconfirmed")

    spool.bring_in(lambda: NOW)

    delivery.replication.refresh_from_db()
    assert (delivery.replication.status, delivery.replication.records.count()) == ("running", 1)


def test_file_is_for_our_eyes_only_and_holds_no_token(db):
    delivery = a_delivery()

    path = spool.keep(delivery, an_answer(delivery))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(json.loads(path.read_text())) == [
        "accepted",
        "number",
        "replication",
        "request_id",
        "transcript",
        "worker",
    ]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"replication": "no uuid"}', '{"replication": "00000000-0000-0000-0000-000000000000"}'],
)
def test_file_that_cannot_be_read_is_set_aside_and_never_thrown_away(db, folder, content):
    folder.mkdir()
    (folder / "broken.json").write_text(content)

    stored = spool.bring_in(lambda: NOW)

    assert (stored, {path.name: path.read_text() for path in folder.iterdir()}) == (
        0,
        {"broken.unreadable": content},
    )


def test_file_stays_while_the_database_is_still_away(db, folder):
    delivery = a_delivery()
    path = spool.keep(delivery, an_answer(delivery))

    def away(execute, sql, params, many, context):
        if "UPDATE" in sql:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        spool.bring_in(lambda: NOW)

    assert list(folder.iterdir()) == [path]
