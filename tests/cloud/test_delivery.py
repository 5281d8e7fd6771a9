"""Every way in which a request can fail has a decision, also the ones that the libraries have yet to invent."""

import inspect
import ssl
from collections.abc import Mapping

import keystoneauth1.exceptions
import keystoneauth1.exceptions.oidc
import pytest
import requests.exceptions
import urllib3.exceptions

from replication.cloud import Misconfigured, NotDelivered, OutcomeUnknown
from replication.cloud.answers import Call
from replication.cloud.delivery import PROOFS, DeadlinePassed, Proof, decide_failure
from replication.cloud.sign_in import DECISIONS

CALL = Call(region="eu-de", method="POST", path="/v3/p/checkpoints/replicate")


def exceptions_of(module):
    found = {
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Exception)
        and not issubclass(one, Warning)
        and not one.__module__.startswith("builtins")
    }
    return sorted(found, key=lambda one: (one.__module__, one.__name__))


HTTP_LIBRARIES = [*exceptions_of(requests.exceptions), *exceptions_of(urllib3.exceptions)]
KEYSTONE = [*exceptions_of(keystoneauth1.exceptions), *exceptions_of(keystoneauth1.exceptions.oidc)]


def test_the_walk_sees_the_exceptions_of_all_three_libraries():
    assert (len(HTTP_LIBRARIES) > 55, len(KEYSTONE) > 50) == (True, True)


@pytest.mark.parametrize("kind", HTTP_LIBRARIES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_each_exception_of_the_http_libraries_stands_in_the_table(kind):
    foreign = not kind.__module__.startswith(("requests.", "urllib3."))

    assert kind in PROOFS or foreign, f"decide in delivery.py what {kind} proves"


@pytest.mark.parametrize("kind", KEYSTONE, ids=lambda kind: kind.__name__)
def test_each_exception_of_keystoneauth_stands_in_the_table(kind):
    # What carries an HTTP status is decided by the status; mismatched versions come from code we do not call.
    by_status = issubclass(kind, keystoneauth1.exceptions.HttpError)
    unreached = issubclass(kind, ValueError)

    assert kind in DECISIONS or by_status or unreached, f"decide in sign_in.py what {kind} means"


@pytest.mark.parametrize("kind", list(PROOFS), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_nothing_is_called_undelivered_once_a_byte_was_sent(kind):
    error = decide_failure(kind.__new__(kind), CALL, sent=True)

    assert type(error) is OutcomeUnknown


@pytest.mark.parametrize("kind", list(PROOFS), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_everything_is_undelivered_as_long_as_no_byte_was_sent(kind):
    error = decide_failure(kind.__new__(kind), CALL, sent=False)

    assert isinstance(error, NotDelivered)


@pytest.mark.parametrize("kind", list(PROOFS), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_only_proof_counts_where_nobody_watched_the_bytes(kind):
    proven: Mapping[Proof, type] = {
        Proof.NOT_SENT: NotDelivered,
        Proof.BAD_ADDRESS: Misconfigured,
        Proof.NOTHING: OutcomeUnknown,
    }
    expected = Misconfigured if kind is ssl.SSLCertVerificationError else proven[PROOFS[kind]]

    error = decide_failure(kind.__new__(kind), CALL, sent=None)

    assert type(error) is expected


class NewInALaterVersion(requests.exceptions.RequestException):
    pass


@pytest.mark.parametrize(
    "error", [NewInALaterVersion(), OSError(), ValueError(), RuntimeError(), KeyError("x")]
)
def test_an_exception_that_nobody_knows_proves_nothing(error):
    assert type(decide_failure(error, CALL, sent=None)) is OutcomeUnknown


def wrapped(inner):
    """Wrap as requests does when its pool could not deliver."""
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/v3", inner))


def not_opened(kind, cause):
    error = (
        kind(None, "refused") if kind is urllib3.exceptions.NewConnectionError else kind("host", None, cause)
    )
    error.__cause__ = cause
    return error


def test_the_wrapped_exception_decides_and_is_put_in_words():
    refused = not_opened(
        urllib3.exceptions.NewConnectionError, ConnectionRefusedError(111, "Connection refused")
    )
    unknown_name = not_opened(
        urllib3.exceptions.NameResolutionError, OSError(-2, "Name or service not known")
    )
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    cut = requests.exceptions.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
    )

    untrusted_words = (
        "The certificate of cbr.example is not trusted (self-signed certificate). Nothing was sent. If the endpoint "
        "is the right one, name its authority as cacert in the entry; verification is never switched off."
    )
    lost_words = "The request may have reached cbr.example, but its answer was lost: "

    def decided(error):
        error = decide_failure(error, CALL, sent=None, host="cbr.example")
        return type(error), error.code, error.message

    assert [
        decided(wrapped(refused)),
        decided(wrapped(unknown_name)),
        decided(requests.exceptions.ConnectTimeout()),
        decided(requests.exceptions.SSLError(urllib3.exceptions.SSLError(untrusted))),
        decided(requests.exceptions.MissingSchema("No scheme supplied")),
        decided(requests.exceptions.ReadTimeout()),
        decided(cut),
    ] == [
        (NotDelivered, "unreachable", "No connection to cbr.example: connection refused. Nothing was sent."),
        (
            NotDelivered,
            "unreachable",
            "No connection to cbr.example: its name is not known. Nothing was sent.",
        ),
        (
            NotDelivered,
            "unreachable",
            "No connection to cbr.example: it did not answer in time. Nothing was sent.",
        ),
        (Misconfigured, "tls", untrusted_words),
        (
            Misconfigured,
            "endpoint",
            "The address of the endpoint cannot be used (MissingSchema). Correct it in the entry.",
        ),
        (OutcomeUnknown, "no_answer", f"{lost_words}it did not answer in time."),
        (OutcomeUnknown, "no_answer", f"{lost_words}the connection broke (ConnectionResetError)."),
    ]


def test_a_failure_tells_which_request_it_was():
    error = decide_failure(DeadlinePassed(), CALL, sent=False)

    assert (error.region, error.method, error.path) == ("eu-de", "POST", "/v3/p/checkpoints/replicate")
