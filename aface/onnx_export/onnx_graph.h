#pragma once

#include "aface/graph/graph.h"
#include "aface/quantise/eight_bits.h"

namespace onnx {
class GraphProto;
}

namespace aface {

// A graph as ONNX operations: in float, and what has codes in `bits` (null: nothing) as QLinearConv, with
// QuantizeLinear and DequantizeLinear where one meets the other.
void write_graph(const Graph& graph, const EightBits* bits, onnx::GraphProto& out);

}  // namespace aface
