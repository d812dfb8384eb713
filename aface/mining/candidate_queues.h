#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// A queue of near prototypes for every identity, each of its own length. Entries lie in blocks of 4, 8, 16, ...
// entries that are handed round by free lists: 8 bytes an identity and 8 an entry, at most doubled by rounding up to
// the block (a std::vector each would add 24 bytes of header and 16 of heap to every identity).
class CandidateQueues {
 public:
  struct Entry {
    std::uint32_t id : 31;
    std::uint32_t admitted : 1;  // came in, or was confirmed, by outscoring the owner
    float similarity;            // cosine with the owner's prototype when last computed
  };

  explicit CandidateQueues(std::int64_t num_identities);

  std::int64_t num_identities() const { return static_cast<std::int64_t>(places_.size()); }
  // Valid until the next assign().
  Span<const Entry> of(std::int64_t identity) const;
  // Replaces the queue; `entries` must not point into the queues.
  void assign(std::int64_t identity, Span<const Entry> entries);

  std::int64_t total_length() const { return total_length_; }
  std::int64_t longest() const;
  std::size_t allocated_bytes() const;

 private:
  struct Place {
    std::uint32_t block = 0;
    std::uint32_t length : 24;
    std::uint32_t size_class : 8;
    Place() : length(0), size_class(0) {}
  };
  // Blocks of one capacity.
  struct Shelf {
    std::vector<std::unique_ptr<Entry[]>> slabs;
    std::vector<std::uint32_t> free_blocks;
    std::uint32_t blocks = 0;
  };

  Entry* entries_at(const Place& place) const;
  std::uint32_t take_block(std::size_t size_class);

  std::vector<Place> places_;
  std::vector<Shelf> shelves_;
  std::int64_t total_length_ = 0;
};

static_assert(sizeof(CandidateQueues::Entry) == 8, "an entry is two words");

}  // namespace aface
