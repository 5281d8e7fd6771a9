"""What lists are narrowed by: forms whose answers stand in the address of a page.

Everything may be left out, and nonsense counts as left out. They say what was asked for; finding it is not theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from replication.lifecycle import RecordStatus, ReplicationStatus
from replication.models import OperationLog, Project, Region, Replication, Vault
from replication.services import coverage
from replication.services.coverage import Verdict

#: Days that every time zone can express as moments.
_DAYS = (MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(9000, 1, 1)))


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of a filter in words: the parameter's name, its label, and what was asked for."""

    name: str
    label: str
    value: str


class FilterForm(forms.Form):
    """A form whose answers stand in the address. Everything may be left out, and nonsense counts as left out."""

    SIZES = (25, 50, 100)

    size = forms.TypedChoiceField(
        label=_("Rows"), required=False, coerce=int, choices=[(size, size) for size in SIZES]
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.order_fields([*(name for name in self.fields if name != "size"), "size"])
        for field in self.fields.values():
            is_choice = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"

    def add_error(self, field: str | None, error: object) -> None:  # noqa: ARG002  # whatever is wrong with it
        """Say of everything that is not understood what becomes of it."""
        super().add_error(field, _("Not understood, so it is left out."))

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was asked for that leaves some rows out."""
        return any(value for name, value in self.cleaned_data.items() if name != "size")

    @property
    def page_size(self) -> int:
        """Rows a page."""
        return self.cleaned_data.get("size") or self.SIZES[0]

    def told(self) -> tuple[Told, ...]:
        """Return in words what a validated form asks for."""
        return tuple(
            Told(name, str(field.label), self._word(field, self.cleaned_data[name]))
            for name, field in self.fields.items()
            if name != "size" and self.cleaned_data.get(name)
        )

    def _word(self, field: forms.Field, value: Any) -> str:
        if isinstance(field, forms.ModelChoiceField):
            return str(field.label_from_instance(value))
        if isinstance(field, forms.ChoiceField):
            return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]  # flat pairs, as declared here
        return value.isoformat() if isinstance(value, date) else str(value)


class _VaultChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes an argument only in the stubs
    """A vault by the way to it, since names repeat."""

    def label_from_instance(self, obj: Vault) -> str:
        return f"{obj.project} / {obj.name}"


class HistoryFilterForm(FilterForm):
    """The filter of the list of replications."""

    q = forms.CharField(
        label=_("Search"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("ID, reason or vault")}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("All")),
            ("active", _("Not over yet")),
            ("attention", _("Needs attention")),
            ("queued", _("Queued or being sent")),
            *ReplicationStatus.choices,
        ],
    )
    vault = _VaultChoice(label=_("Source vault"), required=False, queryset=None, empty_label=_("All"))
    region: "forms.ModelChoiceField[Region]" = forms.ModelChoiceField(
        label=_("Region"), required=False, queryset=None, to_field_name="name", empty_label=_("All")
    )
    person: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        label=_("Requested by"),
        required=False,
        queryset=None,
        to_field_name="username",
        empty_label=_("Everybody"),
    )
    since = forms.DateField(
        label=_("Since"),
        required=False,
        validators=_DAYS,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        validators=_DAYS,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        has_asked = Exists(Replication.objects.filter(actor=OuterRef("pk")))
        self.fields["vault"].queryset = (  # type: ignore[attr-defined]  # a ModelChoiceField, as declared above
            Vault.objects.sources()
            .select_related("project__region")
            .order_by("project__region__name", "project__name", "name")
        )
        self.fields["region"].queryset = Region.objects.order_by("name")  # type: ignore[attr-defined]  # as above
        self.fields["person"].queryset = User.objects.filter(has_asked).order_by("username")  # type: ignore[attr-defined]  # as above


class VaultFilterForm(FilterForm):
    """The filter of the list of vaults."""

    SOURCES, DESTINATIONS = "sources", "destinations"

    q = forms.CharField(
        label=_("Search"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name or ID")}),
    )
    purpose = forms.ChoiceField(
        label=_("Purpose"),
        required=False,
        choices=[("", _("All")), (SOURCES, _("Source vaults")), (DESTINATIONS, _("Replication vaults"))],
    )
    region: "forms.ModelChoiceField[Region]" = forms.ModelChoiceField(
        label=_("Region"), required=False, queryset=None, to_field_name="name", empty_label=_("All")
    )
    project: "forms.ModelChoiceField[Project]" = forms.ModelChoiceField(
        label=_("Project"), required=False, queryset=None, to_field_name="project_id", empty_label=_("All")
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        has_vaults = Exists(Vault.objects.filter(project=OuterRef("pk")))
        self.fields["region"].queryset = Region.objects.order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["project"].queryset = (  # type: ignore[attr-defined]  # as above
            Project.objects.filter(has_vaults).select_related("region").order_by("region__name", "name")
        )


class RecordFilterForm(FilterForm):
    """The filter of the list of a replication's backups."""

    ARRIVED = "arrived"

    q = forms.CharField(
        label=_("Search"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name, ID or error code")}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *RecordStatus.choices, (ARRIVED, _("Arrived"))],
    )


class CoverageFilterForm(FilterForm):
    """The filter of the coverage matrix."""

    VAULTS = "vaults"
    #: What can be asked for, and the verdicts that it stands for.
    SHOWN = {
        "behind": coverage.BROKEN,
        "unknown": (Verdict.UNKNOWN,),
        "untargeted": (Verdict.NOTHING, Verdict.UNTARGETED),
        "met": (Verdict.MET,),
    }

    q = forms.CharField(
        label=_("Search"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Server or vault")}),
    )
    show = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("All")),
            ("behind", _("Behind target")),
            ("unknown", _("Not known")),
            ("untargeted", _("Without a target")),
            ("met", _("Target met")),
        ],
    )
    by = forms.ChoiceField(
        label=_("A row is a"),
        required=False,
        choices=[("", _("Server")), (VAULTS, _("Vault"))],
    )
    project: "forms.ModelChoiceField[Project]" = forms.ModelChoiceField(
        label=_("Project"), required=False, queryset=None, to_field_name="project_id", empty_label=_("All")
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        has_sources = Exists(Vault.objects.sources().filter(project=OuterRef("pk")))
        self.fields["project"].queryset = (  # type: ignore[attr-defined]  # a ModelChoiceField, as declared above
            Project.objects.filter(has_sources).select_related("region").order_by("region__name", "name")
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was asked for that leaves some rows out."""
        return any(value for name, value in self.cleaned_data.items() if name not in {"by", "size"})

    @property
    def by_vault(self) -> bool:
        """Whether the rows are vaults instead of servers."""
        return self.cleaned_data.get("by") == self.VAULTS

    @property
    def wanted(self) -> coverage.Wanted:
        """What was asked for, for the service."""
        return coverage.Wanted(
            text=self.cleaned_data.get("q", ""),
            project=self.cleaned_data.get("project"),
            verdicts=self.SHOWN.get(self.cleaned_data.get("show", ""), ()),
        )


class OperationFilterForm(FilterForm):
    """The filter of a vault's operation logs: by the cloud's own words, of which only those there are can be chosen."""

    q = forms.CharField(
        label=_("Search"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Server, ID or error code")}),
    )
    operation = forms.ChoiceField(label=_("Operation"), required=False)
    status = forms.ChoiceField(label=_("Status in the cloud"), required=False)

    def __init__(self, data: Mapping[str, Any], logs: "QuerySet[OperationLog]") -> None:
        super().__init__(data)
        words = list(logs.order_by().values_list("operation_type", "status").distinct())
        for name, position in (("operation", 0), ("status", 1)):
            listed = sorted({pair[position] for pair in words})
            self.fields[name].choices = [("", _("All")), *((word, word) for word in listed)]  # type: ignore[attr-defined]  # a ChoiceField
