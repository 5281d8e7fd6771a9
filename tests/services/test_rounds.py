"""One round of the worker: everything that is due, once, whatever became of the nudges."""

from datetime import timedelta

import pytest
from django.db import connection as database

from replication.models import Replication
from replication.services import rounds
from replication.services.rounds import Round
from tests.builders import a_replication, a_replication_vault, a_vault
from tests.journeys.wishes import ask


def make_round(practice, beats=None):
    return rounds.make_round(
        worker_id="worker-1",
        clock=practice.now,
        beat=(lambda: None) if beats is None else (lambda: beats.append(practice.now())),
    )


def test_nothing_due_is_a_round_without_a_call_to_the_cloud(practice, caplog):
    caplog.clear()

    done = make_round(practice)

    assert done == Round(
        released=0, submitted=0, settled=0, followed=0, refreshed=0, swept=0, policy_changes=0
    )
    assert [record for record in caplog.records if record.name == "replication.cloud"] == []


def test_everything_due_is_done_once_and_counted(practice, oskar):
    ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    destination = a_replication_vault()
    long_ago = practice.now() - timedelta(minutes=10)
    dead = a_replication(
        source=a_vault(name="dead"),
        destination=destination,
        status="submitting",
        claimed_by="worker-0",
        claimed_until=practice.now() - timedelta(seconds=1),
        check_after=practice.now() + timedelta(hours=1),
    )
    a_replication(
        source=a_vault(name="running"), destination=destination, status="running", check_after=long_ago
    )
    practice.make_due("sandbox-recovery")

    done = make_round(practice)

    # The claim that was released is looked for in the same round.
    assert done == Round(
        released=1, submitted=1, settled=1, followed=1, refreshed=1, swept=0, policy_changes=0
    )
    dead.refresh_from_db()
    assert dead.status == "unconfirmed"


def test_signs_of_life_are_given_between_the_parts_and_before_each_sending(practice, oskar):
    beats = []

    make_round(practice, beats)
    idle = len(beats)
    for source in ("vault-orders-db", "vault-erp"):
        ask(practice, oskar, source=source, destination="replica-production")
    make_round(practice, beats)

    assert len(beats) == idle + idle + 2


def test_slow_sending_ends_after_a_while_so_that_the_unclear_are_looked_for(practice, oskar, monkeypatch):
    for source in ("vault-orders-db", "vault-erp", "vault-mail"):
        ask(practice, oskar, source=source, destination="replica-production")
    a_replication(
        source=a_vault(name="unclear"),
        destination=a_replication_vault(),
        status="unconfirmed",
        check_after=practice.now() - timedelta(seconds=1),
    )
    monkeypatch.setattr(rounds, "_SENDING_SECONDS", 0)

    done = make_round(practice)

    assert done == Round(
        released=0, submitted=1, settled=1, followed=0, refreshed=0, swept=0, policy_changes=0
    )
    assert len(practice.accepted()) == 1


def test_what_is_not_due_is_left_alone(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    Replication.objects.filter(pk=replication.pk).update(check_after=practice.now() + timedelta(minutes=1))

    done = make_round(practice)

    replication.refresh_from_db()
    assert (done.submitted, replication.status, practice.accepted()) == (0, "requested", [])


def test_round_that_is_stopped_between_two_sendings_leaves_the_second_for_later(practice, oskar):
    class Stopped(Exception):
        pass

    for source in ("vault-orders-db", "vault-erp"):
        ask(practice, oskar, source=source, destination="replica-production")

    def stop_after_the_first():
        if practice.accepted():
            raise Stopped

    with pytest.raises(Stopped):
        rounds.make_round(worker_id="worker-1", clock=practice.now, beat=stop_after_the_first)
    first = len(practice.accepted())
    make_round(practice)

    assert (first, len(practice.accepted())) == (1, 2)


@pytest.mark.skipif(database.vendor == "sqlite", reason="SQLite stores texts of any length")
def test_replication_that_cannot_be_stored_keeps_no_other_part_waiting(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.make_due("sandbox-recovery")

    done = rounds.make_round(worker_id="w" * 300, clock=practice.now)

    replication.refresh_from_db()
    assert (done.submitted, done.refreshed, replication.status, practice.accepted()) == (
        1,
        1,
        "requested",
        [],
    )
