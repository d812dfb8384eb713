#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aface/core/span.h"
#include "aface/graph/graph.h"
#include "aface/quantise/activations.h"
#include "aface/quantise/code_range.h"

namespace aface {

// value = scale (code - zero_point), code in 0..255, for all values of a tensor alike. 0 has a code, because
// padding is 0. Not symmetric around 0: most values have a ReLU or PReLU behind them, of whose negative side
// little or nothing is left, and half of the codes would be for that.
struct ValueCode {
  float scale = 1;
  std::uint8_t zero_point = 0;
};

// weight[c, .] = weight_scale[c] code, code in -127..127; bias[c] = (scale of the input) weight_scale[c]
// code. No zero point for weights, so that sums over inputs need no correction for each.
struct LayerCode {
  std::vector<std::int8_t> weight;
  std::vector<float> weight_scale;  // [channels]
  std::vector<std::int32_t> bias;   // [channels]
};

// What of a graph is computed with eight-bit codes, and with which: most convolutions and fully connected
// layers, whose products are summed exactly in 32 bits. All else stays in float between them. By node:
struct EightBits {
  std::vector<std::optional<ValueCode>> values;  // of its output; where it is nothing, no code is needed
  std::vector<std::optional<LayerCode>> layers;
};

// A ReLU that alone follows a layer gets the layer's code, in which nothing below 0 can be said: a zero point
// of 0 makes it superfluous.
//
// In float stay layers that see the chips: pixels are 256 equally distant values with 0 in the middle between
// two of them, so codes, of which one has to be 0, would all be half a step off. That costs as much as a
// sixth of all that the codes of a network cost, and the layer is a small one. And convolutions of a few
// channels a group, which eight bits make slower (ONNX Runtime: 14 ms for MobileFaceNet's only one, 1 ms for
// its 48 others).
EightBits quantise(const Graph& graph, const Activations& activations, RangeRule rule);

// Throws Error{kNumeric} when an end is not finite or 0 is not within.
ValueCode code_for(const CodeRange& range);

// weight [channels, values of each], bias [channels]. Throws Error{kNumeric} for values that are not finite.
LayerCode code_layer(Span<const float> weight, Span<const float> bias, float input_scale);

}  // namespace aface
