"""What every template may ask for: the version, and whether this is a place to practise."""

from django.conf import settings
from django.http import HttpRequest

from replication.roles import Right, can

from . import __version__


def site(request: HttpRequest) -> dict[str, object]:
    """Return the variables; none of them costs a query before a template asks for it."""
    return {
        "version": __version__,
        "is_demo": settings.DEMO,
        "is_sandbox": not settings.REPLICATION_CLOUDS,
        "may_read_audit": lambda: can(request.user, Right.READ_AUDIT),
        "may_manage_users": lambda: can(request.user, Right.MANAGE_USERS),
        "may_trigger": lambda: can(request.user, Right.TRIGGER),
    }
