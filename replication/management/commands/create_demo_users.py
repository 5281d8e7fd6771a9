"""Creates the people of the demo, whose password is public and who are therefore refused anywhere else."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from replication.roles import Role

#: Marks the accounts, so that the site refuses them outside the demo whatever becomes of this database.
DEMO_GROUP = "demo"
PASSWORD = "demo"  # noqa: S105  # public by intention, and refused outside the demo
#: Name -> role. The first letters agree, so that nobody has to look them up.
PEOPLE = {
    "vera": Role.VIEWER,
    "oskar": Role.OPERATOR,
    "anna": Role.AUDITOR,
    "adam": Role.ADMINISTRATOR,
}


class Command(BaseCommand):
    """Brings the four accounts into the state that the demo prints, whatever was done to them before."""

    help = "Create the demo's users: vera, oskar, anna and adam, with the password “demo”. Refused outside the demo."

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Demo users have a public password, so they exist only in the demo: run “make demo”, or set DEMO=true "
                "for a database that will never serve for real."
            )
        with transaction.atomic():
            mark, _created = Group.objects.get_or_create(name=DEMO_GROUP)
            for name, role in PEOPLE.items():
                user = _account(name)
                user.groups.set([Group.objects.get(name=role.value), mark])
        if options["verbosity"] > 0:
            self.stdout.write(f"{', '.join(PEOPLE)} may sign in with the password “{PASSWORD}”.")


def _account(name: str) -> User:
    """Return the account, with its password and in use.

    Raises:
        CommandError: somebody else has that name.
    """
    user, created = User.objects.get_or_create(username=name)
    if not created and not user.groups.filter(name=DEMO_GROUP).exists():
        raise CommandError(
            f"An account named {name} is here already and is not the demo's. Run the demo with a database of its own."
        )
    if created or not user.is_active or not user.check_password(PASSWORD):
        user.is_active = True
        user.set_password(PASSWORD)
        user.save()
    return user
