#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"
#include "aface/eval/roc.h"
#include "aface/eval/score_summary.h"
#include "aface/io/row_source.h"

namespace aface {

// What is done about images that are known to be noise. Both rules are published; they differ in what a noisy
// distractor scores.
enum class NoiseRule {
  kInsightface,  // its features get a further dimension of 100, which puts it behind everything: score -1
  kFacexZoo      // its features become zero: score 0
};

// Probes of MegaFace's challenge 1, or any set of people with several images each.
struct MegafaceProbes {
  RowMatrix rows;                        // any length but zero
  std::vector<std::string> paths;        // [rows]
  std::vector<std::int32_t> identities;  // [rows], 0 ... identity_count - 1
  std::vector<std::string> identity_names;
};

struct MegafaceDistractors {
  const RowSource* rows = nullptr;
  std::vector<std::string> paths;      // [rows]
  std::vector<std::uint8_t> is_noise;  // [rows], or empty: raw
};

struct MegafaceOptions {
  std::int64_t ranks = 10;
  std::vector<double> far = {1e-6, 1e-5, 1e-4};
  double curve_to = 1e-4;  // the ROC is exact up to this FAR; each decade more takes ten times the memory
  NoiseRule noise_rule = NoiseRule::kInsightface;
  bool skip_bad =
      false;  // distractors that are zero or not finite match nothing instead of ending the evaluation
  BootstrapOptions bootstrap;
  int threads = 0;
};

struct MegafaceReport {
  bool refined = false;
  NoiseRule noise_rule = NoiseRule::kInsightface;
  std::int64_t probes = 0, identities = 0, distractors = 0;
  std::int64_t noisy_distractors = 0, noisy_probes = 0, bad_distractors = 0;
  std::int64_t trials = 0;         // sum of n (n - 1) over identities with n probes
  std::int64_t genuine_pairs = 0;  // half of that
  std::vector<double> cmc;         // [ranks] share of trials whose mate has rank <= r
  std::vector<TarAtFar> tar_at_far;
  std::vector<TarAtFar> roc;  // by rising FAR
  std::vector<Figure> figures;
  BootstrapOptions bootstrap;
  std::string people;  // digests, see score_summary.h
  std::string test_set;
  ScoreHistogram histogram;  // impostors: of a sample of the distractors
  std::int64_t sampled_distractors = 0;
  std::vector<NamedScore> worst_genuine, worst_impostor;
};

// Replaces each noisy probe by the sum of its person's clean features of length 1, plus uniform noise of
// +-0.001 a value with insightface's rule (remove_noises.py; the sum alone with FaceX-Zoo's). `rows` [n, dim]
// is changed in place; row length does not matter. Returns how many were replaced. Throws Error{kData} naming
// a person without a clean image.
std::int64_t replace_noisy_probes(std::vector<float>& rows, std::size_t dim, const MegafaceProbes& probes,
                                  const std::vector<std::uint8_t>& is_noise, NoiseRule rule,
                                  std::uint64_t seed);

// MegaFace challenge 1 (Kemelmacher-Shlizerman et al., CVPR 2016) with cosine scores. Identification: for
// every person with n probes, each image in turn joins the distractors as the mate and the other n - 1 are
// searched: n (n - 1) trials; a trial is right at rank r when fewer than r distractors score above the mate
// (a distractor with exactly the mate's score does not count against it; the other images of the person are
// not in the gallery). Verification: genuine pairs are the pairs of probes of one person, impostor pairs
// every probe with every distractor (pairs of probes of two people are not among them); thresholds by the
// rule of roc.h. Throws as scan_distractors(), and Error{kData} when no person has two probes.
MegafaceReport evaluate_megaface(const MegafaceProbes& probes, const MegafaceDistractors& distractors,
                                 const MegafaceOptions& options);

std::string to_table(const MegafaceReport& report);

// One report, or several over lists of different size: the first one fills the file, and with several "lists"
// holds the numbers of each under the name of its list. Keys: protocol, entries of `source`, set ("raw" or
// "refined"), noise_rule, counts, rank1, tar_at_far (FAR -> TAR), cmc and roc in the devkit's form, and the
// common parts of evaluation_json.h.
std::string to_json(const std::vector<MegafaceReport>& reports, const std::vector<std::string>& lists,
                    const std::vector<std::pair<std::string, std::string>>& source);

}  // namespace aface
