#pragma once

#include "aface/core/random.h"
#include "aface/mining/active_set.h"
#include "aface/mining/class_selector.h"

namespace aface {

// The batch's own identities and others drawn evenly up to the budget (Partial FC, arXiv 2010.05222).
class RandomSelector : public ClassSelector {
 public:
  RandomSelector(const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed);

  std::vector<std::int64_t> select(const SelectionRequest& request) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

 private:
  std::int64_t budget_;
  ActiveSet active_;
  Random random_;
};

}  // namespace aface
