#pragma once

#include <cstdint>
#include <string>

#include "aface/core/field.h"

namespace aface {

// [head]: from embeddings and identities to the loss; options of other kinds are ignored. See docs/method.md for the
// equations and their sources.
struct HeadOptions {
  std::string kind = "adaptive_margin";  // softmax | sphereface | cosface | arcface | adaptive_margin |
                                         // kappaface
  double logit_scale = 32.0;             // s, multiplies cosines before the softmax
  double margin = 0.35;                  // cosface: off the cosine; arcface: radians; sphereface: factor >= 1
  std::int64_t margin_warmup_steps = 0;  // margins grow linearly from "none" over so many steps; learnt ones must be
                                         // frozen for as long
  std::string precision = "exact";       // exact: float32; fast: filtered, see gradient_filter, and bfloat16 where the CPU has it
  double gradient_filter = 1.0 / 65536;  // fast: probabilities below get no gradient (0: all do) ...
  double filter_tolerance = 0.1;         // ... unless that would lose more than this share of it (see fused_softmax.h)
  bool keep_cosines = true;              // false: less memory, more products, the same numbers (see fused_softmax.h)
  std::string engine = "auto";           // auto: fused on the CPU, plain elsewhere; plain: LibTorch operations
  std::int64_t plain_chunk = 65536;      // plain: prototypes at a time, so that memory does not grow with their number
  // --- adaptive_margin (AdaM)
  std::string margin_form = "cosine";    // cosine: s(cos - m), the paper's; angular: s cos(theta + m)
  double margin_init = 0.35;             // start value of every margin
  double margin_min = 0.0;               // bounds of every margin
  double margin_max = 1.0;
  double margin_weight = 10.0;           // lambda; 10 is a reader's report of the paper
  double margin_learning_rate = 0.1;     // times the schedule's current / highest rate; no momentum, no decay
  std::int64_t margin_freeze_steps = 0;  // margins stay at margin_init for so many steps
  double margin_bound_warning = 0.5;     // warn when a larger share of margins sits at a bound
  double margin_pull_power = 0.0;        // lambda of identity c: margin_weight (n_c / nbar)^this; 0: the paper's
  double margin_init_power = 0.0;        // start of identity c: margin_init (nbar / n_c)^this, within the bounds
  // --- kappaface (see kappa_margin_head.h); its margins lie between 0 and `margin`, in margin_form
  double kappa_share = 0.7;              // of the concentration in a margin; the rest is that of the image count
  double kappa_temperature = 0.4;        // how sharply margins follow the concentration
  double kappa_rate = 0.3;               // weight of the newest image in an identity's mean direction
  std::int64_t kappa_refresh_steps = 100;  // margins are made anew every so many steps
};

template <class Visitor>
void describe(Visitor& v, HeadOptions& o) {
  v.field("kind", o.kind, doc("the margin softmax").choice({"softmax", "sphereface", "cosface", "arcface", "adaptive_margin", "kappaface"}));
  v.field("logit_scale", o.logit_scale, doc("s, multiplies cosines before the softmax").range(1, 512));
  v.field("margin", o.margin, doc("cosface: off the cosine; arcface: radians; sphereface: factor of the angle, at least 1; kappaface: the largest").range(0, 8));
  v.field("margin_warmup_steps", o.margin_warmup_steps, doc("margins grow linearly from none over so many steps; learnt ones must be frozen for as long").at_least(0));
  v.field("precision", o.precision, doc("exact: float32; fast: eight-bit scores and a gradient filter, bfloat16 where the CPU multiplies it").choice({"exact", "fast"}));
  v.field("gradient_filter", o.gradient_filter, doc("fast: probabilities below get no gradient; 0: no filter, no eight-bit scores").range(0, 0.5));
  v.field("filter_tolerance", o.filter_tolerance, doc("fast: samples of which the filter would lose more than this share of the gradient are computed in full").range(0, 1));
  v.field("keep_cosines", o.keep_cosines, doc("false: cosines are made again for the gradients instead of kept at 3 bytes for each of batch x active identities; slower, the same numbers").speed_only());
  v.field("engine", o.engine, doc("auto: fused kernels on the CPU, plain elsewhere; plain: LibTorch operations").choice({"auto", "plain"}));
  v.field("plain_chunk", o.plain_chunk, doc("plain: prototypes at a time; memory grows with batch times this").at_least(1));
  v.field("margin_form", o.margin_form, doc("adaptive, kappaface: s(cos - m) or s cos(theta + m)").choice({"cosine", "angular"}));
  v.field("margin_init", o.margin_init, doc("adaptive: start value of every margin").range(0, 2));
  v.field("margin_min", o.margin_min, doc("adaptive: lower bound of every margin").range(0, 2));
  v.field("margin_max", o.margin_max, doc("adaptive: upper bound of every margin").range(0, 2));
  v.field("margin_weight", o.margin_weight, doc("adaptive: lambda, pull towards larger margins; 0 turns it off").range(0, 1e6));
  v.field("margin_learning_rate", o.margin_learning_rate, doc("adaptive: rate of plain gradient descent on margins, times the schedule's current / highest rate").range(0, 1e6));
  v.field("margin_freeze_steps", o.margin_freeze_steps, doc("adaptive: margins stay at their start for so many steps").at_least(0));
  v.field("margin_bound_warning", o.margin_bound_warning, doc("adaptive: warn when a larger share sits at a bound").range(0, 1));
  v.field("margin_pull_power", o.margin_pull_power, doc("adaptive: an identity's lambda is margin_weight (its images / mean images)^this; 0: the same for all, as in the paper; 1: image counts no longer matter").range(0, 1));
  v.field("margin_init_power", o.margin_init_power, doc("adaptive: an identity starts at margin_init (mean images / its images)^this, within the bounds; 0: all alike").range(0, 1));
  v.field("kappa_share", o.kappa_share, doc("kappaface: weight of the concentration in a margin, the rest is that of the image count").range(0, 1));
  v.field("kappa_temperature", o.kappa_temperature, doc("kappaface: how sharply margins follow the concentration").range(0, 100));
  v.field("kappa_rate", o.kappa_rate, doc("kappaface: weight of the newest image in an identity's mean direction").range(0.001, 1));
  v.field("kappa_refresh_steps", o.kappa_refresh_steps, doc("kappaface: margins are made anew every so many steps").at_least(1));
}

}  // namespace aface
