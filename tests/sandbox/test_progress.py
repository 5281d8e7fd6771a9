"""How copies are scheduled and how far they are: pure functions of the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from replication.sandbox.progress import Fate, Schedule, Stage, percent_at, schedule_copies, stage_at

START = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)


def seconds(schedules):
    return [((s.begins_at - START).total_seconds(), (s.ends_at - START).total_seconds()) for s in schedules]


def test_four_copies_run_side_by_side_and_the_fifth_takes_the_first_free_lane():
    schedules = schedule_copies([5000, 1000, 5000, 5000, 2000], [Fate()] * 5, START, 1)

    assert seconds(schedules) == [(20, 120), (20, 40), (20, 120), (20, 120), (40, 80)]


def test_speed_divides_every_duration():
    schedules = schedule_copies([5000, 5000], [Fate()] * 2, START, 10)

    assert seconds(schedules) == [(2, 12), (2, 12)]


def test_a_failing_copy_ends_early_and_a_skipped_one_at_once():
    fates = [Fate(Stage.FAILED, "BackupService.1006", "", 40), Fate(Stage.SKIPPED, percent=0)]

    assert seconds(schedule_copies([5000, 5000], fates, START, 1)) == [(20, 60), (20, 20)]


def test_nothing_to_copy_is_an_empty_schedule():
    assert schedule_copies([], [], START, 1) == []


@pytest.mark.parametrize(
    ("after", "stage", "percent"),
    [
        (0, Stage.WAITING, 0),
        (20, Stage.RUNNING, 0),
        (70, Stage.RUNNING, 50),
        (119, Stage.RUNNING, 99),
        (120, Stage.SUCCEEDED, 100),
        (10_000, Stage.SUCCEEDED, 100),
    ],
)
def test_a_copy_waits_runs_and_arrives(after, stage, percent):
    schedule = Schedule(START + timedelta(seconds=20), START + timedelta(seconds=120))
    now = START + timedelta(seconds=after)

    assert (stage_at(now, schedule, Fate()), percent_at(now, schedule, Fate())) == (stage, percent)


def test_a_failing_copy_never_shows_more_than_it_reaches():
    fate = Fate(Stage.FAILED, "BackupService.1006", "", 40)
    schedule = Schedule(START, START + timedelta(seconds=100))

    shown = [percent_at(START + timedelta(seconds=second), schedule, fate) for second in range(201)]

    assert shown == sorted(shown)
    assert shown[-1] == 40


def test_a_skipped_copy_shows_no_progress():
    schedule = Schedule(START, START)

    assert percent_at(START, schedule, Fate(Stage.SKIPPED)) == 0
