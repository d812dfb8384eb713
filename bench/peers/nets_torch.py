"""MobileFaceNet, IResNet and the small nets of PyTorch's modules, with the names that arcface_torch and aface/nn give the parameters.

forward(x, end): within `end()`, a context, the last linear layer and the embeddings keep float32 under autocast.
"""
from torch import nn


def conv_block(inside, outside, kernel, stride, padding, groups, activates):
    layers = [nn.Conv2d(inside, outside, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outside)]
    if activates:
        layers.append(nn.PReLU(outside))
    return Layers(*layers)


class Layers(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


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
        residuals = lambda channels, count: Layers(
            *[Bottleneck(channels, channels, channels, 1, True) for _ in range(count)])
        self.layers = nn.Sequential(conv_block(3, 128, 3, 2, 1, 1, True), conv_block(128, 128, 3, 1, 1, 64, True),
                                    Bottleneck(128, 128, 128, 2, False), residuals(128, 4),
                                    Bottleneck(128, 256, 256, 2, False), residuals(256, 6),
                                    Bottleneck(256, 512, 256, 2, False), residuals(256, 2))
        self.conv_sep = conv_block(256, 512, 1, 1, 0, 1, True)
        self.features = nn.Module()
        self.features.layers = nn.ModuleList([conv_block(512, 512, size // 16, 1, 0, 512, False), nn.Flatten(),
                                              nn.Linear(512, dim, bias=False), nn.BatchNorm1d(dim)])

    def forward(self, x, end):
        pool, flatten, linear, norm = self.features.layers
        x = flatten(pool(self.conv_sep(self.layers(x))))
        with end():
            return norm(linear(x.float()))


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
        inside = 64
        for number, (outside, depth) in enumerate(zip((64, 128, 256, 512), depths), 1):
            blocks = [IBasicBlock(inside if i == 0 else outside, outside, 2 if i == 0 else 1) for i in range(depth)]
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
            inside = outside
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * (size // 16) ** 2, dim)
        self.features = nn.BatchNorm1d(dim)
        self.features.weight.requires_grad = False

    def forward(self, x, end):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = self.bn2(x).flatten(1)
        with end():
            return self.features(self.fc(x.float()))


class Stage(nn.Module):
    def __init__(self, inside, outside, residual):
        super().__init__()
        self.down = nn.Conv2d(inside, outside, 3, 2, 1, bias=False)
        self.down_bn = nn.BatchNorm2d(outside)
        self.residual = residual
        if residual:
            self.conv1 = nn.Conv2d(outside, outside, 3, 1, 1)
            self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outside)

    def forward(self, x):
        x = self.down_bn(self.down(x)).relu_()
        return (self.bn2(self.conv2(self.conv1(x).relu_())) + x).relu_() if self.residual else x


class SmallResNet(nn.Module):
    def __init__(self, size, dim, width=32):
        super().__init__()
        for number, inside in enumerate((3, width, 2 * width, 4 * width), 1):
            setattr(self, f"stage{number}", Stage(inside, width << (number - 1), number > 2))
        self.norm = nn.BatchNorm2d(8 * width)
        self.fc = nn.Linear(8 * width * (size // 16) ** 2, dim, bias=False)
        self.features = nn.BatchNorm1d(dim)

    def forward(self, x, end):
        x = self.norm(self.stage4(self.stage3(self.stage2(self.stage1(x))))).flatten(1)
        with end():
            return self.features(self.fc(x.float()))


class TinyCnn(nn.Module):
    def __init__(self, size, dim, width=32):
        super().__init__()
        channels = (3, width, 2 * width, 2 * width, 2 * width)
        for number in range(1, 5):
            setattr(self, f"conv{number}", nn.Conv2d(channels[number - 1], channels[number], 3, 2, 1, bias=False))
            setattr(self, f"bn{number}", nn.BatchNorm2d(channels[number]))
        self.fc = nn.Linear(2 * width * (size // 16) ** 2, dim, bias=False)
        self.features = nn.BatchNorm1d(dim)

    def forward(self, x, end):
        for number in range(1, 5):
            x = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(x)).relu_()
        with end():
            return self.features(self.fc(x.flatten(1).float()))


NETS = {
    "mobilefacenet": MobileFaceNet,
    "iresnet18": lambda size, dim: IResNet((2, 2, 2, 2), size, dim),
    "iresnet50": lambda size, dim: IResNet((3, 4, 14, 3), size, dim),
    "small_resnet": SmallResNet,
    "tiny_cnn": TinyCnn,
}
