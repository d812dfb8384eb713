#include "aface/synth/set_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "aface/core/check.h"
#include "aface/core/random.h"
#include "aface/synth/pair_index.h"

namespace aface::synth {
namespace {

// Streams of their own, clear of those of the photos.
enum Stream : std::uint64_t { kRankStream = 1, kNoiseStream, kSamePairStream, kDifferentPairStream };
constexpr std::uint64_t kPlanStream = ~std::uint64_t{1};

Random plan_random(const SynthOptions& options, Stream stream) {
  return Random(static_cast<std::uint64_t>(options.seed), kPlanStream, stream);
}

constexpr std::int64_t kFirstHeldoutIdentity = std::int64_t{1} << 40;

std::string stranger_name(std::int64_t identity) { return fmt::format("stranger_{:05}", identity + 1); }

std::string photo_path(const std::string& label, std::int64_t number) {
  return fmt::format("{}/{}_{:04}.jpg", label, label, number);
}

// `count` different numbers below `total`, in random order (Floyd's algorithm, then a shuffle).
std::vector<std::int64_t> draw_without_repetition(std::int64_t count, std::int64_t total, Random random) {
  std::unordered_set<std::int64_t> seen;
  std::vector<std::int64_t> drawn;
  drawn.reserve(static_cast<std::size_t>(count));
  for (std::int64_t last = total - count; last < total; ++last) {
    const std::int64_t candidate = random.below(last + 1);
    drawn.push_back(seen.insert(candidate).second ? candidate : last);
    seen.insert(drawn.back());
  }
  random.shuffle(drawn);
  return drawn;
}

// Numbers the photos of each label, those that show the right person first.
void name_files(std::vector<PlannedPhoto>& photos) {
  std::unordered_map<std::string, std::int64_t> used;
  for (const bool noisy : {false, true}) {
    for (PlannedPhoto& photo : photos) {
      if (photo.is_noisy() == noisy) photo.path = photo_path(photo.label, ++used[photo.label]);
    }
  }
}

}  // namespace

std::string person_name(std::int64_t identity) { return fmt::format("person_{:05}", identity + 1); }

std::int64_t count_noisy_photos(const SynthOptions& options) {
  return std::llround(options.label_noise * static_cast<double>(options.images));
}

std::vector<std::int64_t> zipf_class_sizes(std::int64_t identities, std::int64_t images, double exponent,
                                           std::int64_t min_images) {
  std::vector<double> law(static_cast<std::size_t>(identities)), wanted(law.size());
  for (std::size_t i = 0; i < law.size(); ++i) law[i] = std::pow(static_cast<double>(i + 1), -exponent);
  const auto total_for = [&](double scale) {
    double total = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      wanted[i] = std::max(static_cast<double>(min_images), scale * law[i]);
      total += wanted[i];
    }
    return total;
  };
  double low = 0, high = static_cast<double>(images);  // at this scale the first rank alone has them all
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (total_for(middle) < static_cast<double>(images) ? low : high) = middle;
  }
  total_for(low);  // sums to no more than `images`, so that only whole photos remain to be given out

  std::vector<std::int64_t> sizes;
  for (const double size : wanted) sizes.push_back(static_cast<std::int64_t>(std::floor(size)));
  std::vector<std::size_t> by_remainder(sizes.size());
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  const auto remainder = [&](std::size_t i) { return wanted[i] - std::floor(wanted[i]); };
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](std::size_t i, std::size_t j) { return remainder(i) > remainder(j); });
  std::int64_t left = images - std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  for (std::size_t i = 0; left > 0; i = (i + 1) % by_remainder.size(), --left) ++sizes[by_remainder[i]];
  return sizes;
}

TrainingPlan::TrainingPlan(const SynthOptions& options) {
  auto sizes =
      zipf_class_sizes(options.identities, options.images, options.zipf_exponent, options.min_images);
  plan_random(options, kRankStream).shuffle(sizes);
  first_sample_.reserve(sizes.size() + 1);
  first_sample_.push_back(0);
  for (const std::int64_t size : sizes) first_sample_.push_back(first_sample_.back() + size);
  if (count_noisy_photos(options) > 0) flip_labels(options);
}

void TrainingPlan::flip_labels(const SynthOptions& options) {
  std::vector<std::int64_t> candidates;
  candidates.reserve(static_cast<std::size_t>(num_samples() - num_identities()));
  for (std::int64_t identity = 0; identity < num_identities(); ++identity) {
    const std::int64_t first = first_sample_[static_cast<std::size_t>(identity)];
    for (std::int64_t photo = 1; photo < num_photos_of(identity); ++photo) candidates.push_back(first + photo);
  }
  Random random = plan_random(options, kNoiseStream);
  random.shuffle(candidates);
  candidates.resize(static_cast<std::size_t>(count_noisy_photos(options)));
  flipped_.reserve(candidates.size());
  for (const std::int64_t sample : candidates) {
    std::int64_t other = random.below(options.identities - 1);
    if (other >= shown(sample).identity) ++other;
    flipped_.push_back({sample, other});
  }
}

std::int64_t TrainingPlan::num_photos_of(std::int64_t identity) const {
  const auto i = static_cast<std::size_t>(identity);
  return first_sample_[i + 1] - first_sample_[i];
}

TrainingPlan::Shown TrainingPlan::shown(std::int64_t sample) const {
  AFACE_CHECK(sample >= 0 && sample < num_samples(), "photo {} of {}", sample, num_samples());
  const auto next = std::upper_bound(first_sample_.begin(), first_sample_.end(), sample);
  return {next - first_sample_.begin() - 1, sample - *(next - 1)};
}

std::vector<std::int64_t> TrainingPlan::labels() const {
  std::vector<std::int64_t> labels;
  labels.reserve(static_cast<std::size_t>(num_samples()));
  for (std::int64_t identity = 0; identity < num_identities(); ++identity) {
    labels.insert(labels.end(), static_cast<std::size_t>(num_photos_of(identity)), identity);
  }
  for (const Flipped& flipped : flipped_) labels[static_cast<std::size_t>(flipped.sample)] = flipped.label;
  return labels;
}

std::vector<PlannedPhoto> plan_training_photos(const SynthOptions& options) {
  const TrainingPlan plan(options);
  const std::vector<std::int64_t> labels = plan.labels();
  std::vector<PlannedPhoto> photos;
  photos.reserve(labels.size());
  for (const std::int64_t label : labels) {
    const auto [identity, photo] = plan.shown(static_cast<std::int64_t>(photos.size()));
    photos.push_back({identity, photo, person_name(label), person_name(identity), {}});
  }
  name_files(photos);
  return photos;
}

std::vector<PlannedPhoto> plan_heldout_photos(const SynthOptions& options) {
  std::vector<PlannedPhoto> photos;
  for (std::int64_t person = 0; person < options.heldout_identities; ++person) {
    const std::string name = stranger_name(person);
    for (std::int64_t photo = 0; photo < options.heldout_images; ++photo) {
      photos.push_back({kFirstHeldoutIdentity + person, photo, name, name, photo_path(name, photo + 1)});
    }
  }
  return photos;
}

std::string plan_pairs(const SynthOptions& options) {
  constexpr std::int64_t kFolds = 10;
  const std::int64_t photos = options.heldout_images, each = options.pairs / 2, per_fold = each / kFolds;
  const std::int64_t pairs_of_one = pairs_among(photos);
  const auto same = draw_without_repetition(each, options.heldout_identities * pairs_of_one,
                                            plan_random(options, kSamePairStream));
  const auto different =
      draw_without_repetition(each, pairs_among(options.heldout_identities) * photos * photos,
                              plan_random(options, kDifferentPairStream));
  std::string text = fmt::format("{}\t{}\n", kFolds, per_fold);
  for (std::int64_t fold = 0; fold < kFolds; ++fold) {
    for (std::int64_t i = fold * per_fold; i < (fold + 1) * per_fold; ++i) {
      const std::int64_t index = same[static_cast<std::size_t>(i)];
      const auto [first, second] = unordered_pair(index % pairs_of_one);
      text += fmt::format("{}\t{}\t{}\n", stranger_name(index / pairs_of_one), first + 1, second + 1);
    }
    for (std::int64_t i = fold * per_fold; i < (fold + 1) * per_fold; ++i) {
      const std::int64_t index = different[static_cast<std::size_t>(i)];
      const auto [first, second] = unordered_pair(index / (photos * photos));
      const std::int64_t of_photos = index % (photos * photos);
      text += fmt::format("{}\t{}\t{}\t{}\n", stranger_name(first), of_photos / photos + 1,
                          stranger_name(second), of_photos % photos + 1);
    }
  }
  return text;
}

}  // namespace aface::synth
