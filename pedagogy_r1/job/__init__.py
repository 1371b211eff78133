"""A folder of work that can be killed and taken up again by the same command."""

from .checkpoint import CheckpointedFiles
from .folder import JobFolder
from .record import JobRecord, Status, differences, read_record, save_record

__all__ = [
    "CheckpointedFiles",
    "JobFolder",
    "JobRecord",
    "Status",
    "differences",
    "read_record",
    "save_record",
]
