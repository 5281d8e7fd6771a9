"""Faults on the way to the cloud and back: after each, the worker goes on until nothing is left to do.

Then the cloud must have accepted exactly what our rows say: never a double, never one lost, never one that nobody knows.
"""

import pytest

from replication.models import AuditEntry
from replication.services import connection
from tests.journeys.wishes import ask

# What is refused or not processed is gone through row by row in `test_failure_table`.
NOT_PROCESSED = [
    ("close_before_processing", {}),
    ("reset_mid_reading", {}),
    ("answer", {"status": 500}),
    ("answer", {"status": 502, "shape": "html"}),
]
SENT_AGAIN = [
    ("throttle", {"retry_after": "1"}),
    ("throttle", {"retry_after": "99999999"}),
    ("throttle", {"retry_after": "soon"}),
    ("answer", {"status": 401, "shape": "gateway", "code": "APIGW.0307"}),
    ("expire_token", {}),
]
PROCESSED = [
    ("close_after_processing", {}),
    ("reset_after_processing", {}),
    ("truncate", {}),
    ("wrong_content_length", {"by": 10}),
    ("chunked_garbage", {}),
    ("bad_status_line", {}),
    ("status", {"status": 202}),
    ("status", {"status": 201}),
    ("bad_json", {}),
    ("not_a_number", {}),
    ("deep_nesting", {}),
    ("huge_body", {"megabytes": 3}),
    ("gzip_bomb", {"megabytes": 50}),
    ("wrong_charset", {}),
    ("html_success", {}),
    ("empty_body", {}),
    ("foreign_ids", {}),
    ("duplicate_record_ids", {}),
    ("missing_field", {"field": "replication.backups"}),
    ("missing_field", {"field": "replication.backups.replication_record_id"}),
    ("changed_field", {"field": "replication.vault_id", "value": "another"}),
    ("answer", {"status": 500, "processed": True}),
    ("answer", {"status": 502, "shape": "html", "processed": True}),
]


def name_of(case):
    return "-".join([case[0], *(str(value) for value in case[1].values())])


def to_rest(practice, replication):
    """Let the worker go on until nothing changes any more by itself; hours pass here and in the cloud."""
    for _round in range(60):
        practice.advance(minutes=10)
        practice.round("worker-2")
        replication.refresh_from_db()
        if not replication.may_change:
            return


def assert_the_rows_say_what_the_cloud_did(practice, replication):
    accepted = practice.accepted()
    assert len(accepted) == (1 if replication.submitted_at and replication.records.exists() else 0)
    for call in accepted:
        backups = {
            one["backup_id"]: one["replication_record_id"] for one in call["answer"]["replication"]["backups"]
        }
        ours = {record.backup_id: record.replication_record_id for record in replication.records.all()}
        # Where a lost answer was the only place that told the record ids, they stay unknown; never wrong.
        assert set(ours) == set(backups)
        assert all(record_id in {"", backups[backup_id]} for backup_id, record_id in ours.items())


@pytest.mark.parametrize("case", NOT_PROCESSED, ids=name_of)
def test_fault_without_processing_starts_nothing_and_is_never_sent_again_by_itself(practice, oskar, case):
    fault, parameters = case
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault(fault, **parameters)

    practice.round()
    replication.refresh_from_db()
    after_first = replication.status
    to_rest(practice, replication)

    assert (after_first, replication.status, practice.accepted()) == ("unconfirmed", "unconfirmed", [])
    assert all(look.complete and look.found == 0 for look in replication.looks.all())
    assert replication.looks.count() >= 5


@pytest.mark.parametrize("case", SENT_AGAIN, ids=name_of)
def test_what_was_provably_not_acted_upon_is_sent_again(practice, oskar, case):
    fault, parameters = case
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault(fault, **parameters)

    practice.round()
    replication.refresh_from_db()
    after_first = replication.status
    to_rest(practice, replication)

    assert (after_first, replication.status, replication.attempt) == ("requested", "succeeded", 2)
    assert_the_rows_say_what_the_cloud_did(practice, replication)


@pytest.mark.parametrize("case", PROCESSED, ids=name_of)
def test_lost_answer_is_found_in_the_cloud_and_its_records_are_taken_over(practice, oskar, case):
    fault, parameters = case
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault(fault, **parameters)

    practice.round()
    replication.refresh_from_db()
    after_first = replication.status
    to_rest(practice, replication)

    assert (after_first, replication.status, len(practice.accepted())) == ("unconfirmed", "succeeded", 1)
    assert_the_rows_say_what_the_cloud_did(practice, replication)
    assert all(record.arrived_at for record in replication.records.all())
    assert AuditEntry.objects.filter(replication=replication, action="replication.adopted").count() == 1


def test_endpoint_that_is_not_there_is_tried_again_and_given_up_without_sending(practice, oskar, settings):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    connection.forget()

    for _round in range(12):
        practice.advance(minutes=10)
        practice.round()

    replication.refresh_from_db()
    assert (replication.status, replication.attempt, replication.submitted_at) == ("failed", 10, None)
    assert "Nothing was sent" in replication.error_message
    assert practice.accepted() == []


def test_records_that_become_visible_late_are_found_then(practice, oskar):
    """The worker dies with the answer in its hands, and for twenty minutes the cloud shows nothing of its work."""
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("records_visible_after", seconds=1200)
    order = practice.lose_the_answer_of(replication)
    practice.advance(minutes=5)
    practice.round()
    early = [(look.complete, look.found) for look in replication.looks.all()]

    to_rest(practice, replication)

    assert order.backups
    assert early == [(True, 0)]
    assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
    assert_the_rows_say_what_the_cloud_did(practice, replication)


def test_cloud_with_a_wrong_clock_changes_nothing(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("clock_skew", operation="*", seconds=-7200)
    practice.fault("close_after_processing")

    practice.round()
    to_rest(practice, replication)

    assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
    assert_the_rows_say_what_the_cloud_did(practice, replication)
