#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/random.h"
#include "aface/core/span.h"

namespace aface {

// The prototypes picked for one step: one bit an identity, so that there are no repeats and the ascending order costs
// no sort.
class ActiveSet {
 public:
  explicit ActiveSet(std::int64_t num_identities);

  std::int64_t num_identities() const { return num_identities_; }
  std::int64_t size() const { return size_; }
  bool contains(std::int64_t id) const;
  // False when it was in already. Throws Error{kInternal} on an id out of range.
  bool insert(std::int64_t id);
  void insert_all(Span<const std::int64_t> ids);
  // The own identities of a batch, into an empty set. Throws Error{kUsage} when there are more of them than `budget`
  // (0: no budget), and leaves the set empty.
  void insert_own(Span<const std::int64_t> identities, std::int64_t budget);
  // Adds identities drawn evenly from the rest until there are `budget` (or all).
  void fill_at_random(std::int64_t budget, Random& random);
  // What is in, ascending; leaves the set empty.
  std::vector<std::int64_t> take();

 private:
  std::int64_t num_identities_;
  std::int64_t size_ = 0;
  std::vector<std::uint64_t> bits_;
};

}  // namespace aface
