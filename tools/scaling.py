#!/usr/bin/env python3
"""Time, memory and traffic of a training step on N ranks, by the model of docs/scaling.md. Prints tables in Markdown.

  tools/scaling.py                        the machines and networks below, 1 to 1,024 ranks, 10 k to 100 M identities
  tools/scaling.py --check                the measurable corner: what docs/scaling.md compares with measurements
  tools/scaling.py --identities 2059906 --images 42474558 --ranks 64 --network iresnet100 --machine h100 --batch 16384
"""
import argparse

# Parameters of the network and floating operations of one image, forward and backward (three times forward).
NETWORKS = {
    "mobilefacenet": dict(parameters=2.06e6, flop=3 * 2 * 0.45e9),
    "iresnet50": dict(parameters=43.6e6, flop=3 * 2 * 6.3e9),
    "iresnet100": dict(parameters=65.2e6, flop=3 * 2 * 12.1e9),
}

# What one rank has: rates that its network and its classification layer reach (FLOP/s), memory and link (bytes/s), and
# what one collective operation costs beside its bytes (s), times log2 of the ranks.
#   core     one core of a Zen 5 server, measured here, in network namespaces of one machine
#   node10g  16 such cores and a 10 Gbit/s link: assumed
#   h100     assumed: twice what published runs of the PyTorch peer reach on an A100 (4e13), float32 products of the layer
MACHINES = {
    "core": dict(network=1.0e11, head=1.9e11, memory=1.6e10, link=1.0e9, latency=1.5e-4),
    "node10g": dict(network=1.6e12, head=3.0e12, memory=2.0e11, link=1.25e9, latency=5e-5),
    "h100": dict(network=8.0e13, head=3.0e13, memory=2.5e12, link=4.5e10, latency=2e-5),
}


def traffic(ranks, batch, dim, parameters, own_prototypes=False):
    """Bytes that one rank sends in a step."""
    share = (ranks - 1) / ranks
    parts = {
        "gradients": 2 * share * 4 * parameters,
        "embeddings": share * batch * (4 * dim + 4),
        "their gradient": share * batch * 4 * dim,
        # Own cosine and margined cosine, maximum, sum and right or wrong: five sums of float64.
        "softmax": 2 * share * 8 * 5 * batch,
    }
    if own_prototypes:  # dominant_queue: the batch's own prototypes, its queues and what they were compared with
        parts["queues"] = share * batch * (4 * (dim + 1) + 8 * 60)
    return parts


def memory(ranks, identities, images, batch, dim, parameters, active=None):
    """Bytes of one rank, without activations and libraries."""
    own = identities / ranks
    rows = own if active is None else min(own, active / ranks)
    return {
        "network": 16 * parameters,  # weights, gradients and their buckets, momentum
        "prototypes": 8 * own * dim + 16 * own,
        "margins and queues": 8 * own + (0 if active is None else own * (8 + 8 * 30)),
        "cosines": 3 * batch * rows,
        "embeddings": 3 * 4 * batch * dim * 2,
        "sampler and labels": images * (8 + 0.2 + 4 / ranks) + identities * (1 + 2 + 1 / 8),
    }


def step(ranks, identities, batch, dim, network, machine, active=None):
    """Seconds by part; the gradients' sum hides behind the backward pass as far as that lasts."""
    rows = identities / ranks if active is None else active / ranks
    sent = traffic(ranks, batch, dim, network["parameters"], active is not None)
    seconds = {
        "network": batch / ranks * network["flop"] / machine["network"],
        "layer": 6 * batch * rows * dim / machine["head"] + 20 * rows * dim / machine["memory"],
    }
    if ranks > 1:
        rounds = machine["latency"] * (ranks - 1).bit_length()
        gradients = sent["gradients"] / machine["link"] + rounds * (1 + network["parameters"] * 4 // (8 << 20))
        seconds["gradients not hidden"] = max(0.0, gradients - 2 / 3 * seconds["network"])
        seconds["traffic"] = (sum(sent.values()) - sent["gradients"]) / machine["link"] + 7 * rounds
    return seconds


def text(value, units):
    for unit, size in units:
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def bytes_text(value):
    return text(value, [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1)])


def seconds_text(value):
    return text(value, [("s", 1), ("ms", 1e-3), ("us", 1e-6)])


def table(machine_name, network_name, per_rank, dim, images_per_identity):
    machine, network = MACHINES[machine_name], NETWORKS[network_name]
    print(f"\n{network_name} on {machine_name}, {per_rank} images a rank, {dim} values, all classes\n")
    print("| ranks | batch | identities | network | layer | layer's traffic | gradients not hidden | images/s | efficiency "
          "| bytes sent | memory |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for identities in (10_000, 1_000_000, 10_000_000, 100_000_000):
        alone = sum(step(1, identities, per_rank, dim, network, machine).values()) / per_rank
        for ranks in (1, 8, 64, 1024):
            batch = per_rank * ranks
            seconds = step(ranks, identities, batch, dim, network, machine)
            total = sum(seconds.values())
            sent = sum(traffic(ranks, batch, dim, network["parameters"]).values())
            need = sum(memory(ranks, identities, images_per_identity * identities, batch, dim, network["parameters"]).values())
            print(f"| {ranks:,} | {batch:,} | {identities:,} | {seconds_text(seconds['network'])} | "
                  f"{seconds_text(seconds['layer'])} | {seconds_text(seconds.get('traffic', 0))} | "
                  f"{seconds_text(seconds.get('gradients not hidden', 0))} | {batch / total:,.0f} | "
                  f"{alone / (total / batch) / ranks:.2f} | {bytes_text(sent)} | {bytes_text(need)} |")


def one(arguments):
    machine, network = MACHINES[arguments.machine], NETWORKS[arguments.network]
    print("\n| classes | part | seconds | bytes sent | memory |\n|---|---|---|---|---|")
    for name, active in (("all", None), ("dominant_queue", arguments.active)):
        if active == 0:
            continue
        seconds = step(arguments.ranks, arguments.identities, arguments.batch, arguments.dim, network, machine, active)
        sent = traffic(arguments.ranks, arguments.batch, arguments.dim, network["parameters"], active is not None)
        need = memory(arguments.ranks, arguments.identities, arguments.images, arguments.batch, arguments.dim,
                      network["parameters"], active)
        for part, value in seconds.items():
            print(f"| {name} | {part} | {seconds_text(value)} | | |")
        for part, value in sent.items():
            print(f"| {name} | {part} | | {bytes_text(value)} | |")
        for part, value in need.items():
            print(f"| {name} | {part} | | | {bytes_text(value)} |")
        total = sum(seconds.values())
        print(f"| {name} | **sum** | {seconds_text(total)}: {arguments.batch / total:,.0f} images/s | "
              f"{bytes_text(sum(sent.values()))} | {bytes_text(sum(need.values()))} |")


def check():
    print("| ranks | batch | dim | parameters | bytes a rank sends in a step |\n|---|---|---|---|---|")
    for ranks, batch, dim, parameters in ((2, 64, 128, 58_768), (2, 64, 512, 2.06e6), (4, 64, 512, 2.06e6)):
        print(f"| {ranks} | {batch} | {dim} | {parameters:,.0f} | {sum(traffic(ranks, batch, dim, parameters).values()):,.0f} |")
    print("\n| ranks | identities | batch | memory of a rank without activations and libraries |\n|---|---|---|---|")
    for ranks in (1, 2, 4):
        for identities in (100_000, 400_000):
            need = memory(ranks, identities, 2 * identities, 64, 512, 2.06e6)
            print(f"| {ranks} | {identities:,} | 64 | {bytes_text(sum(need.values()))} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--ranks", type=int, default=0)
    parser.add_argument("--identities", type=int, default=2_059_906)
    parser.add_argument("--images", type=int, default=42_474_558)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--active", type=int, default=0, help="active classes of dominant_queue; 0: only all classes")
    parser.add_argument("--network", choices=NETWORKS, default="iresnet100")
    parser.add_argument("--machine", choices=MACHINES, default="h100")
    arguments = parser.parse_args()
    if arguments.check:
        check()
    elif arguments.ranks > 0:
        one(arguments)
    else:
        table("node10g", "iresnet50", 64, 512, 20)
        table("h100", "iresnet100", 256, 512, 20)


if __name__ == "__main__":
    main()
