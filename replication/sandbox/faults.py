"""The faults that tests may ask for, and the book in which those still to come are kept.

A fault is asked for by the name of an operation and spoils its next calls. What each fault does to an answer or to
the connection stands in `faulty_answers` and `faulty_wire`.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from replication.sandbox.answers import ERROR_SHAPES

EVERY_OPERATION = "*"


class FaultRefused(ValueError):
    """The fault asked for does not exist or its parameters do not fit; the message says what would."""


class Phase(StrEnum):
    """Which part of a call a fault spoils."""

    READING = "reading"
    READ = "read"
    PROCESSING = "processing"
    INSTEAD = "instead"
    ANSWER = "answer"
    SENDING = "sending"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: when it strikes, what it does, and its parameters with their defaults."""

    phase: Phase
    sentence: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    "close_before_reading": Kind(Phase.READING, "Close after the headers, the body unread."),
    "reset_before_reading": Kind(Phase.READING, "Reset after the headers, the body unread."),
    "close_mid_reading": Kind(Phase.READING, "Close when half of the body is read."),
    "reset_mid_reading": Kind(Phase.READING, "Reset when half of the body is read."),
    "close_before_processing": Kind(Phase.READ, "Close when all is read and nothing done."),
    "reset_before_processing": Kind(Phase.READ, "Reset when all is read and nothing done."),
    "close_after_processing": Kind(Phase.SENDING, "Do what is asked, then close without an answer."),
    "reset_after_processing": Kind(Phase.SENDING, "Do what is asked, then reset without an answer."),
    "process_late": Kind(Phase.PROCESSING, "Do what is asked only after some time.", {"seconds": 1.0}),
    "answer_late": Kind(Phase.SENDING, "Do what is asked at once, answer after some time.", {"seconds": 1.0}),
    "drip_headers": Kind(
        Phase.SENDING, "Send the answer byte by byte from its start.", {"pause_seconds": 0.05}
    ),
    "drip_body": Kind(
        Phase.SENDING, "Send the headers, then the body byte by byte.", {"pause_seconds": 0.05}
    ),
    "truncate": Kind(Phase.SENDING, "Send part of the announced body, then close.", {"share": 0.5}),
    "wrong_content_length": Kind(Phase.SENDING, "Announce more (or fewer) bytes than are sent.", {"by": 10}),
    "chunked_garbage": Kind(Phase.SENDING, "Announce chunks, send what are none."),
    "bad_status_line": Kind(Phase.SENDING, "Begin with something that is no status line."),
    "interim_flood": Kind(
        Phase.SENDING,
        "Send many 1xx answers before the real one.",
        {"number": 100, "interim_status": 100, "pause_seconds": 0.0},
    ),
    "huge_body": Kind(
        Phase.SENDING, "Send a valid body followed by megabytes of blanks.", {"megabytes": 200}
    ),
    "answer": Kind(
        Phase.INSTEAD,
        f"Answer with any status and error; shapes: {', '.join(ERROR_SHAPES)}.",
        {
            "status": 500,
            "shape": "cbr",
            "code": "BackupService.9910",
            "message": "Unknown error.",
            "headers": {},
            "processed": False,
        },
    ),
    "redirect": Kind(
        Phase.INSTEAD,
        "Redirect, to the same address unless another is given.",
        {"status": 307, "location": "", "processed": False},
    ),
    "throttle": Kind(
        Phase.INSTEAD,
        "Answer 429 as the gateway does; Retry-After as given.",
        {"retry_after": "1", "processed": False},
    ),
    "status": Kind(Phase.ANSWER, "Do what is asked and answer it, with another status.", {"status": 202}),
    "bad_json": Kind(Phase.ANSWER, "Answer something that is almost JSON."),
    "duplicate_keys": Kind(Phase.ANSWER, "Answer JSON whose outermost keys come twice."),
    "not_a_number": Kind(Phase.ANSWER, "Answer JSON with NaN and Infinity in it."),
    "deep_nesting": Kind(Phase.ANSWER, "Answer JSON with a deep nest of lists in it.", {"depth": 10_000}),
    "gzip_bomb": Kind(Phase.ANSWER, "Answer a small gzip body that grows on reading.", {"megabytes": 200}),
    "wrong_charset": Kind(Phase.ANSWER, "Answer in UTF-16 what is announced as UTF-8."),
    "html_success": Kind(Phase.ANSWER, "Answer a page of HTML with the status of success."),
    "empty_body": Kind(Phase.ANSWER, "Answer nothing with the status of success."),
    "foreign_ids": Kind(Phase.ANSWER, "Answer about other vaults and backups than those asked for."),
    "duplicate_record_ids": Kind(Phase.ANSWER, "Answer the same replication record id for all backups."),
    "missing_field": Kind(Phase.ANSWER, "Leave out a field, named by its path.", {"field": ""}),
    "changed_field": Kind(Phase.ANSWER, "Put another value into a field.", {"field": "", "value": None}),
    "shifting_pages": Kind(
        Phase.PROCESSING, "Let a list grow or shrink at its front between calls.", {"change": "insert"}
    ),
    "expire_token": Kind(Phase.PROCESSING, "Let the token that is used end before the call is looked at."),
    "clock_skew": Kind(
        Phase.PROCESSING, "Let the cloud's clock jump before the call is looked at.", {"seconds": 7200.0}
    ),
    "records_visible_after": Kind(
        Phase.PROCESSING, "Accept, but show records, logs and replicas only later.", {"seconds": 60.0}
    ),
    "fail_backup": Kind(
        Phase.PROCESSING,
        "Accept, but let one backup end badly; without an id it is the first.",
        {
            "backup_id": "",
            "outcome": "failed",
            "fail_code": "BackupService.1006",
            "fail_reason": "Failed to import the replica.",
            "percent": 40,
        },
    ),
}

_CHOICES = {
    "shape": ERROR_SHAPES,
    "change": ("insert", "delete"),
    "outcome": ("failed", "skipped", "timed_out"),
}
_RANGES = {
    "status": (200, 599),
    "interim_status": (100, 199),
    "seconds": (-10_000_000, 10_000_000),
    "pause_seconds": (0, 60),
    "share": (0, 1),
    "by": (-1_000_000, 1_000_000),
    "number": (1, 1_000_000),
    "megabytes": (1, 1024),
    "depth": (1, 1_000_000),
    "percent": (0, 99),
}
_SENT_IN_HEADERS = frozenset({"headers", "location", "retry_after"})
_HEADER_TEXT = re.compile(r"[ -~\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was asked for.

    Args:
        operation: The operation it waits for, or `*`.
        name: One of `KINDS`.
        parameters: All parameters, defaults included.
        count: How many calls it still spoils.
        skip: How many calls it lets pass before.
        served: How many calls it has spoiled, the present one included.
    """

    operation: str
    name: str
    parameters: Mapping[str, Any]
    count: int = 1
    skip: int = 0
    served: int = 0

    @property
    def phase(self) -> Phase:
        return KINDS[self.name].phase

    def to_json(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "fault": self.name,
            "count": self.count,
            "skip": self.skip,
            "served": self.served,
            **self.parameters,
        }


class FaultBook:
    """The faults still to come; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def pending(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, operation: str) -> Fault | None:
        """Use up one call of the oldest fault that waits for this operation."""
        with self._lock:
            for position, fault in enumerate(self._faults):
                if fault.operation not in {operation, EVERY_OPERATION}:
                    continue
                if fault.skip:
                    self._faults[position] = replace(fault, skip=fault.skip - 1)
                    return None
                taken = replace(fault, count=fault.count - 1, served=fault.served + 1)
                self._faults[position] = taken
                if not taken.count:
                    del self._faults[position]
                return taken
        return None


def read_fault(document: Mapping[str, Any], operations: frozenset[str]) -> Fault:
    """Read a fault from what a test sent.

    Raises:
        FaultRefused: The operation, the fault or a parameter does not exist or does not fit.
    """
    wishes = dict(document)
    operation, name = wishes.pop("operation", None), wishes.pop("fault", None)
    count, skip = wishes.pop("count", 1), wishes.pop("skip", 0)
    if operation not in operations | {EVERY_OPERATION}:
        raise FaultRefused(f"operation must be * or one of {', '.join(sorted(operations))}.")
    if name not in KINDS:
        raise FaultRefused(f"fault must be one of {', '.join(KINDS)}.")
    if not _is_count(count) or count < 1 or not _is_count(skip):
        raise FaultRefused("count and skip must be whole numbers, count at least 1.")
    defaults = KINDS[name].parameters
    for parameter, value in wishes.items():
        if parameter not in defaults:
            raise FaultRefused(
                f"{name} has no parameter {parameter!r}; it has {', '.join(defaults) or 'none'}."
            )
        _check_parameter(parameter, value, defaults[parameter])
    return Fault(operation, name, {**defaults, **wishes}, count, skip)


def _check_parameter(name: str, value: object, default: object) -> None:
    if default is None:
        return
    wanted = (int, float) if isinstance(default, float) else (type(default),)
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
        raise FaultRefused(f"{name} must be like {default!r}.")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise FaultRefused(f"{name} must be one of {', '.join(_CHOICES[name])}.")
    if name in _SENT_IN_HEADERS:
        words = [*value, *map(str, value.values())] if isinstance(value, dict) else [str(value)]
        if not all(_HEADER_TEXT.fullmatch(word) for word in words):
            raise FaultRefused(f"{name} must be what a header can carry, in one line.")
    if name in _RANGES and isinstance(value, int | float):
        smallest, largest = _RANGES[name]
        if not smallest <= value <= largest:
            raise FaultRefused(f"{name} must be between {smallest} and {largest}.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
