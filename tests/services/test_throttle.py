"""How many replications are on their way to a region at once, and why the others wait."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database

from replication.models import CloudReading, Replication
from replication.services import rounds, submission, throttle
from replication.services.throttle import Cause, Wait
from tests.builders import NOW, a_project, a_replication, a_replication_vault, a_user, a_vault
from tests.journeys.wishes import ask
from tests.practice import practising

SOURCES = ("vault-orders-db", "vault-erp", "vault-mail", "vault-web-shop")


@pytest.fixture
def four(practice, oskar):
    """Four queued replications to one region, the oldest first."""
    return [ask(practice, oskar, source=source, destination="replica-production") for source in SOURCES]


def statuses():
    return [one.status for one in Replication.objects.order_by("requested_at")]


def test_round_sends_the_oldest_while_the_region_has_room(practice, four, settings):
    settings.REPLICATION_REGION_LIMIT = 2

    first = practice.round()
    second = practice.round()

    assert (first.submitted, second.submitted) == (2, 0)
    assert statuses() == ["running", "running", "requested", "requested"]
    assert len(practice.accepted()) == 2


def test_next_one_goes_as_soon_as_one_is_over(practice, four, settings):
    settings.REPLICATION_REGION_LIMIT = 3
    practice.round()

    practice.advance(hours=3)
    practice.round()  # sees that they are over
    practice.round()

    assert len(practice.accepted()) == 4
    assert "requested" not in statuses()


def test_zero_is_no_limit_and_asks_nothing(practice, four, settings, django_assert_num_queries):
    settings.REPLICATION_REGION_LIMIT = 0

    with django_assert_num_queries(0):
        room = throttle.Room()
        taken = [room.take("eu-nl") for _ in range(99)]
        held = throttle.is_held(four[0].pk)
    practice.round()

    assert (all(taken), room.full, held) == (True, [], False)
    assert statuses() == ["running"] * 4


def test_room_of_a_round_costs_one_query_however_long_the_queue(
    practice, four, settings, django_assert_num_queries
):
    settings.REPLICATION_REGION_LIMIT = 2

    # What is on its way, and what is due.
    with django_assert_num_queries(2):
        chosen = rounds._sendable(practice.now())

    assert chosen == [one.pk for one in four[:2]]


def test_nudge_of_a_full_region_sends_nothing(practice, four, settings):
    settings.REPLICATION_REGION_LIMIT = 1
    practice.round()

    submission.submit_task.func(str(four[1].pk))

    assert statuses() == ["running", "requested", "requested", "requested"]


def test_full_region_keeps_no_other_region_waiting(db, settings):
    settings.REPLICATION_REGION_LIMIT = 1
    full = a_replication_vault()
    for number in range(rounds.AT_ONCE + 1):
        a_replication(source=a_vault(name=f"queued-{number}"), destination=full)
    a_replication(source=a_vault(name="running"), destination=full, status="running")
    free = a_replication(
        source=a_vault(name="other"),
        destination=full,
        destination_region="eu-ch2",
        check_after=NOW + timedelta(seconds=1),
    )

    assert rounds._sendable(NOW + timedelta(minutes=1)) == [free.pk]


def test_unclear_and_foreign_ones_take_up_room(db, settings):
    settings.REPLICATION_REGION_LIMIT = 2
    destination = a_replication_vault()
    a_replication(source=a_vault(name="unclear"), destination=destination, status="unconfirmed")
    foreign = a_replication(source=a_vault(name="foreign"), destination=destination, status="running")
    Replication.objects.filter(pk=foreign.pk).update(origin="foreign", actor=None)

    assert throttle.Room().full == ["eu-nl"]


@pytest.mark.parametrize("limit", [1, 3])
def test_claim_itself_keeps_to_the_limit_whoever_let_it_through(practice, four, settings, limit):
    settings.REPLICATION_REGION_LIMIT = limit

    for replication in four:
        submission.submit(replication.pk, worker_id="worker-1", clock=practice.now)

    assert len(practice.accepted()) == limit
    assert statuses() == ["running"] * limit + ["requested"] * (4 - limit)


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_once_and_overshoot_no_more_than_they_are(settings):
    settings.REPLICATION_REGION_LIMIT = 2
    workers = 3
    with practising("otc", settings) as practice:
        oskar = a_user("oskar", "operator")
        for source in SOURCES:
            ask(practice, oskar, source=source, destination="replica-production")

        def work(number):
            try:
                practice.round(f"worker-{number}")
            finally:
                database.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        accepted = [one["body"]["replicate"]["vault_id"] for one in practice.accepted()]

    exact = database.vendor == "sqlite"
    assert len(accepted) == len(set(accepted))
    assert 2 <= len(accepted) <= (2 if exact else 2 + workers - 1)


def test_each_waiting_one_says_why(db, settings):
    settings.REPLICATION_REGION_LIMIT = 1
    full, free = a_replication_vault(), a_replication_vault(name="other", project=a_project("eu-ch2_spare"))
    running = a_replication(source=a_vault(name="running"), destination=full, status="running")
    waiting = a_replication(source=a_vault(name="queued"), destination=full)
    postponed = a_replication(
        source=a_vault(name="postponed"), destination=full, check_after=NOW + timedelta(minutes=4)
    )
    next_one = a_replication(source=a_vault(name="next"), destination=free)

    found = throttle.waits([running, waiting, postponed, next_one], NOW)

    assert found == {
        waiting.pk: Wait(Cause.REGION_FULL, region="eu-nl", under_way=1, limit=1),
        postponed.pk: Wait(Cause.PAUSE, until=NOW + timedelta(minutes=4)),
        next_one.pk: Wait(Cause.WORKER),
    }


def test_one_behind_another_of_the_same_vault_names_it(db, settings):
    first = a_replication(status="running")
    # The constraint allows one active replication of a whole vault; what is asked here is only who goes first.
    second = Replication(
        source_vault=first.source_vault,
        destination_region=first.destination_region,
        status="requested",
        requested_at=NOW,
        check_after=NOW,
    )

    assert throttle.waits([second], NOW) == {second.pk: Wait(Cause.SAME_VAULT, behind=first)}


def test_safe_mode_goes_before_every_other_reason(db, settings):
    settings.SAFE_MODE_SINCE = NOW
    waiting = a_replication(check_after=NOW + timedelta(minutes=4))

    before = throttle.waits([waiting], NOW)
    CloudReading.objects.update(swept_at=NOW + timedelta(minutes=1))
    after = throttle.waits([waiting], NOW)

    assert [before[waiting.pk].cause, after[waiting.pk].cause] == [Cause.SAFE_MODE, Cause.PAUSE]


def test_reasons_of_many_cost_as_many_queries_as_those_of_one(db, settings, django_assert_num_queries):
    settings.SAFE_MODE_SINCE = NOW
    settings.REPLICATION_REGION_LIMIT = 1
    destination = a_replication_vault()
    for number in range(20):
        a_replication(source=a_vault(name=f"queued-{number}"), destination=destination)
    listed = list(Replication.objects.select_related("source_vault__project"))

    for some in (listed[:1], listed):
        with django_assert_num_queries(3):
            throttle.waits(some, NOW)
