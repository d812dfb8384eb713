#include "aface/head/head_registry.h"

#include <fmt/core.h>

#include <cmath>

#include "aface/core/check.h"
#include "aface/head/adaptive_margin_head.h"
#include "aface/head/fixed_margin_head.h"
#include "aface/head/kappa_margin_head.h"

namespace aface {
namespace {

// Up to a right angle the angular margin keeps its promises: monotone in margin and cosine.
constexpr double kRightAngle = 1.5707963267948966;

void require(bool fits, const HeadOptions& options, const char* option, double value, const std::string& expected) {
  if (fits) return;
  throw Error(ErrorKind::kUsage, fmt::format("head.{}: does not fit head.kind = '{}' (expected {}, got {})", option,
                                             options.kind, expected, value));
}

std::unique_ptr<Head> fixed(const HeadOptions& o, MarginFunction function, double none, double value) {
  FixedMarginHead::Margin margin;
  margin.function = function;
  margin.none = none;
  margin.value = value;
  return std::make_unique<FixedMarginHead>(o, margin);
}

std::unique_ptr<Head> make_softmax(const HeadOptions& o, const HeadSize&) { return fixed(o, cosine_margin, 0, 0); }

std::unique_ptr<Head> make_sphereface(const HeadOptions& o, const HeadSize&) {
  require(o.margin >= 1, o, "margin", o.margin, "a factor of the angle, at least 1; 1.35 to 4 are usual");
  return fixed(o, multiplied_angle, 1, o.margin);
}

std::unique_ptr<Head> make_cosface(const HeadOptions& o, const HeadSize&) {
  require(o.margin >= 0 && o.margin <= 2, o, "margin", o.margin, "0 to 2 off the cosine; 0.35 is usual");
  return fixed(o, cosine_margin, 0, o.margin);
}

std::unique_ptr<Head> make_arcface(const HeadOptions& o, const HeadSize&) {
  require(o.margin >= 0 && o.margin <= kRightAngle, o, "margin", o.margin, "0 to pi/2 radians; 0.5 is usual");
  return fixed(o, angular_margin, 0, o.margin);
}

bool is_angular(const HeadOptions& o) {
  const bool angular = o.margin_form == "angular";
  if (!angular && o.margin_form != "cosine") {
    throw Error(ErrorKind::kUsage, fmt::format("head.margin_form: unknown form '{}'; choose one of: cosine, angular", o.margin_form));
  }
  return angular;
}

std::unique_ptr<Head> make_adaptive_margin(const HeadOptions& o, const HeadSize& size) {
  const bool angular = is_angular(o);
  require(o.margin_min >= 0 && o.margin_min <= o.margin_max, o, "margin_min", o.margin_min,
          fmt::format("0 to margin_max, which is {}", o.margin_max));
  require(o.margin_max <= (angular ? kRightAngle : 2), o, "margin_max", o.margin_max,
          angular ? "at most pi/2 radians with margin_form = 'angular'" : "at most 2");
  require(o.margin_init >= o.margin_min && o.margin_init <= o.margin_max, o, "margin_init", o.margin_init,
          fmt::format("{} to {}, the bounds of the margins", o.margin_min, o.margin_max));
  require(o.margin_weight >= 0, o, "margin_weight", o.margin_weight, "at least 0");
  require(o.margin_learning_rate >= 0, o, "margin_learning_rate", o.margin_learning_rate, "at least 0");
  return std::make_unique<AdaptiveMarginHead>(o, size.num_identities, size.of_all_ranks, size.relative_images);
}

std::unique_ptr<Head> make_kappaface(const HeadOptions& o, const HeadSize& size) {
  const bool angular = is_angular(o);
  require(o.margin >= 0 && o.margin <= (angular ? kRightAngle : 2), o, "margin", o.margin,
          angular ? "0 to pi/2 radians with margin_form = 'angular'" : "0 to 2 off the cosine");
  if (size.of_all_ranks != size.num_identities) {
    throw Error(ErrorKind::kUsage, "head.kind = 'kappaface' compares all identities with each other, which several ranks do "
                                   "not offer; train in one process, or choose another kind");
  }
  return std::make_unique<KappaMarginHead>(o, size.num_identities, size.relative_images);
}

}  // namespace

const std::vector<RegistryRow<MakeHead>>& head_registry() {
  static const std::vector<RegistryRow<MakeHead>> table = {
      {"softmax", "normalised softmax without margin: s cos(theta)", make_softmax},
      {"sphereface", "angle times a factor m >= 1: s psi(m theta)", make_sphereface},
      {"cosface", "fixed margin off the cosine: s (cos(theta) - m)", make_cosface},
      {"arcface", "fixed margin on the angle: s cos(theta + m)", make_arcface},
      {"adaptive_margin", "one learnt margin per identity (AdaM-Softmax)", make_adaptive_margin},
      {"kappaface", "margins by concentration and image count (KappaFace)", make_kappaface},
  };
  return table;
}

std::unique_ptr<Head> make_head(const HeadOptions& options, std::int64_t num_identities, at::Device /*device*/,
                                std::int64_t of_all_ranks, const std::vector<double>& relative_images) {
  const MakeHead& make = find_row(head_registry(), options.kind, "head").make;
  require(options.logit_scale > 0 && std::isfinite(options.logit_scale), options, "logit_scale", options.logit_scale,
          "a finite number above 0");
  if (num_identities < 1) {
    throw Error(ErrorKind::kUsage, fmt::format("head: no identities to classify (expected at least 1, got {})", num_identities));
  }
  AFACE_CHECK(relative_images.empty() || relative_images.size() == static_cast<std::size_t>(num_identities),
              "{} relative image counts of {} identities", relative_images.size(), num_identities);
  return make(options, {num_identities, of_all_ranks > 0 ? of_all_ranks : num_identities, relative_images});
}

void require_kind(const NamedArrays& state, const std::string& kind) {
  const std::string& saved = state.text("head.kind");
  if (saved != kind) {
    throw Error(ErrorKind::kFormat, fmt::format("head.kind: the state is of another head (expected '{}', got '{}')", kind, saved));
  }
}

}  // namespace aface
