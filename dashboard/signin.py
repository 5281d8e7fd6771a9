"""Who may sign in: every active account, and demo accounts only where the demo runs.

The demo's password is public. Its accounts are marked by a group, and a database that once was a demo and later
serves for real refuses them, together with the sessions that they still have.
"""

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User

DEMO_GROUP = "demo"


class AccountBackend(ModelBackend):
    """Django's accounts, less those of the demo when this is not the demo."""

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session together with its preferences, in one query."""
        user = User.objects.select_related("preferences").filter(pk=user_id).first()
        return user if self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Return whether this account may be used here at all. Asked at sign-in and again at every request."""
        if not super().user_can_authenticate(user):
            return False
        return settings.DEMO or not _is_demo_account(user)


def _is_demo_account(user: User | AnonymousUser | None) -> bool:
    return isinstance(user, User) and user.groups.filter(name=DEMO_GROUP).exists()
