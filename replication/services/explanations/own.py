"""The codes that we give ourselves, where the cloud gave none: what went wrong on the way, or here."""

from django.utils.translation import gettext_lazy as _

from .wording import NOT_REACHED, WAIT_FOR_THE_LOOKS, Explanation, declined, not_reached, unclear

#: Code -> explanation.
OWN: dict[str, Explanation] = {
    "unreachable": not_reached(
        _("The cloud could not be reached"),
        _("No connection came about: the name was not found, or nobody answered there."),
        _(
            "Check whether this machine reaches the cloud at all: name resolution and firewall; no proxy is used. If "
            "other entries work, check the address of this one."
        ),
    ),
    "tls": not_reached(
        _("The cloud's certificate was not accepted"),
        _("The other side could not prove that it is the cloud, so nothing was sent to it."),
        _(
            "Check the endpoint's address and this machine's clock. If something on the way opens encrypted "
            "connections, name its authority as cacert in clouds.yaml."
        ),
    ),
    "endpoint": not_reached(
        _("The address of the cloud cannot be used"),
        _("What is configured as the endpoint is not the address of a server."),
        _("Correct cbr_endpoint_override of this entry in clouds.yaml, then restart the worker."),
    ),
    "redirect": declined(
        _("The endpoint points somewhere else"),
        _(
            "The server at the configured address answered with another address. The dashboard never follows that."
        ),
        _(
            "Set cbr_endpoint_override of this entry in clouds.yaml to the right address, then restart the worker."
        ),
        started=NOT_REACHED,
    ),
    "no_answer": unclear(
        _("The answer was lost"),
        _("The request was sent, and the connection ended before a complete answer came back."),
        WAIT_FOR_THE_LOOKS,
    ),
    "bad_answer": unclear(
        _("The answer cannot be used"),
        _("The cloud answered, but not in the form that its documentation describes."),
        _(
            "Wait for the looks at the cloud on the replication's page. Keep the error text: it names what was wrong "
            "with the answer."
        ),
    ),
    "worker_lost": unclear(
        _("The worker stopped while sending"),
        _("The process that sent the request ended before it could write down the answer."),
        WAIT_FOR_THE_LOOKS,
    ),
    "seen_before_sending": unclear(
        _("The cloud shows it already"),
        _(
            "It was waiting to be sent when a replication of the same vault to the same region was found in the cloud. "
            "Either somebody started one elsewhere, or our database was restored and has forgotten the sending."
        ),
        WAIT_FOR_THE_LOOKS,
    ),
    "name_taken": declined(
        _("The name was taken meanwhile"),
        _(
            "When the new policy's turn came, the project had a replication policy of this name already. Names tell the "
            "policies apart here, so the request was kept back."
        ),
        _("Look whether that policy is the one you wanted. If not, create yours under another name."),
        started=NOT_REACHED,
    ),
    "vault_taken": declined(
        _("The vault got another policy meanwhile"),
        _(
            "When its turn came, the vault had another replication policy already. A vault takes one, and nobody knows "
            "whether the cloud would refuse a second or put it in the place of the first."
        ),
        _("Decide which policy the vault is to have. Remove the other one, then apply yours."),
        started=NOT_REACHED,
    ),
    "never_seen": Explanation(
        _("The cloud never showed the new policy"),
        _(
            "The request may have reached the cloud, but its list of policies did not show a new one of this name "
            "until the time for that was over."
        ),
        _("Very probably not. It would stand in the list of policies if it had been created."),
        _("Safe. Should it appear late all the same, the form refuses its name."),
        _("Read the cloud again and look at the list of policies; then create the policy anew."),
        retry_is_safe=True,
    ),
    "policy_right_lost": Explanation(
        _("The requester lost the right to change policies"),
        _("The person who asked for it was no longer allowed to change policies when its turn came."),
        _("No. It was ended before anything was sent."),
        _("Safe, for somebody who may change policies."),
        _("If the change is still wanted, an operator has to ask for it anew."),
        retry_is_safe=True,
    ),
    "not_permitted": Explanation(
        _("The requester lost the right"),
        _("The person who asked for it was no longer allowed to start replications when its turn came."),
        _("No. It was withdrawn before anything was sent."),
        _("Safe, for somebody who may start replications."),
        _("If the replication is still wanted, an operator has to start a new one."),
        retry_is_safe=True,
    ),
    "replicated_meanwhile": Explanation(
        _("Another replication was faster"),
        _(
            "While it waited for its turn, another replication took this backup to the same region. Sending it as well "
            "would have copied it twice."
        ),
        _("No. It was withdrawn before anything was sent."),
        _("Not needed: look at the other replication first."),
        _("Nothing, unless the other replication fails."),
        retry_is_safe=False,
    ),
}
