#pragma once

#include <string>

#include "aface/graph/graph.h"
#include "aface/model/model_file.h"
#include "aface/quantise/eight_bits.h"

namespace aface {

// Names of the one input and the one output of an exported network.
constexpr const char* kOnnxInput = "chips";       // float [batch, 3, size, size], (value - mean) / scale
constexpr const char* kOnnxOutput = "embedding";  // float [batch, dim], not scaled to length 1

// A model's network as an ONNX file (opset 11; batch normalisation folded where the graph has it folded),
// which OpenCV's DNN from 4.6 on and ONNX Runtime read. Any number of chips at a time. What is done to pixels
// before and to embeddings after, the thresholds and the digests are in metadata_props, as text:
// "colour_order", "mean", "scale", "alignment", "flip", "card" (all of model_card.h as JSON), "precision"
// ("float32" or "int8"), "digest", "embedding_digest". With `bits`, what has codes there is in eight bits;
// the digests are the model's all the same. Written atomically. Throws Error{kIo}.
void write_onnx(const std::string& path, const Graph& graph, const Model& model,
                const EightBits* bits = nullptr);

}  // namespace aface
