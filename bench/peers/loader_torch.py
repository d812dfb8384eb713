#!/usr/bin/env python3
"""A loader as the field's trainers have it: RecordIO by struct, cv2.imdecode, torch's DataLoader.

  loader_torch.py pack FOLDER FILE.rec [times]     a .rec and .idx of the JPEGs below FOLDER, a sub-folder an identity,
                                                   each so many times
  loader_torch.py load FILE.rec [workers [batch]]     images a second of one epoch, shuffled, mirrored, normalised
"""
import os
import random
import struct
import sys
import time

MAGIC = 0xCED7230A


def pack(folder, path, times):
    people = sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))
    with open(path, "wb") as record, open(os.path.splitext(path)[0] + ".idx", "w") as index:
        number = 0
        for label, person in enumerate(people * times):
            for name in sorted(os.listdir(os.path.join(folder, person))):
                with open(os.path.join(folder, person, name), "rb") as file:
                    body = struct.pack("<IfQQ", 0, float(label % len(people)), number, 0) + file.read()
                assert struct.pack("<I", MAGIC) not in body
                index.write(f"{number}\t{record.tell()}\n")
                record.write(struct.pack("<II", MAGIC, len(body)) + body + b"\0" * (-len(body) % 4))
                number += 1
    print(number, "records")


def load(path, workers, batch):
    import cv2
    import numpy as np
    import torch

    cv2.setNumThreads(1)

    class Faces(torch.utils.data.Dataset):
        def __init__(self):
            with open(os.path.splitext(path)[0] + ".idx") as index:
                self.offsets = [int(line.split("\t")[1]) for line in index]
            self.file = None

        def __len__(self):
            return len(self.offsets)

        def __getitem__(self, i):
            if self.file is None:  # one handle a worker
                self.file = open(path, "rb")
            self.file.seek(self.offsets[i])
            magic, length = struct.unpack("<II", self.file.read(8))
            assert magic == MAGIC
            body = self.file.read(length & 0x1FFFFFFF)
            _, label, _, _ = struct.unpack("<IfQQ", body[:24])
            image = cv2.imdecode(np.frombuffer(body, np.uint8, offset=24), cv2.IMREAD_COLOR)
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            if random.random() < 0.5:
                image = image[:, ::-1]
            chip = (image.transpose(2, 0, 1).astype(np.float32) - 127.5) / 127.5
            return torch.from_numpy(np.ascontiguousarray(chip)), int(label)

    faces = Faces()
    loader = torch.utils.data.DataLoader(faces, batch_size=batch, shuffle=True, num_workers=workers, drop_last=True)
    # The workers' start is not counted, nor the batches that they had made before the clock ran.
    skipped = 4 * max(1, workers)
    images, start = 0, None
    for number, (chips, _) in enumerate(loader):
        if number == skipped:
            start = time.perf_counter()
        elif number > skipped:
            images += len(chips)
    seconds = time.perf_counter() - start
    print(f"DataLoader, {workers} workers: {images / seconds:.0f} images/s ({images} images)")


if __name__ == "__main__":
    if len(sys.argv) >= 4 and sys.argv[1] == "pack":
        pack(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    elif len(sys.argv) >= 3 and sys.argv[1] == "load":
        load(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 2, int(sys.argv[4]) if len(sys.argv) > 4 else 64)
    else:
        sys.exit(__doc__)
