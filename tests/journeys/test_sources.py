"""A lost answer is settled by whatever the cloud shows, and the evidence says what that was."""

import pytest

from tests.journeys.test_faults import to_rest
from tests.journeys.wishes import ask
from tests.practice import practising

#: Profile, switches of the sandbox, the source that settles it.
CLOUDS = [
    ("huawei", {}, "replication_records"),
    ("otc", {}, "operation_log"),
    ("otc", {"request_id": "same"}, "operation_log"),
    ("otc", {"replication_logs": "absent"}, "replica"),
    ("huawei", {"replication_logs": "absent"}, "replication_records"),
]


@pytest.fixture
def cloud_of(request, db, settings):
    profile, switches, source = request.param
    with practising(profile, settings, **switches) as practice:
        yield practice, source


@pytest.mark.parametrize("cloud_of", CLOUDS, indirect=True, ids=lambda one: f"{one[0]}-{one[2]}")
def test_lost_answer_is_settled_by_the_source_that_there_is(cloud_of, oskar):
    practice, source = cloud_of
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("close_after_processing")

    practice.round()
    to_rest(practice, replication)

    [call] = practice.accepted()
    adopted = replication.audit_entries.get(action="replication.adopted")
    assert adopted.details["evidence"] == source
    assert (replication.status, sorted(adopted.details["found"])) == (
        "succeeded",
        sorted(one["backup_id"] for one in call["answer"]["replication"]["backups"]),
    )
    assert all(record.arrived_at for record in replication.records.all())
    assert {record.evidence for record in replication.records.all()} == {source}


@pytest.mark.parametrize("practice_profile", ["otc", "huawei"])
def test_records_that_appear_late_are_found_by_a_later_look(practice_profile, db, settings, oskar):
    with practising(practice_profile, settings) as practice:
        replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
        practice.fault("records_visible_after", seconds=20 * 60)
        # One fault a call: the answer is lost by a worker that dies.
        practice.lose_the_answer_of(replication)
        practice.advance(minutes=4)
        practice.round("worker-2")
        replication.refresh_from_db()
        too_early = (replication.status, [look.found for look in replication.looks.all()])

        to_rest(practice, replication)

        assert too_early == ("unconfirmed", [0])
        assert (replication.status, len(practice.accepted())) == ("succeeded", 1)
        assert [look.complete for look in replication.looks.all()].count(False) == 0


def test_replicas_of_somebody_elses_work_are_not_taken_for_ours(db, settings, oskar):
    with practising("otc", settings, replication_logs="absent") as practice:
        finished = ask(practice, oskar, source="vault-erp", destination="replica-production")
        practice.round()
        replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
        practice.fault("close_before_processing")
        practice.round()

        to_rest(practice, replication)

        finished.refresh_from_db()
        assert finished.status == "succeeded"
        assert replication.status == "unconfirmed"
        assert not replication.audit_entries.filter(action="replication.adopted").exists()


def test_replicas_of_other_servers_in_the_same_destination_are_no_candidates(db, settings, oskar):
    with practising("otc", settings) as practice:
        unclear = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
        practice.fault("close_before_processing")
        practice.round()
        # Sent after the baseline of the unclear one was read, into the same vault.
        ask(practice, oskar, source="vault-erp", destination="replica-production")

        to_rest(practice, unclear)

        assert unclear.status == "unconfirmed"
        assert {look.found for look in unclear.looks.all()} == {0}
