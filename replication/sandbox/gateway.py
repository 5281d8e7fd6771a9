"""What stands in front of the services: who is asking, with which right, for which project.

It accepts a token or an AK/SK signature and refuses in the gateway's own words. What the services do is not known here.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request

from replication.sandbox.answers import Refusal, gateway_refusal
from replication.sandbox.identity import TOKEN_LIFETIME, Access, User, find_key_holder
from replication.sandbox.signing import SignatureRefused, SignedRequest, check_signature, read_signature
from replication.sandbox.simulation import Simulation

SIGNATURE_FAILURES = 5
KEY_LOCK = timedelta(minutes=5)


class Unidentified(Exception):
    """Nobody is known to ask; gateway and IAM word this differently.

    Args:
        reason: What was wrong.
        state: Whether a token was sent, and is over or invalid; nothing where none was.
    """

    def __init__(self, reason: str, state: Literal["", "over", "invalid"] = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.state = state


class Gateway:
    """Tells who asks, and refuses who may not."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._failures: dict[str, list[datetime]] = defaultdict(list)

    def identify(self, request: Request, body: bytes, now: datetime) -> Access:
        """Find out who asks.

        Raises:
            Unidentified: Neither a valid token nor a valid signature was sent.
        """
        if "X-Auth-Token" in request.headers:
            return self._read_token(request.headers["X-Auth-Token"], now)
        if "Authorization" in request.headers:
            return self._check_signature(request, body, now)
        raise Unidentified("neither a token nor a signature was sent")

    def check_project(self, access: Access, project_id: str, region: str) -> None:
        """Check that the path names the project that is asked for, in its own region.

        Args:
            access: Who asks.
            project_id: The project of the path.
            region: The region of the path, nothing where the path has none.

        Raises:
            Refusal: 401, 400 or 403, as the switch says.
        """
        own_region = self._simulation.world.region_of(project_id)
        if access.project_id != project_id or (region and region != own_region):
            raise _wrong_project(self._simulation.switches["wrong_project"])
        if not own_region:
            raise gateway_refusal(403, "0310", "The project is unavailable")

    def check_right(self, access: Access, action: str) -> None:
        """Check that the user may do this.

        Raises:
            Refusal: 403 APIGW.0302.
        """
        if action not in access.user.actions:
            message = (
                f"The user is not authorized to access the API: policy doesn't allow {action} to be performed"
            )
            raise gateway_refusal(403, "0302", message)

    def _read_token(self, token: str, now: datetime) -> Access:
        access = self._simulation.tokens.read(token)
        if access is None:
            raise Unidentified("decrypt token fail", "invalid")
        if self._simulation.tokens.has_ended(token, access, now):
            raise Unidentified("token expires", "over")
        return access

    def _check_signature(self, request: Request, body: bytes, now: datetime) -> Access:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            signature = read_signature(headers)
            self._check_key_lock(signature.access_key, now)
            user = _key_holder(signature.access_key)
            signed = SignedRequest(
                method=request.method,
                path=request.path,
                query=parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True),
                headers=headers,
                body=body,
            )
            check_signature(signed, signature, user.secret_key, now)
        except SignatureRefused as refused:
            self._note_failure(headers, now)
            raise Unidentified(str(refused)) from refused
        self._failures.pop(signature.access_key, None)
        return Access(user, _signed_project(request, headers), now, now + TOKEN_LIFETIME)

    def _check_key_lock(self, access_key: str, now: datetime) -> None:
        failures = self._failures[access_key]
        if len(failures) > SIGNATURE_FAILURES and now < failures[-1] + KEY_LOCK:
            raise SignatureRefused("the access key is locked")

    def _note_failure(self, headers: Mapping[str, str], now: datetime) -> None:
        try:
            failures = self._failures[read_signature(headers).access_key]
        except SignatureRefused:
            return
        if len(failures) <= SIGNATURE_FAILURES:
            failures.append(now)
        elif now >= failures[-1] + KEY_LOCK:
            failures[:] = [now]


def _key_holder(access_key: str) -> User:
    user = find_key_holder(access_key)
    if user is None:
        raise SignatureRefused("access key is not found")
    return user


def _signed_project(request: Request, headers: Mapping[str, str]) -> str:
    """Read the project that a signed request is for; its path stands in where the header is left out."""
    from_path = next((part for part in request.path.split("/") if len(part) == 32), "")
    return headers.get("x-project-id", from_path)


def not_identified(unidentified: Unidentified) -> Refusal:
    """Refuse as the gateway does."""
    if unidentified.state == "over":
        return gateway_refusal(401, "0307", "The token must be updated")
    return gateway_refusal(401, "0301", f"Incorrect IAM authentication information: {unidentified.reason}")


def _wrong_project(status: str) -> Refusal:
    message = "URL's projectId is not equal token's projectId"
    if status == "400":
        return Refusal(400, {"badRequest": {"message": message, "code": 400}})
    if status == "401":
        return Refusal(401, {"code": 401, "message": message, "details": {}})
    return gateway_refusal(403, "0302", message)
