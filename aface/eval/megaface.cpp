#include "aface/eval/megaface.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aface/core/error.h"
#include "aface/core/random.h"
#include "aface/eval/distractor_scan.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/weighted_roc.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

constexpr double kTailFactor = 2;         // a draw may need more impostors than the sample does
constexpr std::int64_t kSmall = 1 << 22;  // with so few impostor scores all are kept and the curve is whole
constexpr std::int64_t kMostTail = 1 << 25;  // scores kept at most: 0.4 GB, and a few times that on the way

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct GenuinePair {
  float score = 0;
  std::int32_t a = 0;
  std::int32_t b = 0;
};

std::vector<std::vector<std::int32_t>> probes_of_people(const MegafaceProbes& probes) {
  std::vector<std::vector<std::int32_t>> of_person(probes.identity_names.size());
  for (std::size_t i = 0; i < probes.identities.size(); ++i) {
    of_person[at(probes.identities[i])].push_back(static_cast<std::int32_t>(i));
  }
  return of_person;
}

std::vector<double> inverse_norms(const MegafaceProbes& probes) {
  std::vector<double> inverse;
  for (std::size_t i = 0; i < probes.rows.rows; ++i) {
    const double squares = wide_inner_product(probes.rows.row(i), probes.rows.row(i), probes.rows.dim);
    if (!(squares > 0) || !std::isfinite(squares)) {
      throw Error(ErrorKind::kData,
                  fmt::format("probe '{}' (row {}): its embedding is zero or not finite; make it again",
                              probes.paths[i], i));
    }
    inverse.push_back(1 / std::sqrt(squares));
  }
  return inverse;
}

std::vector<GenuinePair> score_genuine(const MegafaceProbes& probes, const std::vector<double>& inverse) {
  std::vector<GenuinePair> pairs;
  for (const std::vector<std::int32_t>& images : probes_of_people(probes)) {
    for (std::size_t x = 0; x < images.size(); ++x) {
      for (std::size_t y = 0; y < x; ++y) {
        const std::size_t i = at(images[x]), j = at(images[y]);
        pairs.push_back(
            {exact_cosine(probes.rows.row(i), probes.rows.row(j), probes.rows.dim, inverse[i] * inverse[j]),
             images[y], images[x]});
      }
    }
  }
  return pairs;
}

// Right trials by rank for each person: hits[person][r] of those with rank r + 1.
class Trials {
 public:
  Trials(const MegafaceProbes& probes, const std::vector<GenuinePair>& genuine, const DistractorScan& scan)
      : hits_(probes.identity_names.size(), std::vector<std::int64_t>(at(scan.ranks), 0)),
        trials_(probes.identity_names.size(), 0) {
    for (const GenuinePair& pair : genuine) {
      for (const std::int32_t probe : {pair.a, pair.b}) {  // the other one is the mate
        const std::size_t person = at(probes.identities[at(probe)]);
        ++trials_[person];
        const float* best = scan.best.data() + at(probe) * at(scan.ranks);
        const std::size_t above =
            at(std::lower_bound(best, best + scan.ranks, pair.score, std::greater<float>()) - best);
        if (above < at(scan.ranks)) ++hits_[person][above];
      }
    }
  }

  // Share of trials with rank <= r under a draw of people; NaN when it holds no trial.
  double rate(std::int64_t rank, Span<const std::uint16_t> drawn) const {
    std::int64_t hits = 0, trials = 0;
    for (std::size_t person = 0; person < trials_.size(); ++person) {
      trials += trials_[person] * drawn[person];
      for (std::size_t r = 0; r < std::min(at(rank), hits_[person].size()); ++r)
        hits += hits_[person][r] * drawn[person];
    }
    return static_cast<double>(hits) / static_cast<double>(trials);
  }
  std::vector<std::uint16_t> everybody() const { return std::vector<std::uint16_t>(trials_.size(), 1); }

 private:
  std::vector<std::vector<std::int64_t>> hits_;
  std::vector<std::int64_t> trials_;
};

// How many of the highest impostor scores the targets and the curve need.
std::int64_t tail_scores(const std::vector<double>& far, double curve_to, std::int64_t impostors) {
  if (impostors <= kSmall) return impostors;
  const double highest = far.empty() ? 0 : far.front();
  const double share = std::min(1.0, std::max(curve_to, kTailFactor * highest));
  const double scores = std::ceil(share * static_cast<double>(impostors)) + 1;
  if (scores > static_cast<double>(kMostTail)) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format(
            "MegaFace: FAR targets up to {:g} and a ROC up to {:g} need the {:.0f} highest of {} impostor "
            "scores kept (at most {}); take targets up to {:.2g} and a ROC up to {:.2g}",
            highest, curve_to, scores, impostors, kMostTail,
            static_cast<double>(kMostTail) / kTailFactor / static_cast<double>(impostors),
            static_cast<double>(kMostTail) / static_cast<double>(impostors)));
  }
  return std::min(impostors, static_cast<std::int64_t>(scores));
}

void add_ranks(const MegafaceProbes& probes, const std::vector<GenuinePair>& genuine,
               const DistractorScan& scan, MegafaceReport& report) {
  const Trials trials(probes, genuine, scan);
  const std::vector<std::uint16_t> everybody = trials.everybody();
  for (std::int64_t rank = 1; rank <= scan.ranks; ++rank) report.cmc.push_back(trials.rate(rank, everybody));

  Figure rank1;
  rank1.name = "rank1";
  rank1.value = report.cmc.at(0);
  rank1.replicates.resize(at(report.bootstrap.replicates));
  for_each_draw(report.identities, report.bootstrap,
                [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
                  rank1.replicates[at(replicate)] = static_cast<float>(trials.rate(1, drawn));
                });
  report.figures.push_back(std::move(rank1));
}

// Distractors stay under a draw; the weight of all impostor pairs is that of the probes times their number.
WeightedRoc roc_of(const MegafaceProbes& probes, const std::vector<GenuinePair>& genuine,
                   const DistractorScan& scan, std::int64_t distractors) {
  const auto person_of = [&](std::int32_t probe) {
    return static_cast<std::uint32_t>(probes.identities[at(probe)]);
  };
  std::vector<PairScore> same, other;
  same.reserve(genuine.size());
  other.reserve(scan.tail.size());
  for (const GenuinePair& pair : genuine)
    same.push_back({pair.score, {person_of(pair.a), person_of(pair.b)}});
  for (const DistractorScore& pair : scan.tail)
    other.push_back({pair.score, {person_of(pair.probe), kNotDrawn}});
  std::vector<std::uint64_t> images(probes.identity_names.size(), 0);
  for (const std::int32_t person : probes.identities) ++images[at(person)];
  return WeightedRoc(std::move(same), std::move(other), static_cast<std::int64_t>(images.size()),
                     ThresholdRule::kWithinTarget, [images, distractors](Span<const std::uint16_t> drawn) {
                       std::uint64_t weight = 0;
                       for (std::size_t person = 0; person < images.size(); ++person) {
                         weight += images[person] * drawn[person];
                       }
                       return weight * static_cast<std::uint64_t>(distractors);
                     });
}

void add_verification(const WeightedRoc& roc, const std::vector<double>& targets, double curve_to,
                      bool is_whole, MegafaceReport& report) {
  const auto impostors = static_cast<std::uint64_t>(report.probes * report.distractors);
  std::vector<double> measurable = targets;
  measurable.erase(std::remove_if(measurable.begin(), measurable.end(),
                                  [&](double far) { return !unmeasurable_far(far, impostors).empty(); }),
                   measurable.end());
  report.tar_at_far = roc.at(measurable);
  std::vector<double> grid = measurable_grid(impostors);
  if (!is_whole) grid.erase(std::upper_bound(grid.begin(), grid.end(), curve_to * (1 + 1e-9)), grid.end());
  report.roc = roc.at(grid);
  for (Figure& figure : far_figures(roc, targets, report.bootstrap))
    report.figures.push_back(std::move(figure));
}

void add_pictures(const MegafaceProbes& probes, const MegafaceDistractors& distractors,
                  std::vector<GenuinePair> genuine, const DistractorScan& scan, MegafaceReport& report) {
  for (const GenuinePair& pair : genuine) ++report.histogram.genuine[at(score_bin(pair.score))];
  for (const float score : scan.sample) ++report.histogram.impostor[at(score_bin(score))];
  report.sampled_distractors = static_cast<std::int64_t>(scan.sample.size() / probes.rows.rows);
  const std::size_t shown = std::min(kWorstPairs, genuine.size());
  std::partial_sort(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(shown), genuine.end(),
                    [](const GenuinePair& x, const GenuinePair& y) {
                      return x.score != y.score ? x.score < y.score
                                                : std::pair(x.a, x.b) < std::pair(y.a, y.b);
                    });
  for (std::size_t i = 0; i < shown; ++i) {
    report.worst_genuine.push_back(
        {probes.paths[at(genuine[i].a)], probes.paths[at(genuine[i].b)], genuine[i].score});
  }
  for (std::size_t i = 0; i < std::min(kWorstPairs, scan.tail.size()); ++i) {
    const DistractorScore& found = scan.tail[i];
    report.worst_impostor.push_back(
        {probes.paths[at(found.probe)], distractors.paths[at(found.distractor)], found.score});
  }
}

void require_valid(const MegafaceProbes& probes, const MegafaceDistractors& distractors,
                   const MegafaceOptions& options) {
  const auto fail = [](const std::string& what) { throw Error(ErrorKind::kData, "MegaFace: " + what); };
  if (probes.rows.rows != probes.paths.size() || probes.rows.rows != probes.identities.size()) {
    fail(fmt::format(
        "{} probe embeddings for {} paths and {} identities (expected one each); take the list that the "
        "features were made from",
        probes.rows.rows, probes.paths.size(), probes.identities.size()));
  }
  if (options.ranks < 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("MegaFace: a CMC of {} ranks (expected 1 or more)", options.ranks));
  }
  if (!distractors.is_noise.empty() && distractors.is_noise.size() != distractors.paths.size()) {
    fail(fmt::format("{} noise flags for {} distractors", distractors.is_noise.size(),
                     distractors.paths.size()));
  }
}

std::string digest_of(const MegafaceProbes& probes, const MegafaceDistractors& distractors, NoiseRule rule) {
  std::vector<std::string> names = probes.paths;
  names.insert(names.end(), distractors.paths.begin(), distractors.paths.end());
  if (!distractors.is_noise.empty()) {
    names.emplace_back(rule == NoiseRule::kInsightface ? "insightface" : "facexzoo");
    for (std::size_t i = 0; i < distractors.paths.size(); ++i) {
      if (distractors.is_noise[i] != 0) names.push_back(distractors.paths[i]);
    }
  }
  return names_digest(names);
}

}  // namespace

std::int64_t replace_noisy_probes(std::vector<float>& rows, std::size_t dim, const MegafaceProbes& probes,
                                  const std::vector<std::uint8_t>& is_noise, NoiseRule rule,
                                  std::uint64_t seed) {
  constexpr double kSpread = 0.001;
  std::int64_t replaced = 0;
  for (const std::vector<std::int32_t>& images : probes_of_people(probes)) {
    std::vector<double> centre(dim, 0);
    bool has_clean = false;
    for (const std::int32_t image : images) {
      if (is_noise[at(image)] != 0) continue;
      const float* row = rows.data() + at(image) * dim;
      const double squares = wide_inner_product(row, row, dim);
      if (!(squares > 0)) continue;
      has_clean = true;
      for (std::size_t k = 0; k < dim; ++k) centre[k] += row[k] / std::sqrt(squares);
    }
    for (const std::int32_t image : images) {
      if (is_noise[at(image)] == 0) continue;
      if (!has_clean) {
        throw Error(
            ErrorKind::kData,
            fmt::format(
                "probe '{}' is on the noise list and its person has no other image to stand in for it; "
                "take the person out of the probe list",
                probes.paths[at(image)]));
      }
      Random random(seed, static_cast<std::uint64_t>(image));
      for (std::size_t k = 0; k < dim; ++k) {
        const double noise = rule == NoiseRule::kInsightface ? random.uniform(-kSpread, kSpread) : 0;
        rows[at(image) * dim + k] = static_cast<float>(centre[k] + noise);
      }
      ++replaced;
    }
  }
  return replaced;
}

MegafaceReport evaluate_megaface(const MegafaceProbes& probes, const MegafaceDistractors& distractors,
                                 const MegafaceOptions& options) {
  require_valid(probes, distractors, options);
  const std::vector<double> targets = checked_targets(options.far);
  const std::vector<GenuinePair> genuine = score_genuine(probes, inverse_norms(probes));
  if (genuine.empty()) {
    throw Error(ErrorKind::kData,
                "MegaFace: no person has two probes; the list needs an \"id\" for each path");
  }
  MegafaceReport report;
  report.refined = !distractors.is_noise.empty();
  report.noise_rule = options.noise_rule;
  report.bootstrap = options.bootstrap;
  report.people = names_digest(probes.identity_names);
  report.test_set = digest_of(probes, distractors, options.noise_rule);
  report.probes = static_cast<std::int64_t>(probes.rows.rows);
  report.identities = static_cast<std::int64_t>(probes.identity_names.size());
  report.distractors = static_cast<std::int64_t>(distractors.rows->rows());
  report.genuine_pairs = static_cast<std::int64_t>(genuine.size());
  report.trials = 2 * report.genuine_pairs;
  report.noisy_distractors = std::count(distractors.is_noise.begin(), distractors.is_noise.end(), 1);

  const std::int64_t impostors = report.probes * report.distractors;
  DistractorScanOptions scan_options;
  scan_options.ranks = options.ranks;
  scan_options.tail_scores = tail_scores(targets, options.curve_to, impostors);
  scan_options.silenced = distractors.is_noise;
  scan_options.silenced_score = options.noise_rule == NoiseRule::kInsightface ? -1.0F : 0.0F;
  scan_options.skip_bad = options.skip_bad;
  scan_options.threads = options.threads;
  const DistractorScan scan =
      scan_distractors(probes.rows, *distractors.rows, distractors.paths, scan_options);
  report.bad_distractors = scan.bad;
  add_ranks(probes, genuine, scan, report);
  add_verification(roc_of(probes, genuine, scan, report.distractors), targets, options.curve_to,
                   static_cast<std::int64_t>(scan.tail.size()) == impostors, report);
  add_pictures(probes, distractors, genuine, scan, report);
  return report;
}

}  // namespace aface
