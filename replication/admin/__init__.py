"""The audit pages: everything that we remember, to be read, searched and exported, and changed by nobody.

Who may read follows from `roles`, not from Django's permissions. Only accounts and prices can be changed here, by
administrators; replications are acted upon on their own pages.
"""

from . import accounts, checks, history, inventory, logbook, targets

__all__ = ["accounts", "checks", "history", "inventory", "logbook", "targets"]
