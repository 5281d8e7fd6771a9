"""The codes of what stands before the backup service: the gateway, and the sign-in (IAM).

Nothing reaches the backup service without passing both, so most of these mean that nothing was started.
"""

from django.utils.translation import gettext_lazy as _

from .wording import (
    ASK_FOR_RIGHTS,
    CHECK_CREDENTIALS,
    NOT_REACHED,
    WAIT_FOR_THE_LOOKS,
    Explanation,
    declined,
    not_reached,
    unclear,
)

#: Number in `APIGW.NNNN`, and in `APIG.NNNN` where the gateway calls itself so.
GATEWAY: dict[str, Explanation] = {
    "0101": declined(
        _("The cloud does not know this address"),
        _("The gateway has no service at the address that we called."),
        _(
            "Check cbr_endpoint_override of this entry in clouds.yaml, or remove it so that the catalog decides."
        ),
        started=NOT_REACHED,
    ),
    "0201": unclear(
        _("The gateway could not pass the request on"),
        _(
            "The gateway refused the request's form, or did not get an answer from the backup service in time."
        ),
        WAIT_FOR_THE_LOOKS,
    ),
    "0301": not_reached(
        _("The gateway did not accept our sign-in"),
        _("The token was refused: it may have ended, or the account may be locked or changed."),
        CHECK_CREDENTIALS,
    ),
    "0302": declined(
        _("The account may not do this"),
        _("The gateway knows the account, but it is not authorised for this call."),
        ASK_FOR_RIGHTS,
        started=NOT_REACHED,
    ),
    "0305": not_reached(
        _("The sign-in could not be checked"),
        _("The gateway could not verify who is calling."),
        CHECK_CREDENTIALS,
    ),
    "0306": declined(
        _("Access was denied"),
        _("A rule of the gateway keeps this caller out, perhaps because of the network that it comes from."),
        _("Ask whoever manages the cloud account whether access is restricted to certain addresses."),
        started=NOT_REACHED,
    ),
    "0307": not_reached(
        _("The token has to be renewed"),
        _("The token that we sent is no longer valid, as after a change of the password or of the rights."),
        _("Nothing, if the next attempt works. Otherwise check the entry in clouds.yaml."),
    ),
    "0308": not_reached(
        _("Too many requests"),
        _("The gateway asks us to slow down."),
        _("Nothing. If it happens often, lengthen INVENTORY_INTERVAL_SECONDS and PROGRESS_INTERVAL_SECONDS."),
    ),
    "0310": declined(
        _("The project cannot be used"),
        _("The gateway says that the project is frozen, suspended or unknown."),
        _("Look at the project in the cloud's console, and ask the owner of the account."),
        started=NOT_REACHED,
    ),
    "0601": unclear(
        _("A fault in the gateway"),
        _("The gateway failed, and does not say whether it had passed the request on."),
        WAIT_FOR_THE_LOOKS,
    ),
    "0613": unclear(
        _("The cloud's sign-in is out of order"),
        _(
            "The gateway could not reach the service that checks sign-ins, and reports it as a fault of its own."
        ),
        WAIT_FOR_THE_LOOKS,
    ),
    "0802": declined(
        _("The account may not use this region"),
        _("The account is not allowed to do anything in this region."),
        _("Ask whoever manages the cloud account to open the region for this user."),
        started=NOT_REACHED,
    ),
}

#: Number in `IAM.NNNN`. A token comes before every request, so none of these can have started anything.
IAM: dict[str, Explanation] = {
    "0001": not_reached(
        _("The sign-in failed"),
        _("The cloud's sign-in refused this entry without saying what is wrong with it."),
        CHECK_CREDENTIALS,
    ),
    "0002": not_reached(
        _("The account lacks a right"),
        _("The cloud's sign-in knows the account, but does not let it do this."),
        ASK_FOR_RIGHTS,
    ),
    "0003": not_reached(
        _("A policy forbids it"),
        _("The policies of this account do not allow the call."),
        ASK_FOR_RIGHTS,
    ),
    "0011": not_reached(
        _("The sign-in was malformed"),
        _(
            "The cloud's sign-in could not read our request, as when a value in clouds.yaml has the wrong form."
        ),
        CHECK_CREDENTIALS,
    ),
    "0012": not_reached(
        _("Too many sign-ins"),
        _("The cloud's sign-in asks us to slow down. Other programs may use the same account."),
        _("Nothing. If it happens often, give the dashboard an account of its own."),
    ),
    "0061": not_reached(
        _("The account is locked"),
        _("The cloud has locked the account, as it does after several wrong passwords."),
        _(
            "Find out which program still uses an old password and stop it, wait until the lock ends, then check the "
            "password in clouds.yaml."
        ),
    ),
    "0062": not_reached(
        _("The password is wrong"),
        _("The cloud's sign-in did not accept user name and password."),
        CHECK_CREDENTIALS,
    ),
    "0066": not_reached(
        _("The token has expired"),
        _("The token was too old when it arrived, as when this machine's clock is wrong."),
        _("Nothing, if the next attempt works. Otherwise compare this machine's clock with a time server."),
    ),
    "0067": not_reached(
        _("The token is not valid"),
        _("The token was withdrawn, as after a change of the password or of the account's rights."),
        _("Nothing, if the next attempt works. Otherwise check the entry in clouds.yaml."),
    ),
    "0081": not_reached(
        _("The account is for people only"),
        _("This user may sign in to the cloud's console, but not by program."),
        _("Ask whoever manages the cloud account to allow programmatic access, or to create a user for it."),
    ),
    "0083": not_reached(
        _("The region is closed to this account"),
        _("The region is private, and this account does not belong to those that may use it."),
        _(
            "Ask whoever manages the cloud account to open the region for this user, or choose another region."
        ),
    ),
}
