#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

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
