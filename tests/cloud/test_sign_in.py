"""Signing in: one POST, no redirect, no proxy, no secret shown, and whatever goes wrong may be tried again."""

import gc
import gzip
import logging
import socket
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from keystoneauth1 import loading

from replication.cloud import CloudError, Misconfigured, NotDelivered, SignInFailed, Throttled
from replication.cloud.sign_in import Access, SignedIn, sign_in
from tests.cloud.raw_server import PROJECT_ID, TOKEN, answer, document, token_answer

PASSWORD = "correct horse"


def plugin_for(url):
    return loading.get_plugin_loader("password").load_from_options(
        auth_url=f"{url}/v3",
        username="replication",
        password=PASSWORD,
        user_domain_name="OTC-EU-DE-00000000001000042",
        project_name="eu-de_production",
        project_domain_name="OTC-EU-DE-00000000001000042",
    )


@pytest.fixture
def signing_in(serve):
    """Sign in to a server that answers as told; return the outcome and the server."""

    def attempt(respond, *, discovery=None, deadline_seconds=10.0):
        def by_path(request):
            if request.path == "/v3":
                return discovery or answer(404)
            return respond(request) if callable(respond) else respond

        server = serve(by_path)
        try:
            told = sign_in(
                plugin_for(server.url),
                auth_url=f"{server.url}/v3",
                region="eu-de",
                secrets=(PASSWORD,),
                deadline_seconds=deadline_seconds,
            )
        except CloudError as error:
            return error, server
        return told, server

    return attempt


def posts(server):
    return [request.path for request in server.received if request.method == "POST"]


def facts(error):
    return type(error), error.http_status, error.code, error.request_id


def test_a_token_is_returned_with_its_project_its_life_and_the_catalog(signing_in):
    told, server = signing_in(token_answer())

    assert told == SignedIn(
        access=Access(
            token=TOKEN,
            project_id=PROJECT_ID,
            project_name="eu-de_production",
            expires_at=datetime(2024, 5, 15, 9, 29, 0, 512_000, tzinfo=UTC),
        ),
        lifetime=timedelta(days=1),
        catalog=tuple(document("auth_token_answer")["token"]["catalog"]),
    )
    assert posts(server) == ["/v3/auth/tokens"]


@pytest.mark.parametrize("listed", [False, True])
def test_the_password_goes_to_the_configured_host_whatever_the_service_says_of_itself(
    signing_in, serve, listed
):
    elsewhere = serve(lambda _: token_answer())
    version = document("iam_discovery")["version"]
    version["links"][0]["href"] = f"{elsewhere.url}/v3/"
    discovery = {"versions": {"values": [version]}} if listed else {"version": version}

    told, server = signing_in(token_answer(), discovery=answer(200, discovery))

    assert (told.access.token, posts(server), elsewhere.received) == (TOKEN, ["/v3/auth/tokens"], [])


def test_a_service_that_is_trusted_by_the_entry_signs_in_encrypted(serve, tls, certificate):
    server = serve(lambda request: answer(404) if request.method == "GET" else token_answer(), tls=tls)
    url = server.url.replace("http:", "https:")

    told = sign_in(plugin_for(url), auth_url=f"{url}/v3", region="eu-de", verify=str(certificate))

    assert told.access.token == TOKEN


def test_a_sign_in_leaves_no_connection_to_the_garbage_collection(serve, tls, certificate):
    server = serve(lambda request: answer(404) if request.method == "GET" else token_answer(), tls=tls)
    url = server.url.replace("http:", "https:")
    gc.disable()

    sign_in(plugin_for(url), auth_url=f"{url}/v3", region="eu-de", verify=str(certificate))
    for thread in server._threads[1:]:
        thread.join(5)

    gc.enable()
    assert [thread.is_alive() for thread in server._threads[1:]] == [False]


def test_a_certificate_that_nobody_vouches_for_gets_no_password(serve, tls):
    server = serve(lambda _: token_answer(), tls=tls)
    url = server.url.replace("http:", "https:")

    with pytest.raises(Misconfigured, match=r"certificate of 127\.0\.0\.1 is not trusted"):
        sign_in(plugin_for(url), auth_url=f"{url}/v3", region="eu-de")

    assert server.received == []


@pytest.mark.parametrize(
    "catalog", [None, {}, "x", 5, [None, 5, "x", {"type": "cbr"}]], ids=lambda catalog: str(catalog)[:20]
)
def test_a_catalog_of_another_form_is_kept_as_it_is_or_left_out(signing_in, catalog):
    told, _ = signing_in(token_answer(catalog=catalog))

    assert told.catalog == (tuple(catalog) if isinstance(catalog, list) else ())


DOCUMENTED = [case for case in document("errors")["errors"] if case["http_status"] != 429]


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: case["name"])
def test_every_documented_error_is_a_failed_sign_in_and_is_not_tried_twice(signing_in, case):
    body = case["body"] if "body" in case else case.get("text", "").encode()

    error, server = signing_in(
        answer(case["http_status"], body, {"Content-Type": case["content_type"], **case.get("headers", {})})
    )

    request_id = case["body"].get("request_id", "") if "body" in case else ""
    assert facts(error) == (SignInFailed, case["http_status"], case["error_code"], request_id)
    assert (error.region, error.method, error.path) == ("eu-de", "POST", "/v3/auth/tokens")
    assert posts(server) == ["/v3/auth/tokens"]


def test_a_throttled_sign_in_tells_how_long_to_wait(signing_in):
    body = {"error_code": "IAM.0012", "error_msg": "Threshold: 30 times per 1 seconds"}

    error, server = signing_in(answer(429, body, {"Retry-After": "7", "X-IAM-Trace-Id": "trace-1"}))

    assert (*facts(error), error.retry_after) == (Throttled, 429, "IAM.0012", "trace-1", 7.0)
    assert posts(server) == ["/v3/auth/tokens"]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["{elsewhere}/v3/auth/tokens", "/v3/other", "http://[half", None])
def test_a_redirect_is_not_followed_with_the_password(signing_in, serve, status, location):
    elsewhere = serve(lambda _: token_answer())
    headers = {} if location is None else {"Location": location.format(elsewhere=elsewhere.url)}

    error, server = signing_in(answer(status, b"", headers))

    assert facts(error) == (Misconfigured, status, "", "")
    assert error.message.startswith("The auth_url is answered with a redirect")
    assert (posts(server), elsewhere.received) == (["/v3/auth/tokens"], [])


def say(raw):
    def script(connection):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)

    return lambda _request: script


WHOLE = token_answer()
LOST = [
    say(b""),
    say(WHOLE[:-20]),
    say(b"HTTP/1.1 banana\r\n\r\n"),
    say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    say(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n{}"),
    say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"),
]


@pytest.mark.parametrize("respond", LOST)
def test_a_lost_answer_is_told_as_one_and_has_started_nothing(signing_in, respond):
    error, server = signing_in(respond)

    assert type(error) is NotDelivered
    assert error.message.startswith("The request may have reached 127.0.0.1, but its answer was lost: ")
    assert error.message.endswith("It was the sign-in, so nothing was started.")
    assert posts(server) == ["/v3/auth/tokens"]


def drip(connection):
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize("script", [lambda connection: connection.recv(1), drip], ids=["silence", "a drip"])
def test_an_answer_that_does_not_come_in_time_is_given_up(signing_in, script):
    error, _ = signing_in(lambda _: script, deadline_seconds=0.3)

    assert type(error) is NotDelivered
    assert error.message == (
        "The request may have reached 127.0.0.1, but its answer was lost: it did not answer in time. "
        "It was the sign-in, so nothing was started."
    )


def test_a_service_that_is_not_there_is_not_reached(serve):
    gone = serve(lambda _: answer())
    gone.close()

    with pytest.raises(NotDelivered) as caught:
        sign_in(plugin_for(gone.url), auth_url=f"{gone.url}/v3", region="eu-de")

    assert (type(caught.value), caught.value.message) == (
        NotDelivered,
        "No connection to 127.0.0.1: connection refused. Nothing was sent.",
    )


WITHOUT_TOKEN = answer(201, document("auth_token_answer"))
ODD = [
    WITHOUT_TOKEN,
    token_answer(token=""),
    token_answer(token="two words"),
    token_answer(token="\xe9t\xe9"),
    token_answer(expires_at=None),
    token_answer(expires_at="soon"),
    token_answer(expires_at=5),
    token_answer(expires_at="9999-12-31T23:59:59-23:59"),
    token_answer(issued_at="0001-01-01T00:00:00+23:59"),
    token_answer(issued_at=None),
    token_answer(project={"id": ["x"], "name": "p"}),
    token_answer(project={"id": "../admin", "name": "p"}),
    token_answer(project="p"),
    answer(201, b"", {"X-Subject-Token": TOKEN}),
    answer(201, b"null", {"X-Subject-Token": TOKEN}),
    answer(201, b"[]", {"X-Subject-Token": TOKEN}),
    answer(201, b"{}", {"X-Subject-Token": TOKEN}),
    answer(201, b'{"token": 5}', {"X-Subject-Token": TOKEN}),
    answer(201, b"[" * 100_000, {"X-Subject-Token": TOKEN}),
    answer(201, b"9" * 5000, {"X-Subject-Token": TOKEN}),
    answer(200, b"<html>Welcome</html>", {"X-Subject-Token": TOKEN, "Content-Type": "text/html"}),
    answer(200, b"\xff\xfe", {"X-Subject-Token": TOKEN}),
    answer(204),
]


@pytest.mark.parametrize("said", ODD, ids=range(len(ODD)))
def test_an_answer_in_another_form_is_a_failed_sign_in(signing_in, said):
    error, server = signing_in(said)

    assert facts(error) == (SignInFailed, None, "", "")
    assert error.message.startswith("The identity service at 127.0.0.1 did not sign us in: ")
    assert posts(server) == ["/v3/auth/tokens"]


def test_a_token_for_no_project_is_refused_with_what_to_do(signing_in):
    error, _ = signing_in(token_answer(project=None))

    assert (type(error), error.message) == (
        Misconfigured,
        "The token is for no project: backups belong to one. Name it as project_name or project_id in the entry.",
    )


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("status", [201, 401, 307])
def test_an_endless_answer_does_not_fill_the_memory(signing_in, encoding, status):
    plain = b'{"token": "' + b" " * 100_000_000
    body = gzip.compress(plain, 1) if encoding == "gzip" else plain[: 8 * 1024 * 1024]
    said = answer(status, body, {"Content-Encoding": encoding, "X-Subject-Token": TOKEN})
    tracemalloc.start()

    error, _ = signing_in(said)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(error, SignInFailed | Misconfigured)
    assert peak < 20_000_000


def test_what_a_service_repeats_to_us_is_shown_without_password_and_token(signing_in, caplog):
    caplog.set_level(logging.DEBUG)
    body = {"error": {"code": 401, "message": f"No {PASSWORD} and {TOKEN}", "title": "Unauthorized"}}

    error, _ = signing_in(answer(401, body))

    assert error.message == "The identity service did not sign us in (401): No [secret] and [secret]"
    assert PASSWORD not in " ".join(
        record.getMessage() for record in caplog.records if record.name.startswith("replication")
    )


def test_a_failed_sign_in_is_logged_like_every_other_call(signing_in, caplog):
    caplog.set_level(logging.INFO)

    signing_in(answer(401, {"error_code": "IAM.0062", "error_msg": "x"}, {"X-IAM-Trace-Id": "trace-2"}))
    signing_in(answer(204))

    ours = [record.getMessage() for record in caplog.records if record.name == "replication.cloud"]
    assert [(line.split(" in ")[0], line.split(" ms, ")[1]) for line in ours] == [
        ("POST /v3/auth/tokens 401", "request id trace-2"),
        ("POST /v3/auth/tokens SignInFailed", "request id unknown"),
    ]
