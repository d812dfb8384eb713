#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"
#include "aface/eval/score_summary.h"
#include "aface/eval/verification.h"
#include "aface/io/pair_identities.h"
#include "aface/io/pair_list.h"

namespace aface {

struct PairEvaluationOptions {
  // --- affects results
  std::string convention = "exact";                      // a name of pair_conventions()
  std::vector<double> far_targets = {1e-1, 1e-2, 1e-3};  // each in (0, 1]
  BootstrapOptions bootstrap;
};

// Everything `evaluate pairs` reports.
struct PairEvaluation {
  VerificationReport report;
  // "accuracy" by the convention, "eer", and for each target "tar_at_far/X" and "threshold_at_far/X", a
  // cosine that is the threshold to take for this FAR; insightface: "folded_tar_at_far/0.001". With
  // replicates (identity_bootstrap.h).
  std::vector<Figure> figures;
  BootstrapOptions bootstrap;
  std::int64_t people = 0;
  IdentitySource people_from = IdentitySource::kNames;
  std::string people_digest, test_set_digest;  // see score_summary.h
  std::int64_t genuine = 0, impostor = 0;      // pairs
  std::vector<double> roc_far, roc_tar;        // FAR as counted, rising, thinned out
  ScoreHistogram histogram;
  std::vector<NamedScore> worst_genuine, worst_impostor;  // 20 of each at most
};

// scores[i] is the cosine of list.pairs[i]; names[p] is what image p is called in the worst pairs. Throws
// Error{kData} or Error{kUsage} as verify_pairs() does, and Error{kUsage} for a target that is not in (0, 1].
// Does not depend on the number of threads.
PairEvaluation evaluate_pairs(const PairList& list, Span<const float> scores,
                              const std::vector<std::string>& names, const PairEvaluationOptions& options);

// For people: the folds, then every figure with its interval; shares in percent.
std::string to_table(const PairEvaluation& evaluation);

// "protocol", the entries of `source`, those of verification.h, the convention's rules as text, and the
// shared parts of evaluation_json.h.
std::string to_json(const PairEvaluation& evaluation,
                    const std::vector<std::pair<std::string, std::string>>& source);

}  // namespace aface
