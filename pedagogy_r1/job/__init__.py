"""A folder of work that can be killed and taken up again by the same command."""

from .folder import CheckpointedFiles, JobFolder, damaged
from .record import JobRecord, Status, differences, read_record, save_record

__all__ = [
    "CheckpointedFiles",
    "JobFolder",
    "JobRecord",
    "Status",
    "damaged",
    "differences",
    "read_record",
    "save_record",
]
