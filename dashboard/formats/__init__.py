"""How moments are written where Django formats them itself, as in the admin: to the second, with their zone."""
