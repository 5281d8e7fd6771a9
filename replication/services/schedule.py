"""When a policy runs next: reads the cloud's iCalendar rules, and computes moments from them.

Pure. Reads the parts that the reference lists (FREQ daily or weekly, INTERVAL, BYDAY, BYHOUR, BYMINUTE; RFC 5545,
3.3.10) and nothing else: of a rule with any other part no moment is computed, since a guess would look like a fact.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

#: Days of the week as iCalendar names them; their places are those of `date.weekday`.
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_READABLE = {
    "FREQ": re.compile(r"DAILY|WEEKLY"),
    "INTERVAL": re.compile(r"[1-9]\d{0,3}"),
    "BYDAY": re.compile(rf"(?:{'|'.join(DAYS)})(?:,(?:{'|'.join(DAYS)}))*"),
    "BYHOUR": re.compile(r"(?:[01]?\d|2[0-3])(?:,(?:[01]?\d|2[0-3]))*"),
    "BYMINUTE": re.compile(r"[0-5]?\d(?:,[0-5]?\d)*"),
}


class UnreadableRule(Exception):
    """A rule has a part that we do not know, or leaves open what only the cloud knows."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a schedule. Its times are UTC."""

    weekly: bool
    #: Every so many days or weeks, counted from the start of the policy.
    interval: int
    #: Places of days in the week; empty in a daily rule that names none.
    weekdays: frozenset[int]
    times: tuple[time, ...]
    #: The first moment at which it may run, to the minute. Null: not known, and not needed.
    start: datetime | None

    @classmethod
    def read(cls, text: str, started_at: datetime | None) -> "Rule":
        """Read a rule; what it leaves out comes from the start of the policy, as iCalendar says.

        Raises:
            UnreadableRule: it has an unknown part, or leaves something out and no start is known.
        """
        pairs = [part.partition("=")[::2] for part in text.strip().removeprefix("RRULE:").split(";")]
        parts = dict(pairs)
        if len(parts) != len(pairs) or "FREQ" not in parts:
            raise UnreadableRule(text)
        if any(name not in _READABLE or not _READABLE[name].fullmatch(value) for name, value in pairs):
            raise UnreadableRule(text)
        start = started_at.astimezone(UTC) if started_at else None
        weekly, interval = parts["FREQ"] == "WEEKLY", int(parts.get("INTERVAL", "1"))
        weekdays = (
            frozenset(DAYS.index(day) for day in parts["BYDAY"].split(",")) if "BYDAY" in parts else None
        )
        complete = "BYHOUR" in parts and "BYMINUTE" in parts and (weekdays or not weekly) and interval == 1
        if start is None and not complete:
            raise UnreadableRule(text)
        if weekdays is None:
            weekdays = frozenset({start.weekday()} if weekly and start else ())
        hours = _numbers(parts.get("BYHOUR"), start.hour if start else 0)
        minutes = _numbers(parts.get("BYMINUTE"), start.minute if start else 0)
        times = tuple(time(hour, minute, tzinfo=UTC) for hour, minute in product(hours, minutes))
        return cls(
            weekly, interval, weekdays, times, start.replace(second=0, microsecond=0) if start else None
        )

    def runs_on(self, day: date) -> bool:
        """Return whether it runs on a day."""
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        if self.start is None:
            return True
        first = self.start.date()
        if self.weekly:
            return (_monday(day) - _monday(first)).days // 7 % self.interval == 0
        return (day - first).days % self.interval == 0

    def runs_after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the runs after a moment, the soonest first, as long as there are any."""
        if self.start:
            moment = max(moment, self.start - timedelta(minutes=1))
        day = moment.astimezone(UTC).date()
        # Twice the longest distance between two runs: beyond it a rule has none.
        horizon = 2 * self.interval * 7 + 14
        idle = 0
        while idle < horizon and day < date.max:
            runs = [datetime.combine(day, one) for one in sorted(self.times)] if self.runs_on(day) else []
            yield from (run for run in runs if run > moment)
            idle = 0 if runs else idle + 1
            day += timedelta(days=1)


def read_rules(patterns: Sequence[str], started_at: datetime | None) -> tuple[Rule, ...]:
    """Return the rules of a schedule.

    Raises:
        UnreadableRule: one of them cannot be read.
    """
    return tuple(Rule.read(text, started_at) for text in patterns)


def next_runs(
    patterns: Sequence[str], started_at: datetime | None, *, after: datetime, count: int = 3
) -> tuple[datetime, ...] | None:
    """Return the next moments at which a schedule runs, in UTC.

    Args:
        patterns: The rules as the cloud words them.
        started_at: The policy's start; null when the cloud did not say.
        after: The moment after which.
        count: How many.

    Returns:
        At most so many moments, the soonest first, each once; null when a rule cannot be read.
    """
    try:
        rules = read_rules(patterns, started_at)
    except UnreadableRule:
        return None
    found: set[datetime] = set()
    for rule in rules:
        for position, run in enumerate(rule.runs_after(after), start=1):
            found.add(run)
            if position == count:
                break
    return tuple(sorted(found)[:count])


def patterns_of(*, weekdays: Sequence[str], every_days: int, hours: Sequence[int]) -> tuple[str, ...]:
    """Return rules as the cloud's console writes them: one for each full hour, so that 24 hours fit the limit of 24.

    Args:
        weekdays: Days of the week, by iCalendar's names; none for a rule of every so many days.
        every_days: Every so many days, where no days of the week are given.
        hours: Full hours in UTC.
    """
    when = (
        f"FREQ=WEEKLY;BYDAY={','.join(day for day in DAYS if day in weekdays)}"
        if weekdays
        else f"FREQ=DAILY;INTERVAL={every_days}"
    )
    return tuple(f"{when};BYHOUR={hour:02};BYMINUTE=00" for hour in sorted(set(hours)))


def _numbers(text: str | None, otherwise: int) -> list[int]:
    return [int(number) for number in text.split(",")] if text else [otherwise]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
