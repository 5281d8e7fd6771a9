"""What can go wrong with the cloud, named by what may be done next.

    CloudError               the base: where it happened, and the cloud's own code and request id
    ├── NotDelivered         provably not acted upon; sending again is safe
    │   ├── Misconfigured    an entry or endpoint must be corrected by a person first
    │   ├── SignInFailed     no token for this project, or the token was refused
    │   └── Throttled        asked to wait; carries for how long
    ├── Refused              received and declined; nothing was started
    │   └── NotFound         the thing named does not exist, or is not visible to us
    ├── OutcomeUnknown       may have been carried out: look before sending again
    └── Unreadable           a read was answered, but not in the documented form

The tree knows no HTTP library and no sentence about a particular error code: explanations belong to the services.
"""


class CloudError(Exception):
    """A call to the cloud that brought no usable answer. The message never holds a token or a password."""

    def __init__(
        self,
        message: str,
        *,
        region: str = "",
        method: str = "",
        path: str = "",
        request_id: str = "",
        http_status: int | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.region = region
        self.method = method
        #: Path of the address, without its query.
        self.path = path
        #: The cloud's own id of the call, for its support; empty when no answer carried one.
        self.request_id = request_id
        self.http_status = http_status
        #: The cloud's error code as it stands in the answer, as in BackupService.6130. Where there was none, a word of
        #: ours that says why: unreachable, tls, endpoint, no_answer, bad_answer, redirect. Empty for anything else.
        self.code = code

    def __repr__(self) -> str:
        facts = {
            "region": self.region,
            "method": self.method,
            "path": self.path,
            "http_status": self.http_status,
            "code": self.code,
            "request_id": self.request_id,
        }
        known = "".join(f", {name}={value!r}" for name, value in facts.items() if value)
        return f"{type(self).__name__}({self.message!r}{known})"


class NotDelivered(CloudError):
    """The cloud provably did not act upon the request. Sending it again is safe."""


class Misconfigured(NotDelivered):
    """An entry of clouds.yaml, a variable or an address is wrong. The message says what to do; waiting does not help."""


class SignInFailed(NotDelivered):
    """There is no token for this project, or the service refused the one we hold. Nothing was triggered."""


class Throttled(NotDelivered):
    """The cloud turned the request away because there were too many."""

    #: Seconds to wait, 0 to 600; none when the cloud did not say.
    retry_after: float | None = None


class Refused(CloudError):
    """The cloud received the request and declined it. Nothing was started; the same request would be declined again."""


class NotFound(Refused):
    """The cloud says that the thing named in the request does not exist."""


class OutcomeUnknown(CloudError):
    """The request may have been carried out: look before sending it again. For a read it is harmless."""

    #: The first characters of what was answered, without secrets; empty when nothing was.
    evidence: str = ""


class Unreadable(CloudError):
    """A read was answered, but not in the documented form. The message names the field."""

    #: The first characters of what was answered, without secrets; empty when nothing was.
    evidence: str = ""
