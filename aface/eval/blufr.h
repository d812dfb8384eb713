#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"
#include "aface/eval/over_trials.h"
#include "aface/eval/score_summary.h"
#include "aface/eval/unit_rows.h"
#include "aface/io/blufr_lists.h"

namespace aface {

struct BlufrOptions {
  std::vector<double> verification_far = {1e-3, 1e-4};  // reported points, beside the toolkit's grid
  std::vector<double> identification_far = {1e-2};      // at rank 1
  BootstrapOptions bootstrap;
  int threads = 0;  // 0: all cores; changes speed only
};

struct BlufrTrialCounts {
  std::int64_t test_images = 0, gallery_images = 0, probe_images = 0;
  std::int64_t genuine_pairs = 0, impostor_pairs = 0;
  std::int64_t mated_probes = 0, non_mated_probes = 0;
};

struct BlufrReport {
  std::vector<BlufrTrialCounts> trials;
  // Reported points; FAR targets that cannot be measured with a trial's impostors are in `unmeasurable`
  // instead.
  std::vector<std::pair<double, OverTrials>> vr_at_far;
  std::vector<std::pair<double, OverTrials>> dir_at_far_rank1;
  std::vector<std::string> unmeasurable;
  // Curves over the toolkit's grids.
  std::vector<double> verification_grid, identification_grid;
  std::vector<std::int32_t> ranks;
  std::vector<OverTrials> vr;                // [verification_grid]
  std::vector<std::vector<OverTrials>> dir;  // [ranks][identification_grid]

  std::vector<Figure>
      figures;  // "vr_at_far/0.001/mean", ".../mean_minus_std", "dir_at_far_rank1/0.01/mean", ...
  BootstrapOptions bootstrap;
  std::string people;  // digests, see score_summary.h
  std::string test_set;
  ScoreHistogram histogram;
  std::vector<NamedScore> worst_genuine, worst_impostor;
};

// LFW under BLUFR: ten random trials, each with verification over all pairs of its test set and open-set
// identification of its probes against its gallery; rules in blufr_rule.h, trial_pairs.h and open_set.h.
// `rows` are the embeddings of lists.names in order. About 0.2 TFLOP for 13,233 x 512. Throws Error{kData}
// when sizes do not fit.
BlufrReport evaluate_blufr(const UnitRows& rows, const BlufrLists& lists, const BlufrOptions& options);

// A line per reported point, shares in percent, and the counts.
std::string to_table(const BlufrReport& report);

// Keys: protocol, entries of `source`, vr_at_far and dir_at_far_rank1 (FAR -> mean, std, mean_minus_std,
// trials), trials (counts), vr_curve, dir_curve, and the common parts of evaluation_json.h.
std::string to_json(const BlufrReport& report,
                    const std::vector<std::pair<std::string, std::string>>& source);

}  // namespace aface
