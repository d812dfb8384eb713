#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "aface/graph/graph.h"

namespace aface {

class PackedWeights;

// Is shown the output of a node, values [chips, channels, side, side].
using NodeObserver = std::function<void(int node, const float* values)>;

// How a fixed number of chips goes through a graph: operations, their order and the memory between them. For
// one thread at a time, which has `threads` OpenMP threads meanwhile.
class Plan {
 public:
  // `graph` and `weights` must outlive it. With an observer, which must too, every node is an operation of
  // its own, and run() shows its output before it does the next.
  Plan(const Graph& graph, PackedWeights& weights, std::int64_t chips, int threads,
       const NodeObserver* observer = nullptr);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // chips [chips, 3, size, size], rows [chips, dim].
  void run(const float* chips, float* rows);

 private:
  struct Stage;
  class Maker;

  const int threads_;
  std::unique_ptr<Stage> stage_;
};

}  // namespace aface
