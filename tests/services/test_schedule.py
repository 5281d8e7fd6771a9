"""When a policy runs next, in UTC."""

from datetime import UTC, datetime, timedelta

import pytest

from replication.services.schedule import next_runs, patterns_of

#: A Tuesday.
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def runs(*patterns, started_at=None, after=NOON, count=3):
    found = next_runs(patterns, started_at, after=after, count=count)
    return None if found is None else [f"{one:%a %d %H:%M}" for one in found]


def test_a_daily_rule_runs_every_day():
    assert runs("FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00") == [
        "Wed 25 03:00",
        "Thu 26 03:00",
        "Fri 27 03:00",
    ]


def test_a_weekly_rule_runs_on_its_days():
    assert runs("FREQ=WEEKLY;BYDAY=SA,MO;BYHOUR=04;BYMINUTE=30") == [
        "Sat 28 04:30",
        "Mon 30 04:30",
        "Sat 05 04:30",
    ]


def test_a_run_at_this_very_moment_is_not_the_next_one():
    assert runs("FREQ=DAILY;BYHOUR=12;BYMINUTE=0", count=1) == ["Wed 25 12:00"]
    assert runs("FREQ=DAILY;BYHOUR=12;BYMINUTE=0", count=1, after=NOON - timedelta(seconds=1)) == [
        "Tue 24 12:00"
    ]


def test_several_rules_are_told_in_one_order_each_moment_once():
    assert runs(
        "FREQ=DAILY;BYHOUR=15;BYMINUTE=00",
        "FREQ=WEEKLY;BYDAY=TU;BYHOUR=15,13;BYMINUTE=00",
    ) == ["Tue 24 13:00", "Tue 24 15:00", "Wed 25 15:00"]


def test_intervals_are_counted_from_the_start_of_the_policy():
    started = datetime(2026, 11, 21, 8, 20, tzinfo=UTC)

    assert runs("FREQ=DAILY;INTERVAL=2;BYHOUR=05;BYMINUTE=00", started_at=started) == [
        "Wed 25 05:00",
        "Fri 27 05:00",
        "Sun 29 05:00",
    ]
    # Weeks begin on Monday: the start lies in the week before.
    assert runs("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;BYHOUR=05;BYMINUTE=00", started_at=started) == [
        "Mon 30 05:00",
        "Fri 04 05:00",
        "Mon 14 05:00",
    ]


def test_what_a_rule_leaves_out_comes_from_the_start():
    started = datetime(2026, 11, 20, 8, 20, 33, tzinfo=UTC)

    assert runs("FREQ=WEEKLY", started_at=started) == ["Fri 27 08:20", "Fri 04 08:20", "Fri 11 08:20"]


def test_nothing_runs_before_the_start():
    started = datetime(2026, 11, 30, 8, 20, tzinfo=UTC)

    assert runs("FREQ=DAILY;BYHOUR=7,9;BYMINUTE=00", started_at=started, count=2) == [
        "Mon 30 09:00",
        "Tue 01 07:00",
    ]


def test_the_start_may_be_told_in_any_zone():
    zone = datetime.fromisoformat("2026-11-22T01:30:00+02:00")

    assert runs("FREQ=DAILY;INTERVAL=3;BYHOUR=1;BYMINUTE=0", started_at=zone, count=2) == [
        "Fri 27 01:00",
        "Mon 30 01:00",
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "DAILY",
        "FREQ=MONTHLY;BYHOUR=1;BYMINUTE=0",
        "FREQ=DAILY;BYHOUR=24;BYMINUTE=0",
        "FREQ=DAILY;BYHOUR=1;BYMINUTE=60",
        "FREQ=DAILY;BYHOUR=1;BYHOUR=2;BYMINUTE=0",
        "FREQ=DAILY;BYHOUR=1;BYMINUTE=0;COUNT=3",
        "FREQ=DAILY;BYHOUR=1;BYMINUTE=0;UNTIL=20270101T000000Z",
        "FREQ=WEEKLY;BYDAY=1MO;BYHOUR=1;BYMINUTE=0",
        "FREQ=WEEKLY;BYDAY=;BYHOUR=1;BYMINUTE=0",
        # These need a start, and there is none.
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=2;BYHOUR=1;BYMINUTE=0",
        "FREQ=WEEKLY;BYHOUR=1;BYMINUTE=0",
    ],
)
def test_of_a_rule_that_cannot_be_read_no_moment_is_told(pattern):
    assert runs(pattern) is None
    assert runs("FREQ=DAILY;BYHOUR=1;BYMINUTE=0", pattern) is None


def test_a_policy_without_rules_never_runs():
    assert runs() == []


def test_rules_are_written_as_the_console_writes_them():
    assert patterns_of(weekdays=["SU", "MO"], every_days=1, hours=[14, 2]) == (
        "FREQ=WEEKLY;BYDAY=MO,SU;BYHOUR=02;BYMINUTE=00",
        "FREQ=WEEKLY;BYDAY=MO,SU;BYHOUR=14;BYMINUTE=00",
    )
    assert patterns_of(weekdays=[], every_days=3, hours=[4]) == (
        "FREQ=DAILY;INTERVAL=3;BYHOUR=04;BYMINUTE=00",
    )
    assert len(patterns_of(weekdays=[], every_days=1, hours=range(24))) == 24
