#include "aface/head/margin_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr char kSavedDraws[] = "margin_health.draws";
constexpr char kSavedOneMinusP[] = "margin_health.one_minus_p";
constexpr double kFarFromFitted = 0.8;
constexpr double kAtBound = 1e-6;  // margins come as float32, bounds as double

struct BandLimits {
  const char* name;
  std::int64_t fewest;
};
constexpr BandLimits kLimits[] = {{"1_2", 1}, {"3_9", 3}, {"10_29", 10}, {"30_99", 30}, {"100_up", 100}};

double ratio(double a, double b) { return b > 0 ? a / b : kNone; }

}  // namespace

MarginHealth::MarginHealth(const std::vector<std::int64_t>& images_per_identity, const HeadOptions& options)
    : options_(options), pull_(options.margin_weight / options.logit_scale) {
  static_assert(sizeof(kLimits) / sizeof(kLimits[0]) == kBands);
  band_.reserve(images_per_identity.size());
  const double all = static_cast<double>(images_per_identity.size());
  const double mean_images =
      static_cast<double>(std::accumulate(images_per_identity.begin(), images_per_identity.end(), std::int64_t{0})) / all;
  for (const std::int64_t images : images_per_identity) {
    std::size_t band = kBands;
    for (std::size_t b = 0; b < kBands && images >= kLimits[b].fewest; ++b) band = b;
    band_.push_back(static_cast<std::uint8_t>(band));
    if (band == kBands) continue;
    ++identities_[band];
    images_[band] += images;
    pull_share_[band] += std::pow(static_cast<double>(images) / mean_images, options.margin_pull_power) / all;
  }
}

void MarginHealth::add(Span<const std::int64_t> identities, Span<const float> own_probability) {
  AFACE_CHECK(identities.size() == own_probability.size(), "{} identities, {} probabilities", identities.size(),
              own_probability.size());
  for (std::size_t i = 0; i < identities.size(); ++i) {
    const auto identity = static_cast<std::size_t>(identities[i]);
    AFACE_CHECK(identity < band_.size(), "identity {} of {}", identities[i], band_.size());
    if (band_[identity] == kBands) continue;
    Tally& tally = tally_[band_[identity]];
    ++tally.draws;
    tally.one_minus_p += 1.0 - static_cast<double>(own_probability[i]);
  }
}

void MarginHealth::reset() { tally_ = {}; }

void MarginHealth::save(NamedArrays& state) const {
  std::vector<std::int64_t> draws;
  std::vector<double> one_minus_p;
  for (const Tally& tally : tally_) {
    draws.push_back(tally.draws);
    one_minus_p.push_back(tally.one_minus_p);
  }
  state.put(kSavedDraws, draws);
  state.put(kSavedOneMinusP, one_minus_p);
}

void MarginHealth::restore(const NamedArrays& state) {
  const auto draws = state.get<std::int64_t>(kSavedDraws);
  const auto one_minus_p = state.get<double>(kSavedOneMinusP);
  if (draws.size() != kBands || one_minus_p.size() != kBands) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}': expected {} bands; use an earlier checkpoint", kSavedDraws, kBands));
  }
  for (std::size_t b = 0; b < kBands; ++b) tally_[b] = {draws[b], one_minus_p[b]};
}

MarginHealthReport MarginHealth::report(Span<const float> margins) const {
  AFACE_CHECK(margins.empty() || margins.size() == band_.size(), "{} margins of {} identities", margins.size(), band_.size());
  const bool own = !margins.empty(), learnt = own && options_.kind == "adaptive_margin";
  const bool rest_is_known = learnt && options_.margin_form == "cosine";

  std::array<double, kBands + 1> sum{}, at_min{}, at_max{};
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double margin = static_cast<double>(margins[i]);
    sum[band_[i]] += margin;
    if (margin <= options_.margin_min + kAtBound) ++at_min[band_[i]];
    if (margin >= options_.margin_max - kAtBound) ++at_max[band_[i]];
  }

  const double all = static_cast<double>(band_.size());
  const double all_images = static_cast<double>(std::accumulate(images_.begin(), images_.end(), std::int64_t{0}));
  double all_draws = 0;
  for (const Tally& tally : tally_) all_draws += static_cast<double>(tally.draws);

  MarginHealthReport report;
  for (std::size_t b = 0; b < kBands; ++b) {
    if (identities_[b] == 0) continue;
    const double count = static_cast<double>(identities_[b]), draws = static_cast<double>(tally_[b].draws);
    MarginBand band;
    band.name = kLimits[b].name;
    band.identities = identities_[b];
    band.draws = tally_[b].draws;
    band.margin_mean = own ? sum[b] / count : kNone;
    band.share_at_min = learnt ? at_min[b] / count : kNone;
    band.share_at_max = learnt ? at_max[b] / count : kNone;
    band.one_minus_p = ratio(tally_[b].one_minus_p, draws);
    band.equilibrium = rest_is_known ? pull_ * pull_share_[b] * ratio(all_images, static_cast<double>(images_[b])) : kNone;
    band.equilibrium_drawn = rest_is_known ? pull_ * pull_share_[b] * ratio(all_draws, draws) : kNone;
    report.bands.push_back(band);
  }
  report.weight_over_scale = learnt ? pull_ : kNone;
  if (!learnt) return report;

  report.share_at_min = std::accumulate(at_min.begin(), at_min.end(), 0.0) / all;
  report.share_at_max = std::accumulate(at_max.begin(), at_max.end(), 0.0) / all;
  if (report.share_at_max > options_.margin_bound_warning) {
    report.warning = fmt::format("head: {:.0f} % of the margins sit at margin_max = {} (margin_weight / logit_scale = {:.3g}); "
                                 "lower head.margin_weight to let image counts decide",
                                 100 * report.share_at_max, options_.margin_max, pull_);
  } else if (report.share_at_min > options_.margin_bound_warning) {
    report.warning = fmt::format("head: {:.0f} % of the margins sit at margin_min = {} (margin_weight / logit_scale = {:.3g}); "
                                 "raise head.margin_freeze_steps, head.margin_min or head.margin_weight",
                                 100 * report.share_at_min, options_.margin_min, pull_);
    double one_minus_p = 0;
    for (const Tally& tally : tally_) one_minus_p += tally.one_minus_p / std::max(1.0, all_draws);
    if (one_minus_p > kFarFromFitted) {
      report.warning += fmt::format("; 1 - p is {:.2f} on average, far above where they rest: the network is not fitted yet, or "
                                    "head.logit_scale = {} is too small for {} identities",
                                    one_minus_p, options_.logit_scale, band_.size());
    }
  }
  return report;
}

std::map<std::string, double> MarginHealthReport::numbers() const {
  std::map<std::string, double> numbers;
  const auto put = [&](const std::string& name, double value) {
    if (!std::isnan(value)) numbers[name] = value;
  };
  put("weight_over_scale", weight_over_scale);
  if (!std::isnan(weight_over_scale)) {
    put("share_at_min", share_at_min);
    put("share_at_max", share_at_max);
  }
  for (const MarginBand& band : bands) {
    put("identities_" + band.name, static_cast<double>(band.identities));
    put("margin_mean_" + band.name, band.margin_mean);
    put("margin_at_min_" + band.name, band.share_at_min);
    put("margin_at_max_" + band.name, band.share_at_max);
    put("one_minus_p_" + band.name, band.one_minus_p);
    put("equilibrium_" + band.name, band.equilibrium);
    put("equilibrium_drawn_" + band.name, band.equilibrium_drawn);
  }
  return numbers;
}

std::string MarginHealthReport::line() const {
  const bool learnt = !std::isnan(weight_over_scale);
  std::vector<std::string> parts;
  if (learnt) parts.push_back(fmt::format("lambda/s {:.3g}", weight_over_scale));
  for (const MarginBand& band : bands) {
    if (std::isnan(band.margin_mean)) return "";
    std::string text = fmt::format("{}: m {:.3f}", band.name, band.margin_mean);
    if (!std::isnan(band.one_minus_p)) text += fmt::format(", 1-p {:.2f}", band.one_minus_p);
    if (!std::isnan(band.equilibrium_drawn)) text += fmt::format(" (rest at {:.2f})", band.equilibrium_drawn);
    parts.push_back(text);
  }
  if (learnt) parts.push_back(fmt::format("at bounds {:.0f} % / {:.0f} %", 100 * share_at_min, 100 * share_at_max));
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace aface
