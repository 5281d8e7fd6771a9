"""Reads query parameters and JSON bodies strictly: what the reference does not allow is refused with BackupService.9900.

It knows types, lengths and enums, but no operation and no world.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from werkzeug.datastructures import MultiDict

from replication.sandbox.answers import parameter_refused

LARGEST_PAGE = 1000

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Query:
    """The query parameters of one call."""

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        self._arguments = arguments

    def text(self, name: str, longest: int = 255) -> str:
        value = self._arguments.get(name, "")
        if len(value) > longest:
            raise parameter_refused(f"{name} is longer than {longest} characters.")
        return value

    def texts(self, name: str) -> list[str]:
        return self._arguments.getlist(name)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        return next(iter(self.choices(name, choices)), "")

    def choices(self, name: str, choices: Sequence[str]) -> list[str]:
        values = self.texts(name)
        for value in values:
            if value not in choices:
                raise parameter_refused(f"{name} must be one of {', '.join(choices)}.")
        return values

    def number(self, name: str, default: int, smallest: int, largest: int) -> int:
        text = self._arguments.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not smallest <= int(text) <= largest:
            raise parameter_refused(f"{name} must be a whole number between {smallest} and {largest}.")
        return int(text)

    def boolean(self, name: str) -> bool | None:
        value = self.choice(name, ("true", "false", "True", "False"))
        return None if not value else value.lower() == "true"

    def moment(self, name: str) -> datetime | None:
        """Read a timestamp of the one form that filters take, `YYYY-mm-ddTHH:MM:SSZ`."""
        text = self._arguments.get(name)
        if text is None:
            return None
        try:
            if _TIMESTAMP.fullmatch(text):
                return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            pass
        raise parameter_refused(f"{name} must be of the form YYYY-mm-ddTHH:MM:SSZ.")

    def page(self) -> tuple[int, int]:
        """Read limit and offset."""
        limit = self.number("limit", LARGEST_PAGE, 1, LARGEST_PAGE)
        return limit, self.number("offset", 0, 0, 999_999_999)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a JSON body: how it is checked, and whether it must be there."""

    check: Callable[[Any, str], None]
    required: bool = False


def read_body(body: bytes, wrapper: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Read `{wrapper: {…}}` and nothing else.

    Raises:
        Refusal: It is not JSON, or a field is unknown, missing or ill-typed (BackupService.9900).
    """
    try:
        document = parse_json(body)
    except ValueError as error:
        raise parameter_refused("The body is not JSON.") from error
    check_object(document, "the body", {wrapper: Field(is_object, required=True)})
    check_object(document[wrapper], wrapper, fields)
    return dict(document[wrapper])


def parse_json(body: bytes) -> Any:
    """Read JSON as the standard has it: no NaN, no duplicate keys, no half of a character.

    Raises:
        ValueError: It is something else.
    """
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
        if b"\\u" in body:
            # A lone surrogate can be escaped but not sent back: whatever held it could never be answered again.
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return document


def check_object(document: object, where: str, fields: Mapping[str, Field]) -> None:
    is_object(document, where)
    assert isinstance(document, dict)  # noqa: S101 - tells the type checker what the line above ensured
    for name in document:
        if name not in fields:
            raise parameter_refused(f"{where} has the unknown field {name!r:.80}.")
    for name, wanted in fields.items():
        if name in document:
            wanted.check(document[name], f"{where}.{name}")
        elif wanted.required:
            raise parameter_refused(f"{where}.{name} is missing.")


def is_object(value: object, where: str) -> None:
    if not isinstance(value, dict):
        raise parameter_refused(f"{where} must be an object.")


def is_boolean(value: object, where: str) -> None:
    if not isinstance(value, bool):
        raise parameter_refused(f"{where} must be a boolean.")


def is_uuid(value: object, where: str) -> None:
    try:
        # Braces, URN prefixes and missing hyphens satisfy UUID() too; the reference shows one form only.
        if isinstance(value, str) and str(UUID(value)) == value.lower():
            return
    except ValueError:
        pass
    raise parameter_refused(f"{where} must be a UUID.")


def is_text(smallest: int, largest: int, pattern: str = ".*") -> Callable[[object, str], None]:
    """Make a check of a string's length and characters."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, str) or not smallest <= len(value) <= largest:
            raise parameter_refused(f"{where} must be a string of {smallest} to {largest} characters.")
        if not re.fullmatch(pattern, value, re.DOTALL):
            raise parameter_refused(f"{where} has characters that are not allowed.")

    return check


def is_number(smallest: int, largest: int) -> Callable[[object, str], None]:
    """Make a check of an integer's range; a boolean is no number."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
            raise parameter_refused(f"{where} must be a whole number between {smallest} and {largest}.")

    return check


def is_one_of(*choices: str) -> Callable[[object, str], None]:
    """Make a check of membership in an enum."""

    def check(value: object, where: str) -> None:
        if value not in choices:
            raise parameter_refused(f"{where} must be one of {', '.join(choices)}.")

    return check


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate key")
    return document
