#include "aface/quantise/activations.h"

#include <fmt/core.h>

#include "aface/core/error.h"

namespace aface {

Activations::Activations(const Graph& graph, int threads)
    : graph_(graph), engine_(graph, threads), histograms_(graph.nodes.size() + 1) {}

void Activations::add(const float* chips, std::int64_t count, float* rows) {
  const auto look = [&](int node, Span<const float> values) {
    try {
      histograms_[static_cast<std::size_t>(node + 1)].add(values);
    } catch (const Error& error) {
      throw Error(
          error.kind(),
          fmt::format("'{}': {}",
                      node == Node::kChips ? "chips" : graph_.nodes[static_cast<std::size_t>(node)].name,
                      error.what()));
    }
  };
  const std::int64_t chip_values = 3 * graph_.input_size * graph_.input_size;
  look(Node::kChips, {chips, static_cast<std::size_t>(count * chip_values)});
  engine_.observe(chips, count, rows, look);
  chips_ += count;
}

}  // namespace aface
