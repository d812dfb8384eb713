#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "aface/mining/candidate_queues.h"

namespace aface {

// Candidate queues that training goes on changing while somebody else reads how they were: freeze() hands out the
// queues of this moment, which nobody changes any more, and later changes lie on top of them until adopt() or thaw().
class QueueLayers {
 public:
  using Entry = CandidateQueues::Entry;

  explicit QueueLayers(std::int64_t num_identities) : base_(std::make_shared<CandidateQueues>(num_identities)) {}

  std::int64_t num_identities() const { return base_->num_identities(); }
  // Valid until the next change.
  Span<const Entry> of(std::int64_t identity) const;
  void assign(std::int64_t identity, Span<const Entry> entries);

  std::shared_ptr<const CandidateQueues> freeze();
  bool is_frozen() const { return frozen_; }
  // `fresh` takes the place of all queues; an owner whose queue was changed since freeze() gets merged(its fresh queue,
  // its present one). Costs as much as was changed.
  void adopt(CandidateQueues fresh,
             const std::function<std::vector<Entry>(Span<const Entry> fresh, Span<const Entry> present)>& merged);
  // The changes since freeze() go into the queues that were handed out; nobody may read those any more.
  void thaw();

  std::int64_t total_length() const { return base_->total_length() + length_on_top_; }
  std::int64_t longest() const;

 private:
  std::shared_ptr<CandidateQueues> base_;
  bool frozen_ = false;
  std::unordered_map<std::int64_t, std::vector<Entry>> on_top_;
  std::int64_t length_on_top_ = 0;  // of the queues on top, less those that they hide
};

}  // namespace aface
