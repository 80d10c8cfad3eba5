"""Work that crashes its process. Worker processes import this module, so it imports nothing that takes long."""

import os
import signal

from codetune.data.ingest.harvest import Chunk, Harvest, read_chunk

MARK = b"kills its parser"


def read_chunk_or_crash(chunk: Chunk) -> Harvest:
    """Read a chunk; a file that contains `MARK` ends the process with a segmentation fault."""
    for member in chunk.members:
        if MARK in (chunk.reader.root / member.path).read_bytes():
            os.kill(os.getpid(), signal.SIGSEGV)
    return read_chunk(chunk)
