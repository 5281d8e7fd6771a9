"""The people of a run: they confirm, click twice, compete for a vault, and settle what is unclear.

Through the forms and services that the pages use, in two processes, so that requests meet each other as well.
"""

import logging
import multiprocessing
import random
import uuid
from datetime import datetime
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from replication.forms import ReplicationForm
from replication.models import Replication, Vault
from replication.services import triggering

logger = logging.getLogger("bench.faults")

OPERATORS = ("oskar", "olga")
_DOUBLE_CLICKS = 0.05


def destinations() -> list[Vault]:
    """Return the vaults to replicate into."""
    return list(
        Vault.objects.filter(name__startswith="replica-run")
        .order_by("name")
        .select_related("project__region")
    )


def click(chance: random.Random, vault: uuid.UUID, target: Vault, operators: list[User]) -> None:
    """Confirm a replication as the page does, sometimes twice, sometimes against a colleague."""
    key = uuid.uuid4()
    _confirm(key, vault, target, operators[0])
    if chance.random() < _DOUBLE_CLICKS:
        _confirm(key, vault, target, operators[0])
    if chance.random() < _DOUBLE_CLICKS:
        _confirm(uuid.uuid4(), vault, target, operators[1])


def _confirm(key: uuid.UUID, vault: uuid.UUID, target: Vault, operator: User) -> None:
    form = ReplicationForm(
        {
            "key": str(key),
            "vault": str(vault),
            "region": target.project.region.name,
            "project": str(target.project_id),
            "destination": str(target.pk),
        }
    )
    if not form.is_valid():
        raise RuntimeError(f"the form is refused: {form.errors.as_json()}")
    wish = form.wish(form.destination_of(), "Fault run")
    try:
        triggering.request_replication(actor=operator, wish=wish, key=key, now=timezone.now())
    except triggering.AlreadyActive:
        logger.debug("a colleague was faster")


def settle_what_is_unclear(operator: User) -> None:
    """Settle what is unclear, where the service allows it: send it again, or take over what was found."""
    now = timezone.now()
    for replication in Replication.objects.filter(status="unconfirmed", submitted_at__lt=_window_ago(now)):
        try:
            if triggering.absence_gap(replication, now):
                continue
            triggering.rearm_replication(
                actor=operator, replication=replication, reason="The cloud shows nothing", now=timezone.now()
            )
        except triggering.NotSettleable:
            logger.debug("it has moved on meanwhile")


def _window_ago(now: datetime) -> datetime:
    return now - settings.REPLICATION_SETTLE_WINDOW


class Colleague:
    """Another process of people, which is given vaults to ask for. To be used as a context manager."""

    def __init__(self, seed: int) -> None:
        context = multiprocessing.get_context("forkserver")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=_ask_as_told, args=(theirs, seed), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def begin(self, vaults: list[uuid.UUID]) -> None:
        """Let it ask for these, while we do something else."""
        self._end.send(vaults)

    def finish(self) -> None:
        """Wait until it has asked for all of them.

        Raises:
            RuntimeError: it could not.
        """
        # Its end is closed when it dies, but a copy of it stays with the process that forks: so ask for the process.
        while not self._end.poll(1.0):
            if not self._process.is_alive():
                raise RuntimeError("the other process of people has died")
        self._end.recv()


def _ask_as_told(told: Connection, seed: int) -> None:
    chance = random.Random(f"{seed}-colleague")
    targets = destinations()
    operators = [User.objects.get(username=name) for name in OPERATORS]
    while True:
        for vault in told.recv():
            click(chance, vault, chance.choice(targets), operators)
        told.send(None)
