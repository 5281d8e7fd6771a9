"""Times every page on the sandbox's seed: python -m bench.pages.

In one process, through all middleware, on SQLite: from the request to the last byte of the answer, network and browser left
out. Prints milliseconds; beside each page stands how many times as long it takes as the shortest answer of the same run.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from bench.surroundings import database, sandbox


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=30, help="answers of each page that are timed (default 30)"
    )
    parser.add_argument("--scale", type=int, default=1, help="how many times larger the world is (default 1)")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="replication-pages-"))
    try:
        cloud = sandbox(folder, "--scale", str(options.scale))
        with database("sqlite", folder) as url, cloud as sandbox_url:
            os.environ.update(
                DJANGO_SETTINGS_MODULE="dashboard.settings",
                DATABASE_URL=url,
                SANDBOX_URL=sandbox_url,
                REPLICATION_CLOUDS="",
                SECRET_KEY="",
                LOG_LEVEL="CRITICAL",
                STATIC_ROOT=str(folder / "static"),
            )
            _measure(options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measure(rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client(headers={"host": "localhost"})
    pages = {"live probe": "/health/live", **_prepare(client)}
    figures = {name: _time(client, address, rounds) for name, address in pages.items()}
    floor = min(statistics.median(times) for times in figures.values())
    print(f"{'page':<34} {'median ms':>10} {'slowest ms':>11} {'x shortest':>11}")
    for name, times in figures.items():
        median = statistics.median(times)
        print(f"{name:<34} {median:>10.1f} {max(times):>11.1f} {median / floor:>11.1f}")


def _prepare(client: Any) -> dict[str, str]:
    """Fill the mirror, start one replication, sign in; return the pages."""
    from django.contrib.auth.models import Group, User
    from django.urls import reverse
    from django.utils import timezone

    from replication.models import Vault
    from replication.services import connection, inventory, rounds, triggering

    inventory.know_entries(timezone.now())
    for name in connection.cloud_names():
        inventory.refresh(name, timezone.now)
    user = User.objects.create_user("oskar", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=["operator", "auditor"]))
    client.force_login(user)
    source = Vault.objects.select_related("project__region").get(name="vault-data-warehouse")
    target = Vault.objects.select_related("project__region").get(name="replica-longterm")
    destination = triggering.find_destination(
        region=target.project.region.name, project_id=target.project.project_id, vault_id=target.vault_id
    )
    replication, _created = triggering.request_replication(
        actor=user,
        wish=triggering.Wish(source, destination, "Measured"),
        key=uuid.uuid4(),
        now=timezone.now(),
    )
    rounds.make_round(worker_id="bench", clock=timezone.now)
    chosen = (
        f"?key={uuid.uuid4()}&vault={Vault.objects.get(name='vault-orders-db').pk}&region=eu-nl"
        f"&project={target.project.pk}&destination={target.pk}"
    )
    return {
        "overview": reverse("overview"),
        "coverage": reverse("coverage"),
        "coverage by vault": f"{reverse('coverage')}?by=vaults",
        "vaults": reverse("vault-list"),
        "vault with 400 backups": reverse("vault-detail", args=[source.pk]),
        "replications": reverse("replication-list"),
        "replication of 400 backups": reverse("replication-detail", args=[replication.pk]),
        "its fragment, polled": reverse("replication-records", args=[replication.pk]),
        "replicate": reverse("replication-new"),
        "last look before sending": reverse("replication-review") + chosen,
        "audit: replications": reverse("admin:replication_replication_changelist"),
        "audit: entries": reverse("admin:replication_auditentry_changelist"),
        "audit: backups": reverse("admin:replication_backup_changelist"),
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


if __name__ == "__main__":
    sys.exit(main())
