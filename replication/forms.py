"""What people fill in: where a vault is to be replicated to, why, and what lists are narrowed by.

Forms validate and never save. What may be chosen comes from our own inventory, and a choice that the page shows as
unfit is refused here as well, whatever the browser sends.
"""

import re
import uuid
import zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.functional import cached_property
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from replication.models import Backup, Project, RecoveryTarget, Region, Theme, Vault
from replication.services import preflight, targets, triggering
from replication.services.preflight import Destination, Finding, State, Text
from replication.services.triggering import Wish

_REGION_NAME = re.compile(r"\A[a-zA-Z0-9._-]{1,255}\Z")
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu, under a heading, and why it is unfit (empty when it can be chosen)."""

    value: str
    name: str
    heading: Text = ""
    reason: Text = ""
    selected: bool = False


class Menu(Generic[Row]):
    """What can be chosen, what is chosen, and why what was wanted is not (empty unless it is unfit).

    Only the row that is wanted is looked up at first; the list is read when a page shows it, since an account may have
    thousands of vaults.
    """

    def __init__(
        self,
        rows: QuerySet[Row],
        wanted: Row | None,
        entry: Callable[[Row], tuple[str, str, Text]],
        judge: Callable[[Row], Finding | None],
        *,
        take_only: bool = False,
    ) -> None:
        """Choose what is wanted if it is fit; with `take_only`, the only fit one while nothing fit is wanted."""
        self._rows = rows
        self._entry = entry
        self._judge = judge
        finding = judge(wanted) if wanted else None
        self.chosen = wanted if finding is None else None
        self.refusal: Text = f"{entry(wanted)[1]}: {finding.text}" if wanted and finding else ""
        if take_only and self.chosen is None:
            fit = [row for row in self._listed if judge(row) is None]
            self.chosen = fit[0] if len(fit) == 1 else None

    @cached_property
    def _listed(self) -> list[Row]:
        return list(self._rows)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Every entry, the unfit ones with their reason."""
        return tuple(self._choice(row) for row in self._listed)

    def _choice(self, row: Row) -> Choice:
        finding = self._judge(row)
        return Choice(*self._entry(row), finding.text if finding else "", row == self.chosen)

    @property
    def has_fit(self) -> bool:
        """Whether anything can be chosen at all."""
        return any(not choice.reason for choice in self.choices)


class Choices:
    """The four menus of a replication, each following from the ones before it. A query for each that is wanted."""

    def __init__(self, wanted: Mapping[str, Any], sources: Collection[Vault] = ()) -> None:
        """Choose what is wanted; `sources` are vaults that were chosen elsewhere, instead of the first menu."""
        self._sources = sources
        offered = _sources(wanted.get("vault"))
        self.vaults = Menu(
            offered,
            _by_id(offered, wanted.get("vault")),
            _vault_entry,
            lambda vault: judge_source(vault, vault.backup_count),  # type: ignore[attr-defined]  # annotated by _sources
        )
        regions = Region.objects.present().order_by("name")
        self.regions = Menu(
            regions,
            _by_name(regions, wanted.get("region")),
            lambda region: (region.name, region.name, ""),
            self._judge_region,
            take_only=bool(self.sources),
        )
        projects = _projects(self.regions.chosen)
        self.projects = Menu(
            projects,
            _by_id(projects, wanted.get("project")),
            lambda project: (str(project.pk), project.name, ""),
            _judge_project,
            take_only=True,
        )
        targets = _targets(self.projects.chosen)
        self.destinations = Menu(
            targets,
            _by_id(targets, wanted.get("destination")),
            _target_entry,
            self._judge_target,
        )

    @property
    def source(self) -> Vault | None:
        """The chosen source vault."""
        return self.vaults.chosen

    @property
    def sources(self) -> Collection[Vault]:
        """What is to be replicated, as far as it is chosen."""
        return (self.source,) if self.source else self._sources

    def _judge_region(self, region: Region) -> Finding | None:
        return _unfit_for_all(
            preflight.judge_region(source.project.region, region.name) for source in self.sources
        )

    def _judge_target(self, vault: Vault) -> Finding | None:
        if not self.sources:
            return preflight.judge_destination(vault, None)
        return _unfit_for_all(preflight.judge_destination(vault, source) for source in self.sources)


def _unfit_for_all(findings: Iterable[Finding | None]) -> Finding | None:
    """Return why something cannot be chosen: it is fit as soon as one source can go there."""
    found = list(findings)
    return found[0] if found and all(found) else None


def judge_source(vault: Vault, backups: int) -> Finding | None:
    """Say why no replication can start from this vault, also when the reason is that it holds nothing."""
    if found := preflight.judge_source(vault):
        return found
    return None if backups else Finding(_("It has no backups."), "BackupService.0001", State.BLOCKER)


def _sources(wanted: object) -> QuerySet[Vault]:
    """Return the vaults to replicate from, and the wanted one whatever it is, so that its reason can be told."""
    listed = Q(vanished_at=None) & ~Q(protect_type=Vault.REPLICATION)
    if asked := _uuid(wanted):
        listed |= Q(pk=asked)
    return (
        Vault.objects.filter(listed)
        .select_related("project__region")
        .annotate(backup_count=Count("backups", filter=Q(backups__vanished_at=None)))
        .order_by("project__region__name", "project__name", "name", "vault_id")
    )


def _vault_entry(vault: Vault) -> tuple[str, str, Text]:
    return str(vault.pk), vault.name, str(vault.project)


def _projects(region: Region | None) -> QuerySet[Project]:
    return (
        Project.objects.present().filter(region=region).order_by("name") if region else Project.objects.none()
    )


def _judge_project(project: Project) -> Finding | None:
    if project.cloud:
        return None
    return Finding(
        _("Its vaults are not read by this dashboard. Type the vault's ID by hand."), state=State.BLOCKER
    )


def _targets(project: Project | None) -> QuerySet[Vault]:
    if project is None:
        return Vault.objects.none()
    # Replication vaults first: the others are only listed to say why they cannot be chosen.
    return (
        Vault.objects.present()
        .filter(project=project)
        .select_related("project__region")
        .order_by("-protect_type", "name", "vault_id")
    )


def _target_entry(vault: Vault) -> tuple[str, str, Text]:
    heading = _("Replication vaults") if vault.is_replication_vault else _("Other vaults")
    return str(vault.pk), vault.name, heading


def _by_name(regions: QuerySet[Region], wanted: object) -> Region | None:
    # What can be no name is not even looked for: PostgreSQL refuses to compare with some of it.
    is_name = isinstance(wanted, str) and _REGION_NAME.fullmatch(wanted)
    return regions.filter(name=wanted).first() if is_name else None


def _by_id(rows: QuerySet[Row], wanted: object) -> Row | None:
    asked = _uuid(wanted)
    return rows.filter(pk=asked).first() if asked else None


def _uuid(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


class ReplicationForm(forms.Form):
    """From where and to where: chosen from the inventory, or the destination's ids typed by hand."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    vault = forms.CharField(
        label=_("Source vault"), error_messages={"required": _("Choose the vault that is to be replicated.")}
    )
    region = forms.CharField(label=_("Region"), required=False)
    project = forms.CharField(label=_("Project"), required=False)
    destination = forms.CharField(label=_("Vault"), required=False)
    typed_region = forms.CharField(
        label=_("Region"),
        required=False,
        validators=[
            RegexValidator(
                _REGION_NAME,
                _("A region is up to 255 letters, digits, dots, underscores and hyphens."),
            )
        ],
        widget=forms.TextInput({"class": "form-control", "placeholder": "eu-nl"}),
    )
    typed_project_id = forms.CharField(
        label=_("Project ID"),
        required=False,
        validators=[
            RegexValidator(r"\A[A-Za-z0-9-]{1,64}\Z", _("An ID is up to 64 letters, digits and hyphens."))
        ],
        widget=forms.TextInput({"class": "form-control"}),
    )
    typed_vault_id = forms.CharField(
        label=_("Vault ID"),
        required=False,
        validators=[
            RegexValidator(r"\A[A-Za-z0-9-]{1,64}\Z", _("An ID is up to 64 letters, digits and hyphens."))
        ],
        widget=forms.TextInput({"class": "form-control"}),
    )
    auto_trigger = forms.BooleanField(
        label=_("Mark as triggered automatically (auto_trigger)"),
        help_text=_(
            "Passed on to the cloud as it is. Its reference says only that the replication is then triggered "
            "automatically; leave it off unless you know that you need it."
        ),
        required=False,
        widget=forms.CheckboxInput({"class": "form-check-input"}),
    )

    CHOSEN: tuple[str, ...] = ("vault", "region", "project", "destination")
    TYPED = ("typed_region", "typed_project_id", "typed_vault_id")
    #: The one backup that it is about. Null: a whole vault.
    one_backup: Backup | None = None

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        sources: Collection[Vault] = (),
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), use_required_attribute=False)
        self.choices = Choices(initial or {} if data is None else data, sources)

    @property
    def is_typed(self) -> bool:
        """Whether any id is typed by hand."""
        return any(self[name].value() for name in self.TYPED)

    def clean(self) -> dict[str, Any]:
        """Refuse what is unfit, incomplete, or given in both ways."""
        cleaned = super().clean() or {}
        self._check_source(cleaned)
        if self.is_typed:
            self._check_typed(cleaned)
        else:
            self._check_chosen()
        return cleaned

    def _check_source(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("vault") and not self.choices.source:
            self.add_error("vault", self.choices.vaults.refusal or _("This vault is not in the inventory."))

    def _check_typed(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("destination"):
            self.add_error(
                "destination",
                _("A vault is chosen and IDs are typed as well. Empty the typed IDs, or choose no vault."),
            )
        for name in self.TYPED:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Typing IDs by hand needs all three of them."))

    def _check_chosen(self) -> None:
        """Tell only of the first choice that is missing: the later ones follow from it."""
        if not self.choices.regions.chosen:
            self.add_error("region", self.choices.regions.refusal or _("Choose the region to replicate to."))
        elif not self.choices.projects.chosen:
            self.add_error(
                "project", self.choices.projects.refusal or _("Choose the project to replicate to.")
            )
        elif not self.choices.destinations.chosen:
            self.add_error(
                "destination",
                self.choices.destinations.refusal or _("Choose the vault that takes the replicas."),
            )

    @property
    def source(self) -> Vault:
        """The source vault of a valid form."""
        if self.choices.source is None:
            raise ValueError("only a valid form has a source")
        return self.choices.source

    def destination_of(self) -> Destination:
        """Return the destination of a valid form, typed or chosen."""
        if self.is_typed:
            region, project_id, vault_id = (self.cleaned_data[name] for name in self.TYPED)
            return triggering.find_destination(region=region, project_id=project_id, vault_id=vault_id)
        vault, project, region = (
            self.choices.destinations.chosen,
            self.choices.projects.chosen,
            self.choices.regions.chosen,
        )
        if vault is None or project is None or region is None:
            raise ValueError("only a valid form has a destination")
        return Destination(
            region=region.name, project_id=project.project_id, vault_id=vault.vault_id, vault=vault
        )

    def wish(self, destination: Destination, reason: str) -> Wish:
        """Return what is wanted, for the service."""
        return Wish(self.source, destination, reason, auto_trigger=self.cleaned_data["auto_trigger"])


class BatchForm(ReplicationForm):
    """To where many vaults go: the same choices, for vaults that were chosen elsewhere."""

    vault = None  # type: ignore[assignment]  # how Django takes a field away

    CHOSEN = ("region", "project", "destination")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        sources: Collection[Vault] = (),
    ) -> None:
        # One of each kind is enough to tell where such vaults can go; those that cannot go anywhere have no say.
        kinds = {
            (vault.project.region_id, vault.object_type): vault
            for vault in sources
            if preflight.judge_source(vault) is None
        }
        super().__init__(data, initial=initial, sources=tuple(kinds.values()))


class BackupForm(ReplicationForm):
    """One backup instead of a whole vault: to where, and what its replica shall be called."""

    vault = None  # type: ignore[assignment]  # Django's way to leave out an inherited field: it is the backup's
    auto_trigger = None  # type: ignore[assignment]  # the call for one backup does not know it
    backup = forms.CharField(
        widget=forms.HiddenInput, error_messages={"required": _("Choose the backup in its vault's list.")}
    )
    replica_name = forms.CharField(
        label=_("Name of the replica"),
        help_text=_(
            "Up to 64 letters, digits, underscores and hyphens. Left empty, the cloud chooses one. A name that no other "
            "replica has makes it easy to find."
        ),
        max_length=64,
        required=False,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9_-]*\Z", _("A name is up to 64 letters, digits, underscores and hyphens.")
            )
        ],
        widget=forms.TextInput({"class": "form-control"}),
    )
    replica_description = forms.CharField(
        label=_("Description of the replica"),
        help_text=_("Up to 255 characters, shown in the cloud's console. May be left empty."),
        max_length=255,
        required=False,
        widget=forms.TextInput({"class": "form-control"}),
    )

    CHOSEN = ("backup", "region", "project", "destination", "replica_name", "replica_description")

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        wanted = (initial or {}) if data is None else data
        backups = Backup.objects.select_related("vault__project__region")
        self.one_backup = _by_id(backups, wanted.get("backup"))
        vault = self.one_backup.vault_id if self.one_backup else None
        # One by one: unpacked, what a browser sends would be lists.
        self.choices = Choices({**{name: wanted.get(name) for name in wanted}, "vault": vault})

    def _check_source(self, cleaned: dict[str, Any]) -> None:
        if not cleaned.get("backup"):
            return
        if not self.one_backup:
            self.add_error("backup", _("This backup is not in the inventory."))
        elif not self.choices.source:
            self.add_error("backup", self.choices.vaults.refusal)

    def wish(self, destination: Destination, reason: str) -> Wish:
        """Return what is wanted, for the service."""
        return Wish(
            self.source,
            destination,
            reason,
            backup=self.one_backup,
            name=self.cleaned_data["replica_name"],
            description=self.cleaned_data["replica_description"],
        )


class ReasonForm(forms.Form):
    """Why somebody does what cannot be undone."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=3,
        max_length=500,
        help_text=_("Kept in the audit and shown to everybody who sees the replication."),
        error_messages={"required": _("Say why, in at least three characters.")},
        widget=forms.Textarea({"class": "form-control", "rows": 2}),
    )

    def clean_reason(self) -> str:
        """Return the reason on one line."""
        return " ".join(str(self.cleaned_data["reason"]).split())


def _languages() -> list[tuple[str, object]]:
    """Each language by its own name, since whoever looks for it may read no other."""
    return [
        ("", _("As the browser asks for")),
        *((code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES),
    ]


def _time_zones() -> list[tuple[object, object]]:
    """The zones of places, by continent and ocean, and UTC."""
    areas: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        area, _slash, place = name.partition("/")
        if place and area in _AREAS:
            areas.setdefault(area, []).append((name, name.replace("_", " ")))
    return [("", _("As the browser says")), ("UTC", "UTC"), *areas.items()]


#: The other names of the IANA database are old names of the same zones.
_AREAS = {
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
}


class PreferencesForm(forms.Form):
    """How a person wants to see the pages."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=_languages,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        choices=_time_zones,
        help_text=_("Every time is shown in this zone, with its abbreviation."),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    theme = forms.ChoiceField(
        label=_("Colours"), choices=Theme.choices, widget=forms.Select(attrs={"class": "form-select"})
    )


class TargetForm(forms.Form):
    """How old restore points may be, and of what."""

    HOURS, DAYS = "hours", "days"
    #: Ten years: whatever is longer is a slip of the finger.
    _LONGEST = 24 * 3650

    scope = forms.ChoiceField(
        label=_("For"),
        choices=[],
        error_messages={
            "required": _("Choose what the target is for."),
            "invalid_choice": _("This is not, or no longer, in the inventory."),
        },
        widget=forms.Select({"class": "form-select"}),
    )
    amount = forms.IntegerField(
        label=_("A restore point may be at most"),
        min_value=1,
        max_value=_LONGEST,
        error_messages={"required": _("Say how many hours or days.")},
        widget=forms.NumberInput({"class": "form-control"}),
    )
    unit = forms.ChoiceField(
        label=_("Unit"),
        choices=[(HOURS, _("hours old")), (DAYS, _("days old"))],
        widget=forms.Select({"class": "form-select"}),
    )
    #: The target as the page showed it, in hours: nobody overwrites what somebody else has set meanwhile.
    was = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), use_required_attribute=False)
        projects = Project.objects.present().filter(
            Exists(Vault.objects.sources().filter(project=OuterRef("pk")))
        )
        vaults = Vault.objects.present().sources().select_related("project__region")
        self._projects = {
            f"project:{one.pk}": one
            for one in projects.select_related("region").order_by("region__name", "name")
        }
        self._vaults = {
            f"vault:{one.pk}": one
            for one in vaults.order_by("project__region__name", "project__name", "name")
        }
        self._tags = {f"tag:{key}={value}": (key, value) for key, value in targets.known_tags()}
        keys = {f"tag:{key}": (key, "") for key, _value in self._tags.values()}
        self._tags |= {name: tag for name, tag in keys.items() if name not in self._tags}
        self.fields["scope"].choices = [  # type: ignore[attr-defined]  # a ChoiceField, as declared above
            ("", _("Choose")),
            (_("Projects"), [(name, str(one)) for name, one in self._projects.items()]),
            (_("Vaults with a tag"), [(name, self._tag_name(*tag)) for name, tag in self._tags.items()]),
            (_("Vaults"), [(name, f"{one.project} / {one.name}") for name, one in self._vaults.items()]),
        ]

    @staticmethod
    def _tag_name(key: str, value: str) -> str:
        return f"{key}={value}" if value else f"{key} (*)"

    def clean(self) -> dict[str, Any]:
        """Turn amount and unit into hours, and refuse what no number of hours can be."""
        cleaned = super().clean() or {}
        if cleaned.get("amount") and cleaned.get("unit"):
            hours = cleaned["amount"] * (24 if cleaned["unit"] == self.DAYS else 1)
            if hours > self._LONGEST:
                self.add_error("amount", _("A target is ten years at most."))
            cleaned["hours"] = hours
        return cleaned

    def with_present_target(self) -> "TargetForm":
        """Return the form as it was filled in, which says what target there is and replaces it when sent again."""
        present = RecoveryTarget.objects.filter(**self.chosen.columns).values_list("hours", flat=True).first()
        again = TargetForm(data={**self.data.dict(), "was": present or ""})  # type: ignore[attr-defined]  # a QueryDict
        if present:
            text = _("There is a target for this already: %(hours)d hours. Set it again to replace that.")
            again.add_error("scope", text % {"hours": present})
        else:
            again.add_error(
                "scope", _("Somebody has removed this target meanwhile. Set it again if you want it.")
            )
        return again

    @property
    def chosen(self) -> targets.Scope:
        """What the target of a valid form is for."""
        name = self.cleaned_data["scope"]
        if name in self._vaults:
            return targets.Scope(vault=self._vaults[name])
        if name in self._projects:
            return targets.Scope(project=self._projects[name])
        key, value = self._tags[name]
        return targets.Scope(tag_key=key, tag_value=value)
