#include "aface/quantise/eight_bits.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

constexpr double kTopCode = 255, kTopWeight = 127;
// Half of what 32 bits hold; the other half is for the products.
constexpr double kTopBias = 1 << 30;
constexpr double kSmallest = 1e-30;  // a range below is no range but zeros

// quantise() says which and why.
bool takes_codes(const Graph& graph, const Node& node) {
  if (node.operation != Operation::kConvolution && node.operation != Operation::kFullyConnected) return false;
  const int input = node.inputs[0];
  return input != Node::kChips && (node.groups == 1 || node.groups == graph.channels_of(input));
}

// The scale of a channel's weights: of all of them, but no less than its bias needs.
double weight_scale(Span<const float> row, float bias, float input_scale) {
  double most = 0;
  for (const float weight : row) most = std::max(most, static_cast<double>(std::abs(weight)));
  const double for_bias = std::abs(static_cast<double>(bias)) / (input_scale * kTopBias);
  const double scale = std::max(most / kTopWeight, for_bias);
  return scale > kSmallest ? scale : 1;
}

template <class Code>
Code rounded(double value, double most) {
  return static_cast<Code>(std::clamp(std::nearbyint(value), -most, most));
}

}  // namespace

ValueCode code_for(const CodeRange& range) {
  const double extent = range.high - range.low;
  if (!(range.low <= 0 && range.high >= 0 && std::isfinite(extent))) {
    throw Error(ErrorKind::kNumeric,
                fmt::format("no code for values from {} to {} (expected finite ends and 0 between)",
                            range.low, range.high));
  }
  if (extent < kSmallest) return {};
  const double scale = extent / kTopCode;
  return {static_cast<float>(scale), static_cast<std::uint8_t>(std::nearbyint(-range.low / scale))};
}

LayerCode code_layer(Span<const float> weight, Span<const float> bias, float input_scale) {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(weight.begin(), weight.end(), is_finite) ||
      !std::all_of(bias.begin(), bias.end(), is_finite)) {
    throw Error(ErrorKind::kNumeric, "a weight that is not finite has no code; take an earlier model");
  }
  AFACE_CHECK(!bias.empty() && weight.size() % bias.size() == 0, "{} weights for {} channels", weight.size(),
              bias.size());
  const std::size_t row = weight.size() / bias.size();
  LayerCode code;
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const Span<const float> of_channel(weight.data() + c * row, row);
    const auto scale = static_cast<float>(weight_scale(of_channel, bias[c], input_scale));
    code.weight_scale.push_back(scale);
    for (const float value : of_channel)
      code.weight.push_back(rounded<std::int8_t>(static_cast<double>(value) / scale, kTopWeight));
    code.bias.push_back(
        rounded<std::int32_t>(bias[c] / (static_cast<double>(input_scale) * scale), kTopBias));
  }
  return code;
}

EightBits quantise(const Graph& graph, const Activations& activations, RangeRule rule) {
  const auto nodes = static_cast<int>(graph.nodes.size());
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::vector<std::vector<int>> users(at(nodes));
  for (int i = 0; i < nodes; ++i) {
    for (const int input : graph.nodes[at(i)].inputs) {
      if (input != Node::kChips) users[at(input)].push_back(i);
    }
  }
  EightBits bits;
  bits.values.resize(at(nodes));
  bits.layers.resize(at(nodes));
  const auto value_code = [&](int i) -> ValueCode {
    std::optional<ValueCode>& code = bits.values[at(i)];
    if (!code) code = code_for(choose_range(activations.of(i), rule));
    return *code;
  };
  for (int i = 0; i < nodes; ++i) {
    const Node& node = graph.nodes[at(i)];
    if (!takes_codes(graph, node)) continue;
    const ValueCode input = value_code(node.inputs[0]);
    bits.layers[at(i)] = code_layer(node.weight, node.bias, input.scale);
    const bool is_rectified =
        users[at(i)].size() == 1 && graph.nodes[at(users[at(i)][0])].operation == Operation::kRelu;
    bits.values[at(i)] = value_code(is_rectified ? users[at(i)][0] : i);
  }
  return bits;
}

}  // namespace aface
