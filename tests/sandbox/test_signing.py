"""AK/SK signatures: the published example, both dialects, and what is refused."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
import requests

from replication.sandbox.identity import USERS
from replication.sandbox.signing import (
    Signature,
    SignatureRefused,
    SignedRequest,
    canonical_request,
    check_signature,
    compute_signature,
    read_signature,
)
from tests.sandbox.visitor import code_of

ACCESS_KEY, SECRET_KEY = USERS[0].access_key, USERS[0].secret_key
EXAMPLE = SignedRequest(
    method="GET",
    path="/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs",
    query=[("limit", "2"), ("marker", "13551d6b-755d-4757-b956-536f674975c0")],
    headers={
        "content-type": "application/json",
        "host": "service.region.example.com",
        "x-sdk-date": "20191115T033655Z",
    },
    body=b"",
)
# In two parts, since the spelling check stumbles over the middle of the published key.
EXAMPLE_SECRET = "MFyfvK41b" + "a2giqM7Uio6PznpdUKGpownRZlmVmHc"
EXAMPLE_VALUE = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
EXAMPLE_SIGNATURE = Signature(
    "QTWAOYTTINDUT2QVKYUC", "", ("content-type", "host", "x-sdk-date"), EXAMPLE_VALUE, "20191115T033655Z"
)


def signed_headers(
    sandbox, project_id, path, *, at=None, dialect="Access", access_key=ACCESS_KEY, secret=SECRET_KEY
):
    date = f"{at or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    headers = {"host": sandbox.url.removeprefix("http://"), "x-project-id": project_id, "x-sdk-date": date}
    names = ("host", "x-project-id", "x-sdk-date")
    scope = "" if dialect == "Access" else f"{date[:8]}///sdk_request"
    request = SignedRequest("GET", path, [], headers, b"")
    value = compute_signature(request, Signature(access_key, scope, names, "", date), secret)
    credential = f"{access_key}/{scope}" if scope else access_key
    authorization = (
        f"SDK-HMAC-SHA256 {dialect}={credential}, SignedHeaders={';'.join(names)}, Signature={value}"
    )
    return headers | {"Authorization": authorization}


def ask(sandbox, visitor, path=None, **options):
    path = path or f"/v3/{visitor.project_id}/vaults"
    headers = signed_headers(sandbox, visitor.project_id, path, **options)
    return requests.get(sandbox.url + path, headers=headers, timeout=10)


def test_the_published_example_gives_the_published_hash_and_signature():
    canonical = canonical_request(EXAMPLE, EXAMPLE_SIGNATURE.signed_headers)

    assert hashlib.sha256(canonical.encode()).hexdigest() == (
        "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"
    )
    assert compute_signature(EXAMPLE, EXAMPLE_SIGNATURE, EXAMPLE_SECRET) == EXAMPLE_VALUE


def test_the_published_example_is_accepted_at_its_time():
    check_signature(EXAMPLE, EXAMPLE_SIGNATURE, EXAMPLE_SECRET, datetime(2019, 11, 15, 3, 40, tzinfo=UTC))


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_further_than_fifteen_minutes_away_is_refused(minutes):
    signed_at = datetime(2019, 11, 15, 3, 36, 55, tzinfo=UTC)

    with pytest.raises(SignatureRefused, match="signature expired"):
        check_signature(EXAMPLE, EXAMPLE_SIGNATURE, EXAMPLE_SECRET, signed_at + timedelta(minutes=minutes))


def test_the_derived_dialect_signs_with_a_chain_of_keys():
    scope = "20191115///sdk_request"
    canonical_hash = hashlib.sha256(
        canonical_request(EXAMPLE, EXAMPLE_SIGNATURE.signed_headers).encode()
    ).hexdigest()
    key = f"SDK{EXAMPLE_SECRET}".encode()
    for part in ("20191115", "", "", "sdk_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"SDK-HMAC-SHA256\n20191115T033655Z\n{scope}\n{canonical_hash}"

    value = compute_signature(
        EXAMPLE,
        Signature("ak", scope, EXAMPLE_SIGNATURE.signed_headers, "", "20191115T033655Z"),
        EXAMPLE_SECRET,
    )

    assert value == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic eDp5"},
        {
            "authorization": "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=00",
            "x-sdk-date": "20191115T033655Z",
        },
        {"authorization": "SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=00"},
        {
            "authorization": "SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=zz",
            "x-sdk-date": "x",
        },
    ],
)
def test_an_incomplete_signature_is_refused(headers):
    with pytest.raises(SignatureRefused):
        read_signature(headers)


@pytest.mark.parametrize("dialect", ["Access", "Credential"])
def test_both_dialects_open_the_project_that_they_name(sandbox, visitor, dialect):
    assert ask(sandbox, visitor, dialect=dialect).status_code == 200


def test_a_signature_is_heard_by_iam_too(sandbox, visitor):
    assert ask(sandbox, visitor, "/v3/projects").status_code == 200


def test_a_signature_does_not_open_another_project(sandbox, visitor):
    other = visitor.world["projects"]["eu-nl_recovery"]["id"]

    assert ask(sandbox, visitor, f"/v3/{other}/vaults").status_code == 401


@pytest.mark.parametrize(
    "options",
    [
        {"secret": "wrong"},
        {"access_key": "UNKNOWN"},
        {"at": datetime(2019, 11, 15, tzinfo=UTC)},
    ],
)
def test_a_wrong_signature_is_refused_by_the_gateway(sandbox, visitor, options):
    assert code_of(ask(sandbox, visitor, **options)) == (401, "APIGW.0301")


def test_a_key_is_locked_for_five_minutes_after_too_many_wrong_signatures(sandbox, visitor):
    for _ in range(6):
        ask(sandbox, visitor, secret="wrong")

    locked = ask(sandbox, visitor)
    visitor.advance(301)
    later = ask(sandbox, visitor, at=datetime.now(UTC) + timedelta(seconds=301))

    assert (locked.status_code, "locked" in locked.json()["error_msg"], later.status_code) == (401, True, 200)
