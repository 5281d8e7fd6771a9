"""Which vaults a batch is about, as the address says it: ticked one by one, or all that fit a filter.

Knows three spellings: `vault`, repeated, from the boxes of a list; `vaults`, one field for any number of ids, since a form
may have only so many fields; and `matching`, the query of the list's filter, for all vaults that fit it.
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import cached_property

from replication.filters import VaultFilterForm
from replication.models import Backup, Vault
from replication.models.inventory import VaultQuerySet
from replication.services.batches import MOST_VAULTS, Candidate, Plan

#: One vault in `seen`: its id, and the digest of what the page has shown of it, unless it was shown as left out.
_SEEN = re.compile(r"([0-9a-f]{32})(?:-([0-9a-f]{8}))?")


def fitting(form: VaultFilterForm) -> VaultQuerySet:
    """Return the vaults that fit a filter; what is not understood of it counts as left out."""
    form.is_valid()
    wanted = form.cleaned_data
    vaults = Vault.objects.all()
    if wanted.get("region"):
        vaults = vaults.filter(project__region=wanted["region"])
    if wanted.get("project"):
        vaults = vaults.filter(project=wanted["project"])
    if wanted.get("purpose") == VaultFilterForm.SOURCES:
        vaults = vaults.sources()
    elif wanted.get("purpose") == VaultFilterForm.DESTINATIONS:
        vaults = vaults.destinations()
    if text := wanted.get("q"):
        backups = Backup.objects.filter(backup_id=text).values("vault")
        vaults = vaults.filter(
            Q(name__icontains=text)
            | Q(vault_id__istartswith=text)
            | Q(project__project_id=text)
            | Q(pk__in=backups)
        )
    return vaults


def write_filter(form: VaultFilterForm) -> str:
    """Return the query string that chooses every source vault of a filter."""
    asked = {
        name: form[name].data
        for name in form.fields
        if name != "size" and form[name].data and name not in form.errors
    }
    return urlencode({"matching": urlencode(asked)})


def in_order(vaults: VaultQuerySet) -> VaultQuerySet:
    """Return vaults with what names them, by region, project and name."""
    return vaults.select_related("project__region").order_by(
        "project__region__name", "project__name", "name", "vault_id"
    )


def matching_sources(query: str) -> VaultQuerySet:
    """Return the present source vaults that fit the filter of this query string; nonsense in it counts as left out."""
    return in_order(fitting(VaultFilterForm(QueryDict(query))).sources().present())


@dataclass(frozen=True)
class Selection:
    """The chosen vaults, and how the next address says so."""

    #: Name and value of the one field that carries it on.
    name: str
    value: str
    #: Whether anything was chosen that is no vault of the inventory any more.
    lost: int
    vaults: tuple[Vault, ...]

    @classmethod
    def read(cls, address: QueryDict) -> "Selection":
        """Read what an address chooses. One query, and those of the filter's menus."""
        if "matching" in address:
            query = address.get("matching", "")
            # One more than there may be, to tell that there are too many.
            return cls("matching", query, 0, tuple(matching_sources(query)[: MOST_VAULTS + 1]))
        spelt = address.get("vaults", "").split(".") if "vaults" in address else address.getlist("vault")
        return cls._of({known for text in spelt if (known := _uuid(text))})

    @classmethod
    def _of(cls, ids: set[uuid.UUID]) -> "Selection":
        vaults = tuple(in_order(Vault.objects.filter(pk__in=ids))[: MOST_VAULTS + 1])
        value = ".".join(sorted(one.hex for one in ids))
        return cls("vaults", value, 0 if len(vaults) > MOST_VAULTS else len(ids) - len(vaults), vaults)

    @cached_property
    def is_too_much(self) -> bool:
        """Whether there are more vaults than one batch takes."""
        return len(self.vaults) > MOST_VAULTS

    @property
    def is_by_filter(self) -> bool:
        """Whether it means whatever fits a filter."""
        return self.name == "matching"


def write_seen(plan: Plan) -> str:
    """Return what a page has shown of a plan, for one field of its form."""
    return ".".join(_written(one) for one in plan.candidates)


def _written(one: Candidate) -> str:
    return f"{one.vault.pk.hex}-{one.digest}" if one.is_going else one.vault.pk.hex


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person has confirmed: the vaults that go, with what was shown of each, and those that were left out."""

    going: dict[uuid.UUID, str]
    left_out: frozenset[uuid.UUID]

    @classmethod
    def read(cls, text: str) -> "Seen":
        """Read what `write_seen` wrote; what is none of it is left out."""
        found = [match.groups() for one in text.split(".") if (match := _SEEN.fullmatch(one))]
        return cls(
            {uuid.UUID(vault): digest for vault, digest in found if digest},
            frozenset(uuid.UUID(vault) for vault, digest in found if not digest),
        )

    def vaults(self) -> tuple[tuple[Vault, ...], tuple[Vault, ...]]:
        """Return those that go and those that do not, as far as the inventory has them. One query."""
        found = tuple(in_order(Vault.objects.filter(pk__in=[*self.going, *self.left_out])))
        return _among(found, self.going), _among(found, self.left_out)


def _among(vaults: Iterable[Vault], ids: Iterable[uuid.UUID]) -> tuple[Vault, ...]:
    wanted = set(ids)
    return tuple(vault for vault in vaults if vault.pk in wanted)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
