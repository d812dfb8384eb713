#include "aface/eval/gallery_search.h"

#include <fmt/core.h>

#include <algorithm>

#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"

namespace aface {
namespace {

constexpr std::size_t kScoresAtOnce = std::size_t{1} << 21;  // 8 MB a thread

// Counts distinct identities without clearing a table for each probe.
class IdentityCounter {
 public:
  explicit IdentityCounter(std::int32_t identities) : last_seen_(static_cast<std::size_t>(identities), 0) {}
  void start() {
    ++round_;
    count_ = 0;
  }
  void add(std::int32_t identity) {
    std::int64_t& seen = last_seen_[static_cast<std::size_t>(identity)];
    count_ += seen != round_;
    seen = round_;
  }
  std::int32_t count() const { return count_; }

 private:
  std::vector<std::int64_t> last_seen_;
  std::int64_t round_ = 0;
  std::int32_t count_ = 0;
};

ProbeOutcome outcome_of(const float* scores, std::int32_t identity, Span<const std::int32_t> gallery,
                        TieRule ties, IdentityCounter& ahead) {
  ProbeOutcome outcome;
  for (std::size_t j = 0; j < gallery.size(); ++j) {
    std::int32_t& best = gallery[j] == identity ? outcome.mate : outcome.best_other;
    float& best_score = gallery[j] == identity ? outcome.mate_score : outcome.best_other_score;
    if (best != ProbeOutcome::kNone && !(scores[j] > best_score)) continue;
    best = static_cast<std::int32_t>(j);
    best_score = scores[j];
  }
  if (!outcome.is_mated()) return outcome;
  outcome.rank = 1;
  const bool someone_may_be_ahead =
      outcome.best_other != ProbeOutcome::kNone && outcome.best_other_score >= outcome.mate_score;
  if (!someone_may_be_ahead) return outcome;

  ahead.start();
  for (std::size_t j = 0; j < gallery.size(); ++j) {
    if (scores[j] < outcome.mate_score || gallery[j] == identity) continue;
    const bool wins_tie = ties == TieRule::kAgainstMate || static_cast<std::int32_t>(j) < outcome.mate;
    if (scores[j] > outcome.mate_score || wins_tie) ahead.add(gallery[j]);
  }
  outcome.rank += ahead.count();
  return outcome;
}

void require_valid(const UnitRows& rows, Span<const std::int32_t> identities, const char* what) {
  if (rows.rows.rows == 0) {
    throw Error(ErrorKind::kData, fmt::format("identification: the {} is empty; check the list", what));
  }
  if (rows.rows.rows != identities.size()) {
    throw Error(ErrorKind::kData,
                fmt::format("identification: {} {} embeddings but {} identities (expected one each)",
                            rows.rows.rows, what, identities.size()));
  }
  if (*std::min_element(identities.begin(), identities.end()) < 0) {
    throw Error(ErrorKind::kData, fmt::format("identification: a negative identity number in the {}", what));
  }
}

}  // namespace

std::vector<ProbeOutcome> search_gallery(const UnitRows& probes, Span<const std::int32_t> probe_identities,
                                         const UnitRows& gallery, Span<const std::int32_t> gallery_identities,
                                         TieRule ties, int threads) {
  require_valid(probes, probe_identities, "probe list");
  require_valid(gallery, gallery_identities, "gallery");
  if (probes.rows.dim != gallery.rows.dim) {
    throw Error(
        ErrorKind::kData,
        fmt::format("identification: probes of {} and gallery rows of {} values; embed both with one model",
                    probes.rows.dim, gallery.rows.dim));
  }
  const std::int32_t identities = 1 + *std::max_element(gallery_identities.begin(), gallery_identities.end());
  const std::size_t columns = gallery.rows.rows;
  const std::size_t block = std::clamp<std::size_t>(kScoresAtOnce / columns, 1, 256);

  std::vector<ProbeOutcome> outcomes(probes.rows.rows);
  parallel_for(static_cast<std::int64_t>(outcomes.size()), static_cast<std::int64_t>(block), threads,
               [&](std::int64_t first, std::int64_t last) {
                 throw_if_stopped();
                 const auto begin = static_cast<std::size_t>(first), end = static_cast<std::size_t>(last);
                 std::vector<float> scores((end - begin) * columns);
                 cosine_block(probes, begin, end, gallery, 0, columns, scores.data(), columns);
                 IdentityCounter ahead(identities);
                 for (std::size_t i = begin; i < end; ++i) {
                   outcomes[i] = outcome_of(scores.data() + (i - begin) * columns, probe_identities[i],
                                            gallery_identities, ties, ahead);
                 }
               });
  return outcomes;
}

}  // namespace aface
