#!/usr/bin/env python3
"""Whole training steps in PyTorch: what train_contest is compared with.

  train_contest_torch.py pack FOLDER FILE.rec [IDENTITIES]
      a .rec and .idx of IDENTITIES (100,000) records, each an identity of its own, from the JPEGs below FOLDER, each as
      often as is needed
  train_contest_torch.py run FILE.rec --net NAME --setting nhwc-bf16 [--head bf16] [--steps N] [--warm-up N] ...
      ms a step after the warm-up, on a line of its own, and where the time went
  train_contest_torch.py follow FILE.rec --start FOLDER ...
      the same from the weights, prototypes and batches that `train_contest --export FOLDER` wrote, not mirrored; prints the
      losses beside those of FOLDER/losses.tsv

A step: RecordIO by struct, cv2.imdecode, DataLoader; the network; AdaM-Softmax over all identities operation by operation;
clipped gradients; torch.optim.SGD with momentum and weight decay over network and prototypes.
"""
import argparse
import json
import os
import random
import statistics
import struct
import sys
import time

from records import MAGIC, Records

MARGIN, SCALE, MARGIN_WEIGHT, MARGIN_RATE = 0.35, 32.0, 10.0, 0.1
RATE, MOMENTUM, DECAY, LONGEST_GRADIENT = 0.1, 0.9, 5e-4, 5.0


def pack(folder, path, identities):
    files = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names
                   if name.endswith(".jpg"))
    images = [open(file, "rb").read() for file in files]
    with open(path, "wb") as record, open(os.path.splitext(path)[0] + ".idx", "w") as index:
        for number in range(identities):
            body = struct.pack("<IfQQ", 0, float(number), number, 0) + images[number % len(images)]
            assert struct.pack("<I", MAGIC) not in body
            index.write(f"{number}\t{record.tell()}\n")
            record.write(struct.pack("<II", MAGIC, len(body)) + body + b"\0" * (-len(body) % 4))
    print(f"{identities} records of {len(images)} pictures, {os.path.getsize(path) >> 20} MiB")


def read_arrays(path):
    """The arrays of a safetensors file."""
    import numpy as np
    import torch

    kinds = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in kinds:
            begin, end = entry["data_offsets"]
            values = np.frombuffer(data[begin:end], kinds[entry["dtype"]]).reshape(entry["shape"])
            arrays[name] = torch.from_numpy(values.copy())
    return arrays


def faces_of(path, mirror):
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
            if mirror and random.random() < 0.5:
                image = image[:, ::-1]
            chip = (image.transpose(2, 0, 1).astype(np.float32) - 127.5) / 127.5
            return torch.from_numpy(np.ascontiguousarray(chip)), label

    return Faces()


def run(arguments):
    import torch
    from torch import nn
    from torch.nn import functional as F

    from nets_torch import NETS

    class AdaptiveMarginHead(nn.Module):
        """The total loss: cross entropy and the pull towards larger margins."""

        def __init__(self, identities, dim):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(identities, dim) / dim ** 0.5)
            self.margins = nn.Parameter(torch.full((identities,), MARGIN))

        def forward(self, embeddings, targets):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.head == "bf16"):
                cosines = F.linear(F.normalize(embeddings), F.normalize(self.weight))
            logits = SCALE * cosines.float()
            rows = torch.arange(len(targets))
            logits.index_put_((rows, targets), -SCALE * self.margins[targets], accumulate=True)
            entropy = F.cross_entropy(logits, targets)
            return entropy, entropy - MARGIN_WEIGHT * self.margins.mean()

    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    layout, kind = arguments.setting.split("-")
    form = torch.channels_last if layout == "nhwc" else torch.contiguous_format
    autocast = lambda on=False: torch.autocast("cpu", dtype=torch.bfloat16, enabled=on)

    faces = faces_of(arguments.file, mirror=not arguments.start)
    net = NETS[arguments.net](112, 512)
    head = AdaptiveMarginHead(arguments.identities, 512)
    batches, ours = None, None
    if arguments.start:
        start = read_arrays(os.path.join(arguments.start, "start.safetensors"))
        net.load_state_dict({name[len("backbone."):]: value for name, value in start.items()
                             if name.startswith("backbone.")})
        with torch.no_grad():
            head.weight.copy_(start["prototypes.weight"])
        with open(os.path.join(arguments.start, "losses.tsv")) as lines:
            ours = [float(line.split("\t")[0]) for line in lines]
        with open(os.path.join(arguments.start, "batches.tsv")) as lines:
            batches = [[int(number) for number in line.split()] for line in lines]
    net = net.to(memory_format=form).train()
    order = {"batch_sampler": batches} if batches else {"batch_size": 64, "shuffle": True, "drop_last": True}
    loader = torch.utils.data.DataLoader(faces, num_workers=arguments.workers, **order)

    trained = [p for p in net.parameters() if p.requires_grad]
    fused = {"fused": True} if arguments.fused else {}
    optimizer = torch.optim.SGD([
        {"params": [p for p in trained if p.dim() > 1] + [head.weight]},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ], lr=RATE if arguments.rate is None else arguments.rate, momentum=MOMENTUM, weight_decay=DECAY, **fused)
    margin_optimizer = torch.optim.SGD([head.margins], lr=MARGIN_RATE)

    times, losses, parts = [], [], {}
    last = [0.0]

    def lap(name):
        now = time.perf_counter()
        parts.setdefault(name, []).append((now - last[0]) * 1e3)
        last[0] = now

    supply = iter(loader)
    for _ in range(len(batches) if batches else arguments.warm_up + arguments.steps):
        begin = last[0] = time.perf_counter()
        chips, targets = next(supply)
        chips = chips.to(memory_format=form)
        lap("data")
        with autocast(kind == "bf16"):
            embeddings = net(chips, autocast)
        lap("forward")
        optimizer.zero_grad(set_to_none=True)
        margin_optimizer.zero_grad(set_to_none=True)
        leaf = embeddings.detach().requires_grad_()  # so that the head's gradients are timed by themselves
        entropy, loss = head(leaf, targets)
        loss.backward()
        lap("head")
        embeddings.backward(leaf.grad)
        lap("backward")
        nn.utils.clip_grad_norm_(trained, LONGEST_GRADIENT)
        optimizer.step()
        margin_optimizer.step()
        with torch.no_grad():
            head.margins.clamp_(0, 1)
        losses.append(entropy.item())
        lap("optimizer")
        times.append((time.perf_counter() - begin) * 1e3)
    if ours:
        for step, (mine, his) in enumerate(zip(losses, ours)):
            print(f"{step}\t{mine:.6f}\t{his:.6f}\t{abs(mine - his):.1e}")
        print(f"{arguments.setting}: largest difference of {len(ours)} losses "
              f"{max(abs(a - b) for a, b in zip(losses, ours)):.2e}, loss {ours[0]:.3f} to {ours[-1]:.3f}")
        return
    times = times[arguments.warm_up:]
    shares = " ".join(f"{name} {statistics.median(part[arguments.warm_up:]):.0f}" for name, part in parts.items())
    print(f"ms {' '.join(f'{t:.1f}' for t in times)}\n{arguments.net} {arguments.setting} head {arguments.head} torch "
          f"{torch.__version__}: {statistics.median(times):.0f} ms [{min(times):.0f} .. {max(times):.0f}]  {shares}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["run", "follow"])
    parser.add_argument("file")
    parser.add_argument("--net", default="mobilefacenet")
    parser.add_argument("--setting", default="nhwc-bf16", choices=["nchw-fp32", "nhwc-fp32", "nchw-bf16", "nhwc-bf16"])
    parser.add_argument("--head", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--fused", action="store_true", help="torch.optim.SGD(fused=True), PyTorch 2.4 and later")
    parser.add_argument("--identities", type=int, default=100000)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--start", help="follow: the folder of train_contest --export")
    arguments = parser.parse_args()
    if (arguments.task == "follow") != bool(arguments.start):
        parser.error("follow goes with --start, run without")
    run(arguments)


if __name__ == "__main__":
    if len(sys.argv) in (4, 5) and sys.argv[1] == "pack":
        pack(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 100000)
    else:
        main()
