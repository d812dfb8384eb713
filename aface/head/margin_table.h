#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aface/head/head.h"

// What heads with one margin per identity have in common. Margins are float64, [identities of the head].
namespace aface {

inline constexpr char kSavedMargins[] = "head.margins";

// [batch] identity of each sample as the head numbers them; -1: of another rank.
std::vector<std::int64_t> own_identities(const HeadInput& input);

// [batch] float64 on the CPU: `share` of the margin of each sample's identity; 0 for those of another rank.
at::Tensor margins_of(const std::vector<std::int64_t>& identities, const std::vector<double>& margins, double share);

// Margins grow linearly from 0 at step 0 to their full value (1) at step margin_warmup_steps.
double warm_up_share(const HeadOptions& options, std::int64_t step);

at::Tensor margins_tensor(const std::vector<double>& margins);  // float32 on the CPU

// Throws Error{kFormat} when there are not `count` finite margins under kSavedMargins.
std::vector<double> restored_margins(const NamedArrays& state, std::size_t count);

// "margin_mean", "margin_smallest", "margin_largest".
std::map<std::string, double> margin_summary(const std::vector<double>& margins);

}  // namespace aface
