"""Writes networks and their embeddings for the C++ side, and checks what the C++ side wrote.

  exchange.py make FOLDER    NAME.weights, NAME.io (arrays "chips" and "embeddings") for every net below
  exchange.py check FOLDER   NAME.ours must give the embeddings of NAME.io

Exit status 77 when PyTorch is missing. The nets are defined here once more, with torch's own modules, so that names,
shapes and arithmetic are compared between two independent texts.
"""
import json
import struct
import sys

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit(77)

TYPES = {"F32": torch.float32, "I64": torch.int64}


def write_arrays(path, arrays):
    header, data = {}, b""
    for name, tensor in arrays.items():
        raw = tensor.detach().contiguous().numpy().tobytes()
        kind = next(key for key, value in TYPES.items() if value == tensor.dtype)
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read_arrays(path):
    with open(path, "rb") as file:
        content = file.read()
    (size,) = struct.unpack("<Q", content[:8])
    data = content[8 + size:]
    arrays = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = torch.frombuffer(bytearray(data[begin:end]), dtype=TYPES[entry["dtype"]])
            arrays[name] = values.reshape(entry["shape"])
    return arrays


def conv(cin, cout, kernel=3, stride=1, groups=1, bias=False, pad=None):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2 if pad is None else pad, groups=groups, bias=bias)


class ArcFaceBlock(nn.Module):
    def __init__(self, cin, cout, first):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), conv(cin, cout)
        self.bn2, self.prelu = nn.BatchNorm2d(cout), nn.PReLU(cout)
        self.conv2, self.bn3 = conv(cout, cout, stride=2 if first else 1), nn.BatchNorm2d(cout)
        self.downsample = nn.Sequential(conv(cin, cout, 1, 2), nn.BatchNorm2d(cout)) if first else nn.Identity()

    def forward(self, x):
        y = self.conv1(self.bn1(x))
        y = self.conv2(self.prelu(self.bn2(y)))
        return self.bn3(y) + self.downsample(x)


class IResNet18(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.conv1, self.bn1, self.prelu = conv(3, 64), nn.BatchNorm2d(64), nn.PReLU(64)
        widths = [64, 64, 128, 256, 512]
        for i in range(1, 5):
            cin, cout = widths[i - 1], widths[i]
            setattr(self, f"layer{i}", nn.Sequential(ArcFaceBlock(cin, cout, True), ArcFaceBlock(cout, cout, False)))
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * (size // 16) ** 2, dim)
        self.features = nn.BatchNorm1d(dim)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(torch.flatten(self.bn2(x), 1)))


class Layers(nn.Module):
    def __init__(self, *layers, add_input=False):
        super().__init__()
        self.layers, self.add_input = nn.Sequential(*layers), add_input

    def forward(self, x):
        return self.layers(x) + x if self.add_input else self.layers(x)


def activated(cin, cout, *args, **more):
    return Layers(conv(cin, cout, *args, **more), nn.BatchNorm2d(cout), nn.PReLU(cout))


def bottleneck(cin, inner, cout, stride=1):
    return Layers(activated(cin, inner, 1), activated(inner, inner, 3, stride, inner),
                  Layers(conv(inner, cout, 1), nn.BatchNorm2d(cout)), add_input=stride == 1)


def repeated(channels, inner, count):
    return Layers(*[bottleneck(channels, inner, channels) for _ in range(count)])


class MobileFaceNet(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.layers = nn.ModuleList([
            activated(3, 128, 3, 2), activated(128, 128, 3, 1, 64),
            bottleneck(128, 128, 128, 2), repeated(128, 128, 4), bottleneck(128, 256, 256, 2),
            repeated(256, 256, 6), bottleneck(256, 512, 256, 2), repeated(256, 256, 2)])
        self.conv_sep = activated(256, 512, 1)
        pool = Layers(conv(512, 512, size // 16, groups=512, pad=0), nn.BatchNorm2d(512))
        self.features = Layers(pool, nn.Flatten(), nn.Linear(512, dim, bias=False), nn.BatchNorm1d(dim))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.features(self.conv_sep(x))


class SmallStage(nn.Module):
    def __init__(self, cin, cout, block):
        super().__init__()
        self.down, self.down_bn = conv(cin, cout, stride=2), nn.BatchNorm2d(cout)
        self.block = block
        if block:
            self.conv1, self.conv2, self.bn2 = conv(cout, cout, bias=True), conv(cout, cout), nn.BatchNorm2d(cout)

    def forward(self, x):
        x = torch.relu(self.down_bn(self.down(x)))
        return torch.relu(x + self.bn2(self.conv2(torch.relu(self.conv1(x))))) if self.block else x


class SmallResNet(nn.Module):
    def __init__(self, size, dim, width):
        super().__init__()
        channels = [3, width, 2 * width, 4 * width, 8 * width]
        for i in range(1, 5):
            setattr(self, f"stage{i}", SmallStage(channels[i - 1], channels[i], i > 2))
        self.norm = nn.BatchNorm2d(8 * width)
        self.fc = nn.Linear(8 * width * (size // 16) ** 2, dim, bias=False)
        self.features = nn.BatchNorm1d(dim)

    def forward(self, x):
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))
        return self.features(self.fc(torch.flatten(self.norm(x), 1)))


NETS = {
    "iresnet18": lambda: IResNet18(32, 24),
    "mobilefacenet": lambda: MobileFaceNet(32, 24),
    "small_resnet": lambda: SmallResNet(32, 24, 8),
}


def scramble(net, chips):
    """Gives every parameter and running statistic a value of its own, at a scale that keeps activations near 1."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                nn.init.kaiming_normal_(parameter)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
        net.train()
        for _ in range(3):
            net(chips + 0.1 * torch.randn_like(chips))


def main(task, folder):
    torch.manual_seed(11)
    torch.set_num_threads(1)
    for name, make in NETS.items():
        net, base = make(), f"{folder}/{name}"
        if task == "make":
            chips = torch.rand(4, 3, 32, 32) * 2 - 1
            scramble(net, chips)
            write_arrays(base + ".weights", net.state_dict())
        else:
            exchanged = read_arrays(base + ".io")
            chips = exchanged["chips"]
            net.load_state_dict(read_arrays(base + ".ours"))
        with torch.no_grad():
            embeddings = net.eval()(chips)
        if task == "make":
            write_arrays(base + ".io", {"chips": chips, "embeddings": embeddings})
        else:
            worst = (embeddings - exchanged["embeddings"]).abs().max().item()
            print(f"{name} differs by {worst:.2e}")
            if not worst < 1e-4:
                sys.exit(1)


main(sys.argv[1], sys.argv[2])
