#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/nn/backbone_options.h"

namespace aface {

// A network as it is used, not trained: a list of operations in the order in which they can be done, batch
// normalisation folded into its neighbours, dropout gone.
enum class Operation {
  kConvolution,     // weight [channels, in / groups, kernel, kernel], bias [channels]
  kScaleShift,      // y = weight[c] x + bias[c]: a normalisation that no neighbour can take
  kPRelu,           // y = max(x, 0) + weight[c] min(x, 0)
  kRelu,            // y = max(x, 0)
  kAdd,             // of two inputs
  kFullyConnected,  // weight [channels, values of the input in the order channel, row, column], bias
                    // [channels]
};

// The output of a node is [batch, channels, side, side].
struct Node {
  static constexpr int kChips =
      -1;  // as an input: what the network is fed, [batch, 3, input_size, input_size]

  Operation operation = Operation::kRelu;
  std::string name;         // after the layer whose weights it holds; unique
  std::vector<int> inputs;  // numbers of earlier nodes, or kChips
  std::int64_t channels = 0;
  std::int64_t side = 1;
  std::int64_t kernel = 1, stride = 1, padding = 0, groups = 1;  // of a convolution
  std::vector<float> weight, bias;  // row-major; empty where the operation has none
};

// The embedding, not scaled to length 1, is the output of the last node, [batch, dim, 1, 1].
struct Graph {
  std::int64_t input_size = 0;
  std::vector<Node> nodes;

  std::int64_t channels_of(int node) const {
    return node == Node::kChips ? 3 : nodes[static_cast<std::size_t>(node)].channels;
  }
  std::int64_t side_of(int node) const {
    return node == Node::kChips ? input_size : nodes[static_cast<std::size_t>(node)].side;
  }
};

// Of any registered backbone, from its parameters and buffers under their PyTorch names; num_batches_tracked
// is not looked at. Equal to the network in evaluation mode but for rounding. Throws Error{kUsage} as
// check_options(), Error{kFormat} naming an array that is missing, too much, of another shape, not float32,
// or not finite.
Graph make_graph(const BackboneOptions& options, const NamedArrays& network);

// Multiplications of one chip's way through the network.
double multiplications(const Graph& graph);

}  // namespace aface
