"""Room, money and time: estimates with their basis, and none without."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from replication.services import quotes
from replication.services.preflight import Size
from replication.services.quotes import Cost, Duration, Room
from tests.builders import NOW, a_rate_card, a_record, a_replication, a_replication_vault, a_vault

GB = 1024


def test_room_before_and_after(db):
    vault = a_replication_vault(size_gb=1000, used_mb=400 * GB, auto_expand=False)

    room = Room.of(vault, Size(count=3, known_gb=500, unknown=0))

    assert (room.free_before_mb, room.used_after_mb, room.free_after_mb, room.lacking_mb) == (
        600 * GB,
        900 * GB,
        100 * GB,
        0,
    )


@pytest.mark.parametrize(
    ("incoming", "lacking", "free_expanded", "lacking_expanded"),
    [(700, 100, 150, 0), (850, 250, 0, 0), (900, 300, 0, 50)],
)
def test_room_of_a_vault_that_the_cloud_enlarges_by_a_quarter_when_it_is_full(
    db, incoming, lacking, free_expanded, lacking_expanded
):
    vault = a_replication_vault(size_gb=1000, used_mb=400 * GB, auto_expand=True)

    room = Room.of(vault, Size(count=3, known_gb=incoming, unknown=0))

    assert (room.expanded_mb, room.lacking_mb, room.free_expanded_mb, room.lacking_expanded_mb) == (
        1250 * GB,
        lacking * GB,
        free_expanded * GB,
        lacking_expanded * GB,
    )


@pytest.mark.parametrize("untold", [{"size_gb": None}, {"used_mb": None}])
def test_room_that_the_cloud_does_not_tell_is_none(db, untold):
    size = Size(count=1, known_gb=40, unknown=0)

    assert (Room.of(a_replication_vault(**untold), size), Room.of(None, size)) == (None, None)


def test_cost_is_the_size_times_the_prices(db):
    found = quotes.cost(a_rate_card(), Size(count=14, known_gb=812, unknown=0))

    assert (found.traffic, found.space_a_month, found.currency, found.valid_from) == (
        Decimal("16.24"),
        Decimal("40.60"),
        "EUR",
        date(2026, 1, 1),
    )
    assert Cost.restore(found.snapshot()) == found


def test_no_price_without_a_rate_card_or_with_a_size_that_nobody_knows(db):
    assert quotes.cost(None, Size(count=1, known_gb=40, unknown=0)) is None
    assert quotes.cost(a_rate_card(), Size(count=2, known_gb=40, unknown=1)) is None


@pytest.mark.parametrize(
    ("day", "currency"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), "EUR"),
        (date(2026, 6, 30), "EUR"),
        (date(2026, 7, 1), "CHF"),
    ],
)
def test_rate_card_counts_from_its_day_until_the_next_begins(db, day, currency):
    a_rate_card(valid_from=date(2026, 7, 1), currency="CHF")
    a_rate_card(valid_from=date(2026, 1, 1), currency="EUR")

    card = quotes.rate_card(day)

    assert (card.currency if card else None) == currency


def a_run(source, destination, minutes, *, days_ago=1, copied=True, **fields):
    sent = NOW - timedelta(days=days_ago)
    replication = a_replication(
        **{
            "source": source,
            "destination": destination,
            "status": "succeeded",
            "submitted_at": sent,
            "finished_at": sent + timedelta(minutes=minutes),
            **fields,
        }
    )
    if copied:
        a_record(replication=replication, status="succeeded")


def test_time_is_told_from_the_fifth_finished_replication_on(db):
    source, destination = a_vault(), a_replication_vault()
    lengths = [41, 38, 55, 47]
    for number, minutes in enumerate(lengths):
        a_run(source, destination, minutes, days_ago=number + 1)
    before = quotes.duration(source, "eu-nl")
    a_run(source, destination, 50, days_ago=9, status="partial")

    after = quotes.duration(source, "eu-nl")

    assert (before, before.is_known) == (Duration(runs=4), False)
    assert after == Duration(
        runs=5,
        shortest=timedelta(minutes=38),
        longest=timedelta(minutes=55),
        since=NOW - timedelta(days=9),
        until=NOW - timedelta(days=1),
    )
    assert (after.is_known, Duration.restore(after.snapshot())) == (True, after)


def test_only_what_copied_something_from_this_vault_to_this_region_counts(db):
    source, destination = a_vault(), a_replication_vault()
    for _number in range(4):
        a_run(source, destination, 40)
    a_run(source, destination, 1, copied=False)
    a_run(source, destination, 2, status="failed")
    a_run(source, destination, 3, status="rejected")
    a_run(a_vault(name="another"), destination, 4)
    a_run(source, destination, 5, destination_region="eu-ch2")

    assert quotes.duration(source, "eu-nl") == Duration(runs=4)


def test_only_the_latest_twenty_are_asked(db):
    source, destination = a_vault(), a_replication_vault()
    a_run(source, destination, 600, days_ago=400)
    for number in range(20):
        a_run(source, destination, 40 + number, days_ago=number + 1)

    found = quotes.duration(source, "eu-nl")

    assert (found.runs, found.shortest, found.longest) == (20, timedelta(minutes=40), timedelta(minutes=59))
