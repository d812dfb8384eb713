#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// How much a pair of images counts at a draw of people, where drawn[i] is how often person i was drawn
// (identity_bootstrap.h):
//
//   both images of person a                drawn[a]
//   one of person a and one of person b    drawn[a] * drawn[b]
//   one of person a and one of kNotDrawn   drawn[a]   (images that stay as they are, like MegaFace's
//   distractors)
//
// This is the vertex bootstrap (Snijders and Borgatti 1999, for networks) as Fogliato, Patil and Perona apply
// it to verification ("Confidence Intervals for Error Rates in 1:1 Matching Tasks", IJCV 2024): two copies of
// a person count as two people, each with the pairs of the original. There are no scores between two copies
// of one person; they fill in the mean, we leave such pairs out. The older subsets bootstrap (Bolle, Ratha
// and Pankanti, CVIU 2004) draws persons with all their pairs and takes no notice that an impostor pair
// belongs to two of them; its intervals of FAR cover too little (Li, Tang, Li and Zhang, "Second-Level
// Partition for Estimating FAR Confidence Intervals", 2009).
constexpr std::uint32_t kNotDrawn = 0xffffffff;

struct PairPeople {
  std::uint32_t a = 0;  // 0 .. people - 1, or kNotDrawn
  std::uint32_t b = 0;
};

// A draw with an entry of 1 behind the last person, so that every pair's weight is the product of two
// entries.
std::vector<std::uint32_t> weight_table(Span<const std::uint16_t> drawn);

// Pairs in an order of the caller's, made ready for many draws. Safe to use from several threads.
class PairWeights {
 public:
  PairWeights() = default;
  // Throws Error{kData} when a person is not below `people`.
  PairWeights(const std::vector<PairPeople>& pairs, std::int64_t people);

  std::size_t size() const { return entries_.size(); }
  std::uint64_t weight(std::size_t pair, const std::vector<std::uint32_t>& table) const {
    return std::uint64_t{table[entries_[pair].a]} * table[entries_[pair].b];
  }
  std::uint64_t sum(std::size_t begin, std::size_t end, const std::vector<std::uint32_t>& table) const;
  // The sum over all pairs; O(different couples of people).
  std::uint64_t total(const std::vector<std::uint32_t>& table) const;

 private:
  struct Group {
    PairPeople entries;
    std::uint64_t pairs = 0;
  };
  std::vector<PairPeople> entries_;  // places in the table
  std::vector<Group> groups_;        // equal entries_ counted
};

}  // namespace aface
