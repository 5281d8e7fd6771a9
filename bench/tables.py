"""Times the lists on a long past beside a short one: python -m bench.tables --database sqlite|postgres.

Fills two databases with the same vaults and people: one with 200 replications, one with as many as asked for (200,000 with
2,000,000 records, unless told otherwise), asks both for the same pages in one process each, through all middleware, and
prints for each page the median of both in milliseconds and how many times as long the large one takes. Files are measured
in rows a second, and in how much the memory of the process grows while they leave. The network and the browser are left out.

Read the ratios: figures of another machine, or of a busy one, say little. A large replication of 5,000 backups exists only in
the large database; the small one has a tenth of its records in one replication too.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.filling import RARE_WORD, Past
from bench.surroundings import ROOT, database

SMALL = (200, 2_000)
#: Vaults of each kind, in both databases.
SOURCES, DESTINATIONS, PEOPLE = 120, 12, 10


def main(arguments: list[str] | None = None) -> int:
    """Measure both, print, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.tables", description=__doc__)
    parser.add_argument("--replications", type=int, default=200_000)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument(
        "--rounds", type=int, default=7, help="answers of each page that are timed (default 7)"
    )
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(_measure(options.replications, options.records, options.rounds)))
        return 0
    small = _in_process(options, *SMALL)
    large = _in_process(options, options.replications, options.records)
    print(
        f"{options.database}: {options.replications:,} replications, {options.records:,} records; filled in {large['filled']:.0f} s"
    )
    print(f"{'page':<44} {'200: ms':>9} {'large: ms':>10} {'ratio':>7}")
    for name, ms in large["pages"].items():
        before = small["pages"][name]
        print(f"{name:<44} {before:>9.1f} {ms:>10.1f} {ms / before:>7.1f}")
    print(f"{'file':<44} {'rows':>9} {'rows/s':>10} {'memory +MB':>11}")
    for name, (rows, seconds, grown) in large["files"].items():
        print(f"{name:<44} {rows:>9,} {rows / seconds:>10,.0f} {grown:>11.1f}")
    return 0


def _in_process(options: argparse.Namespace, replications: int, records: int) -> dict[str, Any]:
    """Measure one size in a process and a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="replication-tables-"))
    command = [
        *(sys.executable, "-m", "bench.tables", "--measure", "--rounds", str(options.rounds)),
        *("--replications", str(replications), "--records", str(records)),
    ]
    try:
        with database(options.database, folder) as url:
            environment = os.environ | {
                "DJANGO_SETTINGS_MODULE": "dashboard.settings",
                "DATABASE_URL": url,
                "REPLICATION_CLOUDS": "",
                "SECRET_KEY": "",
                "LOG_LEVEL": "CRITICAL",
                "STATIC_ROOT": str(folder / "static"),
            }
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _measure(replications: int, records: int, rounds: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    began = time.monotonic()
    past, person = _fill(replications, records)
    with connection.cursor() as cursor:
        # What the database does by itself in time: statistics of what the tables hold.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    filled = time.monotonic() - began
    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    pages = _addresses(past)
    return {
        "filled": filled,
        "pages": {name: statistics.median(_time(client, address, rounds)) for name, address in pages.items()},
        "files": {name: _time_file(client, *form) for name, form in _files().items()},
    }


def _fill(replications: int, records: int) -> tuple[Past, Any]:
    from django.contrib.auth.models import Group, User
    from django.utils import timezone

    from replication.models import Backup, CloudReading, Project, Region, Vault, WorkerBeat

    now = timezone.now()
    projects = []
    for name in ("eu-de", "eu-nl"):
        region = Region.objects.create(name=name, seen_at=now)
        projects.append(
            Project.objects.create(
                region=region, name=f"{name}_bench", project_id=f"{name:x<32}", cloud=name, seen_at=now
            )
        )
        CloudReading.objects.create(cloud=name, project=projects[-1], read_at=now, refresh_after=now)
    WorkerBeat.objects.create(worker_id="bench", started_at=now, seen_at=now)
    sources, destinations = (
        Vault.objects.bulk_create(
            Vault(
                project=project,
                vault_id=f"{kind}-{number:04}",
                name=f"vault-{kind}-{number:04}",
                protect_type=kind,
                object_type="server",
                status="available",
                size_gb=1000,
                used_mb=1000 * number,
                seen_at=now,
            )
            for number in range(count)
        )
        for project, kind, count in (
            (projects[0], "backup", SOURCES),
            (projects[1], "replication", DESTINATIONS),
        )
    )
    Backup.objects.bulk_create(
        Backup(
            vault=vault,
            backup_id=f"{vault.vault_id}-{number}",
            status="available",
            created_at=now,
            seen_at=now,
        )
        for vault in sources
        for number in range(20)
    )
    people = [User.objects.create_user(f"person-{number}", is_staff=True) for number in range(PEOPLE)]
    people[0].groups.set(Group.objects.filter(name__in=["operator", "auditor"]))
    past = Past(
        replications=replications,
        records=records,
        sources=list(sources),
        destinations=list(destinations),
        people=[person.pk for person in people],
    )
    past.write()
    return past, people[0]


def _addresses(past: Past) -> dict[str, str]:
    from django.urls import reverse

    from replication.models import Replication, ReplicationRecord, Vault
    from replication.views.history import REPLICATIONS

    listed = reverse("replication-list")

    def deep(sort: str) -> str:
        order = REPLICATIONS.order_of(sort)
        if order is None:
            raise ValueError(sort)
        place = past.replications * 9 // 10
        row = (
            Replication.objects.select_related("source_vault")
            .order_by(*order.lookups)[place : place + 1]
            .get()
        )
        return f"{listed}?sort={sort}&before={order.cursor(row)}"

    middle = past.ids[len(past.ids) // 2]
    record = ReplicationRecord.objects.filter(
        replication=middle
    ).first() or ReplicationRecord.objects.earliest("changed_at")
    busiest, rare = (
        Vault.objects.get(vault_id="backup-0000"),
        Vault.objects.get(vault_id=f"backup-{SOURCES - 1:04}"),
    )
    sorts = [column.code for column in REPLICATIONS.columns if column.order]
    return {
        "replications: first page": listed,
        "replications: 100 rows": f"{listed}?size=100",
        "replications: deep page": deep("-requested"),
        **{f"replications: by {code}": f"{listed}?sort={code}" for code in sorts},
        **{f"replications: by {code}, deep": deep(code) for code in sorts},
        "replications: failed": f"{listed}?status=failed",
        "replications: need attention": f"{listed}?status=attention",
        "replications: not over yet (none)": f"{listed}?status=active",
        "replications: of a busy vault": f"{listed}?vault={busiest.pk}",
        "replications: of a quiet vault": f"{listed}?vault={rare.pk}",
        "replications: of a person": f"{listed}?person=person-3",
        "replications: to a region": f"{listed}?region=eu-nl",
        "replications: of a month": f"{listed}?since=2025-03-01&until=2025-03-31",
        "search: frequent word": f"{listed}?q=nightly",
        "search: rare word": f"{listed}?q={RARE_WORD}",
        "search: word that is nowhere": f"{listed}?q=nowhere",
        "search: name of a vault": f"{listed}?q=backup-0007",
        "search: ID of a replication": f"{listed}?q={middle}",
        "search: ID of a record": f"{listed}?q={record.replication_record_id}",
        "search: ID of a backup": f"{listed}?q={record.backup_id}",
        "poll of the first page": f"{reverse('replication-rows')}",
        "overview": reverse("overview"),
        "overview, polled": reverse("overview-activity"),
        "vaults": reverse("vault-list"),
        "vaults: by last replication": f"{reverse('vault-list')}?sort=-last",
        "vault": reverse("vault-detail", args=[busiest.pk]),
        "replication of ten backups": reverse("replication-detail", args=[middle]),
        "replication of many backups": reverse("replication-detail", args=[past.ids[-1]]),
        "its backups": reverse("replication-record-list", args=[past.ids[-1]]),
        "its backups: searched": reverse("replication-record-list", args=[past.ids[-1]]) + "?q=server-007",
        "audit: replications": reverse("admin:replication_replication_changelist"),
    }


def _files() -> dict[str, tuple[str, dict[str, str]]]:
    from django.urls import reverse

    listed = reverse("replication-export")
    return {
        "replications as CSV": (listed, {"format": "csv", "delimiter": "comma"}),
        "replications as JSON": (listed, {"format": "json"}),
        "failed replications as CSV": (f"{listed}?status=failed", {"format": "csv"}),
    }


def _time(client: Any, address: str, rounds: int) -> list[float]:
    """Return the milliseconds of each answer; the first two, which fill caches, are not counted."""
    times = []
    for _round in range(rounds + 2):
        began = time.perf_counter()
        answer = client.get(address)
        times.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise SystemExit(f"{address} answers {answer.status_code}")
    return times[2:]


def _time_file(client: Any, address: str, form: dict[str, str]) -> tuple[int, float, float]:
    """Return rows, seconds, and by how many MB the process grew to its largest."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    rows = sum(piece.count(b"\n") for piece in client.post(address, form).streaming_content) - 1
    seconds = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return rows, seconds, grown / 1024


if __name__ == "__main__":
    sys.exit(main())
