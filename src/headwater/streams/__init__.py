"""Read rows in blocks from files, standard input, data sets, data frames, arrays and brokers."""

from headwater.streams.block import Block
from headwater.streams.datasets import DATASETS
from headwater.streams.files.opened import FORMATS
from headwater.streams.frame_rows import FrameRows, native_frame
from headwater.streams.interrupt import PIECE, CtrlC, Uninterrupted, in_pieces
from headwater.streams.rejects import Rejects
from headwater.streams.rows import as_blocks
from headwater.streams.stream import Stream, read
from headwater.streams.target import TASKS, Target
from headwater.streams.waiting import Waiting

__all__ = [
    "Block",
    "CtrlC",
    "DATASETS",
    "FORMATS",
    "FrameRows",
    "PIECE",
    "Rejects",
    "Stream",
    "TASKS",
    "Target",
    "Uninterrupted",
    "Waiting",
    "as_blocks",
    "in_pieces",
    "native_frame",
    "read",
]
