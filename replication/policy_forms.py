"""What people fill in about the cloud's policies: a new one, the vaults that one is applied to, and why.

Forms validate and never save. The limits of single fields stand here, with the code that the cloud would answer where
it is not the usual BackupService.9900; what depends on other rows is judged by `services.policy_limits`.
"""

import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from replication.forms import Choice, ReasonForm
from replication.models import Policy, Project, Vault
from replication.services import policy_limits, preflight, schedule
from replication.services.policy_limits import LONGEST_RETENTION, NewPolicy

#: Vaults that one form applies a policy to: each is a request of its own.
MOST_VAULTS = 20
_WEEKDAYS = (
    ("MO", _("Monday")),
    ("TU", _("Tuesday")),
    ("WE", _("Wednesday")),
    ("TH", _("Thursday")),
    ("FR", _("Friday")),
    ("SA", _("Saturday")),
    ("SU", _("Sunday")),
)


class _ProjectChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes an argument only in the stubs
    """A project with its region before it."""

    def label_from_instance(self, obj: Project) -> str:
        return str(obj)

    def to_python(self, value: Any) -> Any:
        """Return the project; of what is no id of one, say the same as of an id that nobody knows."""
        try:
            return super().to_python(value)
        except forms.ValidationError:
            raise forms.ValidationError(self.error_messages["invalid_choice"], "invalid_choice") from None


class PolicyForm(forms.Form):
    """A new replication policy. Its answers stand in the address of the last look."""

    #: Kinds of retention.
    DAYS, NUMBER, FOR_GOOD = "days", "number", "for_good"
    #: Kinds of schedule.
    WEEKLY, EVERY_DAYS = "weekly", "every_days"

    key = forms.UUIDField(widget=forms.HiddenInput)
    project = _ProjectChoice(
        label=_("Project of the vaults"),
        queryset=None,
        empty_label=_("Choose a project"),
        error_messages={
            "required": _("Choose the project whose vaults it is for."),
            "invalid_choice": _("This project is not in the inventory."),
        },
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=64,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9_-]{1,64}\Z",
                _("A name is 1 to 64 letters, digits, underscores and hyphens."),
            )
        ],
        help_text=_(
            "1 to 64 letters, digits, underscores and hyphens; no other replication policy of the project has it."
        ),
        error_messages={"required": _("Give it a name.")},
    )
    destination = _ProjectChoice(
        label=_("Replicate to the project"),
        queryset=None,
        empty_label=_("Choose a project in another region"),
        error_messages={
            "required": _("Choose the project to replicate to."),
            "invalid_choice": _("This project is not in the inventory."),
        },
    )
    rhythm = forms.ChoiceField(
        label=_("On which days"),
        choices=[(WEEKLY, _("On these days of the week")), (EVERY_DAYS, _("Every so many days"))],
        initial=WEEKLY,
        widget=forms.RadioSelect,
    )
    weekdays = forms.MultipleChoiceField(
        label=_("Days of the week"),
        choices=_WEEKDAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    every_days = forms.IntegerField(label=_("Every so many days"), min_value=1, max_value=366, required=False)
    hours = forms.MultipleChoiceField(
        label=_("At these hours (UTC)"),
        choices=[(str(hour), f"{hour:02}:00") for hour in range(24)],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one hour.")},
    )
    keep = forms.ChoiceField(
        label=_("How long replicas are kept"),
        choices=[
            (DAYS, _("For a number of days")),
            (NUMBER, _("The newest ones of each server")),
            (FOR_GOOD, _("Until somebody deletes them")),
        ],
        initial=DAYS,
        widget=forms.RadioSelect,
    )
    amount = forms.IntegerField(
        label=_("How many days, or how many replicas"),
        min_value=1,
        max_value=LONGEST_RETENTION,
        required=False,
    )
    enabled = forms.BooleanField(label=_("Switch it on at once"), required=False)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), use_required_attribute=False)
        projects = Project.objects.present().select_related("region").order_by("region__name", "name")
        self._choice("project").queryset = projects.exclude(cloud="")
        self._choice("destination").queryset = projects
        for field in self.fields.values():
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            if isinstance(
                field.widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple
            ):
                kind = "form-check-input"
            field.widget.attrs["class"] = kind

    def _choice(self, name: str) -> "forms.ModelChoiceField[Project]":
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  # tells the type checker what stands above
        return field

    def clean(self) -> dict[str, Any]:
        """Refuse a schedule or a retention that is incomplete."""
        cleaned = super().clean() or {}
        if cleaned.get("rhythm") == self.WEEKLY and not cleaned.get("weekdays"):
            self.add_error("weekdays", _("Choose at least one day of the week."))
        if cleaned.get("rhythm") == self.EVERY_DAYS and not cleaned.get("every_days"):
            self._demand("every_days", _("Say every how many days, 1 to 366."))
        if cleaned.get("keep") in {self.DAYS, self.NUMBER} and not cleaned.get("amount"):
            self._demand("amount", _("Say how many, 1 to 99999, or keep them until somebody deletes them."))
        return cleaned

    def _demand(self, name: str, message: preflight.Text) -> None:
        if name not in self.errors:
            self.add_error(name, str(message))

    def new_policy(self) -> NewPolicy:
        """Return what is wanted, for the service."""
        wanted = self.cleaned_data
        weekly = wanted["rhythm"] == self.WEEKLY
        amount, keep = wanted["amount"], wanted["keep"]
        return NewPolicy(
            project=wanted["project"],
            name=wanted["name"],
            enabled=wanted["enabled"],
            destination=wanted["destination"],
            patterns=schedule.patterns_of(
                weekdays=wanted["weekdays"] if weekly else (),
                every_days=wanted["every_days"] or 1,
                hours=[int(hour) for hour in wanted["hours"]],
            ),
            retention_days=amount if keep == self.DAYS else None,
            max_backups=amount if keep == self.NUMBER else None,
        )


class ApplicationForm(forms.Form):
    """The vaults that a policy is to be applied to, and the vault that takes their replicas."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    vault = forms.MultipleChoiceField(
        label=_("Vaults"), error_messages={"required": _("Choose at least one vault.")}
    )
    destination = forms.ChoiceField(
        label=_("Vault that takes the replicas"),
        error_messages={"required": _("Choose the vault that takes the replicas.")},
    )

    def __init__(
        self,
        policy: Policy,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), use_required_attribute=False)
        self.policy = policy
        # Whatever is named, so that the last look can say why it does not fit.
        self._many("vault").choices = [(str(vault.pk), vault.name) for vault in self._vaults]
        self._many("destination").choices = [(str(vault.pk), vault.name) for vault in self._targets]

    def _many(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells the type checker what stands above
        return field

    @cached_property
    def _vaults(self) -> list[Vault]:
        vaults = Vault.objects.present().sources().filter(project=self.policy.project)
        return list(vaults.select_related("project__region").order_by("name", "vault_id"))

    @cached_property
    def _targets(self) -> list[Vault]:
        vaults = Vault.objects.present().destinations()
        return list(
            vaults.filter(
                project__project_id=self.policy.destination_project_id,
                project__region__name=self.policy.destination_region,
            )
            .select_related("project__region")
            .order_by("name", "vault_id")
        )

    def clean_vault(self) -> list[Vault]:
        """Return the chosen vaults, in the order of the list."""
        chosen = set(self.cleaned_data["vault"])
        if len(chosen) > MOST_VAULTS:
            raise forms.ValidationError(
                ngettext_lazy(
                    "At most %(most)d vault at once; more can follow.",
                    "At most %(most)d vaults at once; more can follow.",
                    "most",
                )
                % {"most": MOST_VAULTS}
            )
        return [vault for vault in self._vaults if str(vault.pk) in chosen]

    def clean_destination(self) -> Vault:
        """Return the chosen destination vault."""
        return next(vault for vault in self._targets if str(vault.pk) == self.cleaned_data["destination"])

    @cached_property
    def vault_choices(self) -> tuple[Choice, ...]:
        """Every source vault of the project, the unfit ones with their reason."""
        taken = {row.source_vault_id: row.policy for row in policy_limits.policies_of(self._vaults)}
        wanted = {str(one) for one in self["vault"].value() or ()}
        return tuple(
            Choice(
                str(vault.pk),
                vault.name,
                reason=self._obstacle(vault, taken.get(vault.pk)),
                selected=str(vault.pk) in wanted,
            )
            for vault in self._vaults
        )

    def _obstacle(self, vault: Vault, taken: Policy | None) -> preflight.Text:
        if taken == self.policy:
            return _("has this policy already")
        if taken:
            return _("has the policy “%(name)s”") % {"name": taken.name}
        found = policy_limits.judge_vault(self.policy, vault)
        return found.text if found else ""

    @cached_property
    def target_choices(self) -> tuple[Choice, ...]:
        """Every replication vault of the destination project, the unfit ones with their reason."""
        wanted = str(self["destination"].value() or "")
        found = [(vault, preflight.judge_destination(vault, None)) for vault in self._targets]
        return tuple(
            Choice(
                str(vault.pk),
                vault.name,
                reason=finding.text if finding else "",
                selected=str(vault.pk) == wanted,
            )
            for vault, finding in found
        )


class ConfirmationForm(ReasonForm):
    """Why somebody changes a policy, with the key that makes one change of however many clicks."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, key: uuid.UUID | None = None) -> None:
        super().__init__(data, initial={"key": key or uuid.uuid4()})
        self.fields["reason"].help_text = _("Kept in the audit and shown to everybody who sees the policies.")
