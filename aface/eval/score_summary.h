#pragma once

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

// A pair to look at.
struct NamedScore {
  std::string a;
  std::string b;
  float score = 0;
};

// "<number of people>-<16 hex digits>" of the identities in order: draws of people (identity_bootstrap.h) can
// be paired only between evaluations with the same digest.
std::string people_digest(const std::vector<std::string>& identity_names);
std::string people_count(const std::string& digest);

}  // namespace aface
