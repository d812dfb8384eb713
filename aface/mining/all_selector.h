#pragma once

#include "aface/mining/class_selector.h"

namespace aface {

// Every prototype takes part in every step: the full softmax.
class AllSelector : public ClassSelector {
 public:
  explicit AllSelector(std::int64_t num_identities) : num_identities_(num_identities) {}

  bool wants_rebuild(std::int64_t) const override { return false; }
  void rebuild(std::int64_t, RowMatrix) override {}
  bool needs_embeddings() const override { return false; }
  bool needs_feedback() const override { return false; }
  std::vector<std::int64_t> select(const SelectionRequest& request) override;
  void take_feedback(const ScoreFeedback&) override {}
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override { return {}; }

 private:
  std::int64_t num_identities_;
};

}  // namespace aface
