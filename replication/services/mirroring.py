"""Makes rows of the mirror show exactly what the cloud lists, with few statements, whatever the rows are of.

Knows no cloud and no particular model: the inventory and the policies are both brought in line by it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

#: Rows a statement, below the parameter limit of SQLite.
SLICE = 500


def bring_in_line(
    rows: "models.QuerySet[Any]", key: str, wanted: Mapping[str, dict[str, Any]], now: datetime
) -> dict[str, Any]:
    """Make the rows show exactly `wanted`, by cloud id, with few statements. Returns the rows by cloud id."""
    manager = rows.model._default_manager  # noqa: SLF001  # Django's documented name for it
    wanted = {cloud_id: _cut_to_fit(rows.model, fields) for cloud_id, fields in wanted.items()}
    known = {getattr(row, key): row for row in rows}
    fresh = [
        rows.model(**{key: cloud_id}, **fields, seen_at=now)
        for cloud_id, fields in wanted.items()
        if cloud_id not in known
    ]
    manager.bulk_create(fresh, batch_size=SLICE)
    present = [known[cloud_id] for cloud_id in wanted if cloud_id in known]
    changed = [row for row in present if _take_over(row, wanted[getattr(row, key)])]
    if changed:
        manager.bulk_update(changed, [*next(iter(wanted.values())), "vanished_at"], batch_size=SLICE)
    # Where nothing vanished, one statement tells all of them, however many there are.
    gone = [row.pk for cloud_id, row in known.items() if cloud_id not in wanted and row.vanished_at is None]
    for start in range(0, len(gone), SLICE):
        manager.filter(pk__in=gone[start : start + SLICE]).update(vanished_at=now)
    rows.filter(vanished_at=None).update(seen_at=now)
    return {**known, **{getattr(row, key): row for row in fresh}}


def _cut_to_fit(model: type[models.Model], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with texts cut to what a column holds: one endless name must not hide a whole project."""
    longest = {
        field.name: field.max_length
        for field in model._meta.get_fields()  # noqa: SLF001  # Django's documented name for it
        if isinstance(field, models.CharField)
    }
    return {
        name: value[: longest[name]] if isinstance(value, str) and name in longest else value
        for name, value in fields.items()
    }


def _take_over(row: models.Model, fields: Mapping[str, Any]) -> bool:
    """Set what differs on the row; return whether anything did."""
    wanted = {**fields, "vanished_at": None}
    different = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)
