"""Rows as a CSV file for spreadsheets: streamed, and safe to open.

Knows nothing of what the rows mean.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

#: What a spreadsheet takes for the beginning of a formula, also in full-width form.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
#: Tells spreadsheets that the file is UTF-8.
_BYTE_ORDER_MARK = "\ufeff"


class _Line:
    """Takes a written line and gives it back, so that a csv writer can be streamed."""

    def write(self, line: str) -> str:
        return line


def csv_lines(columns: Iterable[str], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """Return the file line by line: the columns' names, then the rows, as far as they have come."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_NONNUMERIC)
    yield _BYTE_ORDER_MARK + writer.writerow([column.replace("__", ".") for column in columns])
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


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
