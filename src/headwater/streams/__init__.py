"""1 SOURCE: files, standard input, data sets, frames and arrays → blocks of rows."""

from headwater.streams.block import Block
from headwater.streams.columns import FrameRows, columns_of
from headwater.streams.datasets import DATASETS
from headwater.streams.files import FORMATS
from headwater.streams.interrupt import CtrlC
from headwater.streams.late import Waiting
from headwater.streams.memory import as_blocks
from headwater.streams.rejects import Rejects
from headwater.streams.source import Stream, open_stream
from headwater.streams.target import TASKS, Target

__all__ = [
    "Block",
    "CtrlC",
    "DATASETS",
    "FORMATS",
    "FrameRows",
    "Rejects",
    "Stream",
    "TASKS",
    "Target",
    "Waiting",
    "as_blocks",
    "columns_of",
    "open_stream",
]
