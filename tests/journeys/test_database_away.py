"""The database goes away exactly when the answer of the cloud arrives."""

import pytest
from django.db import OperationalError, connection

from replication.models import Attempt
from replication.services import submission
from tests.journeys.wishes import ask


@pytest.fixture(autouse=True)
def folder(tmp_path, settings, transactional_db):
    settings.SPOOL_DIR = tmp_path / "spool"
    return tmp_path / "spool"


class Outage:
    """Refuses every statement that would write down an outcome, for a number of tries."""

    def __init__(self, tries):
        self.left = tries

    def __call__(self, execute, sql, params, many, context):
        if self.left and sql.startswith("UPDATE") and "replication_attempt" in sql:
            self.left -= 1
            raise OperationalError("the database system is shutting down")
        return execute(sql, params, many, context)


def test_short_outage_is_waited_for_and_leaves_no_file(practice, oskar, folder):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")

    with connection.execute_wrapper(Outage(2)):
        practice.round()

    replication.refresh_from_db()
    assert (replication.status, replication.records.count(), list(folder.iterdir())) == ("running", 14, [])


def test_answer_of_a_long_outage_waits_on_disk_and_is_adopted_later(practice, oskar, folder, monkeypatch):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    monkeypatch.setattr(submission, "_STORE_FOR", submission.timedelta(0))

    with connection.execute_wrapper(Outage(99)), pytest.raises(OperationalError):
        practice.round()
    [kept] = folder.iterdir()
    replication.refresh_from_db()
    during = replication.status
    practice.round("worker-2")

    replication.refresh_from_db()
    [call] = practice.accepted()
    assert (during, replication.status, kept.exists()) == ("submitting", "running", False)
    assert replication.response == call["answer"]
    assert list(Attempt.objects.values_list("number", "outcome", "http_status", "cloud_request_id")) == [
        (1, "accepted", 200, call["request_id"])
    ]


def test_answer_that_comes_back_after_others_found_it_in_the_cloud_completes_what_they_know(
    practice, oskar, folder, monkeypatch, settings
):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    monkeypatch.setattr(submission, "_STORE_FOR", submission.timedelta(0))
    with connection.execute_wrapper(Outage(99)), pytest.raises(OperationalError):
        practice.round()

    # Another machine, which has not this folder, finds it in the cloud.
    settings.SPOOL_DIR = folder / "of another machine"
    for _round in range(4):
        practice.advance(minutes=5)
        practice.round("worker-2")
    replication.refresh_from_db()
    found = replication.status
    settings.SPOOL_DIR = folder
    practice.round("worker-1")

    replication.refresh_from_db()
    [call] = practice.accepted()
    assert found in {"running", "succeeded"}
    assert replication.response == call["answer"]
    assert {record.replication_record_id: record.backup_id for record in replication.records.all()} == {
        one["replication_record_id"]: one["backup_id"] for one in call["answer"]["replication"]["backups"]
    }


def test_disk_that_is_full_as_well_leaves_it_to_the_looks_at_the_cloud(
    practice, oskar, folder, monkeypatch, settings
):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    monkeypatch.setattr(submission, "_STORE_FOR", submission.timedelta(0))
    folder.write_text("a file where the folder should be")

    with connection.execute_wrapper(Outage(99)), pytest.raises(OperationalError):
        practice.round()
    for _round in range(60):
        practice.advance(minutes=10)
        practice.round("worker-2")

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
