"""Fills a database with a long past, by the thousand rows: what replications and records look like after years.

Everything is drawn from one seed, so that two runs fill alike. The rows obey the constraints of the database.
"""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

#: Rows that are written together.
_TOGETHER = 5_000
#: How replications end, and how often of a thousand.
_ENDS = {"succeeded": 900, "partial": 40, "failed": 30, "rejected": 20, "cancelled": 10}
_REASONS = (
    "Nightly copy",
    "Before the release",
    "Recovery exercise",
    "Quarterly audit",
    "Asked for by the team",
)
#: Stands in the reason of every thousandth.
RARE_WORD = "unicorn"


class Past:
    """Sources, destinations and people that exist already, and as many replications between them as asked for."""

    def __init__(
        self,
        *,
        replications: int,
        records: int,
        sources: list[Any],
        destinations: list[Any],
        people: list[int],
    ) -> None:
        self._random = random.Random(4711)
        self.replications, self.records = replications, records
        self._sources, self._destinations, self._people = sources, destinations, people
        self._end = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.ids: list[uuid.UUID] = []

    def write(self) -> None:
        """Write all of it."""
        from replication.models import Replication, ReplicationRecord

        _bulk(Replication, self._replications())
        _bulk(ReplicationRecord, self._records())

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def _replications(self) -> Iterator[dict[str, Any]]:
        step = timedelta(days=3 * 365) / self.replications
        words, weights = list(_ENDS), list(_ENDS.values())
        for number in range(self.replications):
            # The larger half of the vaults is rarely replicated, as everywhere.
            source = self._sources[int(len(self._sources) * self._random.random() ** 2)]
            destination = self._random.choice(self._destinations)
            requested = self._end - step * (self.replications - number)
            [status] = self._random.choices(words, weights)
            sent = None if status == "cancelled" else requested + timedelta(seconds=2)
            pk = self._uuid()
            self.ids.append(pk)
            yield {
                "id": pk,
                "key": self._uuid(),
                "status": status,
                "origin": "dashboard",
                "actor_id": self._random.choice(self._people),
                "reason": self._random.choice(_REASONS)
                + (f" {RARE_WORD}" if number % 1000 == 7 else f" {number}"),
                "source_vault_id": source.pk,
                "destination_id": destination.pk,
                "source_region": source.project.region.name,
                "source_project_id": source.project.project_id,
                "vault_id": source.vault_id,
                "destination_region": destination.project.region.name,
                "destination_project_id": destination.project.project_id,
                "destination_vault_id": destination.vault_id,
                "forecast": {"total_gb": 400, "replicate": [], "already": [], "ineligible": [], "codes": []},
                "requested_at": requested,
                "submitted_at": sent,
                "finished_at": requested + timedelta(minutes=self._random.randrange(5, 90)),
                "changed_at": requested + timedelta(minutes=95),
                "cloud_request_id": self._uuid().hex,
                "error_code": "BackupService.1006" if status == "failed" else "",
            }

    def _records(self) -> Iterator[dict[str, Any]]:
        # The last replication of all has many, the others share the rest.
        large = min(5_000, self.records // 10)
        for number in range(self.records):
            last = number >= self.records - large
            replication = self.ids[-1] if last else self.ids[number * len(self.ids) // self.records]
            succeeded = self._random.random() < 0.97
            at = self._end - timedelta(days=3 * 365) * (1 - number / self.records)
            yield {
                "id": self._uuid(),
                "replication_id": replication,
                "backup_id": str(self._uuid()),
                "replication_record_id": str(self._uuid()),
                "backup_name": f"autobk_{number % 997:03}",
                "resource_id": str(uuid.UUID(int=number % 499)),
                "resource_name": f"server-{number % 499:03}",
                "resource_size_gb": 40,
                "status": "succeeded" if succeeded else "failed",
                "cloud_status": "success" if succeeded else "fail",
                "evidence": "replication_records",
                "error_code": "" if succeeded else "BackupService.1006",
                "changed_at": at,
                "read_at": at,
                "finished_at": at,
                "arrived_at": at if succeeded else None,
                "destination_backup_id": str(self._uuid()) if succeeded else "",
            }


def _bulk(model: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows as fast as the database takes them; what they leave out has the model's default."""
    from django.db import connection, transaction

    fields = list(model._meta.concrete_fields)
    usual = {field.attname: field.get_default() for field in fields}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = ", ".join(f'"{field.column}"' for field in fields)
            with cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row([_for_copy({**usual, **row}[field.attname]) for field in fields])
            return
        marks = ", ".join("?" for _field in fields)
        columns = ", ".join(f'"{field.column}"' for field in fields)
        statement = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({marks})'
        names = [field.attname for field in fields]
        lines = ([_for_sqlite({**usual, **row}[name]) for name in names] for row in rows)
        while piece := list(islice(lines, _TOGETHER)):
            connection.connection.executemany(statement, piece)


def _for_copy(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _for_sqlite(value: Any) -> Any:
    """Return a value as Django keeps it there."""
    match value:
        case uuid.UUID():
            return value.hex
        case datetime():
            return value.replace(tzinfo=None).isoformat(" ")
        case dict() | list():
            return json.dumps(value)
    return value
