"""A real cloud on a loopback port for tests, and a clock that moves there and here together."""

import json
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from replication.models import CloudReading
from replication.sandbox import Sandbox
from replication.services import connection, inventory, rounds, submission


@dataclass
class Practice:
    """The sandbox as tests use it: over the wire, and with a clock that moves there and here together."""

    url: str
    profile: str
    sandbox: Sandbox
    ahead: timedelta = field(default_factory=timedelta)

    def now(self):
        return timezone.now() + self.ahead

    def advance(self, **duration):
        step = timedelta(**duration)
        self.ahead += step
        self.control("POST", "clock", {"advance_seconds": step.total_seconds()})

    def control(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def fault(self, name, *, operation="checkpoints.replicate", count=1, **parameters):
        self.control("POST", "faults", {"operation": operation, "fault": name, "count": count, **parameters})

    def accepted(self):
        return self.control("GET", "accepted")["accepted"]

    def lose_the_answer_of(self, replication):
        """Send a replication as a worker does that dies before it writes the answer down; return the answer."""
        client, baseline = submission._prepare(replication, self.now)
        claim = submission._claim(replication, baseline, "worker that dies", self.now)
        return claim.delivery.send(client, before_connecting=lambda: None)

    def round(self, worker_id="worker-1"):
        return rounds.make_round(worker_id=worker_id, clock=self.now)

    def make_due(self, cloud):
        """Let the next round read one entry."""
        CloudReading.objects.filter(cloud=cloud).update(refresh_after=self.now())

    def read_inventory(self):
        inventory.know_entries(self.now())
        for name in connection.cloud_names():
            inventory.refresh(name, self.now)
        assert [reading.error for reading in CloudReading.objects.all()] == [""] * 4
        # What the seed has replicated before would be imported; tests of the sweep ask for it.
        CloudReading.objects.update(sweep_after=self.now() + timedelta(days=300))


@contextmanager
def practising(profile, settings, **switches):
    """A sandbox of this profile that our own settings lead to, with its inventory read."""
    with Sandbox(profile=profile, seed=1, speed=60, switches=switches) as sandbox:
        settings.SANDBOX_URL = sandbox.url
        settings.REPLICATION_PROGRESS_INTERVAL = timedelta(seconds=1)
        settings.REPLICATION_INVENTORY_INTERVAL = timedelta(days=300)
        connection.forget()
        practice = Practice(sandbox.url, profile, sandbox)
        practice.read_inventory()
        yield practice
    connection.forget()
