#include "aface/eval/scores.h"

#include <fmt/core.h>

#include <cmath>

#include "aface/core/error.h"
#include "aface/eval/unit_rows.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

double checked_norm(RowMatrix embeddings, std::size_t row, const std::string& name) {
  const double norm = std::sqrt(wide_inner_product(embeddings.row(row), embeddings.row(row), embeddings.dim));
  if (!std::isfinite(norm) || norm == 0) {
    throw Error(ErrorKind::kData, fmt::format("embedding of '{}' (row {}, counted from 0): its length is {} "
                                              "(expected a finite number above 0); look at "
                                              "the image and the network",
                                              name, row, norm));
  }
  return norm;
}

}  // namespace

std::vector<double> embedding_norms(RowMatrix embeddings, const std::vector<std::string>& names) {
  std::vector<double> norms(embeddings.rows);
  for (std::size_t i = 0; i < norms.size(); ++i) norms[i] = checked_norm(embeddings, i, names.at(i));
  return norms;
}

std::vector<float> score_pairs(RowMatrix embeddings, const PairList& list,
                               const std::vector<std::int64_t>& rows) {
  std::vector<double> norms;
  for (std::size_t p = 0; p < list.paths.size(); ++p) {
    const std::int64_t row = p < rows.size() ? rows[p] : -1;
    if (row < 0 || row >= static_cast<std::int64_t>(embeddings.rows)) {
      throw Error(ErrorKind::kData,
                  fmt::format("'{}' has no embedding (row {} of {})", list.paths[p], row, embeddings.rows));
    }
    norms.push_back(checked_norm(embeddings, static_cast<std::size_t>(row), list.paths[p]));
  }

  std::vector<float> scores;
  scores.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) {
    const auto a = static_cast<std::size_t>(pair.first), b = static_cast<std::size_t>(pair.second);
    const float* row_a = embeddings.row(static_cast<std::size_t>(rows[a]));
    const float* row_b = embeddings.row(static_cast<std::size_t>(rows[b]));
    scores.push_back(
        static_cast<float>(wide_inner_product(row_a, row_b, embeddings.dim) / (norms[a] * norms[b])));
  }
  return scores;
}

std::vector<float> score_unit_pairs(RowMatrix unit_embeddings, const PairList& list,
                                    Span<const std::uint8_t> no_match) {
  if (unit_embeddings.rows != list.paths.size() ||
      (!no_match.empty() && no_match.size() != list.paths.size())) {
    throw Error(ErrorKind::kData,
                fmt::format("pairs: {} embeddings and {} marks for {} images (expected one an image)",
                            unit_embeddings.rows, no_match.size(), list.paths.size()));
  }
  std::vector<float> scores;
  scores.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) {
    const auto a = static_cast<std::size_t>(pair.first), b = static_cast<std::size_t>(pair.second);
    const bool matches_nothing = !no_match.empty() && (no_match[a] || no_match[b]);
    scores.push_back(matches_nothing
                         ? kNoMatchScore
                         : static_cast<float>(wide_inner_product(
                               unit_embeddings.row(a), unit_embeddings.row(b), unit_embeddings.dim)));
  }
  return scores;
}

std::vector<std::uint8_t> same_flags(const PairList& list) {
  std::vector<std::uint8_t> flags;
  flags.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) flags.push_back(pair.same_identity);
  return flags;
}

}  // namespace aface
