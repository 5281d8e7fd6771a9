"""Checks of the AK/SK signature SDK-HMAC-SHA256, in both dialects that clients of this cloud use.

One signs with the secret key itself, the other with a key derived from date, region and service. Who owns an access
key is not known here. API: gateway documentation, "signing API requests".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

ALGORITHM = "SDK-HMAC-SHA256"
SKEW_LIMIT = timedelta(minutes=15)

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} (?:Access|Credential)=(?P<credential>[^,]+), ?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]+)"
)


class SignatureRefused(Exception):
    """The signature is missing something, too old or wrong; the message says which."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers.

    Args:
        method: HTTP method.
        path: Decoded path.
        query: Decoded query, as pairs.
        headers: Headers by lower-case name.
        body: The body as received.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """The parts of an Authorization header."""

    access_key: str
    scope: str
    signed_headers: tuple[str, ...]
    value: str
    date: str


def read_signature(headers: Mapping[str, str]) -> Signature:
    """Read the signature that a request carries.

    Raises:
        SignatureRefused: The header is not of the documented form, or X-Sdk-Date is missing or not signed.
    """
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise SignatureRefused("the Authorization header is malformed")
    access_key, _, scope = match["credential"].partition("/")
    signed_headers = tuple(match["headers"].split(";"))
    if "x-sdk-date" not in signed_headers or "x-sdk-date" not in headers:
        raise SignatureRefused("x-sdk-date is missing or not signed")
    return Signature(access_key, scope, signed_headers, match["signature"], headers["x-sdk-date"])


def check_signature(request: SignedRequest, signature: Signature, secret_key: str, now: datetime) -> None:
    """Compare a signature with the one that the secret key gives.

    Raises:
        SignatureRefused: It differs, or its date is further than the limit from now.
    """
    try:
        signed_at = datetime.strptime(signature.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureRefused("x-sdk-date is not of the form YYYYMMDDTHHMMSSZ") from error
    if abs(now - signed_at) > SKEW_LIMIT:
        raise SignatureRefused(
            f"signature expired, signature time:{signature.date}, server time:{now:%Y%m%dT%H%M%SZ}"
        )
    if not hmac.compare_digest(compute_signature(request, signature, secret_key), signature.value):
        raise SignatureRefused("verify aksk signature fail")


def compute_signature(request: SignedRequest, signature: Signature, secret_key: str) -> str:
    canonical_hash = hashlib.sha256(canonical_request(request, signature.signed_headers).encode()).hexdigest()
    if not signature.scope:
        return _hmac(secret_key.encode(), f"{ALGORITHM}\n{signature.date}\n{canonical_hash}").hex()
    key = f"SDK{secret_key}".encode()
    for part in signature.scope.split("/"):
        key = _hmac(key, part)
    return _hmac(key, f"{ALGORITHM}\n{signature.date}\n{signature.scope}\n{canonical_hash}").hex()


def canonical_request(request: SignedRequest, signed_headers: Sequence[str]) -> str:
    """Write a request in the one form in which both sides hash it."""
    path = "/".join(_encode(segment) for segment in request.path.split("/"))
    query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(request.query))
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in sorted(signed_headers))
    return "\n".join(
        (
            request.method,
            path if path.endswith("/") else f"{path}/",
            query,
            headers,
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
