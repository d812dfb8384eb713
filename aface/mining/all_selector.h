#pragma once

#include "aface/mining/class_selector.h"

namespace aface {

// Every prototype takes part in every step: the full softmax.
class AllSelector : public ClassSelector {
 public:
  explicit AllSelector(std::int64_t num_identities) : num_identities_(num_identities) {}

  std::vector<std::int64_t> select(const SelectionRequest& request) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

 private:
  std::int64_t num_identities_;
};

}  // namespace aface
