"""As Germans write a moment, with its zone; everything else is as Django has it."""

DATETIME_FORMAT = "d.m.Y H:i:s T"
SHORT_DATETIME_FORMAT = "d.m.Y H:i T"
