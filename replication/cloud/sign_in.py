"""Gets one token for one project from the identity service, with keystoneauth.

Turns everything that can go wrong there into our errors: nothing is ever triggered by signing in, so each of them may
be tried again. Knows no file and no variable, and keeps nothing.
"""

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as lower
from keystoneauth1 import exceptions as keystone
from keystoneauth1.exceptions import oidc
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.session import Session

from .answers import Answer, Call, log_call, shown
from .deadline import Attempt, plain_session, read_body
from .delivery import DeadlinePassed, decide_failure, describe, throttled
from .errors import Misconfigured, NotDelivered, SignInFailed

SIGN_IN_DEADLINE_SECONDS = 30.0
#: In bytes after decompression; a catalog of every service in every region is a tenth of that.
LARGEST_SIGN_IN_ANSWER = 1024 * 1024
_CONNECTION_SECONDS = 10.0
#: Assumed for a token that does not tell how long it lives.
_UNKNOWN_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Access:
    """A token and the project that it is for."""

    token: str = field(repr=False)
    project_id: str
    project_name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the identity service answered. API: KeystoneCreateUserTokenByPassword."""

    access: Access
    #: From issue to end by the cloud's own clock, so that a wrong clock here does not matter.
    lifetime: timedelta
    #: API: token.catalog[], as it came.
    catalog: tuple[Any, ...] = field(repr=False)


#: keystoneauth's exceptions, by what has to change before signing in can work; HTTP answers are decided by status.
DECISIONS: dict[type[BaseException], type[NotDelivered]] = {
    **dict.fromkeys(
        (
            keystone.ConnectionError,
            keystone.ConnectTimeout,
            keystone.ConnectFailure,
            keystone.UnknownConnectionError,
            keystone.SSLError,
            keystone.RetriableConnectionFailure,
            keystone.DiscoveryFailure,
        ),
        NotDelivered,
    ),
    **dict.fromkeys(
        (
            keystone.ClientException,
            keystone.AuthorizationFailure,
            keystone.InvalidResponse,
            keystone.HttpError,
            keystone.CatalogException,
            keystone.EndpointNotFound,
            keystone.EmptyCatalog,
            oidc.OidcDeviceAuthorizationTimeOut,
        ),
        SignInFailed,
    ),
    **dict.fromkeys(
        (
            keystone.MissingAuthMethods,
            keystone.VersionNotAvailable,
            keystone.ServiceProviderNotFound,
            keystone.AuthPluginException,
            keystone.MissingAuthPlugin,
            keystone.NoMatchingPlugin,
            keystone.UnsupportedParameters,
            keystone.OptionError,
            keystone.MissingRequiredOptions,
            keystone.InvalidDiscoveryEndpoint,
            keystone.InvalidOidcDiscoveryDocument,
            keystone.OidcAccessTokenEndpointNotFound,
            keystone.OidcAuthorizationEndpointNotFound,
            oidc.OidcDeviceAuthorizationEndpointNotFound,
            keystone.OidcInvalidCodeChallengeMethod,
            keystone.OidcPluginNotSupported,
        ),
        Misconfigured,
    ),
}

#: What reading an answer of unexpected form raises in keystoneauth, which takes its form for granted.
_MALFORMED = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
_FAILURES = (
    keystone.ClientException,
    keystone.RetriableConnectionFailure,
    lower.HTTPError,
    DeadlinePassed,
    OSError,
    Misconfigured,
    *_MALFORMED,
)


def sign_in(
    plugin: BaseIdentityPlugin,
    *,
    auth_url: str,
    region: str,
    verify: bool | str = True,
    secrets: tuple[str, ...] = (),
    deadline_seconds: float = SIGN_IN_DEADLINE_SECONDS,
) -> SignedIn:
    """Get a new token, whatever others are still valid.

    Args:
        plugin: Knows user, password and project.
        auth_url: Where the plugin signs in, for messages.
        region: Region of the entry, for messages.
        verify: Whose certificates are trusted: the usual authorities', or those of a file.
        secrets: What must never be shown, even where the service repeats it.
        deadline_seconds: How long it may take as a whole.

    Raises:
        NotDelivered: as SignInFailed, Throttled or Misconfigured where it is known why.
    """
    call = Call(region=region, method="POST", path=f"{urlsplit(auth_url).path.rstrip('/')}/auth/tokens")
    seen: list[requests.Response] = []
    started = time.monotonic()
    with plain_session() as plain, Attempt(deadline_seconds) as attempt:
        plain.hooks["response"] += [_limit, lambda response, *_args, **_kwargs: seen.append(response)]
        # A redirect would carry the password to another host; a retry would count towards locking the user.
        session = Session(session=plain, verify=verify, timeout=_CONNECTION_SECONDS, redirect=False)
        try:
            signed_in = _read(plugin.get_auth_ref(session))
        except _FAILURES as failure:
            error = _decide(
                DeadlinePassed() if attempt.ended else failure,
                call,
                seen,
                sent=attempt.sent,
                host=urlsplit(auth_url).hostname or "",
                secrets=secrets,
            )
        else:
            answer = _as_answer(seen[-1], call, secrets)
            log_call(call, str(answer.http_status), started, answer.request_id)
            return signed_in
    log_call(call, str(error.http_status or type(error).__name__), started, error.request_id)
    raise error


def _limit(response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
    """Read the body before requests does so without limit; one that is too large counts as none."""
    try:
        body = read_body(response, LARGEST_SIGN_IN_ANSWER)
    except lower.HTTPError as failure:
        # What requests would have made of it, and keystoneauth expects.
        raise requests.ConnectionError(failure, request=response.request) from None
    finally:
        response.close()
    response._content = body if len(body) <= LARGEST_SIGN_IN_ANSWER else b""  # noqa: SLF001  # requests has no limit
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001  # as above


def _read(answer: Any) -> SignedIn:
    """Return what we need of the answer, or raise whatever its form leads to."""
    token, project_id = answer.auth_token, answer.project_id
    if not isinstance(token, str) or not re.fullmatch("[!-~]+", token):
        raise TypeError("the token is none")
    if not project_id:
        raise Misconfigured(
            "The token is for no project: backups belong to one. Name it as project_name or project_id in the entry."
        )
    if not isinstance(project_id, str) or not project_id.isalnum():
        raise TypeError("the project is none")
    expires_at = answer.expires.astimezone(UTC)
    issued_at = answer.issued.astimezone(UTC)
    catalog = answer.service_catalog.catalog if answer.has_service_catalog() else ()
    return SignedIn(
        access=Access(
            token=token,
            project_id=project_id,
            project_name=str(answer.project_name or ""),
            expires_at=expires_at,
        ),
        lifetime=max(expires_at - issued_at, _UNKNOWN_LIFETIME),
        catalog=tuple(catalog) if isinstance(catalog, list) else (),
    )


def _decide(
    failure: BaseException,
    call: Call,
    seen: list[requests.Response],
    *,
    sent: bool,
    host: str,
    secrets: tuple[str, ...],
) -> NotDelivered:
    if isinstance(failure, Misconfigured):
        return failure
    if broken := _broken_connection(failure):
        error = decide_failure(broken, call, sent=sent, host=host)
        if isinstance(error, NotDelivered):
            return error
        message = f"{error.message} It was the sign-in, so nothing was started."
        return NotDelivered(message, region=call.region, method=call.method, path=call.path)
    if seen and seen[-1].status_code >= 300:
        return _answered(_as_answer(seen[-1], call, secrets))
    kind = next((DECISIONS[parent] for parent in type(failure).__mro__ if parent in DECISIONS), SignInFailed)
    said = (
        shown(str(failure), 300, secrets).rstrip(".")
        if isinstance(failure, keystone.ClientException)
        else "unknown form"
    )
    return kind(
        f"The identity service at {host} did not sign us in: {said}.",
        region=call.region,
        method=call.method,
        path=call.path,
    )


def _broken_connection(failure: BaseException) -> BaseException | None:
    """Return the failure of the HTTP library behind keystoneauth's, which hides it in the context."""
    hidden: BaseException | None = failure
    while hidden and not isinstance(
        hidden, requests.RequestException | lower.HTTPError | DeadlinePassed | OSError
    ):
        hidden = hidden.__cause__ or hidden.__context__
    # Here a complete answer came over a whole connection, and it is no JSON.
    return None if isinstance(hidden, requests.exceptions.InvalidJSONError) else hidden


def _as_answer(response: requests.Response, call: Call, secrets: tuple[str, ...]) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(
        call=call, http_status=response.status_code, headers=headers, body=response.content, secrets=secrets
    )


def _answered(answer: Answer) -> NotDelivered:
    if answer.http_status == 429:
        return throttled(answer)
    if answer.http_status < 400:
        target = f" to {answer.redirect_host}" if answer.redirect_host else ""
        return describe(
            Misconfigured,
            answer,
            f"The auth_url is answered with a redirect{target}. Correct it in the entry",
        )
    return describe(SignInFailed, answer, f"The identity service did not sign us in ({answer.http_status})")
