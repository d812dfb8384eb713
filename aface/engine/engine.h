#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "aface/core/span.h"
#include "aface/graph/graph.h"

namespace aface {

class PackedWeights;
class Plan;

// Runs a graph on the CPU in float32. What an operation needs is made once for each number of chips that is
// taken at a time and kept. All functions may be called from several threads at once.
class Engine {
 public:
  // `threads` >= 1: those of one call.
  Engine(Graph graph, int threads);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::int64_t dim() const { return graph_.nodes.back().channels; }

  // chips [count, 3, input_size, input_size] to rows [count, dim]. A row does not depend on its neighbours,
  // but its last bits may depend on how many chips are taken at a time.
  void run(const float* chips, std::int64_t count, float* rows) const;

  // The same, and `observer` is shown every node's output for some chips, values [chips, channels, side,
  // side], in the order of the graph, then those for the next chips. For measuring activations: nothing is
  // fused, so it takes longer, and the last bits may differ from run().
  using Observer = std::function<void(int node, Span<const float> values)>;
  void observe(const float* chips, std::int64_t count, float* rows, const Observer& observer) const;

 private:
  struct Kind {
    std::int64_t chips;
    int threads;
    bool operator<(const Kind& other) const {
      return std::pair(chips, threads) < std::pair(other.chips, other.threads);
    }
  };
  class Loan;

  const Graph graph_;
  const int threads_;
  const std::unique_ptr<PackedWeights> weights_;
  mutable std::mutex mutex_;
  mutable std::map<Kind, std::vector<std::unique_ptr<Plan>>> idle_;
};

}  // namespace aface
