"""One round over everything that is due, for a cron entry or a person in a hurry; or a sweep of the whole cloud."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from replication.services import inventory, rounds, submission


class Command(BaseCommand):
    """Does once what the worker does all the time; safe beside running workers."""

    help = "Do once everything that is due: send, settle, follow, read the inventory. Safe beside running workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sweep",
            action="store_true",
            help="read the whole cloud first and take in what we do not know of, as after a restore of the database",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        inventory.know_entries(timezone.now())
        if options["sweep"]:
            self.sweep()
        done = rounds.make_round(worker_id=submission.worker_identity(), clock=timezone.now)
        self.stdout.write(
            f"Dead claims released: {done.released}. Due to be sent: {done.submitted}. Unclear looked for: "
            f"{done.settled}. Running looked at: {done.followed}. Cloud entries read: {done.refreshed}, swept: {done.swept}."
        )

    def sweep(self) -> None:
        """Sweep every entry, and say what was found.

        Raises:
            CommandError: an entry could not be read, so that nothing may be concluded.
        """
        found = rounds.sweep_all(clock=timezone.now)
        for name, find in found.items():
            if find is not None:
                self.stdout.write(
                    f"{name}: started elsewhere and imported: {find.foreign}; shown by the cloud although we have not "
                    f"sent them, now unclear: {find.suspected}."
                )
        unread = [name for name, find in found.items() if find is None]
        if unread:
            raise CommandError(
                f"Not swept, since they could not be read: {', '.join(unread)}. The reason stands on the overview and in "
                "the log. Run the sweep again when they answer; until then nothing was sent by this command."
            )
