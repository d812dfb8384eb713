#include "aface/eval/score_summary.h"

#include <fmt/core.h>

#include <algorithm>

namespace aface {

std::string names_digest(const std::vector<std::string>& names) {
  // FNV-1a over each name and a byte that UTF-8 never holds, so that ("ab", "c") and ("a", "bc") differ.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3ULL; };
  for (const std::string& name : names) {
    for (const char c : name) add(static_cast<unsigned char>(c));
    add(0xff);
  }
  return fmt::format("{}-{:016x}", names.size(), hash);
}

std::string digest_count(const std::string& digest) { return digest.substr(0, digest.find('-')); }

int score_bin(float score) {
  if (!(score > -1)) return 0;
  if (score >= 1) return ScoreHistogram::kBins - 1;
  const auto bin = static_cast<int>((static_cast<double>(score) + 1) / 2 * ScoreHistogram::kBins);
  return std::min(bin, ScoreHistogram::kBins - 1);
}

}  // namespace aface
