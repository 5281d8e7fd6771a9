"""How a verdict on coverage, an age and a strip of days look: words, icon and tone. Decides nothing, asks no database.

In a template, after `{% load coverage_display %}`: `{% verdict_badge cell %}`, `{% age moment now %}`, `{{ hours|target }}`,
`{% day_strip days %}`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from replication.services.activity import Day
from replication.services.coverage import Cell, Verdict

from .replication_display import NONE, Appearance, draw_badge, duration, exactly, icon, iso

register = template.Library()

LOOKS: dict[Verdict, Appearance] = {
    Verdict.NEVER: Appearance("refused", "no-symbol", gettext_lazy("Never arrived")),
    Verdict.BEHIND: Appearance("failed", "x-circle", gettext_lazy("Behind")),
    Verdict.UNKNOWN: Appearance("unclear", "question-mark-circle", gettext_lazy("Not known")),
    Verdict.NOTHING: Appearance("over", "no-symbol", gettext_lazy("Never arrived, no target")),
    Verdict.UNTARGETED: Appearance("waiting", "minus-circle", gettext_lazy("No target")),
    Verdict.MET: Appearance("done", "check-circle", gettext_lazy("Met")),
}


@register.simple_tag
def verdict_badge(cell: Cell) -> SafeString:
    """Return what is to be said of a cell."""
    look = LOOKS[cell.verdict]
    return draw_badge(look, look.word)


@register.simple_tag
def age(moment: datetime | None, now: datetime) -> SafeString:
    """Return how old something is, in its two largest units; the moment on hover. A dash for none."""
    if moment is None:
        return NONE
    words = _("%(duration)s old") % {"duration": duration(max(now - moment, timedelta()))}
    return format_html('<time datetime="{}" title="{}">{}</time>', iso(moment), exactly(moment), words)


@register.filter
def target(hours: int) -> str:
    """Return a target in days where it is whole days, else in hours."""
    if hours % 24:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}


#: How a day looks, beside its pattern, which the stylesheet draws: the icon tells them apart without colour.
DAY_LOOKS: dict[str, Appearance] = {
    "arrived": Appearance("arrived", "check", gettext_lazy("arrived")),
    "mixed": Appearance("mixed", "exclamation-triangle", gettext_lazy("partly arrived, partly failed")),
    "failed": Appearance("failed", "x-mark", gettext_lazy("failed")),
    "none": Appearance("none", "", gettext_lazy("nothing")),
    "unknown": Appearance("unknown", "", gettext_lazy("not recorded yet")),
}


@register.simple_tag
def day_strip(days: Sequence[Day]) -> SafeString:
    """Return the days as a row of small boxes with a legend; a table beside it says the same to those who listen."""
    boxes = format_html_join(
        "",
        '<span class="day day-{}" title="{}">{}</span>',
        ((day.kind, _tell(day), _draw(day.kind)) for day in days),
    )
    legend = format_html_join(
        "",
        '<li><span class="day day-{}" aria-hidden="true">{}</span> {}</li>',
        (
            (kind, _draw(kind), look.word)
            for kind, look in DAY_LOOKS.items()
            if any(day.kind == kind for day in days)
        ),
    )
    return format_html(
        '<div class="days" aria-hidden="true">{}</div><p class="soft small">{}</p><ul class="legend">{}</ul>',
        boxes,
        _("%(first)s to %(last)s") % {"first": days[0].date.isoformat(), "last": days[-1].date.isoformat()},
        legend,
    )


def _draw(kind: str) -> SafeString | str:
    name = DAY_LOOKS[kind].icon
    return icon(name) if name else ""


def _tell(day: Day) -> str:
    facts = {"day": day.date.isoformat(), "arrived": day.arrived, "failed": day.failed + day.refused}
    if not day.is_known:
        return _("%(day)s: not recorded yet") % facts
    return _("%(day)s: %(arrived)d arrived, %(failed)d failed") % facts
