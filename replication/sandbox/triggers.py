"""What a policy's trigger may say: iCalendar rules of the few parts that the reference lists, at least an hour apart.

API: CreatePolicy, trigger.properties.pattern: up to 24 rules, FREQ, INTERVAL, BYDAY, BYHOUR and BYMINUTE. Pure.
"""

import re
from collections.abc import Sequence
from itertools import pairwise, product

from replication.sandbox.answers import parameter_refused

MOST_RULES = 24
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MINUTES_OF_A_WEEK = 7 * 24 * 60
PARTS = {
    "FREQ": re.compile(r"WEEKLY|DAILY"),
    "INTERVAL": re.compile(r"[1-9]\d{0,3}"),
    "BYDAY": re.compile(rf"(?:{'|'.join(DAYS)})(?:,(?:{'|'.join(DAYS)}))*"),
    "BYHOUR": re.compile(r"(?:[01]?\d|2[0-3])(?:,(?:[01]?\d|2[0-3]))*"),
    "BYMINUTE": re.compile(r"[0-5]?\d(?:,[0-5]?\d)*"),
}


def check_patterns(patterns: Sequence[str]) -> None:
    """Check the rules of one trigger.

    Raises:
        Refusal: 9900; there are too many, one cannot be read, or two runs are less than an hour apart.
    """
    if not 1 <= len(patterns) <= MOST_RULES:
        raise parameter_refused(f"pattern must hold 1 to {MOST_RULES} rules.")
    minutes = sorted({minute for rule in patterns for minute in _minutes_of_a_week(_parts(rule))})
    around = [*minutes, minutes[0] + MINUTES_OF_A_WEEK]
    if any(later - earlier < 60 for earlier, later in pairwise(around)):
        raise parameter_refused("pattern must leave an hour between two runs.")


def _parts(rule: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in rule.split(";")]
    parts = {name: value for name, _equals, value in pairs}
    if len(parts) != len(pairs) or any(
        name not in PARTS or not PARTS[name].fullmatch(value) for name, value in parts.items()
    ):
        raise parameter_refused(f"pattern has a rule that cannot be read: {rule!r:.80}.")
    for needed in ("FREQ", "BYHOUR", "BYMINUTE"):
        if needed not in parts:
            raise parameter_refused(f"pattern needs {needed}.")
    if parts["FREQ"] == "WEEKLY" and "BYDAY" not in parts:
        raise parameter_refused("pattern needs BYDAY in a weekly rule.")
    return parts


def _minutes_of_a_week(parts: dict[str, str]) -> list[int]:
    """List when a rule may run, as minutes since Monday, as if it did so every week."""
    days = [DAYS.index(day) for day in parts["BYDAY"].split(",")] if "BYDAY" in parts else range(7)
    times = product(days, parts["BYHOUR"].split(","), parts["BYMINUTE"].split(","))
    return [(day * 24 + int(hour)) * 60 + int(minute) for day, hour, minute in times]
