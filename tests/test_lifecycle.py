"""The life of a replication, checked over all pairs of statuses and all combinations of three records."""

from itertools import combinations_with_replacement, product

import pytest

from replication.lifecycle import (
    ACTIVE,
    CLOUD_WORDS,
    FINAL,
    UNDER_WAY,
    IllegalTransition,
    RecordStatus,
    ReplicationStatus,
    check_transition,
    read_cloud_word,
    roll_up,
)

# Written out by hand from the plan, not read from the table under test: from a line, to a column.
#                 requested submitting unconfirmed running succeeded partial failed rejected cancelled
TABLE = """
requested         -         yes        -           -       -         -       yes    -        yes
submitting        yes       -          yes         yes     yes       -       -      yes      -
unconfirmed       yes       -          -           yes     -         -       -      -        yes
running           -         -          -           -       yes       yes     yes    -        -
succeeded         -         -          -           -       -         -       -      -        -
partial           -         -          -           -       -         -       -      -        -
failed            -         -          -           -       -         -       -      -        -
rejected          -         -          -           -       -         -       -      -        -
cancelled         -         -          -           -       -         -       -      -        -
"""
COLUMNS = [
    "requested",
    "submitting",
    "unconfirmed",
    "running",
    "succeeded",
    "partial",
    "failed",
    "rejected",
    "cancelled",
]
ALLOWED = {
    (line.split()[0], column)
    for line in TABLE.strip().splitlines()
    for column, answer in zip(COLUMNS, line.split()[1:], strict=True)
    if answer == "yes"
}


@pytest.mark.parametrize(("before", "after"), product(ReplicationStatus.values, ReplicationStatus.values))
def test_transition_is_allowed_exactly_where_the_plan_says(before, after):
    if (before, after) in ALLOWED:
        check_transition(before, after)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(before, after)


def test_every_status_is_either_final_or_active():
    assert {"succeeded", "partial", "failed", "rejected", "cancelled"} == FINAL
    assert {"requested", "submitting", "unconfirmed", "running"} == ACTIVE
    assert {"submitting", "unconfirmed", "running"} == UNDER_WAY


@pytest.mark.parametrize("records", combinations_with_replacement(RecordStatus.values, 3))
def test_roll_up_of_three_records(records):
    open_ones = {"waiting", "running", "unknown"}
    good = {"succeeded", "skipped"}

    if any(record in open_ones for record in records):
        expected = "running"
    elif all(record in good for record in records):
        expected = "succeeded"
    elif "succeeded" not in records:
        expected = "failed"
    else:
        expected = "partial"

    assert roll_up(records) == expected


def test_roll_up_of_no_records_is_succeeded_because_there_was_nothing_to_replicate():
    assert roll_up([]) == "succeeded"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("waiting_replicate", "waiting"),
        ("replicating", "running"),
        ("success", "succeeded"),
        ("fail", "failed"),
        ("skip", "skipped"),
        ("waiting", "waiting"),
        ("running", "running"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("timeout", "timed_out"),
        ("killed", "unknown"),
        ("", "unknown"),
    ],
)
def test_cloud_word_is_read_as(word, status):
    assert read_cloud_word(word) == status


def test_no_cloud_word_means_unknown_by_itself():
    assert RecordStatus.UNKNOWN not in CLOUD_WORDS.values()
