#!/usr/bin/env python3
"""Forward and backward of the same networks in PyTorch: what backbone_bench is compared with.

    MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 \\
    ATEN_CPU_CAPABILITY=avx512 python3 train_step_torch.py [--net mobilefacenet iresnet50] [--threads 2]

Without the variables it is PyTorch as it comes. Takes NCHW and channels_last, fp32 and bf16 autocast in turn and prints
the median rate of each. The networks are those of arcface_torch, written as aface/nn writes them; --rounds 0 only counts
their parameters, which must be ours.
"""
import argparse
import os
import statistics
import time

import torch

from nets_torch import NETS


def autocast(on):
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=on)


def step_ms(net, chips, direction, bf16):
    net.zero_grad(set_to_none=True)
    begin = time.perf_counter()
    with autocast(bf16):
        embeddings = net(chips, lambda: autocast(False))
    embeddings.backward(direction)
    return (time.perf_counter() - begin) * 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", nargs="+", default=["mobilefacenet", "iresnet50"], choices=sorted(NETS))
    parser.add_argument("--only", nargs="+", default=["nchw-fp32", "nhwc-fp32", "nchw-bf16", "nhwc-bf16"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    malloc = "malloc keeps large blocks" if "MALLOC_MMAP_THRESHOLD_" in os.environ else "malloc as it comes"
    for name in arguments.net:
        torch.manual_seed(1)
        net = NETS[name](arguments.size, arguments.dim)
        net.train()
        print(f"torch {torch.__version__}, {name}, {sum(p.numel() for p in net.parameters())} parameters, batch "
              f"{arguments.batch}, {arguments.threads} threads, {malloc}", flush=True)
        chips = torch.rand(arguments.batch, 3, arguments.size, arguments.size) * 2 - 1
        direction = torch.randn(arguments.batch, arguments.dim)
        for setting in arguments.only if arguments.rounds else []:
            layout, kind = setting.split("-")
            form = torch.channels_last if layout == "nhwc" else torch.contiguous_format
            net = net.to(memory_format=form)
            laid_out = chips.to(memory_format=form)
            times = [step_ms(net, laid_out, direction, kind == "bf16") for _ in range(arguments.rounds + 1)][1:]
            rate = arguments.batch / statistics.median(times) * 1e3
            print(f"  {setting}  {statistics.median(times):8.1f} ms [{min(times):.1f} .. {max(times):.1f}]  "
                  f"{rate:.1f} images/s", flush=True)


if __name__ == "__main__":
    main()
