"""A source vault beside a vault that takes its replicas: what is only here, in both, only there, and never removed."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from replication.forms import judge_source
from replication.models import Backup, Evidence, Region, Replication, ReplicationRecord, Vault
from replication.services import comparison, preflight, statistics
from replication.services.comparison import Comparison, Pair, Sum, sum_of
from replication.services.preflight import Verdict

from .access import PageRequest, page

#: Rows a page.
_ROWS = 50
#: Destinations out of our sight, and sources of a replication vault, that a page names.
_NAMED = 50

#: The lists of the page: name in the address, heading.
LISTS = {
    "here": gettext_lazy("Only here"),
    "both": gettext_lazy("In both"),
    "there": gettext_lazy("Only there: the source has expired"),
    "kept": gettext_lazy("Never removed by a retention"),
}


@dataclass(frozen=True, slots=True)
class ListCard:
    """One of the lists: its name in the address, its heading, what is in it, and whether it is shown."""

    name: str
    heading: str
    sum: Sum
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A pair as the page shows it: with what is to be said of it, and the replication of ours that it is about."""

    pair: Pair
    notes: tuple[str, ...] = ()
    #: Where it is known from what will remove the replica; empty where it is not known.
    keeping_from: str = ""
    replication_id: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A destination to choose, with the heading under which it stands."""

    vault: Vault
    heading: str
    is_chosen: bool


@require_GET
@page
def vault_diff(request: PageRequest, pk: str) -> HttpResponse:
    """Compare a source vault with one destination vault, chosen by region and vault."""
    now = timezone.now()
    vault = get_object_or_404(Vault.objects.select_related("project__region"), pk=pk)
    context: dict[str, object] = {
        "vault": vault,
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
    }
    if vault.is_replication_vault:
        context["sources"] = _sources_of(vault)
        return render(request, "replication/vault_diff_sources.html", context)
    region = request.GET.get("region", "")
    targets = _targets(vault, region, request.GET.get("to", ""))
    chosen = next((target.vault for target in targets if target.is_chosen), None)
    context |= {
        "regions": _regions(vault),
        "region": region,
        "targets": targets,
        "destination": chosen,
        "out_of_sight": _out_of_sight(vault),
    }
    if chosen:
        found = comparison.compare(vault, chosen, now)
        shown = request.GET.get("show", "")
        shown = shown if shown in LISTS else "here"
        part = Paginator(_list(found, shown), _ROWS).get_page(request.GET.get("page"))
        context |= {
            "found": found,
            "cards": _cards(found, shown),
            "shown": shown,
            "page": part,
            "rows": _rows(part, vault, found),
            "kept": sum_of(found.kept),
            "doubtful": sum_of(found.doubtful),
            "replicate": _replicate_address(vault, chosen),
        }
    return render(request, "replication/vault_diff.html", context)


def _list(found: Comparison, shown: str) -> tuple[Pair, ...]:
    lists = {
        "here": found.only_here,
        "both": found.both,
        "there": found.only_there,
        # What is not known stands behind what is: it may have to be paid for as well.
        "kept": (*found.kept, *found.doubtful),
    }
    return lists[shown]


def _cards(found: Comparison, shown: str) -> tuple[ListCard, ...]:
    return tuple(
        ListCard(
            name, str(heading), sum_of(found.kept if name == "kept" else _list(found, name)), name == shown
        )
        for name, heading in LISTS.items()
    )


def _regions(vault: Vault) -> QuerySet[Region]:
    """Return the regions other than its own that have a vault for replicas."""
    taking = Vault.objects.destinations().values("project__region")
    return Region.objects.filter(pk__in=taking).exclude(pk=vault.project.region_id).order_by("name")


def _targets(vault: Vault, region: str, wanted: str) -> tuple[Target, ...]:
    """Return the vaults to compare with, one of them chosen: as wanted, else as last replicated to, else the only one."""
    received = Replication.objects.filter(source_vault=vault, destination__isnull=False)
    listed = (
        Vault.objects.destinations()
        .filter(Q(vanished_at=None) | Q(pk__in=received.values("destination")))
        .exclude(project__region=vault.project.region_id)
        .select_related("project__region")
        .order_by("project__region__name", "project__name", "name", "vault_id")
    )
    # Compared here: not every text that an address can carry may be asked of a database.
    found = [one for one in listed if region in {"", one.project.region.name}]
    last = received.newest_first().values_list("destination", flat=True).first()
    by_id = {str(one.pk): one for one in found}
    chosen = by_id.get(wanted) or by_id.get(str(last)) or (found[0] if len(found) == 1 else None)
    return tuple(Target(one, str(one.project), one is chosen) for one in found)


def _out_of_sight(vault: Vault) -> list[tuple[str, str, str]]:
    """Return region, project and vault of destinations that our inventory does not have, so that nobody can compare."""
    went = Replication.objects.filter(source_vault=vault, destination=None).exclude(destination_vault_id="")
    ids = ("destination_region", "destination_project_id", "destination_vault_id")
    return list(went.order_by(*ids).values_list(*ids).distinct()[:_NAMED])


def _sources_of(vault: Vault) -> list[Vault]:
    """Return the vaults that were replicated into this one, as far as our history knows."""
    sent = Replication.objects.filter(destination=vault).values("source_vault")
    return list(
        Vault.objects.filter(pk__in=sent)
        .select_related("project__region")
        .order_by("name", "vault_id")[:_NAMED]
    )


def _replicate_address(vault: Vault, destination: Vault) -> str:
    """Return the form for a replication, filled in; empty where it would be refused."""
    if judge_source(vault, 1) or preflight.judge_destination(destination, vault):
        return ""
    wanted = {
        "vault": str(vault.pk),
        "region": destination.project.region.name,
        "project": str(destination.project.pk),
        "destination": str(destination.pk),
    }
    return f"{reverse('replication-new')}?{urlencode(wanted)}"


def _rows(part: Page[Pair], vault: Vault, found: Comparison) -> tuple[Row, ...]:
    """Add what is to be said of each pair. Two queries."""
    alone = [pair.source.pk for pair in part if pair.source and not pair.replica]
    backups = {backup.pk: backup for backup in Backup.objects.filter(pk__in=alone)}
    for backup in backups.values():
        backup.vault = vault
    records = _records(vault, found.destination.vault, [pair.source_id for pair in part])
    return tuple(
        _row(
            pair,
            backups.get(pair.source.pk) if pair.source and not pair.replica else None,
            records.get(pair.source_id),
            found,
        )
        for pair in part
    )


def _records(vault: Vault, destination: Vault, backup_ids: Iterable[str]) -> dict[str, ReplicationRecord]:
    """Return the latest record of each backup into this region."""
    records = (
        ReplicationRecord.objects.filter(
            replication__source_vault=vault,
            replication__destination_region=destination.project.region.name,
            backup_id__in=[one for one in backup_ids if one],
        )
        .select_related("replication")
        .order_by("changed_at", "pk")
    )
    return {record.backup_id: record for record in records}


def _row(pair: Pair, backup: Backup | None, record: ReplicationRecord | None, found: Comparison) -> Row:
    notes = [str(pair.match.label)] if pair.match else []
    if backup:
        notes += _why_only_here(backup, record, found)
    notes += [str(difference.label) for difference in pair.differences]
    return Row(
        pair,
        tuple(notes),
        keeping_from=_told_by(pair.keeping_from),
        replication_id=str(record.replication_id) if record else "",
    )


def _why_only_here(backup: Backup, record: ReplicationRecord | None, found: Comparison) -> list[str]:
    """Say why a backup has no replica there, as far as anybody knows."""
    region = found.destination.vault.project.region.name
    if record and not record.is_final:
        return [_("It is being replicated.")]
    read_at = found.destination.read_at
    if record and record.arrived_at:
        if read_at and record.arrived_at > read_at:
            return [_("Its replica has arrived since the destination was last read.")]
        return [_("Its replica had arrived, and is not there any more or not recognised.")]
    verdict = preflight.judge_backup(backup, region, set())
    if verdict.verdict == Verdict.INELIGIBLE:
        return [_("It cannot be replicated."), str(verdict.reason)]
    if region in (backup.replicated_to or ()):
        return [_("The cloud says that it was replicated to this region, but not that it is in this vault.")]
    return []


def _told_by(source: str) -> str:
    if source in Evidence.values:
        return str(Evidence(source).label)
    return _("history of this dashboard") if source else ""
