"""Takes one rule of the design away, to show that a run without it loses or doubles: a harness must see what it is for."""

import contextlib
import time
from typing import Any

RULES = (
    "conditional-claim",
    "no-redirect",
    "no-retry",
    "baseline",
    "self-fence",
    "lease",
    "settle-window",
)


def remove(rule: str) -> None:
    """Do without a rule in this process. Django has to be set up."""
    {
        "": lambda: None,
        "conditional-claim": _claim_without_condition,
        "no-redirect": _follow_redirects,
        "no-retry": _send_again,
        "baseline": _forget_what_was_there,
        "self-fence": _trust_the_claim,
        "lease": _never_release,
        "settle-window": _believe_the_first_silence,
    }[rule]()


def _claim_without_condition() -> None:
    """Claim by writing instead of by changing exactly one row that still waits."""
    from django.utils import timezone

    from replication.models import Attempt, Replication
    from replication.services import submission
    from replication.services.outcome import Delivery

    def claim(replication: Any, baseline: Any, worker_id: str, clock: Any) -> Any:
        held_since, now = time.monotonic(), clock()
        number = Attempt.objects.filter(replication=replication).count() + 1
        Replication.objects.filter(pk=replication.pk).update(
            status="submitting",
            submitted_at=now,
            finished_at=None,
            attempt=number,
            claimed_by=worker_id,
            claimed_until=now + submission.CLAIM,
            check_after=now + submission.CLAIM,
            baseline=baseline,
        )
        with contextlib.suppress(Exception):
            Attempt.objects.create(
                replication=replication, number=number, worker=worker_id, begun_at=timezone.now()
            )
        return submission._Claim(
            Delivery(replication, worker_id, number),
            clock,
            until=now + submission.CLAIM,
            held_since=held_since,
        )

    submission._claim = claim
    # The check right before connecting asks the same row, and would stop all but the last.
    submission._Claim._demand = lambda self: None


def _follow_redirects() -> None:
    """Let the HTTP library follow redirects, as it does by default."""
    import requests

    from replication.cloud import transport

    def send(_session: requests.Session, request: requests.Request, *, verify: Any, limits: Any) -> Any:
        with requests.Session() as plain:
            plain.trust_env = False
            # A 302 would turn the POST into a GET; what is measured is the re-sent POST.
            plain.rebuild_method = lambda prepared, response: None
            response = plain.send(plain.prepare_request(request), timeout=limits.total, verify=verify)
            return response, response.content

    transport._send = send


def _send_again() -> None:
    """Send again up to four times after a failure, as a careful-looking client does."""
    from replication.cloud import CloudError, NotDelivered, Refused, transport

    once = transport._exchange

    def again(session: Any, request: Any, **how: Any) -> Any:
        if request.method != "POST":
            return once(session, request, **how)
        for _ in range(4):
            try:
                answer = once(session, request, **how)
                if answer.http_status < 500:
                    return answer
            except (NotDelivered, Refused):
                raise
            except CloudError:
                continue
        return once(session, request, **how)

    transport._exchange = again


def _forget_what_was_there() -> None:
    """Take everything that the cloud shows for new."""
    from replication.services import evidence

    evidence.Sighting.is_newer_than = lambda self, replication: True
    evidence.new_replicas = lambda replication, replicas: tuple(replicas)


def _trust_the_claim() -> None:
    """Send without looking at the claim again."""
    from replication.services import submission

    submission._Claim._demand = lambda self: None


def _never_release() -> None:
    """Leave what a dead worker has claimed as it is."""
    from replication.services import reconciliation

    reconciliation.release_dead_claims = lambda now: 0


def _believe_the_first_silence() -> None:
    """Let a person send again as soon as the outcome is unclear."""
    from datetime import timedelta

    from django.conf import settings

    from replication.services import triggering

    settings.REPLICATION_SETTLE_WINDOW = timedelta(0)
    triggering.absence_gap = lambda replication, now: ""
