"""How the cloud's policies look: their schedule and retention in words, and how far a change of one is.

Decides nothing and asks no database. `{% load policy_display %}`:

- `{{ policy|schedule_words }}` a list of sentences, one a rule; `{{ policy|retention_words }}` a list of parts.
- `{% policy_switch policy %}` on or off; `{% policy_change_badge change %}` how far it is; `{{ change|policy_change_title }}`.
"""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from replication.models import Policy, PolicyChange, PolicyChangeKind, PolicyChangeStatus
from replication.services.schedule import Rule, UnreadableRule

from .replication_display import Appearance, icon

register = template.Library()

_DAYS = (
    gettext_lazy("Mon"),
    gettext_lazy("Tue"),
    gettext_lazy("Wed"),
    gettext_lazy("Thu"),
    gettext_lazy("Fri"),
    gettext_lazy("Sat"),
    gettext_lazy("Sun"),
)
CHANGE_LOOKS: dict[str, Appearance] = {
    PolicyChangeStatus.REQUESTED: Appearance("waiting", "clock"),
    PolicyChangeStatus.SENDING: Appearance("running", "paper-airplane"),
    PolicyChangeStatus.UNCLEAR: Appearance("unclear", "question-mark-circle"),
    PolicyChangeStatus.DONE: Appearance("done", "check-circle"),
    PolicyChangeStatus.REFUSED: Appearance("refused", "no-symbol"),
    PolicyChangeStatus.NOT_DONE: Appearance("failed", "x-circle"),
}


@register.filter
def schedule_words(policy: Policy) -> list[str]:
    """Return when a policy runs, a sentence a rhythm; a rule that we cannot read stands there as the cloud words it."""
    return words_of_patterns(policy.patterns, policy)


def words_of_patterns(patterns: Sequence[str], policy: Policy | None = None) -> list[str]:
    """Return rules in words; those that differ by their times only are told in one sentence."""
    rhythms: dict[tuple[bool, int, frozenset[int]], list[str]] = {}
    unread = []
    for text in patterns:
        try:
            rule = Rule.read(text, policy.started_at if policy else None)
        except UnreadableRule:
            unread.append(text)
            continue
        times = rhythms.setdefault((rule.weekly, rule.interval, rule.weekdays), [])
        times.extend(f"{one:%H:%M}" for one in rule.times)
    told = [_rhythm(*rhythm, sorted(set(times))) for rhythm, times in rhythms.items()]
    return told + unread


def _rhythm(weekly: bool, interval: int, weekdays: frozenset[int], times: list[str]) -> str:  # noqa: FBT001  # a rule's part
    values = {
        "n": interval,
        "days": ", ".join(str(_DAYS[day]) for day in sorted(weekdays)),
        "times": get_text_list(times, _("and")),
    }
    if len(weekdays) == 7 and interval == 1:
        return _("Every day at %(times)s UTC") % values
    if weekly:
        return (
            ngettext(
                "Every week on %(days)s at %(times)s UTC",
                "Every %(n)d weeks on %(days)s at %(times)s UTC",
                interval,
            )
            % values
        )
    if weekdays:
        return (
            ngettext(
                "Every day that is %(days)s, at %(times)s UTC",
                "Every %(n)d days, if that is %(days)s, at %(times)s UTC",
                interval,
            )
            % values
        )
    return ngettext("Every day at %(times)s UTC", "Every %(n)d days at %(times)s UTC", interval) % values


@register.filter
def retention_words(policy: Policy) -> list[str]:
    """Return how long a policy keeps what it makes, a part a limit."""
    if policy.is_kept_for_good:
        return [keep_words(None, None)]
    told = []
    if policy.retention_days is not None or policy.max_backups is not None:
        told.append(keep_words(policy.retention_days, policy.max_backups))
    for limit, words in (
        (policy.day_backups, _("one a day for %(n)d d")),
        (policy.week_backups, _("one a week for %(n)d weeks")),
        (policy.month_backups, _("one a month for %(n)d months")),
        (policy.year_backups, _("one a year for %(n)d years")),
    ):
        if limit:
            told.append(words % {"n": limit})
    if policy.timezone and len(told) > 1:
        told.append(_("days by %(zone)s") % {"zone": policy.timezone})
    return told


def keep_words(days: int | None, number: int | None) -> str:
    """Return how long replicas are kept: for days, the newest ones, or for good."""
    if days is not None:
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if number is not None:
        return _("the newest %(n)d of each server") % {"n": number}
    return _("until somebody deletes them")


@register.simple_tag
def policy_switch(policy: Policy) -> SafeString:
    """Return whether a policy is switched on."""
    look = Appearance("done", "check-circle") if policy.enabled else Appearance("over", "no-symbol")
    word = _("Switched on") if policy.enabled else _("Switched off")
    return format_html('<span class="status status-{}">{}{}</span>', look.tone, icon(look.icon), word)


@register.simple_tag
def policy_change_badge(change: PolicyChange) -> SafeString:
    """Return how far a change is."""
    look = CHANGE_LOOKS[change.status]
    return format_html(
        '<span class="status status-{}">{}{}</span>', look.tone, icon(look.icon), change.get_status_display()
    )


@register.filter
def policy_change_title(change: PolicyChange) -> str:
    """Return what a change is about, in a few words."""
    values = {
        "policy": change.policy_name,
        "vault": change.source_vault.name if change.source_vault else change.vault_id,
    }
    titles = {
        PolicyChangeKind.CREATE: _("Create %(policy)s"),
        PolicyChangeKind.APPLY: _("Apply %(policy)s to %(vault)s"),
        PolicyChangeKind.REMOVE: _("Remove %(policy)s from %(vault)s"),
        PolicyChangeKind.DELETE: _("Delete %(policy)s"),
    }
    return titles[PolicyChangeKind(change.kind)] % values


@register.filter
def policy_change_sentence(change: PolicyChange) -> str:
    """Return where a change stands and what follows, for somebody who has just woken up."""
    if change.status == PolicyChangeStatus.REQUESTED:
        if change.error_message:
            return _("It could not be sent yet: nothing was changed. It is tried again by itself.")
        return _("It waits for the worker, which sends it within seconds. Nothing was changed yet.")
    if change.status == PolicyChangeStatus.SENDING:
        return _("The worker is sending it and waits for the answer.")
    if change.status == PolicyChangeStatus.UNCLEAR:
        return _unclear(change)
    if change.status == PolicyChangeStatus.DONE:
        return _("Done: the cloud's list of policies shows it.")
    if change.status == PolicyChangeStatus.REFUSED:
        return _("Refused: nothing was changed in the cloud.")
    return _(
        "Not carried out: the cloud does not show it, and it is not tried any more. Ask anew if it is still wanted."
    )


def _unclear(change: PolicyChange) -> str:
    if not change.error_message:
        return _(
            "The cloud accepted it, but its list of policies does not show it yet. The list is read again until it does."
        )
    if change.is_creation:
        return _(
            "The answer was lost, so the policy may have been created. The cloud's list is read until that is known; it is "
            "not sent a second time."
        )
    return _(
        "The answer was lost, so it may have been carried out. The cloud's list is read until that is known. If it was "
        "not, it is sent again; twice has the same effect as once."
    )
