"""Code, message and request id in every shape of an error body, and nothing secret in what is shown."""

import json
from datetime import UTC, datetime

import pytest

from replication.cloud import OutcomeUnknown
from replication.cloud.answers import Answer, Call, parse_retry_after, shown
from replication.cloud.delivery import decide_answer, decide_read
from tests.cloud.raw_server import TOKEN, document

CALL = Call(region="eu-de", method="GET", path="/v3/p/vaults")
NOW = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)


def an_answer(body=b"", status=400, *, secrets=(TOKEN,), **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(CALL, status, named, body, secrets=secrets)


def json_answer(body, status=400, **headers):
    return an_answer(json.dumps(body).encode(), status, **headers)


CASES = document("errors")["errors"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_documented_error_tells_its_code_and_request_id(case):
    said = (
        json_answer(case["body"], case["http_status"]) if "body" in case else an_answer(case["text"].encode())
    )

    code, message = said.problem

    assert (code, said.request_id) == (case["error_code"], case.get("body", {}).get("request_id", ""))
    assert message in str(case.get("body", ""))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"error_code": "BackupService.6130", "error_msg": "Busy."}, ("BackupService.6130", "Busy.")),
        ({"errorCode": "X.1", "errorMsg": "m"}, ("X.1", "m")),
        ({"code": "X.1", "message": "m"}, ("X.1", "m")),
        ({"badRequest": {"code": 400, "message": "m"}}, ("400", "m")),
        ({"error": {"code": 401, "message": "m", "title": "Unauthorized"}}, ("", "m")),
        ({"error": {"code": "X.1", "message": "m"}}, ("X.1", "m")),
        ({"error": {"error_code": "X.1", "error_msg": "m"}}, ("X.1", "m")),
        ({"details": {}, "error": {"code": "X.1"}}, ("X.1", "")),
        ({"error_msg": "m"}, ("", "m")),
        ({"error_code": None, "code": "X.1"}, ("X.1", "")),
        ({"error_code": ["X"], "error_msg": {"a": 1}}, ("", "")),
        ({"error_code": True, "error_msg": 5}, ("", "5")),
        ({"error_code": "x" * 65, "error_msg": "m " * 200}, ("", "m " * 150 + "…")),
        ({"error_code": "ü", "error_msg": "a\r\nb\x1b[31m\ud800"}, ("", "a b [31m\ufffd")),
        ({"error_code": TOKEN, "error_msg": f"for {TOKEN}"}, ("[secret]", "for [secret]")),
        ({}, ("", "")),
        ([], ("", "")),
        ("words", ("", "")),
        (None, ("", "")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_code_and_message_are_found_in_every_shape_and_fit_to_be_shown(body, problem):
    assert json_answer(body).problem == problem


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b"\xff", b"[" * 60_000, b'{"error_code": "X.1"' + b" " * 70_000]
)
def test_a_body_that_is_no_error_object_tells_no_code(body):
    assert (an_answer(body, 502).problem, an_answer(body, 502).request_id) == (("", ""), "")


def test_a_success_has_no_problem_whatever_it_holds():
    assert json_answer({"error_code": "X.1", "request_id": "r"}, 200).problem == ("", "")


def test_the_request_id_comes_from_the_first_header_that_has_one_and_then_from_the_body():
    body = {"request_id": "in-body"}

    assert [
        json_answer(body, x_request_id="a", x_iam_trace_id="b", x_openstack_request_id="c").request_id,
        json_answer(body, x_request_id="", x_iam_trace_id="b").request_id,
        json_answer(body, x_openstack_request_id="c").request_id,
        json_answer(body).request_id,
        json_answer({"request_id": {"a": 1}}).request_id,
        json_answer({"request_id": "x " * 120}).request_id,
    ] == ["a", "b", "c", "in-body", "", ""]


def test_evidence_is_one_line_cut_and_without_secrets():
    said = an_answer(f"<p>\n{TOKEN} and correct horse {'x ' * 400}".encode(), secrets=("correct horse", ""))

    assert said.evidence.startswith("<p> [secret] and [secret] x x")
    assert (len(said.evidence), said.evidence[-1]) == (501, "…")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7.5 ", 7.5),
        ("-3", 0.0),
        ("1e9", 600.0),
        ("inf", 600.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:30 -0000", 30.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600.0),
        ("Fri, 31 Dec 99999999 23:59:59 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +2300", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_reason(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


def test_an_answer_tells_when_to_try_again():
    assert (an_answer(retry_after="7").retry_after, an_answer().retry_after) == (7.0, None)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://elsewhere.example/v3?x=1", "elsewhere.example"),
        ("/v3/other", ""),
        ("http://[half", ""),
        ("http://a\x1bb/", "a b"),
        ("", ""),
    ],
)
def test_a_redirect_tells_only_the_host_that_it_points_to(location, host):
    assert an_answer(status=302, location=location).redirect_host == host


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ({}, ""), ([], ""), (5, "5"), (True, "True"), ("a\tb", "a b"), ("x" * 12, "x" * 10 + "…")],
)
def test_what_is_shown_is_one_short_line(value, text):
    assert shown(value, 10, ()) == text


def test_an_answer_shows_neither_its_body_nor_its_secrets():
    assert repr(an_answer(b"hidden", secrets=("hidden",))).count("hidden") == 0


def test_a_cut_answer_is_unknown_to_the_post_and_unreadable_to_a_read():
    cut = Answer(CALL, 200, {}, b"x" * 10, is_cut=True)

    assert [type(decide_answer(cut)), type(decide_read(cut)).__name__] == [OutcomeUnknown, "Unreadable"]
