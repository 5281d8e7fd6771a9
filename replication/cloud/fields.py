"""Reads single values out of a JSON object, and names the field when one is missing or of the wrong type.

Knows the habits of the wire: both timestamp forms, numbers and flags written as strings, objects written as JSON
strings. It must not know which payload a field belongs to.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Never

from .errors import Unreadable

_FLAGS = {"true": True, "false": False}
#: Characters that no database stores: NUL, and halves of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MAY_BE_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_LARGEST_WHOLE = 2**63 - 1
_LONGEST_ID = 64


def parse_json(raw: bytes, *, unique_keys: bool = False) -> Any:
    """Return the value that a body holds.

    NUL and lone surrogates inside strings become U+FFFD, so that whatever is returned can be stored.

    Args:
        raw: The body; JSON is UTF-8 whatever the header claims.
        unique_keys: Whether an object that names a key twice is refused; otherwise the last one counts.

    Raises:
        Unreadable: not JSON, or JSON with NaN, infinite or nested beyond reason.
    """
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_unique if unique_keys else None,
        )
        return _storable(value) if _MAY_BE_UNSTORABLE.search(text) else value
    except (ValueError, RecursionError) as error:
        reason = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        if isinstance(error, UnicodeDecodeError):
            reason = "not UTF-8"
        reason = reason or ("nested too deep" if isinstance(error, RecursionError) else str(error)[:200])
        raise Unreadable(f"The answer is not JSON ({reason}).") from None


def _refuse_constant(word: str) -> Never:
    raise ValueError(f"{word} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("an object names a key twice")
    return unique


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def parse_moment(text: str) -> datetime:
    """Return an aware UTC time; one without a zone is UTC already.

    Raises:
        ValueError: not a time, or one that does not exist in UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object of an answer, and where in the answer it stands."""

    values: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, value: object, where: str) -> "Fields":
        """Wrap a value that has to be an object.

        Raises:
            Unreadable: it is something else.
        """
        if not isinstance(value, Mapping):
            raise Unreadable(f"{where}: expected an object, got {_kind(value)}.")
        return cls(value, where)

    def text(self, key: str, *, needed: bool = False) -> str:
        """Return a string; empty for one that is absent or null.

        Raises:
            Unreadable: a needed one is absent or empty, or it is neither string nor number.
        """
        value = self.values.get(key)
        if value is None or value == "":
            return self._missing(key) if needed else ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._wrong(key, "a string")
        return str(value)

    def id(self, key: str) -> str:
        """Return a needed id of the cloud, at most 64 characters.

        Raises:
            Unreadable: it is absent, or cannot be an id.
        """
        value = self.values.get(key)
        if value is None or value == "":
            self._missing(key)
        if not isinstance(value, str) or len(value) > _LONGEST_ID or not value.isprintable():
            self._wrong(key, "an id")
        return str(value)

    def whole(self, key: str) -> int:
        """Return a whole number that is not negative.

        Raises:
            Unreadable: it is absent, or no such number.
        """
        number = self.whole_if_told(key)
        return self._missing(key) if number is None else number

    def whole_if_told(self, key: str) -> int | None:
        """Return a whole number that is not negative; none when it is absent or null.

        Raises:
            Unreadable: it is no such number.
        """
        value = self.values.get(key)
        if value is None or value == "":
            return None
        number = _as_whole(value)
        if number is None or not 0 <= number <= _LARGEST_WHOLE:
            self._wrong(key, "a whole number")
        return number

    def limit(self, key: str) -> int | None:
        """Return a limit that is not negative; none when it is absent, null or -1, which is how the wire says "no limit".

        Raises:
            Unreadable: it is no such number.
        """
        return None if self.values.get(key) in (-1, "-1") else self.whole_if_told(key)

    def percent(self, key: str) -> int | None:
        """Return a share between 0 and 100; none when it is absent or not a number, since nobody depends on it."""
        number = _as_whole(self.values.get(key))
        return None if number is None else min(max(number, 0), 100)

    def flag(self, key: str) -> bool | None:
        """Return a flag, also one written as a word; none when it is absent, null or empty.

        Raises:
            Unreadable: it is something else.
        """
        value = self.values.get(key)
        if value is None or value == "" or isinstance(value, bool):
            return value if isinstance(value, bool) else None
        if isinstance(value, str) and value.lower() in _FLAGS:
            return _FLAGS[value.lower()]
        return self._wrong(key, "true or false")

    def moment(self, key: str) -> datetime | None:
        """Return an aware UTC time; none when it is absent, null or empty.

        Raises:
            Unreadable: it is not a time.
        """
        value = self.values.get(key)
        if value is None or value == "":
            return None
        try:
            return parse_moment(value)
        except (TypeError, ValueError):
            return self._wrong(key, "a time")

    def inner(self, key: str, *, needed: bool = False) -> "Fields":
        """Return the object under a key; an empty one when it is absent or null.

        Raises:
            Unreadable: a needed one is absent, or it is not an object.
        """
        value = self.values.get(key)
        if value is None:
            if needed:
                self._missing(key)
            value = {}
        return Fields.of(value, self._path(key))

    def loose(self, key: str) -> "Fields":
        """Return the object under a key, also one written as a JSON string; an empty one for anything else.

        For extra_info, whose type differs between clouds and which nothing depends on.
        """
        value = self.values.get(key)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = parse_json(value.encode(errors="replace"))
            except Unreadable:
                value = None
        return Fields(value if isinstance(value, Mapping) else {}, self._path(key))

    def items(self, key: str) -> Iterator[tuple[Any, str]]:
        """Return the members of the list under a key, each with its place; nothing when it is absent or null.

        Raises:
            Unreadable: it is not a list.
        """
        value = self.values.get(key)
        if value is None:
            return iter(())
        return self.needed_items(key)

    def needed_items(self, key: str) -> Iterator[tuple[Any, str]]:
        """Return the members of the list under a key, each with its place.

        Raises:
            Unreadable: it is absent or not a list.
        """
        value = self.values.get(key)
        if value is None:
            self._missing(key)
        if not isinstance(value, list):
            self._wrong(key, "a list")
        path = self._path(key)
        return ((item, f"{path}[{index}]") for index, item in enumerate(value))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the needed list of strings under a key.

        Raises:
            Unreadable: it is absent or not a list, or a member is no string.
        """
        listed = tuple(self.needed_items(key))
        for item, place in listed:
            if not isinstance(item, str) or not item:
                raise Unreadable(f"{place}: expected a string, got {_kind(item)}.")
        return tuple(item for item, _ in listed)

    def _path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def _missing(self, key: str) -> Never:
        raise Unreadable(f"{self._path(key)}: missing.")

    def _wrong(self, key: str, expected: str) -> Never:
        raise Unreadable(f"{self._path(key)}: expected {expected}, got {_kind(self.values[key])}.")


def _as_whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return int(value)
    return None


def _kind(value: object) -> str:
    """Name a value without showing much of it: it is unchecked text from outside."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    shown = str(value)
    return "null" if value is None else repr(shown if len(shown) <= 40 else f"{shown[:40]}…")
