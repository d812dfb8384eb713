#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace aface {

struct ScoredId {
  float score = 0;
  std::int32_t id = 0;
};

// Higher score first; equal scores: lower id first. An object, because sorts call functions by their address, and without
// branches, which nobody could predict.
inline constexpr auto ranks_before = [](const ScoredId& a, const ScoredId& b) {
  return (a.score > b.score) | ((a.score == b.score) & (a.id < b.id));
};

// Keeps the k best of a stream of scores. Most scores of a long stream are under the k-th best so far and cost one
// comparison, done eight at a time. Ids must arrive in ascending order: then a score equal to the k-th best never
// displaces it. Scores that are not a number are never kept.
class TopK {
 public:
  explicit TopK(std::size_t k);

  // Scores of the ids first_id, first_id + 1, ...
  void push(const float* scores, std::size_t count, std::int32_t first_id);
  // The best, at most k of them, in rank order. Leaves the object empty for the next stream.
  std::vector<ScoredId> take();

 private:
  void shrink();

  std::size_t k_;
  std::size_t capacity_;
  float least_ = -std::numeric_limits<float>::infinity();  // no score at or under this can enter
  bool full_ = false;                                      // whether k scores have been seen
  std::vector<ScoredId> kept_;
};

}  // namespace aface
