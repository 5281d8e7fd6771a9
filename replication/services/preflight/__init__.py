"""What the cloud would answer to a trigger, and why, before anything is sent.

Pure rules over the mirror: `places` holds regions, projects and vaults against them, `stock` the backups and the room,
`forecasting` puts them together. They ask no database and no cloud.
"""

from .findings import CODES, Finding, Rule, State
from .forecasting import Forecast, forecast
from .places import Destination, judge_destination, judge_region, judge_source
from .single import forecast_backup
from .stock import EXPANSION_PERCENT, Known, Size
from .verdicts import BackupVerdict, Verdict, judge_backup
from .wording import Said, Text, say

__all__ = [
    "CODES",
    "EXPANSION_PERCENT",
    "BackupVerdict",
    "Destination",
    "Finding",
    "Forecast",
    "Known",
    "Rule",
    "Said",
    "Size",
    "State",
    "Text",
    "Verdict",
    "forecast",
    "forecast_backup",
    "judge_backup",
    "judge_destination",
    "judge_region",
    "judge_source",
    "say",
]
