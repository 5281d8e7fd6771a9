"""Times the overview and the coverage matrix for many servers: python -m bench.coverage.

Fills a database of its own with servers, each with the same number of backups and replicas, straight into the mirror; then
times the pages in one process, through all middleware, and how long keeping the summary in line takes, as after every
reading of the cloud. `--database postgresql` measures there instead of on SQLite.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.surroundings import database

#: Servers a vault, and rows a statement.
_SERVERS_EACH, _SLICE = 50, 1000


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.coverage", description=__doc__)
    parser.add_argument("--servers", type=int, default=5000, help="protected servers (default 5000)")
    parser.add_argument(
        "--backups", type=int, default=40, help="backups of each, all but the newest replicated (default 40)"
    )
    parser.add_argument("--rounds", type=int, default=10, help="answers of each page (default 10)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="replication-coverage-"))
    try:
        with database(options.database, folder) as url:
            os.environ.update(
                DJANGO_SETTINGS_MODULE="dashboard.settings",
                DATABASE_URL=url,
                REPLICATION_CLOUDS="",
                SECRET_KEY="",
                LOG_LEVEL="CRITICAL",
                STATIC_ROOT=str(folder / "static"),
            )
            _measure(options.servers, options.backups, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measure(servers: int, backups: int, rounds: int) -> None:
    import django

    django.setup()
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from django.db import connections
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    fill(servers, backups)
    print(f"{servers} servers, {backups} backups each; milliseconds, median and slowest of {rounds}")
    _print("summary, each of the first readings", list(_until_all_is_dated()))
    _print("summary, nothing new", [_time(_renew) for _round in range(3)])
    user = User.objects.create_user("oskar")
    user.groups.set(Group.objects.filter(name="operator"))
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    for address in [
        *("/", "/activity/", "/coverage/", "/coverage/?size=100", "/coverage/?show=behind&page=20"),
        *("/coverage/?q=server-04", "/coverage/?by=vaults&size=100"),
        _a_missing_list(),
    ]:
        answers = [_time(partial(_get, client, address)) for _round in range(rounds + 2)]
        _print(address.partition("&server")[0], answers[2:])
    connections.close_all()


def fill(servers: int, backups: int) -> None:
    """Write the mirror of a company this large: one backup a day, copied the night after, every tenth server late."""
    from django.utils import timezone

    from replication.models import Backup, CloudReading, ProtectedServer, RecoveryTarget, Vault, WorkerBeat

    now = timezone.now()
    source_project, destination_project = _projects(now)
    fields: dict[str, Any] = {"object_type": "server", "status": "available", "seen_at": now}
    destination = Vault.objects.create(
        project=destination_project,
        vault_id="replicas",
        name="replicas",
        protect_type="replication",
        **fields,
    )
    vaults = Vault.objects.bulk_create(
        Vault(
            project=source_project,
            vault_id=f"vault-{number}",
            name=f"vault-{number:04}",
            protect_type="backup",
            **fields,
        )
        for number in range(-(-servers // _SERVERS_EACH))
    )
    protected = ProtectedServer.objects.bulk_create(
        [
            ProtectedServer(
                vault=vaults[number // _SERVERS_EACH],
                resource_id=str(uuid.uuid4()),
                name=f"server-{number:05}",
            )
            for number in range(servers)
        ],
        batch_size=_SLICE,
    )
    Backup.objects.bulk_create(_backups(protected, destination, backups, now), batch_size=_SLICE)
    RecoveryTarget.objects.create(project=source_project, hours=48, changed_at=now)
    CloudReading.objects.update(read_at=now)
    WorkerBeat.objects.create(worker_id="bench", started_at=now, seen_at=now + timedelta(hours=1))


def _projects(now: datetime) -> Iterator[Any]:
    from replication.models import CloudReading, Project, Region

    for region, other in (("eu-de", "eu-nl"), ("eu-nl", "eu-de")):
        project = Project.objects.create(
            project_id=f"{region}-project",
            name=f"{region}_production",
            cloud=region,
            region=Region.objects.create(name=region, replication_destinations=[other], seen_at=now),
            seen_at=now,
        )
        CloudReading.objects.create(cloud=region, project=project, refresh_after=now + timedelta(days=1))
        yield project


def _backups(servers: list[Any], destination: Any, backups: int, now: datetime) -> Iterator[Any]:
    from replication.models import Backup

    for number, server in enumerate(servers):
        for age in range(backups):
            made = now - timedelta(days=age, hours=number % 24)
            fields: dict[str, Any] = {
                "name": f"autobk_{age:04}",
                "resource_id": server.resource_id,
                "resource_name": server.name,
                "resource_type": "OS::Nova::Server",
                "resource_size_gb": 100,
                "status": "available",
                "seen_at": now,
            }
            yield Backup(
                vault=server.vault,
                backup_id=str(uuid.uuid4()),
                image_type="backup",
                created_at=made,
                **fields,
            )
            if age > (5 if number % 10 == 0 else 0):
                arrived = made + timedelta(hours=20)
                yield Backup(
                    vault=destination,
                    backup_id=str(uuid.uuid4()),
                    image_type="replication",
                    created_at=arrived,
                    **fields,
                )


def _renew() -> None:
    from django.db import transaction

    from replication.services import restore_points

    with transaction.atomic(durable=True):
        restore_points.renew()


def _until_all_is_dated() -> Iterator[float]:
    from replication.models import Backup

    while Backup.objects.filter(vault__protect_type="replication", taken_at=None).exists():
        yield _time(_renew)


def _a_missing_list() -> str:
    from replication.models import ProtectedServer

    return f"/coverage/missing/?region=eu-nl&server={ProtectedServer.objects.order_by('name')[:1].get().pk}"


def _get(client: Any, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answers {answer.status_code}")


def _time(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _print(name: str, times: list[float]) -> None:
    print(f"{name:<40} {statistics.median(times):>10.1f} {max(times):>10.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
