"""How the room of a vault and the fate of a replica look, in words, tones and one picture. Decides nothing.

- `{% outlook forecast %}` how long the room lasts, as a badge; `{% pace forecast %}` growth a day and when it is full,
  or why nobody can tell.
- `{% capacity_picture days forecast now %}` used and size over the days, and the pace ahead as a broken line.
- `{% expansion vault %}` whether the cloud enlarges it.
- `{% removal keeping %}` what will ever remove a replica, as a badge.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from replication.models import Vault, VaultDay
from replication.services.capacity import DAYS_NEEDED, NOT_TOLD, TOO_OLD, WINDOW, Forecast, Outlook
from replication.services.comparison import Keeping

from .replication_display import Appearance, draw_badge, gigabytes, megabytes

register = template.Library()

OUTLOOK_LOOKS: dict[str, Appearance] = {
    Outlook.FULL: Appearance("failed", "x-circle"),
    Outlook.SOON: Appearance("partial", "exclamation-triangle"),
    Outlook.NEARLY: Appearance("partial", "exclamation-triangle"),
    # Never in the colour of what is well: nobody has looked long enough.
    Outlook.UNKNOWN: Appearance("waiting", "question-mark-circle"),
    Outlook.FILLS: Appearance("over", "clock"),
    Outlook.STEADY: Appearance("done", "check-circle"),
}
KEEPING_LOOKS: dict[str, Appearance] = {
    Keeping.MANUAL: Appearance("partial", "exclamation-triangle"),
    Keeping.UNKNOWN: Appearance("waiting", "question-mark-circle"),
    Keeping.POLICY: Appearance("over", "clock"),
    Keeping.EXPIRES: Appearance("over", "clock"),
}

#: The picture's own units: it is stretched to the room there is.
_WIDTH, _HEIGHT = 600, 160


@register.simple_tag
def outlook(forecast: Forecast) -> SafeString:
    """Return how long the room lasts."""
    return draw_badge(OUTLOOK_LOOKS[forecast.outlook], forecast.outlook.label)


@register.simple_tag
def removal(keeping: Keeping | None) -> SafeString:
    """Return what will ever remove a replica; nothing where there is none."""
    return draw_badge(KEEPING_LOOKS[keeping], keeping.label) if keeping else SafeString("")


@register.simple_tag
def growth(forecast: Forecast) -> str:
    """Return the growth a day, with its sign; a dash while it is not known."""
    if forecast.growth_mb is None:
        return "—"
    rounded = round(forecast.growth_mb)
    size = megabytes(abs(rounded))
    if not rounded:
        return _("none")
    # A minus sign, not a hyphen: the two lines of a column are as wide.
    sign = "+" if rounded > 0 else "\N{MINUS SIGN}"
    return _("%(sign)s%(size)s a day") % {"sign": sign, "size": size}


@register.simple_tag
def pace(forecast: Forecast, now: datetime | None = None) -> str:
    """Return when the vault is full at this pace, or why nobody can tell."""
    if forecast.reason == NOT_TOLD:
        return _("The cloud does not tell its size or its use.")
    if forecast.reason == TOO_OLD:
        return _("It was not read for more than two days.")
    if forecast.growth_mb is None:
        return ngettext(
            "No forecast yet: it needs %(needed)d days with a reading, and there is %(days)d.",
            "No forecast yet: it needs %(needed)d days with a reading, and there are %(days)d.",
            forecast.days,
        ) % {"needed": DAYS_NEEDED, "days": forecast.days}
    if forecast.outlook == Outlook.FULL:
        return _("There is no room left.")
    if forecast.full_on is None:
        if forecast.growth_mb < 1:
            return _("No forecast: it does not grow.")
        return _("Not within five years at this pace.")
    today = (now or timezone.now()).astimezone(UTC).date()
    days = max(0, (forecast.full_on - today).days)
    return ngettext(
        "Full on %(date)s at this pace, in %(days)d day.",
        "Full on %(date)s at this pace, in %(days)d days.",
        days,
    ) % {"date": _day(forecast.full_on), "days": days}


@register.simple_tag
def expansion(vault: Vault) -> str:
    """Return whether the cloud enlarges the vault when it is full, or that it has not said."""
    if vault.auto_expand is None:
        return _("The cloud does not tell whether it expands by itself.")
    if vault.auto_expand:
        return _("Expands by itself when full.")
    return _("Does not expand by itself.")


def _day(day: date) -> str:
    return formats.date_format(day, "Y-m-d")


@register.simple_tag
def capacity_picture(days: Sequence[VaultDay], forecast: Forecast, now: datetime | None = None) -> SafeString:
    """Return how full a vault was over the last 30 days, and ahead at the present pace.

    Drawn here, without script or style: shapes carry classes, and the words stand around the picture. A day without a
    reading is a gap, not a guess. Nothing is drawn without any day.
    """
    if not days:
        return format_html('<p class="soft small">{}</p>', _("No day has been kept yet."))
    frame = _Frame(days, forecast, (now or timezone.now()).astimezone(UTC).date())
    first, last = days[0], days[-1]
    words = _("From %(first)s to %(last)s: %(before)s at first, %(after)s of %(size)s at last.") % {
        "first": _day(first.day),
        "last": _day(last.day),
        "before": megabytes(first.used_mb),
        "after": megabytes(last.used_mb),
        "size": gigabytes(last.size_gb),
    }
    drawing = format_html(
        '<svg class="picture" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}{}</svg>',
        *(_WIDTH, _HEIGHT, words),
        frame.lines("picture-size", [(day.day, day.size_gb * 1024) for day in days]),
        frame.lines("picture-used", [(day.day, day.used_mb) for day in days]),
        frame.ahead("picture-ahead"),
    )
    return format_html(
        '<figure class="picture-frame"><span class="picture-top">{}</span>{}'
        '<figcaption class="picture-days"><span>{}</span><span>{}</span></figcaption></figure>',
        *(megabytes(frame.highest), drawing, _day(frame.begin), _day(frame.end)),
    )


class _Frame:
    """Places days and MB in the picture: the window of the past, and as much ahead while there is a pace."""

    def __init__(self, days: Sequence[VaultDay], forecast: Forecast, today: date) -> None:
        self._last = days[-1]
        self._growth = forecast.growth_mb if forecast.growth_mb and forecast.growth_mb >= 1 else None
        self.begin = min(days[0].day, today - WINDOW)
        self.end = today + WINDOW if self._growth else max(today, self._last.day)
        self.highest = max(max(day.size_gb * 1024, day.used_mb) for day in days)

    def _place(self, day: date, mb: float) -> str:
        across = (day - self.begin).days / max(1, (self.end - self.begin).days)
        up = min(1.0, mb / max(1, self.highest))
        # A margin, so that a line along an edge is not cut in half.
        return f"{across * _WIDTH:.1f},{4 + (1 - up) * (_HEIGHT - 8):.1f}"

    def lines(self, name: str, points: Sequence[tuple[date, int]]) -> SafeString:
        """Return one line for each run of days without a gap; a day alone is a dot."""
        runs: list[list[tuple[date, int]]] = []
        for point in points:
            if runs and (point[0] - runs[-1][-1][0]).days == 1:
                runs[-1].append(point)
            else:
                runs.append([point])
        drawn = ((name, " ".join(self._place(*point) for point in (*run, run[-1]))) for run in runs)
        return format_html_join("", '<polyline class="{}" points="{}"></polyline>', drawn)

    def ahead(self, name: str) -> SafeString:
        """Return the pace from the last day on; nothing without growth."""
        if not self._growth:
            return SafeString("")
        room = self.highest - self._last.used_mb
        days = min((self.end - self._last.day).days, max(0, room / self._growth))
        end = self._last.day.fromordinal(self._last.day.toordinal() + int(days))
        points = f"{self._place(self._last.day, self._last.used_mb)} {self._place(end, self._last.used_mb + self._growth * int(days))}"
        return format_html('<polyline class="{}" points="{}"></polyline>', name, points)
