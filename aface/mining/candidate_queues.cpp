#include "aface/mining/candidate_queues.h"

#include <algorithm>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::size_t kSlabEntries = 8192;
constexpr std::size_t kLongest = (1U << 24) - 1;

std::size_t capacity_of(std::size_t size_class) { return std::size_t{4} << size_class; }
std::size_t blocks_per_slab(std::size_t size_class) {
  return std::max<std::size_t>(1, kSlabEntries / capacity_of(size_class));
}

std::size_t class_for(std::size_t length) {
  std::size_t size_class = 0;
  while (capacity_of(size_class) < length) ++size_class;
  return size_class;
}

}  // namespace

CandidateQueues::CandidateQueues(std::int64_t num_identities) : places_(static_cast<std::size_t>(num_identities)) {}

CandidateQueues::Entry* CandidateQueues::entries_at(const Place& place) const {
  const std::size_t per_slab = blocks_per_slab(place.size_class);
  return shelves_[place.size_class].slabs[place.block / per_slab].get() +
         (place.block % per_slab) * capacity_of(place.size_class);
}

Span<const CandidateQueues::Entry> CandidateQueues::of(std::int64_t identity) const {
  AFACE_CHECK(identity >= 0 && identity < num_identities(), "identity {} of {}", identity, num_identities());
  const Place& place = places_[static_cast<std::size_t>(identity)];
  if (place.length == 0) return {};
  return {entries_at(place), place.length};
}

std::uint32_t CandidateQueues::take_block(std::size_t size_class) {
  if (shelves_.size() <= size_class) shelves_.resize(size_class + 1);
  Shelf& shelf = shelves_[size_class];
  if (!shelf.free_blocks.empty()) {
    const std::uint32_t block = shelf.free_blocks.back();
    shelf.free_blocks.pop_back();
    return block;
  }
  const std::size_t per_slab = blocks_per_slab(size_class);
  if (shelf.blocks == shelf.slabs.size() * per_slab) {
    shelf.slabs.push_back(std::make_unique<Entry[]>(per_slab * capacity_of(size_class)));
  }
  return shelf.blocks++;
}

void CandidateQueues::assign(std::int64_t identity, Span<const Entry> entries) {
  AFACE_CHECK(identity >= 0 && identity < num_identities(), "identity {} of {}", identity, num_identities());
  AFACE_CHECK(entries.size() <= kLongest, "a queue of {} entries", entries.size());
  Place& place = places_[static_cast<std::size_t>(identity)];
  const std::size_t wanted = class_for(entries.size());
  const bool keeps_block = place.length > 0 && !entries.empty() && place.size_class == wanted;
  if (place.length > 0 && !keeps_block) shelves_[place.size_class].free_blocks.push_back(place.block);
  total_length_ += static_cast<std::int64_t>(entries.size()) - static_cast<std::int64_t>(place.length);
  if (!entries.empty() && !keeps_block) {
    place.block = take_block(wanted);
    place.size_class = static_cast<std::uint8_t>(wanted);
  }
  place.length = static_cast<std::uint32_t>(entries.size()) & kLongest;
  if (!entries.empty()) std::copy(entries.begin(), entries.end(), entries_at(place));
}

std::int64_t CandidateQueues::longest() const {
  std::uint32_t longest = 0;
  for (const Place& place : places_) longest = std::max<std::uint32_t>(longest, place.length);
  return longest;
}

std::size_t CandidateQueues::allocated_bytes() const {
  std::size_t bytes = places_.size() * sizeof(Place);
  for (std::size_t c = 0; c < shelves_.size(); ++c) {
    bytes += shelves_[c].slabs.size() * blocks_per_slab(c) * capacity_of(c) * sizeof(Entry);
    bytes += shelves_[c].free_blocks.capacity() * sizeof(std::uint32_t);
  }
  return bytes;
}

}  // namespace aface
