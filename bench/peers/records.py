"""RecordIO as Python reads it: what the peers' data sets are made of."""
import os
import struct

MAGIC = 0xCED7230A


class Records:
    """The images of a .rec with its .idx: reading opens a handle of its own, one a process."""

    def __init__(self, path):
        self.path, self.file = path, None
        with open(os.path.splitext(path)[0] + ".idx") as index:
            offsets = [int(line.split("\t")[1]) for line in index]
        with open(path, "rb") as file:
            self.offsets = [offset for offset in offsets if self.has_image(file, offset)]

    @staticmethod
    def has_image(file, offset):
        file.seek(offset + 4)
        length, flag = struct.unpack("<II", file.read(8))
        return (length & 0x1FFFFFFF) > 24 + 4 * flag

    def __len__(self):
        return len(self.offsets)

    def read(self, i):
        """(label, the JPEG's bytes as a memoryview)"""
        if self.file is None:
            self.file = open(self.path, "rb")
        self.file.seek(self.offsets[i])
        magic, length = struct.unpack("<II", self.file.read(8))
        assert magic == MAGIC
        body = self.file.read(length & 0x1FFFFFFF)
        flag, label, _, _ = struct.unpack("<IfQQ", body[:24])
        if flag > 0:
            label = struct.unpack("<f", body[24:28])[0]
        return int(label), memoryview(body)[24 + 4 * flag:]
