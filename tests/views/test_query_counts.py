"""How many queries a page costs, however many rows there are: tests/query_counts.json holds the number for each.

A page that needs more or fewer than before fails here. Look why; then change the file.
"""

import json
import uuid
from datetime import date
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from replication.models import AuditAction, Coverage, Look, PolicyVault, Vault, WorkerBeat
from replication.services import audit
from tests.builders import (
    NOW,
    a_backup,
    a_batch,
    a_check,
    a_day,
    a_policy,
    a_policy_change,
    a_project,
    a_protected_server,
    a_rate_card,
    a_record,
    a_replication,
    a_replication_vault,
    a_saved_view,
    a_target,
    a_user,
    a_vault,
    an_attempt,
    an_operation_log,
    an_origin,
)
from tests.views.site import batch_review_address, policy_address, review_address

BASELINE = json.loads((Path(__file__).parent.parent / "query_counts.json").read_text())
SIZES = (1, 10, 100)


class World:
    """One vault in the focus of every page, and as many rows of everything else as asked for."""

    def __init__(self):
        self.source, self.destination = a_vault(name="focus"), a_replication_vault(name="receiver")
        self.oskar = a_user("oskar", "operator")
        self.replication = a_replication(
            source=self.source, destination=self.destination, actor=self.oskar, status="unconfirmed"
        )
        self.queued = a_replication(
            source=a_vault(name="queued"), destination=self.destination, actor=self.oskar
        )
        self.free = a_vault(name="free")
        self.batch = a_batch(actor=self.oskar)
        a_replication(source=a_vault(name="first"), destination=self.destination, batch=self.batch)
        self.check = a_check(source=self.free, destination=self.destination)
        self.backup = a_backup(vault=self.free)
        # One of each kind that the overview lists, and more than a page of the list has, since what is not there
        # saves queries.
        for status in ("running", "succeeded", *["cancelled"] * 25):
            a_replication(source=a_vault(name=status), destination=self.destination, status=status)
        # More than a page: what follows is counted.
        for _number in range(26):
            a_record(replication=self.replication)
        self.policy = a_policy(project=self.source.project)
        self.change = a_policy_change(policy=self.policy, actor=self.oskar)
        self.rows = 0

    def grow(self, rows):
        for number in range(self.rows, rows):
            self._add(number)
        self.rows = rows

    def _add(self, number):
        person = a_user(f"person-{number}", "operator")
        project = a_project(f"eu-de_team{number}", cloud=f"team-{number}")
        vault = a_vault(name=f"vault-{number}", project=project)
        self._add_policies(number, vault)
        status = ("running", "succeeded", "partial", "unconfirmed")[number % 4]
        other = a_replication(
            source=vault,
            destination=self.destination,
            actor=person,
            status=status,
            requested_at=timezone.now(),
            changed_at=timezone.now(),
        )
        several = a_vault(name=f"several-{number}")
        a_backup(vault=several)
        a_replication(
            source=a_vault(name=f"together-{number}"),
            destination=self.destination,
            batch=self.batch,
            status=("requested", status)[number % 2],
        )
        batch = a_batch(actor=person, retry_of=other)
        past = a_replication(
            source=self.source, destination=self.destination, actor=person, status="failed", batch=batch
        )
        backup = a_backup(vault=self.source)
        a_backup(vault=self.free)
        a_backup(vault=self.destination)
        server = a_protected_server(vault=vault, name=f"server-{number}")
        Coverage.objects.create(server=server, region=self.destination.project.region, taken_at=NOW)
        a_target(vault=vault)
        for replication in (self.replication, other, past):
            a_record(replication=replication, source_backup=backup, error_code="BackupService.1006")
            audit.record(AuditAction.ACCEPTED, now=NOW, actor=person, replication=replication)
        a_record(replication=past, backup_id=backup.backup_id, status="succeeded")
        a_backup(vault=self.destination, backup_id=f"replica-{number}", image_type="replication")
        an_origin(source=self.source, backup_id=backup.backup_id, replica_id=f"replica-{number}")
        an_operation_log(vault=self.source)
        a_day(vault=a_replication_vault(name=f"receiver-{number}"))
        a_day(vault=self.destination, ago=number)
        Look.objects.create(replication=self.replication, at=NOW, complete=True)
        an_attempt(replication=self.replication, number=number + 1)
        a_saved_view(owner=person, name=f"view-{number}", is_shared=True)
        self.check = a_check(source=self.free, destination=self.destination, actor=person)
        a_rate_card(valid_from=date(2000 + number, 1, 1))
        WorkerBeat.objects.create(worker_id=f"worker-{number}", started_at=NOW, seen_at=NOW)
        LogEntry.objects.create(
            user=person,
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(person.pk),
            object_repr=person.username,
            action_flag=CHANGE,
        )

    def _add_policies(self, number, vault):
        """Another policy that is switched off, on a vault that the one in the focus has as well, if it is even."""
        other = a_policy(project=vault.project, name=f"policy-{number}", enabled=False)
        for policy in (other, self.policy)[: 1 + (number + 1) % 2]:
            PolicyVault.objects.create(
                policy=policy,
                vault_id=vault.vault_id,
                source_vault=vault,
                destination_vault_id=self.destination.vault_id,
            )
            a_policy_change(policy=policy, actor=self.oskar, status="done")

    def addresses(self):
        about = [self.replication.pk]
        return {
            "overview": reverse("overview"),
            "overview-activity": reverse("overview-activity"),
            "coverage": reverse("coverage"),
            "coverage by vault": f"{reverse('coverage')}?by=vaults&size=100",
            "coverage-missing": f"{reverse('coverage-missing')}?region=eu-nl&vault={self.source.pk}",
            "target-list": reverse("target-list"),
            "vault-list": reverse("vault-list"),
            "vault-detail": reverse("vault-detail", args=[self.source.pk]),
            "vault-detail of a replication vault": reverse("vault-detail", args=[self.destination.pk]),
            **{
                name: policy_address(name, self.change, self.free, self.destination, key=uuid.UUID(int=2))
                for name in (
                    "policy-list",
                    "policy-rows",
                    "policy-bare-vaults",
                    "policy-detail",
                    "policy-body",
                    "policy-change",
                    "policy-change-progress",
                    "policy-new",
                    "policy-new-review",
                    "policy-apply",
                    "policy-apply-review",
                    "policy-remove",
                    "policy-delete",
                )
            },
            "batch-list": reverse("batch-list"),
            "batch-new": f"{reverse('batch-new')}?matching=",
            "batch-destination-fields": f"{reverse('batch-destination-fields')}?matching=&region=eu-nl",
            "batch-review": batch_review_address(
                Vault.objects.filter(name__startswith="several-"), self.destination, key=uuid.UUID(int=1)
            ),
            "batch-detail": reverse("batch-detail", args=[self.batch.pk]),
            "batch-progress": reverse("batch-progress", args=[self.batch.pk]),
            "vault-diff": f"{reverse('vault-diff', args=[self.source.pk])}?to={self.destination.pk}",
            "vault-diff, in both": f"{reverse('vault-diff', args=[self.source.pk])}?to={self.destination.pk}&show=both",
            "vault-diff of a replication vault": reverse("vault-diff", args=[self.destination.pk]),
            "vault-operations": reverse("vault-operations", args=[self.source.pk]),
            "capacity": reverse("capacity"),
            "replication-new": reverse("replication-new"),
            "destination-fields": f"{reverse('destination-fields')}?vault={self.free.pk}",
            "replication-review": review_address(self.free, self.destination, key=uuid.UUID(int=1)),
            "check-detail": reverse("check-detail", args=[self.check.pk]),
            "replication-new of one backup": f"{reverse('replication-new')}?backup={self.backup.pk}",
            "replication-review of one backup": review_address(
                self.free, self.destination, key=uuid.UUID(int=2), backup=self.backup.pk
            ),
            "replication-list": reverse("replication-list"),
            "preferences": reverse("preferences"),
            "replication-list, sorted by vault": f"{reverse('replication-list')}?sort=replication",
            "replication-list, searched": f"{reverse('replication-list')}?q=receiver",
            "replication-rows": reverse("replication-rows"),
            "saved-view-list": reverse("saved-view-list", args=["replications"]),
            "replication-detail": reverse("replication-detail", args=about),
            "replication-record-list": reverse("replication-record-list", args=about),
            "replication-records": reverse("replication-records", args=about),
            "replication-withdraw": reverse("replication-withdraw", args=[self.queued.pk]),
            "replication-rearm": reverse("replication-rearm", args=about),
            "replication-give-up": reverse("replication-give-up", args=about),
            "replication-adopt": reverse("replication-adopt", args=about),
        }

    def exports(self):
        return {
            "replication-export": reverse("replication-export"),
            "replication-record-export": reverse("replication-record-export", args=[self.replication.pk]),
            "vault-export": reverse("vault-export"),
        }

    def admin_addresses(self):
        lists = {
            f"admin {model._meta.label_lower}": reverse(
                f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
            )
            for model in admin.site._registry
        }
        about = reverse("admin:replication_replication_change", args=[self.replication.pk])
        return {**lists, "admin replication.replication, one": about}


@pytest.fixture
def world(db):
    return World()


def count(client, addresses):
    counts = {}
    for name, address in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert answer.status_code == 200, name
        counts[name] = len(queries)
    return counts


def test_pages_cost_the_same_for_1_10_and_100_rows(client, world):
    client.force_login(world.oskar)
    found = {}
    for size in SIZES:
        world.grow(size)
        found[size] = count(client, world.addresses())

    expected = {name: BASELINE[name] for name in world.addresses()}
    assert found == dict.fromkeys(SIZES, expected)


@pytest.mark.parametrize("form", [{"format": "csv", "delimiter": "semicolon"}, {"format": "json"}])
def test_files_cost_the_same_for_3_and_60_rows(client, world, form):
    client.force_login(world.oskar)
    found = {}
    for size in (3, 60):
        world.grow(size)
        for name, address in world.exports().items():
            client.post(address, form)  # the first one keeps the delimiter
            with CaptureQueriesContext(connection) as queries:
                content = b"".join(client.post(address, form).streaming_content)
            assert content.count(b"\n") > size
            found.setdefault(name, set()).add(len(queries))

    assert found == {name: {BASELINE[f"{name} as {form['format']}"]} for name in world.exports()}


def test_pages_of_the_admin_cost_the_same_for_1_10_and_100_rows(client, adam, world):
    client.force_login(adam)
    found = {}
    for size in SIZES:
        world.grow(size)
        count(client, world.admin_addresses())  # the first look fills Django's cache of content types
        found[size] = count(client, world.admin_addresses())

    expected = {name: number for name, number in BASELINE.items() if name.startswith("admin")}
    assert found == dict.fromkeys(SIZES, expected)
