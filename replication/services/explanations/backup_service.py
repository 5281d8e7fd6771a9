"""The codes of the cloud's backup service: refusals of a request, and faults of single backups.

The meanings follow the API reference's appendix “Error codes”; 1002, 1003, 1009 and 1012 are known from the sibling
cloud. Where this cloud reports a refusal as a fault of its own (HTTP 500), nobody can be sure, and the text says so.
"""

from django.utils.translation import gettext_lazy as _

from .wording import (
    DECLINED_CHANGE,
    DECLINED_OR_ONE,
    WAIT_FIRST,
    WAIT_FOR_THE_LOOKS,
    Explanation,
    declined,
    unclear,
)

_DESTINATION_CHECK = (
    _("The destination vault could not be checked"),
    _("The cloud tried to check the destination vault and did not get that far."),
)
_NO_SUCH_BACKUP = (
    _("The backup does not exist any more"),
    _(
        "The cloud does not find a backup of this request. It may have been deleted or expired since we last read."
    ),
    _("Refresh the inventory, then start a new replication of what is there."),
)

#: Number in `BackupService.NNNN` -> explanation.
BACKUP_SERVICE: dict[str, Explanation] = {
    "0001": declined(
        _("The vault has nothing to replicate"),
        _("The cloud found no backup in the source vault that can be replicated."),
        _("Look at the vault's backups: they must be available, of a server, and contain the system disk."),
    ),
    "1002": declined(
        _("A replica cannot be replicated again"),
        _("A backup of this request is itself a replica. The cloud replicates only original backups."),
        _("Start the replication from the vault in which the backup was first made."),
        started=DECLINED_OR_ONE,
    ),
    "1003": declined(
        _("Not a backup of a server"),
        _(
            "A backup of this request was not made of a cloud server. The cloud replicates only backups of servers."
        ),
        _(
            "Choose a vault for servers. Disks and file systems have to be protected in the other region by other means."
        ),
        started=DECLINED_OR_ONE,
    ),
    "1005": unclear(
        _("The destination region does not take replicas"),
        _("The cloud says that the source region cannot replicate to the destination region."),
        _(
            "Choose another destination region. If the page still says unclear, wait for the looks at the cloud first."
        ),
        started=_(
            "Very probably not. But this cloud reports it as a fault of its own, so the dashboard looks before it "
            "says no."
        ),
    ),
    "1006": Explanation(
        _("The replica could not be imported"),
        _("The backup was copied, but the destination region could not make a backup of it."),
        _("Yes. Data was moved and may be billed, but there is no usable replica."),
        _("Only for this backup, and only after its state in the destination vault is known."),
        _(
            "Open a ticket with the cloud's support and give them the record ID and the request ID from this page."
        ),
        retry_is_safe=False,
    ),
    "1009": Explanation(
        _("Being replicated, or replicated already"),
        _(
            "The cloud says that somebody copies these backups to this region, or has done so: a colleague in the "
            "console, a policy, or an earlier request of ours whose answer was lost."
        ),
        _("Not by this request. But something else may be copying right now."),
        WAIT_FIRST,
        _("Look at the vault's other replications here and at its tasks in the cloud's console."),
        retry_is_safe=False,
    ),
    "1011": declined(
        _("The destination project does not take replicas"),
        _(
            "The cloud does not offer replication to the destination project, or the project is not in that region."
        ),
        _("Check that the project belongs to the destination region, or choose another one."),
    ),
    "1012": declined(
        _("Too many replicas"),
        _("A backup of this request has as many replicas as the cloud allows."),
        _("Delete replicas that are no longer needed in the cloud's console, then start a new replication."),
        started=DECLINED_OR_ONE,
    ),
    "4005": unclear(
        *_DESTINATION_CHECK,
        WAIT_FOR_THE_LOOKS,
        started=_(
            "Probably not, since the check comes first. But this cloud reports it as a fault of its own, so the "
            "dashboard looks before it says no."
        ),
    ),
    "6000": declined(
        _("The policy does not exist any more"),
        _("The cloud does not find the policy. Somebody may have deleted it since we last read."),
        _("Read the cloud again, then look at the list of policies."),
        started=DECLINED_CHANGE,
    ),
    "6001": declined(
        _("There are too many policies"),
        _("The project has as many policies of this kind as the cloud allows: 32."),
        _("Delete a policy that no vault needs, or apply one that is there already."),
        started=DECLINED_CHANGE,
    ),
    "6002": declined(
        _("The vault does not have this policy"),
        _(
            "The cloud says that the policy is not applied to the vault. Somebody may have removed it already."
        ),
        _("Read the cloud again, then look at the policy's page."),
        started=DECLINED_CHANGE,
    ),
    "6003": declined(
        _("The destination of the policy is fixed"),
        _(
            "The policy is applied to a vault, so the region that it replicates to cannot be changed any more."
        ),
        _("Create another policy for the other region."),
        started=DECLINED_CHANGE,
    ),
    "6105": declined(
        _("The source vault does not exist any more"),
        _(
            "The cloud does not find the source vault. It may have been deleted since we last read the inventory."
        ),
        _("Refresh the inventory, then look for the vault under its name in the list of vaults."),
    ),
    "6112": declined(
        _("The source vault is not available"),
        _(
            "The source vault is locked, frozen, being deleted or faulty. A vault is locked while it is being enlarged."
        ),
        _("Look at the vault's status in the cloud's console, wait until it is available, then start anew."),
    ),
    "6114": declined(
        _("More data than a vault may hold"),
        _("The vault's used capacity is above the maximum that the cloud allows."),
        _("Delete backups that are no longer needed, or replicate into another vault."),
        started=DECLINED_OR_ONE,
    ),
    "6116": declined(
        _("The type of protection is not supported"),
        _("The cloud does not replicate resources with this type of protection."),
        _("Choose a source vault for backups of servers."),
    ),
    "6117": declined(
        _("The kind of policy is unknown"),
        _("The cloud knows policies for backups and for replications only."),
        _("Tell whoever looks after this dashboard: it sent a word that this cloud does not know."),
        started=DECLINED_CHANGE,
    ),
    "6118": declined(
        *_DESTINATION_CHECK,
        _(
            "Check that the destination vault is available in the cloud's console, wait a few minutes, then start anew."
        ),
        started=DECLINED_OR_ONE,
        retry=_("Safe, and often enough: the cloud itself recommends to try again later."),
    ),
    "6119": declined(
        _("The destination vault does not take replicas"),
        _("The destination is a vault for backups. Replicas need a vault whose purpose is replication."),
        _("Choose a replication vault of the same type, or create one in the destination region."),
    ),
    "6120": declined(
        _("The destination vault does not exist"),
        _("The cloud does not find the destination vault in that region and project."),
        _(
            "Refresh the inventory and choose the vault from the list. Typed IDs must belong to one and the same project."
        ),
    ),
    "6122": declined(
        _("This type of resource cannot be replicated"),
        _("The cloud does not replicate backups of this type of resource."),
        _(
            "Choose a vault for servers. Disks and file systems have to be protected in the other region by other means."
        ),
    ),
    "6127": declined(
        _("The policy cannot be applied to this vault"),
        _(
            "The cloud does not take this policy for this vault: it is not a vault for backups of servers, or it has a "
            "policy of this kind already."
        ),
        _("Look at the vault's page. Remove another replication policy from it first, if it has one."),
        started=DECLINED_CHANGE,
    ),
    "6128": declined(
        _("This vault cannot be replicated"),
        _("The source vault is of a type that the cloud does not replicate, or it holds replicas itself."),
        _("Choose a source vault for backups of servers."),
    ),
    "6129": declined(
        _("The destination vault is full"),
        _("The destination vault has no room for these backups."),
        _(
            "Enlarge the destination vault, or delete replicas in it that are no longer needed, then start a new "
            "replication. Backups that have a replica already are not copied again."
        ),
        started=DECLINED_OR_ONE,
    ),
    "6130": Explanation(
        _("The vault is being replicated already"),
        _(
            "The cloud is copying this vault: for a colleague in the console, for a policy, or for an earlier request "
            "of ours whose answer was lost."
        ),
        _("Not by this request. But another replication of the vault is running."),
        WAIT_FIRST,
        _("Look at the vault's other replications here and at its tasks in the cloud's console."),
        retry_is_safe=False,
    ),
    "6131": declined(
        _("A record of the traffic is missing"),
        _("The cloud cannot account for the traffic between the regions, and therefore does not replicate."),
        _("Open a ticket with the cloud's support and give them the request ID from this page."),
        started=DECLINED_OR_ONE,
    ),
    "6142": declined(
        _("Every vault is full"),
        _("None of the vaults that could take the data has room left."),
        _("Enlarge the destination vault, then start a new replication."),
        started=DECLINED_OR_ONE,
    ),
    "6200": declined(*_NO_SUCH_BACKUP),
    "6217": declined(
        _("The restore point does not exist any more"),
        _("The cloud does not find the restore point behind a backup. It may have been deleted or expired."),
        _("Refresh the inventory, then start a new replication of what is there."),
    ),
    "8600": declined(
        _("The cloud account is not verified"),
        _("The cloud refuses this account until its owner has completed the verification."),
        _("Ask the owner of the cloud account to complete the verification in the cloud's console."),
    ),
    "9900": declined(
        _("The cloud did not accept the request's values"),
        _(
            "An ID, a region or another value of the request is malformed, or source and destination do not fit."
        ),
        _(
            "Compare the IDs on this page with the cloud's console, then start anew and choose from the lists."
        ),
    ),
    "9910": unclear(
        _("An unknown error in the cloud"),
        _("The backup service failed and does not say why."),
        WAIT_FOR_THE_LOOKS,
    ),
    "9998": unclear(
        _("The backup service could not check our sign-in"),
        _(
            "The sign-in was not accepted inside the cloud. It says so by a fault of its own, not by a plain refusal."
        ),
        _(
            "Wait for the looks at the cloud on the replication's page. If it happens again, check the entry's password."
        ),
        started=_(
            "Probably not. But this cloud reports it as a fault of its own, so the dashboard looks before it says no."
        ),
    ),
}
