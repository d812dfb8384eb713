#!/usr/bin/env python3
"""A loader as the field's trainers have it: RecordIO by struct, cv2.imdecode, torch's DataLoader.

  loader_torch.py FILE.rec mirror|crop [workers [batch]]     images a second of one epoch, shuffled, mirrored half of the
                                                             time, with crop shifted and scaled too, normalised
FILE.idx beside it lists the records; those without an image are passed over.
"""
import random
import sys
import time

from records import Records


def load(path, is_cropped, workers, batch):
    import cv2
    import numpy as np
    import torch

    cv2.setNumThreads(1)

    class Faces(torch.utils.data.Dataset):
        def __init__(self):
            self.records = Records(path)

        def __len__(self):
            return len(self.records)

        def __getitem__(self, i):
            label, jpeg = self.records.read(i)
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            if is_cropped:  # a window of 0.92 to 1.08 of the side, shifted by up to 0.08 of it, back to the chip's size
                size = image.shape[0]
                side = random.uniform(0.92, 1.08)
                x, y = (0.5 * (1 - side) + random.uniform(-0.08, 0.08) for _ in range(2))
                window = np.array([[side, 0, x * size], [0, side, y * size]])
                image = cv2.warpAffine(image, window, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                       borderMode=cv2.BORDER_REPLICATE)
            if random.random() < 0.5:
                image = image[:, ::-1]
            chip = (image.transpose(2, 0, 1).astype(np.float32) - 127.5) / 127.5
            return torch.from_numpy(np.ascontiguousarray(chip)), label

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
    kind = "mirror and crop" if is_cropped else "mirror"
    print(f"DataLoader, {kind}, {workers} workers: {images / seconds:.0f} images/s ({images} images)")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[2] not in ("mirror", "crop"):
        sys.exit(__doc__)
    load(sys.argv[1], sys.argv[2] == "crop", int(sys.argv[3]) if len(sys.argv) > 3 else 2,
         int(sys.argv[4]) if len(sys.argv) > 4 else 64)
