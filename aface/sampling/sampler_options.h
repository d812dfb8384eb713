#pragma once

#include <cstdint>
#include <string>

#include "aface/core/field.h"

namespace aface {

// [sampler]: which photos are shown. The numbers of `adaptive` are our choice; the paper's are not known.
struct SamplerOptions {
  std::string kind = "shuffle";      // shuffle | balanced | adaptive
  double identity_power = 1.0;       // balanced: an identity with n photos is drawn in proportion to n^(1 - power)
                                     // (1: every identity alike; 0: every photo alike)
  // --- adaptive (ADS)
  double base_power = 0.0;           // start weight n^-base_power of a photo; 0: all alike, as in the paper
  bool keep_shares = true;           // identities keep the share of the draws of their start weights; photos compete within them
  double min_weight = 0.05;          // s_min, relative to the start weight
  double max_weight = 4.0;           // upper bound, relative to the start weight
  double down = 0.9;                 // factor when a photo was classified right
  double up = 1.25;                  // factor when it was classified wrong
  double noise_threshold = 0.1;      // own cosine below this: weight drops to min_weight; -1: off
  std::int64_t noise_start_step = 1000;  // no noise rule before this step
  std::int64_t fewest_suspects = 100;  // noise_suspects.tsv lists so many at least, whatever the threshold
};

template <class Visitor>
void describe(Visitor& v, SamplerOptions& o) {
  v.field("kind", o.kind, doc("how photos are drawn").choice({"shuffle", "balanced", "adaptive"}));
  v.field("identity_power", o.identity_power,
          doc("balanced: identity of n photos drawn in proportion to n^(1 - power); 1: identities alike, 0: photos alike")
              .range(0, 2));
  v.field("base_power", o.base_power, doc("adaptive: start weight n^-base_power of a photo; 0: all alike").range(0, 2));
  v.field("keep_shares", o.keep_shares, doc("adaptive: identities keep the share of the draws that start weights give them, photos compete within their identity; false: all photos compete, as in the paper, and the poor lose their share"));
  v.field("min_weight", o.min_weight, doc("adaptive: s_min, relative to the start weight").range(1e-6, 1));
  v.field("max_weight", o.max_weight, doc("adaptive: upper bound, relative to the start weight").range(1, 1e6));
  v.field("down", o.down, doc("adaptive: factor when classified right").range(0.01, 1));
  v.field("up", o.up, doc("adaptive: factor when classified wrong").range(1, 100));
  v.field("noise_threshold", o.noise_threshold, doc("adaptive: own cosine below this drops the weight to s_min; -1: off").range(-1, 1));
  v.field("noise_start_step", o.noise_start_step, doc("adaptive: no noise rule before this step").at_least(0));
  v.field("fewest_suspects", o.fewest_suspects, doc("adaptive: least number of photos in noise_suspects.tsv; those nearest to the threshold fill it up").at_least(0).speed_only());
}

}  // namespace aface
