"""Measurements and proofs of the real code, as commands. Nothing of the product imports this."""
