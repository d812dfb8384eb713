#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"
#include "aface/eval/score_summary.h"
#include "aface/eval/unit_rows.h"

namespace aface {

// Images with the person each shows. Persons of gallery and probes are counted in one numbering.
struct NamedRows {
  UnitRows rows;
  Span<const std::int32_t> identities;  // [rows], index into identity_names
  std::vector<std::string> paths;       // [rows], for reports
};

struct IdentificationOptions {
  std::int32_t ranks = 20;                       // length of the CMC
  std::vector<double> fpir = {0.1, 1e-2, 1e-3};  // DIR at rank 1
  BootstrapOptions bootstrap;
  int threads = 0;
};

struct DirAtFpir {
  double fpir = 0;  // the target
  double dir = 0;
  double threshold = 0;
};

struct IdentificationReport {
  std::int64_t gallery_images = 0, enrolled = 0;
  std::int64_t mated_probes = 0, non_mated_probes = 0;
  std::vector<double> cmc;             // [ranks], closed set: over mated probes
  std::vector<DirAtFpir> dir_at_fpir;  // rank 1; targets that cannot be measured are figures only
  std::vector<DirAtFpir> curve;        // rank 1, by rising FPIR; empty without probes of strangers
  std::vector<Figure> figures;  // "rank1", "rank5", "rank10", "dir_at_fpir/0.01", "threshold_at_fpir/0.01"
  BootstrapOptions bootstrap;
  std::string people;  // digests, see score_summary.h
  std::string test_set;
  ScoreHistogram histogram;  // genuine: mates; impostor: best score of a probe without mate
  std::vector<NamedScore> worst_genuine, worst_impostor;
};

// Identification against a gallery. Closed set: the share of probes with a mate whose person ranks r or
// better, a person with several gallery images counting once, by the best of them; a tie with another person
// counts against the mate. Open set: DIR and thresholds by the rule of open_set.h, FPIR being the share of
// probes of people who are not enrolled that raise an alarm. Intervals draw the people of the probes; the
// gallery stays. Throws Error{kData} when sizes do not fit or no probe has a mate.
IdentificationReport evaluate_identification(const NamedRows& probes, const NamedRows& gallery,
                                             const std::vector<std::string>& identity_names,
                                             const IdentificationOptions& options);

std::string to_table(const IdentificationReport& report);

// Keys: protocol, entries of `source`, counts, rank1, dir_at_fpir_rank1 (FPIR -> DIR), threshold_at_fpir,
// cmc, roc (FPIR and DIR), and the common parts of evaluation_json.h.
std::string to_json(const IdentificationReport& report,
                    const std::vector<std::pair<std::string, std::string>>& source);

}  // namespace aface
