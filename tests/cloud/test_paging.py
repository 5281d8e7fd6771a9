"""Lists are read to their end, each item once, whatever comes and goes meanwhile."""

import logging
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replication.cloud import Unreadable
from replication.cloud.paging import Page, read_all


@dataclass(frozen=True)
class Thing:
    id: str


def things(*numbers):
    return [Thing(f"t-{number}") for number in numbers]


class Server:
    """A list in pages, that may change before each of them."""

    def __init__(self, listed, *, page_size=3, largest=1000, tells_count=True, changes=()):
        self.listed = list(listed)
        self.page_size, self.largest, self.tells_count = page_size, largest, tells_count
        self.changes = list(changes)
        self.offsets = []
        self.made = 0

    def fetch(self, offset):
        self.offsets.append(offset)
        if self.changes:
            inserts, deletes = self.changes.pop(0)
            for place in deletes:
                if self.listed:
                    del self.listed[place % len(self.listed)]
            for place in inserts:
                self.made += 1
                self.listed.insert(place % (len(self.listed) + 1), Thing(f"new-{self.made}"))
        part = self.listed[offset : offset + min(self.page_size, self.largest)]
        return Page(tuple(part), len(self.listed) if self.tells_count else None)

    def read(self, **options):
        return read_all(self.fetch, page_size=self.page_size, **options)


@pytest.mark.parametrize("tells_count", [True, False])
@pytest.mark.parametrize("largest", [1000, 2])
@pytest.mark.parametrize("length", range(9))
def test_a_list_at_rest_is_read_in_its_order_to_its_end(length, largest, tells_count):
    server = Server(things(*range(length)), largest=largest, tells_count=tells_count)

    assert server.read() == tuple(things(*range(length)))


def test_each_page_overlaps_the_one_before_by_an_item():
    server = Server(things(*range(8)), page_size=3)

    server.read()

    assert server.offsets == [0, 2, 4, 6]


def test_an_item_that_was_deleted_in_front_makes_the_reading_step_back():
    server = Server(things(*range(8)), page_size=3, changes=[([], []), ([], [0])])

    told = server.read()

    assert told == tuple(things(*range(8)))
    assert server.offsets == [0, 2, 0, 2, 4, 6]


@pytest.mark.parametrize("tells_count", [True, False])
def test_a_step_back_is_no_end_where_the_server_hands_out_less_than_asked(tells_count):
    nothing = ([], [])
    server = Server(
        things(*range(5)), largest=2, tells_count=tells_count, changes=[nothing, nothing, nothing, ([], [0])]
    )

    assert server.read() == tuple(things(*range(5)))


def test_what_is_read_again_after_a_step_back_is_not_taken_for_a_server_that_repeats_itself():
    server = Server(things(1, 2), page_size=2, tells_count=False, changes=[([], []), ([0], []), ([], [0])])

    assert server.read() == tuple(things(1, 2))


def test_an_item_is_told_as_it_was_when_last_seen():
    @dataclass(frozen=True)
    class Seen:
        id: str
        when: int

    pages = [
        Page((Seen("a", 1), Seen("b", 1)), 3),
        Page((Seen("b", 2), Seen("c", 2)), 3),
        Page((Seen("c", 3),), 3),
    ]

    assert read_all(lambda _: pages.pop(0), page_size=2) == (Seen("a", 1), Seen("b", 2), Seen("c", 3))


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_whatever_comes_and_goes_what_stayed_is_among_what_was_read(data):
    places = st.lists(st.integers(0, 60), max_size=5)
    server = Server(
        things(*range(data.draw(st.integers(0, 30)))),
        page_size=data.draw(st.integers(2, 6)),
        largest=data.draw(st.sampled_from([2, 3, 1000])),
        tells_count=data.draw(st.booleans()),
        changes=data.draw(st.lists(st.tuples(places, places), max_size=12)),
    )
    before = set(server.listed)

    # On pages as short as these the same page can come three times by chance; then nothing is told at all.
    with suppress(Unreadable):
        told = server.read()
        assert (before & set(server.listed)) - set(told) == set()
        assert len(set(told)) == len(told)


def test_a_server_that_answers_every_offset_alike_is_given_up():
    asked = []

    def fetch(offset):
        asked.append(offset)
        return Page(tuple(things(1, 2)), None)

    with pytest.raises(Unreadable, match="answers every offset with the same page"):
        read_all(fetch, page_size=2)

    assert len(asked) == 3


def test_a_list_without_end_is_given_up():
    counter = iter(range(1, 10_000))

    def fetch(offset):
        return Page((Thing(f"t-{offset}"), Thing(f"t-{offset + 1}")), next(counter) * 1000)

    with pytest.raises(Unreadable, match="did not end within 7 pages"):
        read_all(fetch, page_size=2, most_pages=7)


def test_a_list_that_never_comes_to_rest_is_given_up():
    turn = iter(range(1000))

    def fetch(_offset):
        number = next(turn)
        return Page(tuple(things(number * 2, number * 2 + 1)), 1000)

    with pytest.raises(Unreadable, match="did not end within 9 pages"):
        read_all(fetch, page_size=2, most_pages=9)


def test_a_list_shorter_than_it_is_said_to_be_is_told_in_the_log(caplog):
    caplog.set_level(logging.WARNING)

    told = read_all(lambda offset: Page(tuple(things(1, 2)[offset:]), 5), page_size=3)

    assert told == tuple(things(1, 2))
    assert caplog.messages == ["a list ends after 2 items, though it is said to have 5"]


def test_pages_that_could_not_overlap_are_a_mistake_of_ours():
    with pytest.raises(ValueError, match="cannot overlap"):
        read_all(lambda _: Page((), 0), page_size=1)
