"""Forty vaults before a maintenance window: one batch, real workers, refusals, failures, and a worker that is killed.

One refusal stops nothing else, the region's limit is kept, and whatever the cloud accepted it accepted once.
"""

import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection as database

from replication.models import Vault
from replication.services import batches, throttle, triggering
from replication.services.batches import BatchWish
from tests.journeys.test_killed_worker import database_url, wait_until
from tests.practice import practising

ROOT = Path(__file__).resolve().parents[2]
VAULTS, LOCKED, REFUSED, BROKEN = 40, 2, 3, 4
LIMIT = 4
FINAL = ("succeeded", "partial", "failed", "rejected")
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def practice(transactional_db, settings):
    settings.REPLICATION_REGION_LIMIT = LIMIT
    # Without a guard of the cloud's own against doubles, so that ours is what is seen.
    with practising("otc", settings, duplicate_guard="off") as practice:
        practice.control(
            "POST",
            "vaults",
            {"project": "eu-de_internal", "number": VAULTS, "backups_each": 2, "stored_mb": 64},
        )
        for vault in branches(practice)[:LOCKED]:
            practice.control("POST", f"vaults/{vault}", {"status": "lock"})
        practice.read_inventory()
        yield practice


def branches(practice):
    """The ids of the vaults in the cloud, by name."""
    vaults = practice.control("GET", "world")["vaults"]
    return [vaults[name]["id"] for name in sorted(vaults) if name.startswith("vault-branch-")]


@pytest.fixture
def start_worker(practice):
    """Starts real worker processes, and ends those that a test leaves behind."""
    started = []

    def start():
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "SANDBOX_URL": practice.url,
            "INVENTORY_INTERVAL_SECONDS": "86400",
            "PROGRESS_INTERVAL_SECONDS": "1",
            "REGION_LIMIT": str(LIMIT),
            "LOG_LEVEL": "ERROR",
        }
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(worker)
        return worker

    yield start
    kill(started)


def kill(workers):
    for worker in workers:
        worker.kill()
        worker.wait()


def stop(workers):
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(timeout=60) for worker in workers] == [0] * len(workers)


def ask_for_all(practice, actor):
    target = Vault.objects.select_related("project__region").get(name="replica-production")
    destination = triggering.find_destination(
        region="eu-nl", project_id=target.project.project_id, vault_id=target.vault_id
    )
    chosen = Vault.objects.filter(name__startswith="vault-branch-").select_related("project__region")
    plan = batches.make_plan(chosen, destination)
    wish = BatchWish(
        sources=tuple(one.vault for one in plan.going),
        destination=destination,
        reason="Before the maintenance window",
        omitted=tuple(one.vault for one in plan.left_out),
        seen={one.vault.pk: one.digest for one in plan.going},
    )
    return batches.request_batch(actor=actor, wish=wish, key=uuid.uuid4(), now=practice.now())[0]


def of(batch, *statuses):
    return batch.replications.filter(status__in=statuses)


def assert_each_was_accepted_once_and_our_rows_say_so(practice, batch, refused):
    calls = {call["body"]["replicate"]["vault_id"]: call for call in practice.accepted()}
    assert len(practice.accepted()) == len(calls)
    replications = {one.vault_id: one for one in batch.replications.exclude(vault_id__in=refused)}
    assert set(calls) == set(replications)
    for vault_id, call in calls.items():
        named = {one["backup_id"] for one in call["answer"]["replication"]["backups"]}
        ours = set(replications[vault_id].records.values_list("backup_id", flat=True))
        assert (len(named), ours) == (2, named)


def test_forty_vaults_some_refused_some_failing_and_a_worker_killed_in_the_middle(
    practice, oskar, start_worker
):
    batch = ask_for_all(practice, oskar)
    # Locked after the inventory was read: the cloud refuses what our forecast let through.
    unlucky = sorted(batch.replications.values_list("vault_id", flat=True))[:REFUSED]
    for vault_id in unlucky:
        practice.control("POST", f"vaults/{vault_id}", {"status": "lock"})
    practice.fault("fail_backup", count=BROKEN)

    # The first worker is killed when the cloud has accepted something and the answer is on its way.
    first = start_worker()
    wait_until(lambda: of(batch, *FINAL, "running").count() >= 2)
    practice.fault("answer_late", seconds=30)
    wait_until(
        lambda: len(practice.accepted()) > of(batch, *FINAL, "running").exclude(status="rejected").count()
    )
    kill([first])
    dead = list(of(batch, "submitting"))
    practice.control("DELETE", "faults")
    practice.fault("fail_backup", count=BROKEN)

    # Two others go on with everything else, as far as the region has room.
    others = [start_worker(), start_worker()]
    most, causes = 0, set()

    def all_others_are_over():
        nonlocal most
        most = max(most, of(batch, "submitting", "unconfirmed", "running").count())
        waiting = of(batch, "requested").select_related("source_vault__project")
        causes.update(wait.cause for wait in throttle.waits(waiting, practice.now()).values())
        return of(batch, *FINAL).count() == VAULTS - LOCKED - len(dead)

    wait_until(all_others_are_over, seconds=240)
    stop(others)
    # What the dead one has sent becomes unclear and is found in the cloud.
    for _step in range(60):
        practice.advance(minutes=10)
        practice.round()

    assert len(dead) == 1
    counts = Counter(batch.replications.values_list("status", flat=True))
    partial = counts.pop("partial")
    # A fault may have met one that was refused anyway.
    assert BROKEN - REFUSED <= partial <= 2 * BROKEN
    assert counts == {"succeeded": VAULTS - LOCKED - REFUSED - partial, "rejected": REFUSED}
    assert sorted(of(batch, "rejected").values_list("vault_id", flat=True)) == unlucky
    assert [told["code"] for told in batch.left_out] == ["BackupService.6112"] * LOCKED
    assert_each_was_accepted_once_and_our_rows_say_so(practice, batch, unlucky)
    assert throttle.Cause.REGION_FULL in causes
    # On PostgreSQL two that claim in the same instant do not see each other.
    assert most <= LIMIT + (0 if database.vendor == "sqlite" else 1)
