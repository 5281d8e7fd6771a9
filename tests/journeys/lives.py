"""What workers do that may die of it: the steps of a replication, each through the service that takes it.

Only for processes that are forked for it: they change settings of the process.
"""

import gc
import uuid

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from replication.models import Replication
from replication.services import connection, outcome, progress, reconciliation, submission, triggering
from tests.journeys.wishes import ask


def prepare(url, *, signed_in):
    """Work with this cloud from now on. Whoever is not signed in has to do that first."""
    if url != settings.SANDBOX_URL or (signed_in and not connection.credentials.cache_info().currsize):
        settings.SANDBOX_URL = url
        connection.forget()
        # Also for those who are not: the libraries load half of themselves on the way.
        for name in ("sandbox-production", "sandbox-recovery"):
            connection.credentials(name).access()
        # Signing in leaves a connection behind, and workers would inherit it.
        gc.collect()
    if not signed_in:
        connection.forget()


def ask_for(ahead, *, username, key, source, destination):
    """Ask for a replication, as the view behind the form does."""
    actor = User.objects.get(username=username)
    ask(_Here(ahead), actor, source=source, destination=destination, key=uuid.UUID(key))


def send(ahead, *, replication):
    """Send one, as a nudge or a round does."""
    submission.submit(replication, worker_id=submission.worker_identity(), clock=_Here(ahead).now)


def send_before_claiming(ahead, *, replication):
    """Send one as it must not be done."""
    clock = _Here(ahead).now
    row = Replication.objects.select_related("source_vault__project").get(pk=replication)
    client, baseline = submission._prepare(row)
    delivery = outcome.Delivery(row, submission.worker_identity(), number=1)
    answer = client.replicate(delivery.order)
    submission._claim(row, baseline, delivery.worker_id, clock)
    outcome.record(delivery, answer, clock())


def settle(ahead):
    """Take over what a dead worker has left behind and look for it in the cloud."""
    clock = _Here(ahead).now
    reconciliation.release_dead_claims(clock())
    reconciliation.settle_due(clock(), clock)


def send_again(ahead, *, username, replication):
    """Say that the cloud never started it, as the view behind the button does."""
    triggering.rearm_replication(
        actor=User.objects.get(username=username),
        replication=Replication.objects.get(pk=replication),
        reason="Nothing is there",
        now=_Here(ahead).now(),
    )


def follow(ahead):
    """Look at what runs, or whose replicas are on their way."""
    clock = _Here(ahead).now
    progress.check_due(clock(), clock)


class _Here:
    """The clock of the test, in this process."""

    def __init__(self, ahead):
        self._ahead = ahead

    def now(self):
        return timezone.now() + self._ahead
