"""As on our own pages, so that a moment in the audit reads the same everywhere."""

DATETIME_FORMAT = "Y-m-d H:i:s T"
SHORT_DATETIME_FORMAT = "Y-m-d H:i T"
