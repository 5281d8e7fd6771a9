"""What an explanation consists of, and the sentences that many of them share.

Three kinds of trouble cover nearly all: the cloud declined, it was never reached, or nobody knows yet.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from replication.services.preflight import Text


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in words: full sentences, to be shown in this order."""

    title: Text
    happened: Text
    #: Whether anything was started in the cloud.
    started: Text
    #: Whether trying again is safe.
    retry: Text
    #: What to do.
    action: Text
    #: Whether sending the same request again can copy nothing twice. It may still be useless.
    retry_is_safe: bool


DECLINED = _("No. The cloud declined the request, so nothing was copied.")
DECLINED_CHANGE = _("No. The cloud declined the request, so no policy was changed.")
DECLINED_OR_ONE = _(
    "As the answer to a request: no, nothing was copied. Beside a single backup: only that backup has no replica, the "
    "others go on."
)
NOT_REACHED = _("No. The request never reached the service that copies.")
UNCLEAR = _(
    "Unclear until the cloud has been looked at. The dashboard looks by itself and shows what it finds."
)

USELESS_UNTIL_MENDED = _("Safe, but it will be declined again until the cause is mended.")
BY_ITSELF = _(
    "Safe. The dashboard does so by itself, after growing pauses, and stops after several attempts."
)
LOOK_FIRST = _(
    "Not before the cloud has been looked at: a second request could copy and bill everything twice."
)
WAIT_FIRST = _("Not now. Wait until the running replication is over, then look at what is still missing.")

ASK_FOR_RIGHTS = _(
    "Ask whoever manages the cloud account to grant the rights that the documentation lists, in the source project "
    "and in the destination project."
)
CHECK_CREDENTIALS = _(
    "Check the user name, password and project of this entry in clouds.yaml, then restart the worker. Do not try "
    "often by hand: too many wrong attempts lock the account."
)
WAIT_FOR_THE_LOOKS = _(
    "Wait for the looks at the cloud on the replication's page. If they find it, it goes on by itself. If they find "
    "nothing, an operator can send it again there."
)


def declined(
    title: Text, happened: Text, action: Text, started: Text = DECLINED, retry: Text = USELESS_UNTIL_MENDED
) -> Explanation:
    """Return the explanation of a complete refusal."""
    return Explanation(title, happened, started, retry, action, retry_is_safe=True)


def not_reached(title: Text, happened: Text, action: Text, retry: Text = BY_ITSELF) -> Explanation:
    """Return the explanation of something that went wrong before the backup service saw the request."""
    return Explanation(title, happened, NOT_REACHED, retry, action, retry_is_safe=True)


def unclear(title: Text, happened: Text, action: Text, started: Text = UNCLEAR) -> Explanation:
    """Return the explanation of an outcome that nobody knows yet."""
    return Explanation(title, happened, started, LOOK_FIRST, action, retry_is_safe=False)
