#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "aface/core/error.h"
#include "aface/synth/pair_index.h"
#include "aface/synth/set_plan.h"
#include "aface/synth/synthetic_faces.h"

namespace aface {
namespace {

constexpr std::int64_t kMostPhotos = 100'000'000;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kUsage, "synth." + what); }

// Refuses a value outside the range that its description states.
struct RangeCheck {
  template <class T>
  void field(const char* name, const T& value, const FieldInfo& info) {
    const auto number = static_cast<double>(value);
    if (number >= info.min && number <= info.max) return;  // false for NaN too
    refuse(info.max < std::numeric_limits<double>::infinity()
               ? fmt::format("{}: out of range (expected {} to {}, got {}); choose a value in it", name,
                             info.min, info.max, value)
               : fmt::format("{}: too small (expected at least {}, got {}); choose a larger value", name,
                             info.min, value));
  }
};

void check_training(const SynthOptions& o) {
  if (o.images > kMostPhotos || o.identities > kMostPhotos) {
    refuse(fmt::format(
        "images: too many (expected at most {}, got {} photos of {} identities); make several sets",
        kMostPhotos, o.images, o.identities));
  }
  if (o.min_images > o.images / o.identities) {
    refuse(
        fmt::format("images: too few for {} identities with min_images = {} (got {}); raise images, or lower "
                    "identities or min_images",
                    o.identities, o.min_images, o.images));
  }
  const std::int64_t noisy = synth::count_noisy_photos(o), most = o.images - o.identities;
  if (noisy > most) {
    refuse(fmt::format(
        "label_noise: {} of {} photos would be flipped, but one photo of each of the {} identities keeps "
        "its label (at most {}); lower label_noise or raise images",
        noisy, o.images, o.identities, most));
  }
}

void check_heldout(const SynthOptions& o) {
  if (o.heldout_identities == 0) return;
  if (o.heldout_identities == 1) {
    refuse(
        "heldout_identities: pairs of different people need two (expected 0 or at least 2, got 1); raise it");
  }
  if (o.heldout_identities > kMostPhotos / o.heldout_images) {
    refuse(fmt::format(
        "heldout_identities: too many photos (expected at most {}, got {} x {}); lower heldout_identities "
        "or heldout_images",
        kMostPhotos, o.heldout_identities, o.heldout_images));
  }
  if (o.pairs % 20 != 0) {
    refuse(fmt::format(
        "pairs: must be a multiple of 20, half same and half different in 10 folds (got {}); try {}", o.pairs,
        o.pairs / 20 * 20 + 20));
  }
  const std::int64_t same = o.heldout_identities * synth::pairs_among(o.heldout_images);
  const std::int64_t different =
      synth::pairs_among(o.heldout_identities) * o.heldout_images * o.heldout_images;
  const std::int64_t most = 2 * std::min(same, different) / 20 * 20;
  if (o.pairs > most) {
    refuse(fmt::format(
        "pairs: {} people with {} photos each have {} pairs of one person and {} of two, so at most {} pairs "
        "(got {}); lower pairs, or raise heldout_identities or heldout_images",
        o.heldout_identities, o.heldout_images, same, different, most, o.pairs));
  }
}

}  // namespace

void check_synth_options(const SynthOptions& options) {
  SynthOptions copy = options;  // describe() is for writers too
  RangeCheck check;
  describe(check, copy);
  check_training(options);
  check_heldout(options);
}

}  // namespace aface
