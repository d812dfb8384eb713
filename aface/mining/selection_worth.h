#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aface/core/span.h"
#include "aface/mining/class_selector.h"

namespace aface {

struct WorthBatch {
  std::vector<std::int64_t> identities;  // [batch]
  std::vector<float> unit_embeddings;    // [batch, dim]
};

// What a selector caught, as means over samples, and their standard errors over batches (samples of a batch share the
// selection).
struct SelectionWorth {
  struct Mean {
    double value = 0;
    double error = 0;
  };
  Mean active;         // prototypes
  Mean wrong_mass;     // share of the softmax mass over the wrong identities
  Mean all_mass;       // the same over all identities, the own one included
  Mean top_negatives;  // share of the wrong identities with the ten highest cosines
};

// What each selector's choices for these batches hold of the full softmax over `unit_prototypes` [num_identities, dim]
// at `logit_scale`, without margin. Selectors must be ready to select (rebuilt or restored); they get no feedback.
std::vector<SelectionWorth> worth_of(const std::vector<std::unique_ptr<ClassSelector>>& selectors,
                                     const std::vector<WorthBatch>& batches, RowMatrix unit_prototypes,
                                     double logit_scale, int threads);

// Share of each row's `count` highest cosines, its own identity left out, that are active; mean over the rows. Equal
// cosines: lower id first. A row without wrong identities counts as 1.
double top_negatives_caught(RowMatrix cosines, Span<const std::int64_t> active_ids,
                            Span<const std::int64_t> own_identities, std::size_t count);

}  // namespace aface
