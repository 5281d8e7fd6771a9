"""The course of a run: prepare, trigger while everything fails, stop the faults, let it settle, judge.

People, workers and the cloud are played at once, each in processes of their own.
"""

import json
import logging
import random
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from replication.models import AuditEntry, CloudReading, Replication, Vault
from replication.services import connection, inventory, triggering

from .compression import SETTLE_WINDOW
from .people import OPERATORS, Colleague, click, destinations, settle_what_is_unclear
from .plan import Plan
from .verdict import Verdict, judge
from .workforce import Workforce

logger = logging.getLogger("bench.faults")

_BATCH = 100
#: Destination vaults, so that no vault's list of replicas grows with the run.
_DESTINATIONS = 20
#: Share of the vaults that somebody has replicated in the cloud's console before.
_FOREIGN_SHARE = 0.05
#: Share of the vaults that people of two processes want at about the same time.
_WANTED_TWICE = 0.05
_NUDGES_LOST = 0.6
_NUDGES_DOUBLED = 0.02
#: Seconds that the settling may take after the last fault; without one of the rules it may never come to rest.
_SETTLING = 90.0
_SETTLING_WITHOUT = 20.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do."""

    triggers: int
    seed: int
    kills: int
    #: About how many workers are frozen at the worst moment.
    freezes: int
    workers: int
    #: The rule that is taken away; empty for the design as it is.
    rule: str
    sandbox_url: str

    @property
    def patience(self) -> float:
        """Seconds that the settling may take."""
        return _SETTLING_WITHOUT if self.rule else _SETTLING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, and how it ended."""

    triggers: int
    faults: int
    calls: int
    kills: int
    freezes: int
    verdict: Verdict
    seconds: float

    @property
    def line(self) -> str:
        """Everything in one line."""
        verdict = self.verdict
        return (
            f"triggers={self.triggers} calls={self.calls} faults={self.faults} kills={self.kills} "
            f"freezes={self.freezes} lost={verdict.lost} doubled={verdict.doubled} wrong={verdict.wrong} "
            f"unconfirmed={verdict.unconfirmed} seconds={self.seconds:.1f}"
        )


class Cloud:
    """The controls of the sandbox."""

    def __init__(self, url: str) -> None:
        self._url = url

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Use one control."""
        request = urllib.request.Request(
            f"{self._url}/_sandbox/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def received(self) -> int:
        """Return how many replicate calls came in so far."""
        return int(self.control("GET", "calls")["received"].get("checkpoints.replicate", 0))


def run(order: Order, say: Callable[[str], None]) -> Outcome:
    """Do all of it. The database is empty and migrated, and the sandbox answers."""
    cloud = Cloud(order.sandbox_url)
    operators = _prepare(order, cloud, say)
    foreign = cloud.received()
    started = time.monotonic()
    plan = Plan(order.seed, redirects_are_processed=order.rule == "no-redirect")
    with Workforce(
        order.workers, seed=order.seed, freeze_share=order.freezes / order.triggers, rule=order.rule
    ) as workforce:
        _trigger(order, cloud, plan, operators, workforce, say)
        pending = cloud.control("GET", "faults")["faults"]
        cloud.control("DELETE", "faults")
        served = plan.dealt - sum(one["count"] for one in pending)
        say("The faults stop; it settles …")
        while workforce.has_frozen:
            settle_what_is_unclear(operators[0])
            time.sleep(0.2)
        _settle(order, operators[0], say)
        # A request that is processed late, or a frozen worker's, may still come in.
        time.sleep(2.0)
    accepted = cloud.control("GET", f"accepted?after={foreign}")["accepted"]
    seconds = time.monotonic() - started
    calls = cloud.received() - foreign
    return Outcome(
        triggers=Replication.objects.filter(origin="dashboard").count(),
        faults=served,
        calls=calls,
        kills=workforce.kills,
        freezes=workforce.freezes,
        verdict=judge(accepted, calls),
        seconds=seconds,
    )


def _prepare(order: Order, cloud: Cloud, say: Callable[[str], None]) -> list[User]:
    say(f"Preparing {order.triggers} vaults …")
    # Two hours fast or slow, and it jumps forward on the way. It never jumps back: the sandbox would then hide what it
    # has accepted, for longer than any settle window.
    cloud.control("POST", "clock", {"advance_seconds": 7200 if order.seed % 2 else -7200})
    cloud.control(
        "POST",
        "vaults",
        {"project": "eu-nl_recovery", "number": _DESTINATIONS, "name": "replica-run", "protect_type": "replication",
         "size_gb": 10_000_000},
    )  # fmt: skip
    cloud.control(
        "POST",
        "vaults",
        {
            "project": "eu-de_production",
            "number": order.triggers,
            "name": "vault-run",
            "backups_each": 1,
            "stored_mb": 1,
        },
    )
    now = timezone.now()
    inventory.know_entries(now)
    for name in connection.cloud_names():
        if not inventory.refresh(name, timezone.now):
            raise RuntimeError(
                f"the inventory of {name} cannot be read: {CloudReading.objects.get(pk=name).error}"
            )
    # What was started elsewhere stays unknown: it is what adoption must not fall for.
    far = now.replace(year=now.year + 1)
    CloudReading.objects.update(sweep_after=far, refresh_after=far)
    operators = []
    for name in OPERATORS:
        user, _created = User.objects.get_or_create(username=name)
        user.groups.set(Group.objects.filter(name="operator"))
        operators.append(user)
    _replicate_elsewhere(order, cloud)
    return operators


def _replicate_elsewhere(order: Order, cloud: Cloud) -> None:
    """Replicate some of the vaults past the dashboard, as the cloud's console does."""
    chance = random.Random(f"{order.seed}-foreign")
    vaults = list(
        Vault.objects.filter(name__startswith="vault-run").order_by("name").select_related("project")
    )
    target = (
        Vault.objects.filter(name__startswith="replica-run")
        .select_related("project__region")
        .earliest("name")
    )
    credentials = connection.credentials("sandbox-production")
    for vault in chance.sample(vaults, round(order.triggers * _FOREIGN_SHARE)):
        request = urllib.request.Request(
            f"{credentials.cbr_endpoint()}/checkpoints/replicate",
            data=json.dumps(
                {
                    "replicate": {
                        "vault_id": vault.vault_id,
                        "destination_region": target.project.region.name,
                        "destination_project_id": target.project.project_id,
                        "destination_vault_id": target.vault_id,
                    }
                }
            ).encode(),
            headers={"X-Auth-Token": credentials.access().token, "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()
    # A while ago: what is seconds apart cannot be told from ours by a cloud that tells its time in whole seconds.
    cloud.control("POST", "clock", {"advance_seconds": 600})


def _trigger(
    order: Order,
    cloud: Cloud,
    plan: Plan,
    operators: list[User],
    workforce: Workforce,
    say: Callable[[str], None],
) -> None:
    """Ask for a replication of every vault, while workers work and die and the cloud answers as it likes."""
    chance = random.Random(f"{order.seed}-people")
    targets = destinations()
    vaults = list(
        Vault.objects.filter(name__startswith="vault-run").order_by("name").values_list("pk", flat=True)
    )
    strikes = _strikes(order, workforce)
    # At least so many seconds apart that a killed worker has a successor which has begun something.
    pace = 0.25
    struck_at = time.monotonic()
    entries = 0
    with Colleague(order.seed) as colleague:
        for begin in range(0, len(vaults), _BATCH):
            batch = vaults[begin : begin + _BATCH]
            for fault in plan.for_calls(len(batch)):
                cloud.control("POST", "faults", fault)
            _spoil_the_queue(chance)
            entries = _audit_has_grown(entries)
            settle_what_is_unclear(operators[0])
            ours, theirs = batch[1::2], batch[::2]
            # Half of the people work in another process, and both want some of the vaults first.
            contested = [vault for vault in ours if chance.random() < _WANTED_TWICE]
            colleague.begin(contested + theirs)
            for vault in sorted(ours, key=lambda one: one not in contested):
                click(chance, vault, chance.choice(targets), operators)
                if time.monotonic() - struck_at > max(
                    pace, 0.9 * order.triggers * 0.011 / max(order.kills, 1)
                ):
                    struck_at = time.monotonic()
                    next(strikes, None)
            colleague.finish()
    say("All is asked for; the workers go on …")
    for _strike in strikes:
        settle_what_is_unclear(operators[0])
        time.sleep(pace)
    waiting_until = time.monotonic() + order.patience
    while _count("requested", "submitting") > order.triggers // 100 and time.monotonic() < waiting_until:
        settle_what_is_unclear(operators[0])
        time.sleep(0.5)


def _strikes(order: Order, workforce: Workforce) -> Iterator[None]:
    for number in range(order.kills):
        while not workforce.kill_one():
            yield
        if order.freezes and number % 10 == 5:
            workforce.freeze_one()
        yield


def _spoil_the_queue(chance: random.Random) -> None:
    """Lose some of the nudges, and double some."""
    waiting = list(DBTaskResult.objects.filter(status="READY").order_by("enqueued_at")[: 2 * _BATCH])
    lost = [one.pk for one in waiting if chance.random() < _NUDGES_LOST]
    DBTaskResult.objects.filter(pk__in=lost, status="READY").delete()
    for one in waiting:
        if chance.random() < _NUDGES_DOUBLED:
            triggering.submission.submit_task.enqueue(*one.args_kwargs["args"])


def _audit_has_grown(before: int) -> int:
    count = AuditEntry.objects.count()
    if count < before:
        raise RuntimeError(f"the audit has shrunk from {before} to {count} entries (I5)")
    return count


def _count(*statuses: str) -> int:
    return Replication.objects.filter(status__in=statuses).count()


def _settle(order: Order, operator: User, say: Callable[[str], None]) -> None:
    until = time.monotonic() + order.patience
    while left := _count("requested", "submitting", "unconfirmed"):
        if time.monotonic() > until:
            say(f"{left} have not settled after {order.patience:.0f} seconds.")
            return
        settle_what_is_unclear(operator)
        time.sleep(SETTLE_WINDOW / 20)
