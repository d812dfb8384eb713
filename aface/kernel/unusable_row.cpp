#include "aface/kernel/unusable_row.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace aface {
namespace {

std::string trouble_with(const float* row, std::size_t dim) {
  const float* bad = std::find_if(row, row + dim, [](float value) { return !std::isfinite(value); });
  return fmt::format("is unusable (expected finite values and a length above 0, but {})",
                     bad == row + dim ? "its length is 0 or beyond float32"
                                      : fmt::format("value {} of it is {}", bad - row, *bad));
}

std::string message(UnusableRow::Kind kind, const std::string& name, const std::string& trouble) {
  return fmt::format("head: the {} of {} {}; lower the learning rate or look at the input",
                     kind == UnusableRow::Kind::kEmbedding ? "embedding" : "prototype", name, trouble);
}

}  // namespace

UnusableRow::UnusableRow(Kind kind, std::size_t index, const std::string& name, std::string trouble)
    : Error(ErrorKind::kNumeric, message(kind, name, trouble)), kind_(kind), index_(index), trouble_(std::move(trouble)) {}

UnusableRow::UnusableRow(Kind kind, std::size_t index, const std::string& name, const float* row, std::size_t dim)
    : UnusableRow(kind, index, name, trouble_with(row, dim)) {}

UnusableRow UnusableRow::of_another_rank() { return {Kind::kOfAnotherRank, 0, "another rank", "is unusable"}; }

UnusableRow UnusableRow::renamed(std::size_t index, const std::string& name) const {
  return {kind_, index, name, trouble_};
}

}  // namespace aface
