"""How the replications of a batch look together. Decides nothing and asks no database.

In a template, after `{% load batch_display %}`: `{% replication_roll_up parts %}` draws statuses and their numbers as one
bar, with a legend that says the same in words and numbers.
"""

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from replication.lifecycle import ReplicationStatus

from .replication_display import REPLICATION_LOOKS, bar, icon

register = template.Library()


@register.simple_tag
def replication_roll_up(parts: Iterable[tuple[str, int]]) -> SafeString:
    """Return statuses with their numbers of replications, in the given order."""
    shown = [(REPLICATION_LOOKS[status], ReplicationStatus(status).label, number) for status, number in parts]
    legend = format_html_join(
        "",
        '<li><span class="status status-{}">{}{}</span> {}</li>',
        ((look.tone, icon(look.icon), label, number) for look, label, number in shown),
    )
    drawn = bar(
        [(look.tone, number) for look, _label, number in shown], sum(number for *_rest, number in shown)
    )
    return format_html('<div class="roll-up">{}<ul class="legend">{}</ul></div>', drawn, legend)
