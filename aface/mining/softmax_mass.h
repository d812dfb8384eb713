#pragma once

#include <cstdint>

#include "aface/core/across_ranks.h"
#include "aface/core/span.h"

namespace aface {

// How much of the full softmax a selection holds: the mean over the rows of
//   sum over active c of exp(logit_scale * cosines[j, c])  /  sum over all c of exp(logit_scale * cosines[j, c])
// `cosines` [batch, num_identities]; `active_ids` without repeats. With `own_identities` [batch] each row's own
// identity is left out of both sums, so that the number is about the wrong classes alone: 1 means that no gradient
// from a wrong class is lost. A row without any wrong class counts as 1, an empty batch gives 1.
// On several ranks every one has cosines of the same rows with its own identities, which it numbers from 0, and gets the
// number over all of them; an own identity of another rank is -1.
// Throws Error{kInternal} on ids out of range.
double softmax_mass_caught(RowMatrix cosines, Span<const std::int64_t> active_ids, double logit_scale,
                           Span<const std::int64_t> own_identities = {}, AcrossRanks* ranks = nullptr);

}  // namespace aface
