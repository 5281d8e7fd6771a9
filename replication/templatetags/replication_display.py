"""How a status, a time, a size or an id looks: words, icon and CSS class. Decides nothing and asks no database.

In a template, after `{% load replication_display %}`:

- `{% replication_badge replication %}` and `{% record_badge record %}`: icon, word and tone. A list that wants to tell
  "Nothing to replicate" from "Succeeded" annotates its rows with `record_count`.
- `{% forecast_badge score %}`: how a forecast compares with what the cloud answered.
- `{% when moment %}` absolute with zone, `{% ago moment %}` relative with the exact value on hover; both take `None`.
- `{{ gb|gigabytes }}`, `{{ mb|megabytes }}` sizes, `{{ duration|duration }}` a `timedelta`.
- `{{ mb|gibibytes }}` MB as GiB, `{{ size|amount }}` how much a forecast would copy, `{% money sum currency %}`.
- `{% capacity vault %}` bar and text; `{% progress record %}` bar and text; `{% roll_up records %}` all
  records of a replication in one bar.
- `{% copyable id "Copy vault ID" %}` a shortened id with its full value on hover and a copy button;
  `{% copyable id "Copy vault ID" full=True %}` unshortened.
- `{% icon "arrow-path" %}` one of `ICONS`; `{% icon_sheet %}` stands once in `base.html`.
- `{% theme %}` the theme that the reader has chosen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import heroicons
from django import template
from django.template.context import Context
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from replication.lifecycle import RecordStatus, ReplicationStatus
from replication.models import (
    Evidence,
    ForecastScore,
    Preferences,
    Replication,
    ReplicationRecord,
    Theme,
    Vault,
)
from replication.services.preflight import Size

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

register = template.Library()

#: Every icon that pages use, by its heroicons name; drawn once a page, since rows repeat them.
ICONS = (
    "arrow-down",
    "arrow-long-right",
    "arrow-path",
    "arrow-up",
    "arrow-uturn-left",
    "arrows-right-left",
    "calendar-days",
    "chart-bar",
    "chart-pie",
    "check",
    "check-badge",
    "check-circle",
    "chevron-left",
    "chevron-right",
    "circle-stack",
    "clipboard-document",
    "clock",
    "cog-6-tooth",
    "document-text",
    "ellipsis-horizontal-circle",
    "exclamation-circle",
    "exclamation-triangle",
    "flag",
    "information-circle",
    "magnifying-glass",
    "minus-circle",
    "no-symbol",
    "paper-airplane",
    "question-mark-circle",
    "queue-list",
    "shield-check",
    "signal-slash",
    "square-2-stack",
    "table-cells",
    "x-circle",
    "x-mark",
)

#: Stands where there is nothing to show.
NONE = format_html('<span class="none">{}</span>', "—")


@dataclass(frozen=True, slots=True)
class Appearance:
    """A tone, which is a CSS class, and an icon. The word comes from the status unless it is given here."""

    tone: str
    icon: str
    word: "_StrPromise | str" = ""


REPLICATION_LOOKS: dict[str, Appearance] = {
    ReplicationStatus.REQUESTED: Appearance("waiting", "clock"),
    ReplicationStatus.SUBMITTING: Appearance("running", "paper-airplane"),
    ReplicationStatus.UNCONFIRMED: Appearance("unclear", "question-mark-circle"),
    ReplicationStatus.RUNNING: Appearance("running", "arrow-path"),
    ReplicationStatus.SUCCEEDED: Appearance("done", "check-circle"),
    ReplicationStatus.PARTIAL: Appearance("partial", "exclamation-triangle"),
    ReplicationStatus.FAILED: Appearance("failed", "x-circle"),
    ReplicationStatus.REJECTED: Appearance("refused", "no-symbol"),
    ReplicationStatus.CANCELLED: Appearance("over", "arrow-uturn-left"),
}
NOTHING_TO_REPLICATE = Appearance("nothing", "minus-circle", gettext_lazy("Nothing to replicate"))

RECORD_LOOKS: dict[str, Appearance] = {
    RecordStatus.WAITING: Appearance("waiting", "clock"),
    RecordStatus.RUNNING: Appearance("running", "arrow-path"),
    RecordStatus.SUCCEEDED: Appearance("copied", "check"),
    RecordStatus.FAILED: Appearance("failed", "x-circle"),
    RecordStatus.SKIPPED: Appearance("over", "minus-circle"),
    RecordStatus.TIMED_OUT: Appearance("refused", "exclamation-circle"),
    RecordStatus.UNKNOWN: Appearance("waiting", "ellipsis-horizontal-circle"),
}
FORECAST_LOOKS: dict[str, Appearance] = {
    ForecastScore.RIGHT: Appearance("done", "check-circle"),
    ForecastScore.OTHER_BACKUPS: Appearance("partial", "exclamation-triangle"),
    ForecastScore.REFUSED_AS_WARNED: Appearance("partial", "exclamation-triangle"),
    ForecastScore.REFUSED: Appearance("refused", "no-symbol"),
}
ARRIVED = Appearance("done", "check-badge", gettext_lazy("Arrived"))


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return an icon of the sheet, for the eye only: the words beside it say the same."""
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"{name} is not among the icons of the sheet")
    return format_html('<svg class="icon" aria-hidden="true"><use href="#icon-{}"></use></svg>', name)


@register.simple_tag
@cache
def icon_sheet() -> SafeString:
    """Return the drawings that `icon` refers to."""
    drawn = []
    for name in ICONS:
        svg = heroicons._render_icon("outline", name, None, {"id": f"icon-{name}"})  # noqa: SLF001  # its tag does just this
        drawn.append(svg.replace("<svg ", "<symbol ", 1).replace("</svg>", "</symbol>").replace("\n", ""))
    # Safe: the drawings come from the heroicons package, their names from the tuple above.
    return mark_safe(f'<svg class="icon-sheet" aria-hidden="true">{"".join(drawn)}</svg>')  # noqa: S308  # as said


def look_of_replication(replication: Replication) -> Appearance:
    """Return how a replication looks now."""
    if replication.status == ReplicationStatus.SUCCEEDED and getattr(replication, "record_count", None) == 0:
        return NOTHING_TO_REPLICATE
    return REPLICATION_LOOKS[replication.status]


def look_of_record(record: ReplicationRecord) -> Appearance:
    """Return how a record looks: having arrived is more than having been copied."""
    return ARRIVED if record.has_arrived else RECORD_LOOKS[record.status]


def draw_badge(look: Appearance, word: object) -> SafeString:
    """Return icon and word in a tone."""
    return format_html('<span class="status status-{}">{}{}</span>', look.tone, icon(look.icon), word)


@register.simple_tag
def replication_badge(replication: Replication, now: datetime | None = None) -> SafeString:
    """Return the status of a replication, with "no news" beside it when it has been silent for too long."""
    look = look_of_replication(replication)
    badge = draw_badge(look, look.word or replication.get_status_display())
    if not replication.is_stalled(now or timezone.now()):
        return badge
    since = timezone.localtime(replication.changed_at)
    text = _("No news since %(time)s") % {"time": formats.date_format(since, "H:i")}
    return format_html("{} {}", badge, draw_badge(Appearance("stalled", "signal-slash"), text))


@register.simple_tag
def record_badge(record: ReplicationRecord) -> SafeString:
    """Return the status of a record; the cloud's own word for it on hover."""
    look = look_of_record(record)
    return draw_badge(look, look.word or record.get_status_display())


@register.simple_tag
def forecast_badge(score: ForecastScore) -> SafeString:
    """Return how a forecast compares with what the cloud answered."""
    return draw_badge(FORECAST_LOOKS[score], score.label)


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """Return a moment to the minute, in the reader's zone; to the second on hover. A dash for none."""
    if moment is None:
        return NONE
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', iso(moment), exactly(moment), _to_the_minute(moment)
    )


@register.simple_tag
def ago(moment: datetime | None, now: datetime | None = None) -> SafeString:
    """Return how long ago a moment was, or how far off it is; the exact value on hover. A dash for none.

    The page's script renews the words as time goes by.
    """
    if moment is None:
        return NONE
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        iso(moment),
        exactly(moment),
        in_words(moment - (now or timezone.now())),
    )


@register.filter
def exactly(moment: datetime) -> str:
    """Return a moment to the second with its zone, in the reader's form, such as 2026-11-24 14:03:07 CET."""
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def _to_the_minute(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")


def iso(moment: datetime) -> str:
    """Return a moment as attributes carry it: in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def in_words(distance: timedelta) -> str:
    """Return a distance from now in one unit, as `Intl.RelativeTimeFormat` of the page's script words it."""
    seconds = distance.total_seconds()
    minutes = int(abs(seconds) // 60)
    if not minutes:
        return _("now")
    if seconds < 0:
        return _past(minutes)
    return _ahead(minutes)


def _past(minutes: int) -> str:
    if minutes < 60:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if minutes < 24 * 60:
        hours = minutes // 60
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    days = minutes // (24 * 60)
    return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}


def _ahead(minutes: int) -> str:
    if minutes < 60:
        return ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    if minutes < 24 * 60:
        hours = minutes // 60
        return ngettext("in %(n)d hour", "in %(n)d hours", hours) % {"n": hours}
    days = minutes // (24 * 60)
    return ngettext("in %(n)d day", "in %(n)d days", days) % {"n": days}


@register.filter
def duration(length: timedelta | None) -> str:
    """Return a length of time in its two largest units, such as 38 min 12 s."""
    if length is None:
        return "—"
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)d s") % {"seconds": seconds}


@register.filter
def whole(count: int) -> str:
    """Return a whole number with separators, such as 10,000."""
    return _number(count)


@register.filter
def gigabytes(gb: int | None) -> str:
    """Return whole GB with separators; "unknown" where the cloud did not say."""
    if gb is None:
        return _("unknown")
    return _("%(size)s\N{NO-BREAK SPACE}GB") % {"size": _number(gb)}


@register.filter
def megabytes(mb: int | None) -> str:
    """Return MB below one GB, else GB with one decimal: something is never shown as nothing."""
    if mb is None:
        return _("unknown")
    if mb < 1024:
        return _("%(size)s\N{NO-BREAK SPACE}MB") % {"size": _number(mb)}
    decimals = 1 if mb % 1024 and mb < 1024 * 1024 else 0
    return _("%(size)s\N{NO-BREAK SPACE}GB") % {"size": _number(mb / 1024, decimals)}


@register.filter
def gibibytes(mb: int | None) -> str:
    """Return MB as GiB with one decimal where it has one, or as MiB below one GiB: something is never shown as nothing.

    The cloud writes MB and GB and counts 1024 MB as one GB.
    """
    if mb is None:
        return _("unknown")
    if 0 < mb < 1024:
        return _("%(size)s\N{NO-BREAK SPACE}MiB") % {"size": _number(mb)}
    return _("%(size)s\N{NO-BREAK SPACE}GiB") % {"size": _number(mb / 1024, 1 if mb % 1024 else 0)}


@register.filter
def amount(size: Size) -> str:
    """Return how much would be copied at most, and of how many backups nobody knows."""
    if size.unknown and size.unknown == size.count:
        return _("size unknown")
    if not size.unknown:
        return gigabytes(size.known_gb)
    return ngettext(
        "%(size)s and %(count)d of unknown size", "%(size)s and %(count)d of unknown size", size.unknown
    ) % {"size": gigabytes(size.known_gb), "count": size.unknown}


@register.simple_tag
def money(value: Decimal, currency: str) -> str:
    """Return a sum in a currency with two decimals; something is never shown as nothing."""
    shown = _("%(sum)s\N{NO-BREAK SPACE}%(currency)s")
    cent = Decimal("0.01")
    if 0 < value < cent:
        least = shown % {"sum": formats.number_format(cent, 2), "currency": currency}
        return _("less than %(sum)s") % {"sum": least}
    return shown % {"sum": formats.number_format(value, 2, force_grouping=True), "currency": currency}


def _number(value: float, decimals: int = 0) -> str:
    return formats.number_format(value, decimal_pos=decimals, use_l10n=True, force_grouping=True)


@register.simple_tag
def capacity(vault: Vault) -> SafeString:
    """Return how full a vault is, as a bar and in words."""
    if vault.used_percent is None:
        return format_html('<span class="none">{}</span>', _("unknown"))
    tone = "failed" if vault.used_percent >= 95 else "partial" if vault.used_percent >= 80 else "plain"
    words = _("%(used)s of %(size)s") % {"used": megabytes(vault.used_mb), "size": gigabytes(vault.size_gb)}
    # Something in it is always seen, however little.
    width = max(vault.used_percent, 1 if vault.used_mb else 0)
    return format_html(
        '<span class="capacity">{}<span class="capacity-text">{}</span></span>',
        bar([(tone, width)], 100),
        words,
    )


@register.simple_tag
def progress(record: ReplicationRecord) -> SafeString:
    """Return how far a record is, as a bar with its number; a dash while the cloud has not told, or once it is over."""
    if record.is_final or record.progress_percent is None:
        return NONE
    percent = min(record.progress_percent, 100)
    name = _("Progress of %(name)s") % {"name": record.backup_name or record.backup_id}
    return format_html(
        '<span class="progress-line"><progress max="100" value="{}" aria-label="{}"></progress> {}</span>',
        percent,
        name,
        _("%(percent)d %%") % {"percent": percent},
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a roll-up: how many records look like this."""

    look: Appearance
    word: str
    count: int


@register.filter
def _segments(records: Iterable[ReplicationRecord]) -> list[Segment]:
    """Count records by how they look, in the order in which a person wants to know.

    A record may stand for several that look like it: its attribute `alike` says for how many.
    """
    counts: dict[tuple[str, str], Segment] = {}
    for record in records:
        look = look_of_record(record)
        word = str(look.word or record.get_status_display())
        known = counts.get((look.tone, word))
        counts[look.tone, word] = Segment(
            look, word, (known.count if known else 0) + getattr(record, "alike", 1)
        )
    return sorted(counts.values(), key=lambda one: _SEGMENT_ORDER.index(one.look.tone))


#: From "look here" to "done".
_SEGMENT_ORDER = ("failed", "refused", "running", "waiting", "copied", "done", "over")


@register.simple_tag
def roll_up(records: Iterable[ReplicationRecord]) -> SafeString:
    """Return records as one bar, with a legend that says the same in words and numbers."""
    segments = _segments(records)
    total = sum(one.count for one in segments)
    legend = format_html_join(
        "",
        '<li><span class="status status-{}">{}{}</span> {}</li>',
        ((one.look.tone, icon(one.look.icon), one.word, one.count) for one in segments),
    )
    drawn = bar([(one.look.tone, one.count) for one in segments], total)
    return format_html('<div class="roll-up">{}<ul class="legend">{}</ul></div>', drawn, legend)


def bar(parts: list[tuple[str, int]], total: int) -> SafeString:
    """Return parts of a whole as a bar for the eye; widths are attributes, since inline styles are barred."""
    drawn = []
    start = 0
    for tone, size in parts:
        drawn.append((start, size, tone))
        start += size
    rects = format_html_join("", '<rect x="{}" width="{}" height="8" class="bar-{}"></rect>', drawn)
    return format_html(
        '<svg class="bar" viewBox="0 0 {} 8" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        max(total, 1),
        rects,
    )


@register.filter
def evidence_source(name: str) -> str:
    """Return a place that a look has read, in words. What a look could not tell apart is the source region."""
    if name in Evidence.values:
        return str(Evidence(name).label)
    return _("source region")


@register.simple_tag
def copyable(value: object, label: str, *, full: bool = False) -> SafeString:
    """Return an id, shortened unless `full`, with a button that copies all of it. A dash for none.

    `label` names the button: "Copy vault ID".
    """
    text = str(value or "")
    if not text:
        return NONE
    shown = text if full or len(text) <= 13 else f"{text[:8]}…"
    return format_html(
        '<span class="copyable"><code{} title="{}">{}</code>'
        '<button type="button" class="copy" data-copy="{}" aria-label="{}" title="{}">{}</button></span>',
        mark_safe(' class="full"') if shown == text else "",
        text,
        shown,
        text,
        f"{label} {shown}",
        label,
        icon("square-2-stack"),
    )


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """Return light, dark, or auto: follow the system. A person's own choice goes before the browser's."""
    request = context.get("request")
    user = context.get("user")
    remembered = Preferences.of(user).theme if user else ""
    chosen = remembered or (request.COOKIES.get("theme", "") if request else "")
    return chosen if chosen in {Theme.LIGHT, Theme.DARK} else str(Theme.AUTO)
