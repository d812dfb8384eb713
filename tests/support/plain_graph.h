#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/random.h"
#include "aface/graph/graph.h"

namespace aface::test {

// Operations by loops over everything, in double: values [channels, side, side] of one chip.
inline std::vector<double> plain_layer(const Node& node, std::int64_t in_channels, std::int64_t in_side,
                                       const std::vector<double>& in, const std::vector<double>& weight,
                                       const std::vector<double>& bias) {
  const bool is_full = node.operation == Operation::kFullyConnected;
  const std::int64_t kernel = is_full ? in_side : node.kernel, groups = is_full ? 1 : node.groups,
                     in_group = in_channels / groups, out_group = node.channels / groups;
  std::vector<double> out;
  for (std::int64_t c = 0; c < node.channels; ++c) {
    for (std::int64_t y = 0; y < node.side; ++y) {
      for (std::int64_t x = 0; x < node.side; ++x) {
        double sum = bias[static_cast<std::size_t>(c)];
        for (std::int64_t i = 0; i < in_group; ++i) {
          for (std::int64_t ky = 0; ky < kernel; ++ky) {
            for (std::int64_t kx = 0; kx < kernel; ++kx) {
              const std::int64_t row = y * node.stride + ky - node.padding,
                                 column = x * node.stride + kx - node.padding;
              if (row < 0 || row >= in_side || column < 0 || column >= in_side) continue;
              const std::int64_t channel = c / out_group * in_group + i;
              sum += weight[static_cast<std::size_t>(((c * in_group + i) * kernel + ky) * kernel + kx)] *
                     in[static_cast<std::size_t>((channel * in_side + row) * in_side + column)];
            }
          }
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

inline std::vector<double> as_double(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

// The output of every node for one chip; those of earlier nodes are in `before`.
inline std::vector<double> plain_node(const Graph& graph, int i, const std::vector<double>& chip,
                                      const std::vector<std::vector<double>>& before) {
  const Node& node = graph.nodes[static_cast<std::size_t>(i)];
  const auto input = [&](std::size_t k) {
    return node.inputs[k] == Node::kChips ? chip : before[static_cast<std::size_t>(node.inputs[k])];
  };
  std::vector<double> x = input(0);
  if (!node.bias.empty() && node.operation != Operation::kScaleShift) {
    return plain_layer(node, graph.channels_of(node.inputs[0]), graph.side_of(node.inputs[0]), x,
                       as_double(node.weight), as_double(node.bias));
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::size_t c = k / static_cast<std::size_t>(node.side * node.side);
    if (node.operation == Operation::kScaleShift) x[k] = node.weight[c] * x[k] + node.bias[c];
    if (node.operation == Operation::kRelu) x[k] = std::max(x[k], 0.0);
    if (node.operation == Operation::kPRelu) x[k] = x[k] > 0 ? x[k] : node.weight[c] * x[k];
    if (node.operation == Operation::kAdd) x[k] += input(1)[k];
  }
  return x;
}

inline std::vector<std::vector<double>> plain_graph(const Graph& graph, const std::vector<double>& chip) {
  std::vector<std::vector<double>> values;
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i)
    values.push_back(plain_node(graph, i, chip, values));
  return values;
}

// Adds nodes with random weights to a graph.
class RandomGraph {
 public:
  explicit RandomGraph(std::int64_t input_size) { graph_.input_size = input_size; }

  int convolution(int input, std::int64_t channels, std::int64_t stride = 1, std::int64_t groups = 1) {
    Node node = like(input, Operation::kConvolution);
    node.channels = channels;
    node.kernel = 3;
    node.padding = 1;
    node.stride = stride;
    node.groups = groups;
    node.side = (node.side - 1) / stride + 1;
    const std::int64_t each = graph_.channels_of(input) / groups * 9;
    node.weight = draw(channels * each, 1 / std::sqrt(static_cast<double>(each)));
    node.bias = draw(channels, 0.2);
    return append(node);
  }
  int fully_connected(int input, std::int64_t channels) {
    Node node = like(input, Operation::kFullyConnected);
    const std::int64_t each = node.channels * node.side * node.side;
    node.channels = channels;
    node.side = 1;
    node.weight = draw(channels * each, 1 / std::sqrt(static_cast<double>(each)));
    node.bias = draw(channels, 0.2);
    return append(node);
  }
  int scale_shift(int input) {
    Node node = like(input, Operation::kScaleShift);
    node.weight = draw(node.channels, 1);
    node.bias = draw(node.channels, 0.2);
    return append(node);
  }
  int prelu(int input) {
    Node node = like(input, Operation::kPRelu);
    node.weight = draw(node.channels, 0.3);
    return append(node);
  }
  int relu(int input) { return append(like(input, Operation::kRelu)); }
  int add(int a, int b) {
    Node node = like(a, Operation::kAdd);
    node.inputs.push_back(b);
    return append(node);
  }
  const Graph& graph() const { return graph_; }
  std::vector<float> draw(std::int64_t count, double deviation) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = static_cast<float>(deviation * random_.normal());
    return values;
  }

 private:
  Node like(int input, Operation operation) {
    Node node;
    node.operation = operation;
    node.inputs = {input};
    node.channels = graph_.channels_of(input);
    node.side = graph_.side_of(input);
    node.name = "node" + std::to_string(graph_.nodes.size());
    return node;
  }
  int append(const Node& node) {
    graph_.nodes.push_back(node);
    return static_cast<int>(graph_.nodes.size()) - 1;
  }

  Random random_{7};
  Graph graph_;
};

// Every operation: layers with and without a ReLU of their own, by groups, a sum, one value used twice.
inline Graph graph_of_every_kind() {
  RandomGraph g(8);
  int x = g.prelu(g.convolution(Node::kChips, 8));
  int y = g.prelu(g.convolution(g.scale_shift(x), 8, 1, 8));
  y = g.convolution(y, 8);
  x = g.relu(g.add(y, x));
  x = g.relu(g.convolution(x, 12, 2, 4));
  g.fully_connected(x, 6);
  return g.graph();
}

}  // namespace aface::test
