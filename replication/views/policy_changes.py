"""Changing the cloud's policies: choosing, a last look with the reason, and what becomes of the request.

No page waits for the cloud: the request becomes a row, and its page shows how far the worker has come with it.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from replication.models import Policy, PolicyChange, Vault
from replication.policy_forms import ApplicationForm, ConfirmationForm, PolicyForm
from replication.roles import Right, require
from replication.services import explanations, policy_changing, policy_commands, policy_limits
from replication.services.equivalents import Command
from replication.services.policy_limits import Finding
from replication.services.preflight import Text
from replication.templatetags.policy_display import keep_words, words_of_patterns

from .access import PageRequest, page, see_other


@dataclass(frozen=True, slots=True)
class Review:
    """The last look at a change before it is asked for."""

    title: Text
    #: Name and value of each thing that is sent.
    facts: Sequence[tuple[Text, object]]
    findings: Sequence[Finding]
    #: What follows from it, a sentence each.
    consequences: Sequence[Text]
    commands: Sequence[Command]
    button: Text
    back: str
    is_dangerous: bool = False
    pending: PolicyChange | None = None
    #: Names of vaults, each with what stands in its way.
    vaults: Sequence[tuple[Vault, Sequence[Finding]]] = field(default=())

    @property
    def blockers(self) -> list[Finding]:
        """What rules it out."""
        return [finding for finding in self.findings if finding.blocking]

    @property
    def warnings(self) -> list[Finding]:
        """What is to be known."""
        return [finding for finding in self.findings if not finding.blocking]

    @property
    def can_be_sent(self) -> bool:
        """Whether the button is offered."""
        return not (self.blockers or self.pending)


@require_GET
@page
def choose_new(request: PageRequest) -> HttpResponse:
    """Show the form of a new policy, filled in from the address."""
    require(request.user, Right.MANAGE_POLICIES)
    initial = {"rhythm": PolicyForm.WEEKLY, "keep": PolicyForm.DAYS, "amount": 30, "enabled": True}
    if request.GET:
        initial = {name: request.GET.getlist(name) for name in ("weekdays", "hours")} | {
            name: value
            for name, value in request.GET.dict().items()
            if name not in {"weekdays", "hours", "key"}
        }
    return _new_form(request, PolicyForm(initial={**initial, "key": uuid.uuid4()}))


def _new_form(request: PageRequest, form: PolicyForm) -> HttpResponse:
    return render(request, "replication/policy_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@page
def review_new(request: PageRequest) -> HttpResponse:
    """Show what a new policy would be; as the answer to a POST, ask for it."""
    require(request.user, Right.MANAGE_POLICIES)
    form = PolicyForm(request.GET)
    if not form.is_valid():
        return redirect("policy-new") if "key" in form.errors else _new_form(request, form)
    wanted = form.new_policy()
    order = policy_changing.creation_order(wanted)
    region = wanted.destination.region.name

    def look() -> Review:
        return Review(
            title=_("A last look before it is created"),
            facts=[
                (_("Name"), wanted.name),
                (_("Project of the vaults"), str(wanted.project)),
                (_("Replicates to"), str(wanted.destination)),
                (_("Runs"), "; ".join(words_of_patterns(wanted.patterns))),
                (_("Keeps replicas"), keep_words(wanted.retention_days, wanted.max_backups)),
            ],
            findings=policy_limits.judge_creation(wanted),
            consequences=[
                _("Nothing is replicated by it until it is applied to a vault."),
                _(
                    "From then on the cloud replicates by itself. The traffic is billed to the source region, the space to %(region)s."
                )
                % {"region": region},
            ],
            commands=policy_commands.commands(wanted.project, [order]),
            button=_("Create the policy"),
            back=_back_to("policy-new", request),
            pending=policy_changing.find_pending(
                [policy_changing.subject_of_name(wanted.project, wanted.name)]
            ),
        )

    return _decide(
        request,
        form.cleaned_data["key"],
        look,
        lambda **asked: [policy_changing.request_creation(wanted=wanted, **asked)],
    )


@require_GET
@page
def choose_vaults(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the vaults that a policy can be applied to."""
    require(request.user, Right.MANAGE_POLICIES)
    policy = _find(pk)
    initial = {
        "key": uuid.uuid4(),
        "vault": request.GET.getlist("vault"),
        "destination": request.GET.get("destination", ""),
    }
    return _vault_form(request, policy, ApplicationForm(policy, initial=initial))


def _vault_form(request: PageRequest, policy: Policy, form: ApplicationForm) -> HttpResponse:
    context = {"form": form, "policy": policy, "obstacle": policy_limits.judge_policy(policy)}
    return render(request, "replication/policy_apply.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def review_application(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what applying a policy would do; as the answer to a POST, ask for it."""
    require(request.user, Right.MANAGE_POLICIES)
    policy = _find(pk)
    form = ApplicationForm(policy, request.GET)
    if not form.is_valid():
        return redirect("policy-apply", pk) if "key" in form.errors else _vault_form(request, policy, form)
    vaults, destination = form.cleaned_data["vault"], form.cleaned_data["destination"]

    def look() -> Review:
        judged = policy_changing.judge_applications(policy, vaults, destination)
        orders = [policy_changing.application_order(policy, vault, destination) for vault in vaults]
        return Review(
            title=_("A last look before it is applied"),
            facts=[
                (_("Policy"), policy.name),
                (_("Replicas go to"), f"{destination.project} / {destination.name}"),
            ],
            findings=list(dict.fromkeys(one for _vault, found in judged for one in found)),
            consequences=[
                _(
                    "At each of its runs the cloud replicates every backup of these vaults that is not there yet."
                ),
                _("A replication that a policy has begun cannot be stopped either."),
                _("The traffic is billed to the source region, %(region)s.")
                % {"region": policy.project.region.name},
            ],
            commands=policy_commands.commands(policy.project, orders),
            button=ngettext("Apply it to %(n)d vault", "Apply it to %(n)d vaults", len(vaults))
            % {"n": len(vaults)},
            back=_back_to("policy-apply", request, pk),
            pending=policy_changing.find_pending([policy_changing.subject_of_vault(one) for one in vaults]),
            vaults=judged,
        )

    return _decide(
        request,
        form.cleaned_data["key"],
        look,
        lambda **asked: policy_changing.request_applications(
            policy=policy, vaults=vaults, destination=destination, **asked
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page
def remove(request: PageRequest, pk: uuid.UUID, vault_pk: uuid.UUID) -> HttpResponse:
    """Show what removing a policy from a vault would do; as the answer to a POST, ask for it."""
    require(request.user, Right.MANAGE_POLICIES)
    policy = _find(pk)
    vault = get_object_or_404(Vault.objects.select_related("project__region"), pk=vault_pk)

    def look() -> Review:
        applied = policy_changing.find_application(policy, vault)
        return Review(
            title=_("A last look before it is removed"),
            facts=[(_("Policy"), policy.name), (_("Vault"), f"{vault.project} / {vault.name}")],
            findings=policy_limits.judge_removal(policy, vault, applied),
            consequences=[
                _("The cloud does not replicate this vault by itself any more. What is under way goes on."),
                _(
                    "Replicas that are kept by their age expire as before; those kept by their number stay until somebody deletes them."
                ),
            ],
            commands=policy_commands.commands(policy.project, [policy_changing.removal_order(policy, vault)]),
            button=_("Remove it from the vault"),
            back=reverse("policy-detail", args=[pk]),
            is_dangerous=True,
            pending=policy_changing.find_pending([policy_changing.subject_of_vault(vault)]),
        )

    return _decide(
        request,
        None,
        look,
        lambda **asked: [policy_changing.request_removal(policy=policy, vault=vault, **asked)],
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page
def delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what deleting a policy would do; as the answer to a POST, ask for it."""
    require(request.user, Right.MANAGE_POLICIES)
    policy = _find(pk)

    def look() -> Review:
        applied = list(
            policy.applied_to.select_related("source_vault").order_by("source_vault__name", "vault_id")
        )
        names = [one.source_vault.name if one.source_vault else one.vault_id for one in applied]
        loses = (
            ngettext(
                "%(n)d vault loses its replication policy: %(names)s.",
                "%(n)d vaults lose their replication policy: %(names)s.",
                len(names),
            )
            % {"n": len(names), "names": ", ".join(names)}
            if names
            else _("No vault has it.")
        )
        return Review(
            title=_("A last look before it is deleted"),
            facts=[
                (_("Policy"), policy.name),
                (_("Project"), str(policy.project)),
                (_("Policy ID"), policy.policy_id),
            ],
            findings=policy_limits.judge_deletion(policy),
            consequences=[loses, _("Replicas that it has made stay.")],
            commands=policy_commands.commands(policy.project, [policy_changing.deletion_order(policy)]),
            button=_("Delete the policy"),
            back=reverse("policy-detail", args=[pk]),
            is_dangerous=True,
            pending=policy_changing.find_pending([policy_changing.subject_of_policy(policy)]),
        )

    return _decide(
        request, None, look, lambda **asked: [policy_changing.request_deletion(policy=policy, **asked)]
    )


@require_GET
@page
def policy_change(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show how far a change has come."""
    return render(request, "replication/policy_change.html", _change_context(_find_change(pk)))


@require_GET
@page
def policy_change_progress(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer a poll of a change: the part that changes, or nothing at all if it did not."""
    change = _find_change(pk)
    if request.GET.get("version") == str(change.version):
        return HttpResponse(status=204)
    return render(request, "replication/_policy_change.html", _change_context(change))


def _find_change(pk: uuid.UUID) -> PolicyChange:
    return get_object_or_404(PolicyChange.objects.newest_first(), pk=pk)


def _change_context(change: PolicyChange) -> dict[str, object]:
    return {
        "change": change,
        "explanation": explanations.explain(change.error_code) if not change.is_pending else None,
        "commands": policy_commands.commands_of(change),
        "now": timezone.now(),
    }


def _decide(
    request: PageRequest,
    key: uuid.UUID | None,
    look: Callable[[], Review],
    ask: Callable[..., list[PolicyChange]],
) -> HttpResponse:
    """Show the last look; as the answer to a POST with a reason, ask for the change and show what becomes of it."""
    form = ConfirmationForm(request.POST if request.method == "POST" else None, key=key)
    if not form.is_valid():
        return _show(request, look(), form)
    try:
        changes = ask(
            actor=request.user,
            reason=form.cleaned_data["reason"],
            key=form.cleaned_data["key"],
            now=timezone.now(),
            request_id=request.request_id,
        )
    except policy_changing.WouldBeRefused:
        return _show(request, look(), form)
    except policy_changing.ChangePending as conflict:
        messages.warning(request, _("Nothing was asked for: this change is not over yet."))
        return see_other("policy-change", conflict.change.pk)
    except policy_changing.FormUsed as conflict:
        messages.error(
            request,
            _("This form was used before, for another change, which is shown here. Nothing was asked for."),
        )
        return see_other("policy-change", conflict.change.pk)
    if len(changes) > 1 and changes[0].known_policy_id:
        messages.success(request, _("Requested. This page shows what becomes of it."))
        return see_other("policy-detail", changes[0].known_policy_id)
    return see_other("policy-change", changes[0].pk)


def _show(request: PageRequest, review: Review, form: ConfirmationForm) -> HttpResponse:
    return render(request, "replication/policy_review.html", {"review": review, "form": form})


def _find(pk: uuid.UUID) -> Policy:
    return get_object_or_404(Policy.objects.select_related("project__region"), pk=pk)


def _back_to(name: str, request: PageRequest, *args: object) -> str:
    """Return the address of the choices as they stand, less the key: what is chosen anew is another intention."""
    kept = request.GET.copy()
    kept.pop("key", None)
    return f"{reverse(name, args=args)}?{kept.urlencode()}"
