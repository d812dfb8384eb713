#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// Scores counted in equal bins of the cosine.
struct ScoreHistogram {
  static constexpr int kBins = 200;  // over [-1, 1]
  std::vector<std::int64_t> genuine = std::vector<std::int64_t>(kBins);
  std::vector<std::int64_t> impostor = std::vector<std::int64_t>(kBins);
};
int score_bin(float score);  // scores outside [-1, 1] go to the end bins

// How many of the worst pairs of a kind an evaluation lists.
constexpr std::size_t kWorstPairs = 20;

// A pair to look at.
struct NamedScore {
  std::string a;
  std::string b;
  float score = 0;
};

// "<number>-<16 hex digits>" of names in order. Draws of people (identity_bootstrap.h) can be paired only
// between evaluations with the same digest of the people, and figures compared only with the same digest of
// the test set.
std::string names_digest(const std::vector<std::string>& names);
std::string digest_count(const std::string& digest);

}  // namespace aface
