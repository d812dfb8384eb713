#pragma once

#include <set>
#include <string>
#include <vector>

#include "aface/graph/graph.h"

namespace aface {

// Puts a graph together from a network's layers, which are named as in PyTorch. Functions return the number
// of the node that holds the result.
class GraphBuilder {
 public:
  GraphBuilder(std::int64_t input_size, const NamedArrays& network) : network_(network) {
    graph_.input_size = input_size;
  }

  struct Shape {
    std::int64_t out, kernel = 3, stride = 1, padding = 1, groups = 1;
  };
  // With the normalisation `norm` folded in; an empty name: none. Takes a bias where the layer is said to
  // have one.
  int convolution(const std::string& layer, const std::string& norm, int input, const Shape& shape,
                  bool has_bias = false);
  int norm(const std::string& layer, int input);
  int prelu(const std::string& layer, int input);
  int relu(const std::string& name, int input);
  int add(const std::string& name, int a, int b);
  // norm_before, where named, is over the channels of `input`; norm_after over the outputs.
  int fully_connected(const std::string& layer, const std::string& norm_before, const std::string& norm_after,
                      int input, std::int64_t out, bool has_bias);

  // Throws Error{kFormat} when the network has arrays that no layer took.
  Graph finish();

 private:
  struct Affine {
    std::vector<double> scale, shift;
  };
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape);
  Affine affine(const std::string& norm, std::int64_t channels);  // of the running statistics
  // Of the shape of its input.
  Node node_like(Operation operation, const std::string& name, int input) const;
  std::vector<float> take_bias(const std::string& layer, std::int64_t size, bool has_bias);
  int append(Node node);

  const NamedArrays& network_;
  Graph graph_;
  std::set<std::string> taken_;
};

}  // namespace aface
