"""The log: many processes append to a journal, whoever asks collects it into DuckDB, exactly once. Recorded outcomes.

The only package that imports duckdb. It must not know what questions mean: analyses bring their SQL in `queries/` and
their meaning stays with them.
"""

from bizq_lab.store.archive import ArchiveReport
from bizq_lab.store.claims import claim
from bizq_lab.store.collect import CollectReport
from bizq_lab.store.health import LogHealth
from bizq_lab.store.journal import Durability
from bizq_lab.store.log import Log
from bizq_lab.store.places import journal_folder
from bizq_lab.store.recorded import RECORDED_COLUMNS, RecordedOutcomes, read_recorded, write_recorded
from bizq_lab.store.repair import repair

__all__ = [
    "RECORDED_COLUMNS",
    "ArchiveReport",
    "CollectReport",
    "Durability",
    "Log",
    "LogHealth",
    "RecordedOutcomes",
    "claim",
    "journal_folder",
    "read_recorded",
    "repair",
    "write_recorded",
]
