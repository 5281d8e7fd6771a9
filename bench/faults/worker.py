"""One worker process of a run: the real worker command, in compressed time, now and then frozen at the worst moment."""

import os
import random
import signal
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402  # needs the line above

from replication.services import submission  # noqa: E402  # as above

from .compression import compress  # noqa: E402  # as above
from .removal import remove  # noqa: E402  # as above


def work(number: int, seed: int, freeze_share: float, rule: str) -> None:
    """Work until killed.

    Args:
        number: Counts the workers of the run, so that each has its own chances.
        seed: Of the run.
        freeze_share: Share of the claims right after which the process is frozen.
        rule: What to do without; empty for the design as it is.
    """
    compress()
    remove(rule)
    _freeze_after_claims(random.Random(f"{seed}-{number}"), freeze_share)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        call_command("worker", stdout=nowhere)


def _freeze_after_claims(chance: random.Random, share: float) -> None:
    """Stop this process between its claim and its last look at the claim, until somebody lets it go on."""
    demand = submission._Claim._demand

    def frozen_first(claim: Any) -> None:
        if chance.random() < share:
            os.kill(os.getpid(), signal.SIGSTOP)
        demand(claim)

    submission._Claim._demand = frozen_first
