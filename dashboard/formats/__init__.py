"""How moments are written where they are formatted by language: to the second or to the minute, with their zone."""
