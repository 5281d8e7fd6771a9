"""Rows as a file that leaves the system: CSV that is safe to open in a spreadsheet, and JSON. Both are streamed.

Knows nothing of what the rows mean, and keeps none of them.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum


class Delimiter(StrEnum):
    """What stands between the cells of a line. A spreadsheet in German expects a semicolon."""

    COMMA = "comma"
    SEMICOLON = "semicolon"


_SIGNS = {Delimiter.COMMA: ",", Delimiter.SEMICOLON: ";"}
#: What a spreadsheet takes for the beginning of a formula, also in full-width form.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
#: Tells spreadsheets that the file is UTF-8.
_BYTE_ORDER_MARK = "\ufeff"
#: Rows that are joined before they are handed on: a server sends few large pieces faster than many small ones.
_TOGETHER = 200


class _Line:
    """Takes a written line and gives it back, so that a csv writer can be streamed."""

    def write(self, line: str) -> str:
        return line


def csv_lines(
    columns: Iterable[str], rows: Iterable[tuple[object, ...]], delimiter: Delimiter = Delimiter.COMMA
) -> Iterator[str]:
    """Return the file line by line: the columns' names, then the rows, as far as they have come."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_NONNUMERIC, delimiter=_SIGNS[delimiter])
    yield _BYTE_ORDER_MARK + writer.writerow([column.replace("__", ".") for column in columns])
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


def json_lines(columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """Return a JSON array of objects, one a line, as far as the rows have come."""
    yield "["
    separator = "\n"
    for row in rows:
        yield separator + json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n"


def in_pieces(lines: Iterable[str]) -> Iterator[str]:
    """Return the same text in fewer, larger pieces."""
    piece: list[str] = []
    for line in lines:
        piece.append(line)
        if len(piece) == _TOGETHER:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def _cell(value: object) -> str | int | float:
    """Return a value as a spreadsheet may have it: times with their offset, and nothing that it would calculate."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case datetime():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _plain(value: object) -> str:
    """Return what JSON has no word for: times with their offset, and everything else as its text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
