#include "aface/graph/graph_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

constexpr double kNormEpsilon = 1e-5;  // that of every normalisation of nn/layers.h

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::vector<float> GraphBuilder::take(const std::string& name, const std::vector<std::int64_t>& shape) {
  const NamedArray& array = network_.at(name);
  if (array.type != DataType::kFloat32 || array.shape != shape) {
    throw Error(ErrorKind::kFormat,
                fmt::format("array '{}' is {} [{}] (expected F32 [{}])", name, type_name(array.type),
                            fmt::join(array.shape, ", "), fmt::join(shape, ", ")));
  }
  taken_.insert(name);
  std::vector<float> values = network_.get<float>(name);
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorKind::kFormat,
                fmt::format("array '{}' holds a value that is not finite; take an earlier model", name));
  }
  return values;
}

GraphBuilder::Affine GraphBuilder::affine(const std::string& norm, std::int64_t channels) {
  const std::vector<float> gamma = take(norm + ".weight", {channels}),
                           beta = take(norm + ".bias", {channels}),
                           mean = take(norm + ".running_mean", {channels}),
                           variance = take(norm + ".running_var", {channels});
  Affine result;
  for (std::size_t c = 0; c < gamma.size(); ++c) {
    const double scale = gamma[c] / std::sqrt(std::max(0.0, static_cast<double>(variance[c])) + kNormEpsilon);
    result.scale.push_back(scale);
    result.shift.push_back(beta[c] - scale * mean[c]);
  }
  return result;
}

Node GraphBuilder::node_like(Operation operation, const std::string& name, int input) const {
  Node node;
  node.operation = operation;
  node.name = name;
  node.inputs = {input};
  node.channels = graph_.channels_of(input);
  node.side = graph_.side_of(input);
  return node;
}

std::vector<float> GraphBuilder::take_bias(const std::string& layer, std::int64_t size, bool has_bias) {
  return has_bias ? take(layer + ".bias", {size}) : std::vector<float>(static_cast<std::size_t>(size));
}

int GraphBuilder::append(Node node) {
  graph_.nodes.push_back(std::move(node));
  return static_cast<int>(graph_.nodes.size()) - 1;
}

int GraphBuilder::convolution(const std::string& layer, const std::string& norm, int input,
                              const Shape& shape, bool has_bias) {
  const std::int64_t in = graph_.channels_of(input);
  Node node;
  node.operation = Operation::kConvolution;
  node.name = layer;
  node.inputs = {input};
  node.channels = shape.out;
  node.kernel = shape.kernel;
  node.stride = shape.stride;
  node.padding = shape.padding;
  node.groups = shape.groups;
  node.side = (graph_.side_of(input) + 2 * shape.padding - shape.kernel) / shape.stride + 1;
  node.weight = take(layer + ".weight", {shape.out, in / shape.groups, shape.kernel, shape.kernel});
  node.bias = take_bias(layer, shape.out, has_bias);
  if (!norm.empty()) {
    const Affine folded = affine(norm, shape.out);
    const std::size_t row = node.weight.size() / node.bias.size();
    for (std::size_t c = 0; c < node.bias.size(); ++c) {
      for (std::size_t i = 0; i < row; ++i) {
        node.weight[c * row + i] = static_cast<float>(node.weight[c * row + i] * folded.scale[c]);
      }
      node.bias[c] = static_cast<float>(node.bias[c] * folded.scale[c] + folded.shift[c]);
    }
  }
  return append(std::move(node));
}

int GraphBuilder::norm(const std::string& layer, int input) {
  Node node = node_like(Operation::kScaleShift, layer, input);
  const Affine folded = affine(layer, node.channels);
  node.weight.assign(folded.scale.begin(), folded.scale.end());
  node.bias.assign(folded.shift.begin(), folded.shift.end());
  return append(std::move(node));
}

int GraphBuilder::prelu(const std::string& layer, int input) {
  Node node = node_like(Operation::kPRelu, layer, input);
  node.weight = take(layer + ".weight", {node.channels});
  return append(std::move(node));
}

int GraphBuilder::relu(const std::string& name, int input) {
  return append(node_like(Operation::kRelu, name, input));
}

int GraphBuilder::add(const std::string& name, int a, int b) {
  AFACE_CHECK(graph_.channels_of(a) == graph_.channels_of(b) && graph_.side_of(a) == graph_.side_of(b),
              "{}: the inputs differ", name);
  Node node = node_like(Operation::kAdd, name, a);
  node.inputs.push_back(b);
  return append(std::move(node));
}

int GraphBuilder::fully_connected(const std::string& layer, const std::string& norm_before,
                                  const std::string& norm_after, int input, std::int64_t out, bool has_bias) {
  const std::int64_t channels = graph_.channels_of(input),
                     cells = graph_.side_of(input) * graph_.side_of(input);
  const std::int64_t in = channels * cells;
  Affine before, after;
  if (!norm_before.empty()) before = affine(norm_before, channels);
  if (!norm_after.empty()) after = affine(norm_after, out);
  Node node;
  node.operation = Operation::kFullyConnected;
  node.name = layer;
  node.inputs = {input};
  node.channels = out;
  node.weight = take(layer + ".weight", {out, in});
  node.bias = take_bias(layer, out, has_bias);
  for (std::int64_t o = 0; o < out; ++o) {
    float* row = node.weight.data() + o * in;
    double bias = node.bias[static_cast<std::size_t>(o)];
    const double scale = norm_after.empty() ? 1 : after.scale[static_cast<std::size_t>(o)];
    for (std::int64_t i = 0; i < in; ++i) {
      const auto c = static_cast<std::size_t>(i / cells);
      if (!norm_before.empty()) bias += row[i] * before.shift[c];
      row[i] = static_cast<float>(row[i] * scale * (norm_before.empty() ? 1 : before.scale[c]));
    }
    const double shift = norm_after.empty() ? 0 : after.shift[static_cast<std::size_t>(o)];
    node.bias[static_cast<std::size_t>(o)] = static_cast<float>(bias * scale + shift);
  }
  return append(std::move(node));
}

Graph GraphBuilder::finish() {
  std::string extra;
  for (const auto& [name, array] : network_.arrays) {
    if (taken_.count(name) == 0 && !ends_with(name, "num_batches_tracked"))
      extra += (extra.empty() ? "" : ", ") + name;
  }
  if (!extra.empty()) {
    throw Error(ErrorKind::kFormat,
                fmt::format("the network has arrays that none of its layers use: {}", extra));
  }
  return std::move(graph_);
}

double multiplications(const Graph& graph) {
  double sum = 0;
  for (const Node& node : graph.nodes) {
    sum += static_cast<double>(node.weight.size()) * static_cast<double>(node.side) *
           static_cast<double>(node.side);
  }
  return sum;
}

}  // namespace aface
