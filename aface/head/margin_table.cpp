#include "aface/head/margin_table.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/check.h"

namespace aface {

std::vector<std::int64_t> own_identities(const HeadInput& input) {
  const at::Tensor active = input.active_ids.to(at::kCPU).contiguous(), rows = input.targets.to(at::kCPU).contiguous();
  std::vector<std::int64_t> identities;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const std::int64_t row = rows.data_ptr<std::int64_t>()[i];
    identities.push_back(row < 0 ? -1 : active.data_ptr<std::int64_t>()[row]);
  }
  return identities;
}

at::Tensor margins_of(const std::vector<std::int64_t>& identities, const std::vector<double>& margins, double share) {
  at::Tensor own = at::zeros({static_cast<std::int64_t>(identities.size())}, at::kDouble);
  for (std::size_t i = 0; i < identities.size(); ++i) {
    if (identities[i] < 0) continue;
    AFACE_CHECK(identities[i] < static_cast<std::int64_t>(margins.size()), "identity {} of {}", identities[i], margins.size());
    own.data_ptr<double>()[i] = share * margins[static_cast<std::size_t>(identities[i])];
  }
  return own;
}

double warm_up_share(const HeadOptions& options, std::int64_t step) {
  if (step >= options.margin_warmup_steps) return 1;
  return static_cast<double>(step) / static_cast<double>(options.margin_warmup_steps);
}

at::Tensor margins_tensor(const std::vector<double>& margins) {
  at::Tensor result = at::empty({static_cast<std::int64_t>(margins.size())}, at::kFloat);
  std::transform(margins.begin(), margins.end(), result.data_ptr<float>(),
                 [](double margin) { return static_cast<float>(margin); });
  return result;
}

std::vector<double> restored_margins(const NamedArrays& state, std::size_t count) {
  std::vector<double> margins = state.get<double>(kSavedMargins);
  if (margins.size() != count) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: wrong size (expected {} identities, got {}); the state is of another data "
                                                "set", kSavedMargins, count, margins.size()));
  }
  if (!std::all_of(margins.begin(), margins.end(), [](double margin) { return std::isfinite(margin); })) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: holds numbers that are not finite; use an earlier state", kSavedMargins));
  }
  return margins;
}

std::map<std::string, double> margin_summary(const std::vector<double>& margins) {
  const auto [low, high] = std::minmax_element(margins.begin(), margins.end());
  return {{"margin_mean", std::accumulate(margins.begin(), margins.end(), 0.0) / static_cast<double>(margins.size())},
          {"margin_smallest", *low},
          {"margin_largest", *high}};
}

}  // namespace aface
