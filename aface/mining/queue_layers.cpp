#include "aface/mining/queue_layers.h"

#include <algorithm>
#include <utility>

#include "aface/core/check.h"

namespace aface {

Span<const QueueLayers::Entry> QueueLayers::of(std::int64_t identity) const {
  const auto top = on_top_.find(identity);
  return top == on_top_.end() ? base_->of(identity) : Span<const Entry>(top->second);
}

void QueueLayers::assign(std::int64_t identity, Span<const Entry> entries) {
  if (!frozen_) {
    base_->assign(identity, entries);
    return;
  }
  AFACE_CHECK(identity >= 0 && identity < num_identities(), "identity {} of {}", identity, num_identities());
  length_on_top_ += static_cast<std::int64_t>(entries.size()) - static_cast<std::int64_t>(of(identity).size());
  on_top_[identity].assign(entries.begin(), entries.end());
}

std::shared_ptr<const CandidateQueues> QueueLayers::freeze() {
  AFACE_CHECK(!frozen_, "the queues are frozen already");
  frozen_ = true;
  return base_;
}

void QueueLayers::adopt(CandidateQueues fresh,
                        const std::function<std::vector<Entry>(Span<const Entry>, Span<const Entry>)>& merged) {
  AFACE_CHECK(fresh.num_identities() == num_identities(), "{} queues for {}", fresh.num_identities(), num_identities());
  for (const auto& [identity, present] : on_top_) fresh.assign(identity, merged(fresh.of(identity), present));
  base_ = std::make_shared<CandidateQueues>(std::move(fresh));
  on_top_.clear();
  length_on_top_ = 0;
  frozen_ = false;
}

void QueueLayers::thaw() {
  for (const auto& [identity, present] : on_top_) base_->assign(identity, present);
  on_top_.clear();
  length_on_top_ = 0;
  frozen_ = false;
}

std::int64_t QueueLayers::longest() const {
  std::size_t longest = 0;
  for (std::int64_t identity = 0; identity < num_identities(); ++identity) {
    longest = std::max(longest, on_top_.empty() ? base_->of(identity).size() : of(identity).size());
  }
  return static_cast<std::int64_t>(longest);
}

}  // namespace aface
