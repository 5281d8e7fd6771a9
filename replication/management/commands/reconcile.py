"""One round over everything that is due, for a cron entry or a person in a hurry."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from replication.services import inventory, rounds, submission


class Command(BaseCommand):
    """Does once what the worker does all the time; safe beside running workers."""

    help = "Do once everything that is due: send, settle, follow, read the inventory. Safe beside running workers."

    def handle(self, *_args: Any, **_options: Any) -> None:
        inventory.know_entries(timezone.now())
        done = rounds.make_round(worker_id=submission.worker_identity(), clock=timezone.now)
        self.stdout.write(
            f"Dead claims released: {done.released}. Due to be sent: {done.submitted}. Unclear looked for: "
            f"{done.settled}. Running looked at: {done.followed}. Cloud entries read: {done.refreshed}."
        )
