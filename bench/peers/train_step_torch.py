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
from torch import nn


def conv_block(inside, outside, kernel, stride, padding, groups, activates):
    layers = [nn.Conv2d(inside, outside, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outside)]
    if activates:
        layers.append(nn.PReLU(outside))
    return nn.Sequential(*layers)


class Bottleneck(nn.Module):
    def __init__(self, inside, inner, outside, stride, residual):
        super().__init__()
        self.residual = residual
        self.layers = nn.Sequential(conv_block(inside, inner, 1, 1, 0, 1, True),
                                    conv_block(inner, inner, 3, stride, 1, inner, True),
                                    conv_block(inner, outside, 1, 1, 0, 1, False))

    def forward(self, x):
        return self.layers(x) + x if self.residual else self.layers(x)


class MobileFaceNet(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        residuals = lambda channels, count: [Bottleneck(channels, channels, channels, 1, True) for _ in range(count)]
        self.layers = nn.Sequential(conv_block(3, 128, 3, 2, 1, 1, True), conv_block(128, 128, 3, 1, 1, 64, True),
                                    Bottleneck(128, 128, 128, 2, False), *residuals(128, 4),
                                    Bottleneck(128, 256, 256, 2, False), *residuals(256, 6),
                                    Bottleneck(256, 512, 256, 2, False), *residuals(256, 2),
                                    conv_block(256, 512, 1, 1, 0, 1, True),
                                    conv_block(512, 512, size // 16, 1, 0, 512, False))
        self.linear = nn.Linear(512, dim, bias=False)
        self.features = nn.BatchNorm1d(dim)

    def forward(self, x, end):
        x = self.layers(x).flatten(1)
        with end():
            return self.features(self.linear(x.float()))


class IBasicBlock(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.prelu = nn.PReLU(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.downsample = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))) + shortcut


class IResNet(nn.Module):
    def __init__(self, depths, size, dim):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        blocks, inside = [], 64
        for outside, depth in zip((64, 128, 256, 512), depths):
            for i in range(depth):
                blocks.append(IBasicBlock(inside, outside, 2 if i == 0 else 1))
                inside = outside
        self.blocks = nn.Sequential(*blocks)
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * (size // 16) ** 2, dim)
        self.features = nn.BatchNorm1d(dim)

    def forward(self, x, end):
        x = self.bn2(self.blocks(self.prelu(self.bn1(self.conv1(x))))).flatten(1)
        with end():
            return self.features(self.fc(x.float()))


NETS = {
    "mobilefacenet": MobileFaceNet,
    "iresnet18": lambda size, dim: IResNet((2, 2, 2, 2), size, dim),
    "iresnet50": lambda size, dim: IResNet((3, 4, 14, 3), size, dim),
}


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
