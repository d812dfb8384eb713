// The networks of aface/nn once more, as they are used: layer names and shapes are explained there.
#include "aface/graph/graph.h"

#include <fmt/core.h>

#include "aface/core/error.h"
#include "aface/core/registry.h"
#include "aface/graph/graph_builder.h"
#include "aface/model/model_card.h"

namespace aface {
namespace {

int iresnet_block(GraphBuilder& g, const std::string& name, int x, std::int64_t out, std::int64_t stride) {
  int shortcut = x;
  if (stride != 1)
    shortcut = g.convolution(name + ".downsample.0", name + ".downsample.1", x, {out, 1, stride, 0});
  int inner = g.convolution(name + ".conv1", name + ".bn2", g.norm(name + ".bn1", x), {out});
  inner = g.prelu(name + ".prelu", inner);
  inner = g.convolution(name + ".conv2", name + ".bn3", inner, {out, 3, stride});
  return g.add(name + ".add", inner, shortcut);
}

void make_iresnet(GraphBuilder& g, const BackboneOptions& o, const std::vector<int>& depths) {
  int x = g.prelu("prelu", g.convolution("conv1", "bn1", Node::kChips, {64}));
  std::int64_t channels = 64;
  for (std::size_t layer = 0; layer < depths.size(); ++layer, channels *= 2) {
    for (int block = 0; block < depths[layer]; ++block) {
      x = iresnet_block(g, fmt::format("layer{}.{}", layer + 1, block), x, channels, block == 0 ? 2 : 1);
    }
  }
  g.fully_connected("fc", "bn2", "features", x, o.embedding_dim, /*has_bias=*/true);
}

int conv_block(GraphBuilder& g, const std::string& name, int x, const GraphBuilder::Shape& shape,
               bool has_prelu = true) {
  x = g.convolution(name + ".layers.0", name + ".layers.1", x, shape);
  return has_prelu ? g.prelu(name + ".layers.2", x) : x;
}

int bottleneck(GraphBuilder& g, const std::string& name, int x, std::int64_t inner, std::int64_t out,
               std::int64_t stride) {
  int y = conv_block(g, name + ".layers.0", x, {inner, 1, 1, 0});
  y = conv_block(g, name + ".layers.1", y, {inner, 3, stride, 1, inner});
  y = conv_block(g, name + ".layers.2", y, {out, 1, 1, 0}, /*has_prelu=*/false);
  return stride == 1 ? g.add(name + ".add", y, x) : y;
}

int residual_bottlenecks(GraphBuilder& g, const std::string& name, int x, std::int64_t channels, int count) {
  for (int i = 0; i < count; ++i)
    x = bottleneck(g, fmt::format("{}.layers.{}", name, i), x, channels, channels, 1);
  return x;
}

void make_mobilefacenet(GraphBuilder& g, const BackboneOptions& o) {
  int x = conv_block(g, "layers.0", Node::kChips, {128, 3, 2});
  x = conv_block(g, "layers.1", x, {128, 3, 1, 1, 64});
  x = bottleneck(g, "layers.2", x, 128, 128, 2);
  x = residual_bottlenecks(g, "layers.3", x, 128, 4);
  x = bottleneck(g, "layers.4", x, 256, 256, 2);
  x = residual_bottlenecks(g, "layers.5", x, 256, 6);
  x = bottleneck(g, "layers.6", x, 512, 256, 2);
  x = residual_bottlenecks(g, "layers.7", x, 256, 2);
  x = conv_block(g, "conv_sep", x, {512, 1, 1, 0});
  x = conv_block(g, "features.layers.0", x, {512, o.input_size / 16, 1, 0, 512}, /*has_prelu=*/false);
  g.fully_connected("features.layers.2", "", "features.layers.3", x, o.embedding_dim, /*has_bias=*/false);
}

void make_small_resnet(GraphBuilder& g, const BackboneOptions& o) {
  int x = Node::kChips;
  std::int64_t channels = o.width;
  for (int i = 1; i <= 4; ++i, channels *= 2) {
    const std::string name = fmt::format("stage{}", i);
    x = g.relu(name + ".down_relu", g.convolution(name + ".down", name + ".down_bn", x, {channels, 3, 2}));
    if (i <= 2) continue;
    int y = g.relu(name + ".relu1", g.convolution(name + ".conv1", "", x, {channels}, /*has_bias=*/true));
    y = g.convolution(name + ".conv2", name + ".bn2", y, {channels});
    x = g.relu(name + ".relu2", g.add(name + ".add", y, x));
  }
  g.fully_connected("fc", "norm", "features", x, o.embedding_dim, /*has_bias=*/false);
}

void make_tiny_cnn(GraphBuilder& g, const BackboneOptions& o) {
  int x = Node::kChips;
  for (int i = 1; i <= 4; ++i) {
    const std::int64_t channels = i == 1 ? o.width : 2 * o.width;
    x = g.convolution(fmt::format("conv{}", i), fmt::format("bn{}", i), x, {channels, 3, 2});
    x = g.relu(fmt::format("relu{}", i), x);
  }
  g.fully_connected("fc", "", "features", x, o.embedding_dim, /*has_bias=*/false);
}

using Make = void (*)(GraphBuilder&, const BackboneOptions&);

const std::vector<RegistryRow<Make>>& registry() {
  using Options = BackboneOptions;
  static const std::vector<RegistryRow<Make>> table = {
      {"iresnet18", "",
       [](GraphBuilder& g, const Options& o) {
         make_iresnet(g, o, {2, 2, 2, 2});
       }},
      {"iresnet34", "",
       [](GraphBuilder& g, const Options& o) {
         make_iresnet(g, o, {3, 4, 6, 3});
       }},
      {"iresnet50", "",
       [](GraphBuilder& g, const Options& o) {
         make_iresnet(g, o, {3, 4, 14, 3});
       }},
      {"iresnet100", "",
       [](GraphBuilder& g, const Options& o) {
         make_iresnet(g, o, {3, 13, 30, 3});
       }},
      {"mobilefacenet", "", make_mobilefacenet},
      {"small_resnet", "", make_small_resnet},
      {"tiny_cnn", "", make_tiny_cnn},
  };
  return table;
}

}  // namespace

Graph make_graph(const BackboneOptions& options, const NamedArrays& network) {
  check_options(options);
  GraphBuilder builder(options.input_size, network);
  find_row(registry(), options.kind, "backbone").make(builder, options);
  return builder.finish();
}

}  // namespace aface
