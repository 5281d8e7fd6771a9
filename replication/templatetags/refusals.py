"""Words for a refusal: what was not permitted, and whom to ask. Decides nothing."""

from django import template
from django.utils.translation import gettext_lazy as _

from replication.roles import RIGHT_WORDS, NotPermitted, Role

register = template.Library()

_ROLE_WORDS = {
    Role.VIEWER: _("Viewer"),
    Role.OPERATOR: _("Operator"),
    Role.AUDITOR: _("Auditor"),
    Role.ADMINISTRATOR: _("Administrator"),
}


@register.filter
def what(refusal: NotPermitted) -> str:
    """Return what was refused, as in "start a replication"."""
    return str(RIGHT_WORDS[refusal.right])


@register.filter
def whom_to_ask(refusal: NotPermitted) -> list[str]:
    """Return the names of the roles that may do it."""
    return [str(_ROLE_WORDS[role]) for role in refusal.roles]
