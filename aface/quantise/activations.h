#pragma once

#include <cstdint>
#include <vector>

#include "aface/engine/engine.h"
#include "aface/graph/graph.h"
#include "aface/quantise/value_histogram.h"

namespace aface {

// Which values the nodes of a network put out.
class Activations {
 public:
  // `threads` >= 1: those of the network.
  Activations(const Graph& graph, int threads);

  // Runs `count` more chips [count, 3, size, size], as the network is fed, to rows [count, dim]. Throws
  // Error{kNumeric} naming a node whose output is not finite.
  void add(const float* chips, std::int64_t count, float* rows);

  std::int64_t chips() const { return chips_; }  // so far
  // Of a node's output.
  const ValueHistogram& of(int node) const { return histograms_[static_cast<std::size_t>(node)]; }

 private:
  const Graph graph_;
  const Engine engine_;
  std::int64_t chips_ = 0;
  std::vector<ValueHistogram> histograms_;
};

}  // namespace aface
