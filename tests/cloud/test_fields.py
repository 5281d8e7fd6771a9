"""Single values: tolerant of every habit of the wire, and exact about what is missing or wrong."""

from datetime import UTC, datetime

import pytest

from replication.cloud import Unreadable
from replication.cloud.fields import Fields, parse_json, parse_moment


def field(value):
    return Fields({"x": value}, "thing")


def missing():
    return Fields({}, "thing")


def outcome(read):
    try:
        return read()
    except Unreadable as error:
        return error.message


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (rb'["\u0000", "\ud800x", "\udfff", "\ud83d\ude00"]', ["\ufffd", "\ufffdx", "\ufffd", "\U0001f600"]),
        (rb'{"\u0000": {"k": ["\ud800"]}, "n": 1}', {"\ufffd": {"k": ["\ufffd"]}, "n": 1}),
    ],
)
def test_json_is_read_so_that_it_can_be_stored(raw, told):
    assert parse_json(raw) == told


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", "line 1: Expecting value"),
        (b"{", "line 1: Expecting property name"),
        (b"\xff", "not UTF-8"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1e999]", "a number is out of range"),
        (b"9" * 5000, "Exceeds the limit"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_json_is_unreadable_and_says_why(raw, named):
    with pytest.raises(Unreadable, match="The answer is not JSON") as caught:
        parse_json(raw)

    assert named in caught.value.message


def test_a_key_that_stands_twice_is_refused_where_it_matters():
    with pytest.raises(Unreadable, match="an object names a key twice"):
        parse_json(b'{"a": {"b": 1, "b": 1}}', unique_keys=True)


MOMENT = datetime(2020, 2, 21, 7, 7, 25, 114_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-21T07:07:25.114+00:00",
        "2020-02-21T07:07:25.114000",
        "2020-02-21T07:07:25.114Z",
        "2020-02-21 08:07:25.114+01:00",
    ],
)
def test_both_forms_of_a_time_mean_the_same_moment(text):
    assert (parse_moment(text), field(text).moment("x")) == (MOMENT, MOMENT)
    assert parse_moment(text).tzinfo is UTC


WRONG_TIMES = [
    "soon",
    5,
    True,
    [],
    {},
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+01:00",
    "2020-02-30",
]
KINDS = {list: "a list", dict: "an object"}


@pytest.mark.parametrize("value", WRONG_TIMES, ids=str)
def test_what_is_no_time_is_named(value):
    kind = KINDS.get(type(value)) or repr(str(value))

    assert outcome(lambda: field(value).moment("x")) == f"thing.x: expected a time, got {kind}."


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_not_zero_and_not_false(value):
    for one in (field(value), missing()):
        assert [
            one.text("x"),
            one.whole_if_told("x"),
            one.percent("x"),
            one.flag("x"),
            one.moment("x"),
            dict(one.loose("x").values),
        ] == ["", None, None, None, None, {}]


def test_a_missing_list_or_object_is_empty_where_it_is_not_needed():
    for one in (field(None), missing()):
        assert (list(one.items("x")), one.inner("x").values) == ([], {})


@pytest.mark.parametrize(
    "read",
    [
        lambda one: one.text("x", needed=True),
        lambda one: one.id("x"),
        lambda one: one.whole("x"),
        lambda one: one.inner("x", needed=True),
        lambda one: one.needed_items("x"),
        lambda one: one.texts("x"),
    ],
    ids=["text", "id", "whole", "inner", "items", "texts"],
)
def test_a_needed_value_that_is_missing_is_named(read):
    assert [outcome(lambda: read(missing())), outcome(lambda: read(field(None)))] == ["thing.x: missing."] * 2


@pytest.mark.parametrize(("value", "told"), [("a", "a"), (0, "0"), (5, "5"), (1.5, "1.5"), ("0", "0")])
def test_a_string_may_be_a_number_on_the_wire(value, told):
    assert (field(value).text("x"), field(value).text("x", needed=True)) == (told, told)


@pytest.mark.parametrize("value", [True, [], {}, ["x"]], ids=str)
def test_what_is_no_string_is_named(value):
    assert outcome(lambda: field(value).text("x")).startswith("thing.x: expected a string, got ")


@pytest.mark.parametrize("value", [5, True, [], {}, "x" * 65, "a\nb", "\ufffd\u200b"], ids=repr)
def test_what_cannot_be_an_id_is_named(value):
    assert outcome(lambda: field(value).id("x")).startswith("thing.x: expected an id, got ")


def test_an_id_of_64_characters_is_one():
    assert field("x" * 64).id("x") == "x" * 64


@pytest.mark.parametrize(("value", "told"), [(0, 0), (7, 7), ("7", 7), (7.0, 7), (2**63 - 1, 2**63 - 1)])
def test_a_whole_number_may_be_written_in_three_ways(value, told):
    assert (field(value).whole("x"), field(value).whole_if_told("x")) == (told, told)


@pytest.mark.parametrize(
    "value", [-1, 1.5, "1.5", "x", True, [], {}, 2**63, "9" * 20, "9" * 30, "٣"], ids=repr
)
def test_what_is_no_whole_number_is_named(value):
    assert outcome(lambda: field(value).whole_if_told("x")).startswith(
        "thing.x: expected a whole number, got "
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (37, 37),
        ("37", 37),
        (37.0, 37),
        (-1, 0),
        (250, 100),
        (37.5, None),
        ("a lot", None),
        (True, None),
        ({}, None),
    ],
)
def test_a_share_is_kept_within_its_bounds_and_nobody_depends_on_it(value, told):
    assert field(value).percent("x") == told


@pytest.mark.parametrize(("value", "told"), [(True, True), ("true", True), ("False", False), (False, False)])
def test_a_flag_may_be_a_word(value, told):
    assert field(value).flag("x") is told


@pytest.mark.parametrize("value", [0, 1, "yes", [], {}], ids=str)
def test_what_is_no_flag_is_named(value):
    assert outcome(lambda: field(value).flag("x")).startswith("thing.x: expected true or false, got ")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        (' {"a": 1}\n', {"a": 1}),
        ("{broken", {}),
        ("[1]", {}),
        ("words", {}),
        ("", {}),
        (None, {}),
        (5, {}),
        ([1], {}),
        ("{" * 100_000, {}),
        ('{"a": "\ud800"}', {"a": "?"}),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_object_of_either_type_is_read_and_anything_else_is_empty(value, told):
    loose = field(value).loose("x")

    assert (loose.values, loose.where) == (told, "thing.x")


def test_a_list_tells_the_place_of_each_member():
    assert list(field(["a", 5]).items("x")) == [("a", "thing.x[0]"), (5, "thing.x[1]")]


def test_what_is_no_list_or_object_is_named():
    assert [
        outcome(lambda: field({}).items("x")),
        outcome(lambda: field("a").needed_items("x")),
        outcome(lambda: field([]).inner("x")),
        outcome(lambda: Fields.of(None, "thing")),
        outcome(lambda: field(["a", 5]).texts("x")),
        outcome(lambda: field([""]).texts("x")),
        outcome(lambda: Fields.of("y" * 50, "")),
    ] == [
        "thing.x: expected a list, got an object.",
        "thing.x: expected a list, got 'a'.",
        "thing.x: expected an object, got a list.",
        "thing: expected an object, got null.",
        "thing.x[1]: expected a string, got '5'.",
        "thing.x[0]: expected a string, got ''.",
        f": expected an object, got '{'y' * 40}…'.",
    ]
