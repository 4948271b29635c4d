"""Samples on disk: their records, their folders, and an index to search them.

Knows: files. Does not know: jobs, the page, or how a sample is made.
"""

from explorer.library.library import Counts, Deletion, Imported, Library, LibraryError, Page, Problem
from explorer.library.query import Query, Row, Scope, SortKey
from explorer.library.record import LevelRecord, Mode, RecordError, SampleRecord, SampleState, new_record
from explorer.library.sample import Sample
from explorer.library.writer import SampleWriter

__all__ = [
    "Counts",
    "Deletion",
    "Imported",
    "LevelRecord",
    "Library",
    "LibraryError",
    "Mode",
    "Page",
    "Problem",
    "Query",
    "RecordError",
    "Row",
    "Sample",
    "SampleRecord",
    "SampleState",
    "SampleWriter",
    "Scope",
    "SortKey",
    "new_record",
]
