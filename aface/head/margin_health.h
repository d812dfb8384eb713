#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"
#include "aface/head/head_options.h"

namespace aface {

// How margins fare by number of images, and how far they are from rest. With p the own probability, lambda the
// margin weight, s the logit scale, N identities, D images, nbar = D / N and n_c images of identity c, the gradient of
// m_c vanishes on average where
//   E_c[1 - p] = (lambda / s) (nbar / n_c)                   (cosine form, images drawn uniformly)
// and over a band of identities, weighted by draws, where
//   E[1 - p] = (lambda / s) (share of identities in the band) / (share of draws from the band)
// which also holds when images are not drawn uniformly. Above 1 no rest exists: the margins run to margin_max. With a
// margin_pull_power g, lambda is lambda (n_c / nbar)^g, and an identity counts (n_c / nbar)^g in its band's share.
// Derived here, not taken from the paper.
struct MarginBand {
  std::string name;              // "1_2", "3_9", "10_29", "30_99", "100_up" images
  std::int64_t identities = 0;
  std::int64_t draws = 0;        // samples seen in the interval
  double margin_mean = 0;        // NaN where all have one margin
  double share_at_min = 0, share_at_max = 0;  // NaN without learnt margins
  double one_minus_p = 0;        // mean over draws; NaN without draws
  double equilibrium = 0;        // at uniform draws; NaN without learnt margins and in angular form
  double equilibrium_drawn = 0;  // the same from the draws; NaN without draws too
};

struct MarginHealthReport {
  std::vector<MarginBand> bands;  // only those with identities, fewest images first
  double share_at_min = 0, share_at_max = 0;
  double weight_over_scale = 0;   // lambda / s; NaN without learnt margins
  std::string warning;  // one line; empty when at most margin_bound_warning of the margins sit at one bound

  // "share_at_min", "margin_mean_3_9", "one_minus_p_3_9", "equilibrium_3_9", ..., without the NaNs: for the log.
  std::map<std::string, double> numbers() const;

  // For people: "lambda/s 0.6; 3_9: m 0.31, 1-p 0.52 (rest at 0.55); ...; at bounds 3 % / 10 %"; empty without learnt
  // margins, and only the margins where they are not learnt.
  std::string line() const;
};

class MarginHealth {
 public:
  // images_per_identity [num_identities], for the whole training set; identities without images belong to no band.
  MarginHealth(const std::vector<std::int64_t>& images_per_identity, const HeadOptions& options);

  // One step: identity and own_probability of each sample.
  void add(Span<const std::int64_t> identities, Span<const float> own_probability);

  // `margins` [num_identities], or empty for heads with one for all.
  MarginHealthReport report(Span<const float> margins) const;

  // Starts a new interval.
  void reset();

  // The interval so far, under "margin_health.*". Throws Error{kFormat} when it does not fit.
  void save(NamedArrays& state) const;
  void restore(const NamedArrays& state);

 private:
  static constexpr std::size_t kBands = 5;
  struct Tally {
    std::int64_t draws = 0;
    double one_minus_p = 0;
  };

  HeadOptions options_;
  double pull_ = 0;                   // lambda / s
  std::vector<std::uint8_t> band_;    // [num_identities]; kBands: none
  std::array<std::int64_t, kBands> identities_{}, images_{};
  std::array<double, kBands> pull_share_{};  // sum of (n_c / nbar)^g / identities
  std::array<Tally, kBands> tally_{};
};

}  // namespace aface
