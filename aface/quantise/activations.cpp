#include "aface/quantise/activations.h"

#include <fmt/core.h>

#include "aface/core/error.h"

namespace aface {

Activations::Activations(const Graph& graph, int threads)
    : graph_(graph), engine_(graph, threads), histograms_(graph.nodes.size()) {}

void Activations::add(const float* chips, std::int64_t count, float* rows) {
  engine_.observe(chips, count, rows, [&](int node, Span<const float> values) {
    const auto i = static_cast<std::size_t>(node);
    try {
      histograms_[i].add(values);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("'{}': {}", graph_.nodes[i].name, error.what()));
    }
  });
  chips_ += count;
}

}  // namespace aface
