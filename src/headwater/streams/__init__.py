"""Read rows in blocks from files, standard input, data sets, data frames, arrays and brokers."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.streams.block import Block
    from headwater.streams.datasets import DATASETS
    from headwater.streams.files.open_file import FORMATS
    from headwater.streams.files.rejects import Rejects
    from headwater.streams.interrupt import FIRST_PIECE, PIECE, CtrlC, Uninterrupted, in_pieces
    from headwater.streams.readers.frame_rows import FrameRows, native_frame
    from headwater.streams.readers.rows import as_blocks
    from headwater.streams.stream import Stream, read
    from headwater.streams.target import Target
    from headwater.streams.waiting import Waiting

__all__ = [
    "Block",
    "CtrlC",
    "DATASETS",
    "FORMATS",
    "FrameRows",
    "FIRST_PIECE",
    "PIECE",
    "Rejects",
    "Stream",
    "Target",
    "Uninterrupted",
    "Waiting",
    "as_blocks",
    "in_pieces",
    "native_frame",
    "read",
]

__getattr__ = lazily(
    __name__,
    {
        ".block": "Block",
        ".datasets": "DATASETS",
        ".files.open_file": "FORMATS",
        ".readers.frame_rows": "FrameRows native_frame",
        ".interrupt": "CtrlC FIRST_PIECE PIECE Uninterrupted in_pieces",
        ".files.rejects": "Rejects",
        ".readers.rows": "as_blocks",
        ".stream": "Stream read",
        ".target": "Target",
        ".waiting": "Waiting",
    },
)
