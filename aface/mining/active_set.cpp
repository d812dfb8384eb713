#include "aface/mining/active_set.h"

#include <fmt/core.h>

#include <algorithm>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::int64_t kWordBits = 64;

std::size_t word_of(std::int64_t id) { return static_cast<std::size_t>(id / kWordBits); }
std::uint64_t bit_of(std::int64_t id) { return std::uint64_t{1} << (id % kWordBits); }

}  // namespace

ActiveSet::ActiveSet(std::int64_t num_identities)
    : num_identities_(num_identities), bits_(word_of(num_identities + kWordBits - 1)) {}

bool ActiveSet::contains(std::int64_t id) const { return (bits_[word_of(id)] & bit_of(id)) != 0; }

bool ActiveSet::insert(std::int64_t id) {
  AFACE_CHECK(id >= 0 && id < num_identities_, "identity {} of {}", id, num_identities_);
  if (contains(id)) return false;
  bits_[word_of(id)] |= bit_of(id);
  ++size_;
  return true;
}

void ActiveSet::insert_all(Span<const std::int64_t> ids) {
  for (const std::int64_t id : ids) insert(id);
}

void ActiveSet::insert_own(Span<const std::int64_t> identities, std::int64_t budget) {
  insert_all(identities);
  if (budget == 0 || size_ <= budget) return;
  const std::int64_t own = size_;
  take();
  throw Error(ErrorKind::kUsage, fmt::format("mining: the batch holds {} identities, which must all be active, but "
                                             "mining.budget is {}; raise mining.budget or lower train.batch_size",
                                             own, budget));
}

void ActiveSet::fill_at_random(std::int64_t budget, Random& random) {
  std::int64_t missing = std::min(budget, num_identities_) - size_;
  if (missing <= 0) return;
  std::int64_t free = num_identities_ - size_;
  if (2 * (free - missing) >= num_identities_) {
    // More than half stays free to the end: a blind draw hits a free one at least every second time.
    while (missing > 0) missing -= static_cast<std::int64_t>(insert(random.below(num_identities_)));
    return;
  }
  // One pass that takes each free identity with the chance that is left to it.
  for (std::int64_t id = 0; missing > 0; ++id) {
    if (contains(id)) continue;
    if (random.below(free--) < missing) {
      insert(id);
      --missing;
    }
  }
}

std::vector<std::int64_t> ActiveSet::take() {
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(size_));
  for (std::size_t word = 0; word < bits_.size(); ++word) {
    for (std::uint64_t left = bits_[word]; left != 0; left &= left - 1) {
      ids.push_back(static_cast<std::int64_t>(word) * kWordBits + __builtin_ctzll(left));
    }
    bits_[word] = 0;
  }
  size_ = 0;
  return ids;
}

}  // namespace aface
