#include "aface/head/classification.h"

#include <ATen/ops/aminmax.h>

#include <limits>

#include "aface/core/check.h"
#include "aface/head/fused_classification.h"
#include "aface/head/plain_classification.h"
#include "aface/kernel/unusable_row.h"

namespace aface {
namespace {

bool can_fuse(const HeadInput& input) {
  return input.embeddings.device().is_cpu() && input.prototypes.device().is_cpu() &&
         input.embeddings.scalar_type() == at::kFloat;
}

}  // namespace

void check_input(const HeadInput& input) {
  AFACE_CHECK(input.embeddings.dim() == 2 && input.prototypes.dim() == 2, "embeddings and prototypes are matrices");
  AFACE_CHECK(input.embeddings.size(0) > 0 && (input.prototypes.size(0) > 0 || input.ranks != nullptr),
              "nothing to classify");
  AFACE_CHECK(input.embeddings.size(1) == input.prototypes.size(1), "embeddings have {} values, prototypes {}",
              input.embeddings.size(1), input.prototypes.size(1));
  AFACE_CHECK(input.embeddings.scalar_type() == input.prototypes.scalar_type(), "embeddings and prototypes differ in type");
  AFACE_CHECK(input.targets.dim() == 1 && input.targets.size(0) == input.embeddings.size(0), "one target per embedding");
  AFACE_CHECK(input.active_ids.dim() == 1 && input.active_ids.size(0) == input.prototypes.size(0), "one id per prototype");
  AFACE_CHECK(input.targets.scalar_type() == at::kLong && input.active_ids.scalar_type() == at::kLong, "ids are int64");
  const auto [low, high] = at::aminmax(input.targets);
  AFACE_CHECK(low.item<std::int64_t>() >= (input.ranks != nullptr ? -1 : 0) &&
                  high.item<std::int64_t>() < input.prototypes.size(0),
              "targets from {} to {}, but {} prototypes are active", low.item<std::int64_t>(), high.item<std::int64_t>(),
              input.prototypes.size(0));
}

double angle_floor_of(at::ScalarType type) {
  return angle_floor_for(type == at::kDouble ? std::numeric_limits<double>::epsilon()
                                             : static_cast<double>(std::numeric_limits<float>::epsilon()));
}

HeadOutput classify(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options) {
  AFACE_CHECK(margins.values.scalar_type() == at::kDouble && margins.values.device().is_cpu() &&
                  margins.values.sizes() == input.targets.sizes(),
              "one margin per sample, float64 on the CPU");
  try {
    return options.engine == "auto" && can_fuse(input) ? fused_classification(input, margins, options)
                                                       : plain_classification(input, margins, options);
  } catch (const UnusableRow& row) {
    if (row.kind_of_row() != UnusableRow::Kind::kPrototype) throw;
    const std::int64_t identity = input.active_ids[static_cast<std::int64_t>(row.index())].item<std::int64_t>();
    throw row.renamed(static_cast<std::size_t>(identity), fmt::format("identity {}", identity));
  }
}

}  // namespace aface
