// Where learnt margins come to rest when only they are trained: 3000 identities with 50.7 images on average, batches
// of 64 images, own cosines N(0.7, 0.05), others N(0.05, 0.06), logit scale 30, margins in [0, 1]. At rest
//   E_c[1 - p] = (margin weight / logit scale) (mean images / images of c),
// and where that exceeds 1 the margin stays at its upper bound. The expected margins were computed independently; our
// image counts are another draw than theirs, so bands agree to +-0.02, and to +-0.01 with the theory for our counts.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/random.h"
#include "aface/head/adaptive_margin_head.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 3000, kBatch = 64;
constexpr double kMeanImages = 50.7, kScale = 30;

struct Band {
  std::int64_t fewest, most;
};
const std::vector<Band> kBands = {{4, 6}, {20, 25}, {38, 48}, {80, 110}, {150, 200}};

// Log-normal counts with the wanted mean: a long tail in which one identity in six has fewer than 17 images.
std::vector<std::int64_t> image_counts() {
  Random random(1);
  std::vector<double> z(kIdentities);
  for (double& value : z) value = random.normal();
  std::vector<std::int64_t> counts(z.size());
  double low = 0, high = 10;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    double total = 0;
    for (std::size_t c = 0; c < z.size(); ++c) {
      counts[c] = std::max<std::int64_t>(2, std::llround(std::exp(middle + 0.8 * z[c])));
      total += static_cast<double>(counts[c]);
    }
    (total / kIdentities > kMeanImages ? high : low) = middle;
  }
  return counts;
}

// All other identities enter only through the sum of their exponentials, so one prototype stands for them.
std::vector<double> summed_others() {
  Random random(2);
  std::vector<double> columns(1024);
  for (double& column : columns) {
    double sum = 0;
    for (std::int64_t i = 1; i < kIdentities; ++i) sum += std::exp(kScale * (0.05 + 0.06 * random.normal()));
    column = std::log(sum - (2 * kBatch - 2)) / kScale;  // see planes()
  }
  return columns;
}

// Embeddings and prototypes with the wanted cosines: sample i has a plane of its own with its embedding, its own
// prototype (row i) and one that stands for all others (row kBatch + i). The 2 kBatch - 2 rows of other planes are at
// cosine 0 and count exp(0) each.
HeadInput planes(const std::vector<double>& own, const std::vector<double>& other, const std::vector<std::int64_t>& identities) {
  const std::int64_t dim = 2 * kBatch;
  HeadInput input;
  input.embeddings = at::zeros({kBatch, dim}, at::kFloat);
  input.prototypes = at::zeros({2 * kBatch, dim}, at::kFloat);
  input.active_ids = at::zeros({2 * kBatch}, at::kLong);
  input.targets = at::empty({kBatch}, at::kLong);
  float *x = input.embeddings.data_ptr<float>(), *w = input.prototypes.data_ptr<float>();
  const auto place = [&](std::int64_t row, std::int64_t plane, double cosine) {
    w[row * dim + 2 * plane] = static_cast<float>(cosine);
    w[row * dim + 2 * plane + 1] = static_cast<float>(std::sqrt(1 - cosine * cosine));
  };
  for (std::int64_t i = 0; i < kBatch; ++i) {
    const auto k = static_cast<std::size_t>(i);
    x[i * dim + 2 * i] = 1;
    place(i, i, own[k]);
    place(kBatch + i, i, other[k]);
    input.targets.data_ptr<std::int64_t>()[i] = i;
    input.active_ids.data_ptr<std::int64_t>()[i] = identities[k];
  }
  return input;
}

struct BandResult {
  double margin = 0;       // mean over identities and time
  double one_minus_p = 0;  // mean over draws
  double predicted = 0;    // (margin weight / logit scale) (mean images / images), the same mean
};

enum class Pull { kAllIdentities, kBatchOnly };

// The tempting shortcut of averaging the regulariser over the identities of the batch only.
void pull_batch_only(AdaptiveMarginHead& head, std::vector<std::int64_t> batch, const HeadOptions& options, double weight) {
  std::sort(batch.begin(), batch.end());
  batch.erase(std::unique(batch.begin(), batch.end()), batch.end());
  NamedArrays state;
  head.save(state);
  std::vector<double> margins = state.get<double>("head.margins");
  for (const std::int64_t identity : batch) {
    double& margin = margins[static_cast<std::size_t>(identity)];
    margin = std::min(options.margin_max, margin + options.margin_learning_rate * weight / static_cast<double>(batch.size()));
  }
  state.put("head.margins", margins);
  head.restore(state);
}

std::vector<BandResult> train(double weight, Pull pull) {
  at::set_num_threads(1);
  HeadOptions options;
  options.logit_scale = kScale;
  options.margin_init = 0.3;
  options.margin_weight = pull == Pull::kAllIdentities ? weight : 0;
  options.margin_learning_rate = 0.1;
  AdaptiveMarginHead head(options, kIdentities);

  const std::vector<std::int64_t> counts = image_counts();
  std::vector<std::int64_t> identity_of_image;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    identity_of_image.insert(identity_of_image.end(), static_cast<std::size_t>(counts[c]), static_cast<std::int64_t>(c));
  }
  const double images = static_cast<double>(identity_of_image.size());
  const std::vector<double> others = summed_others();
  std::vector<std::size_t> band_of(counts.size(), kBands.size());
  std::vector<BandResult> results(kBands.size());
  std::vector<double> members(kBands.size()), member_images(kBands.size()), draws(kBands.size());
  for (std::size_t c = 0; c < counts.size(); ++c) {
    for (std::size_t b = 0; b < kBands.size(); ++b) {
      if (counts[c] < kBands[b].fewest || counts[c] > kBands[b].most) continue;
      band_of[c] = b;
      ++members[b];
      member_images[b] += static_cast<double>(counts[c]);
    }
  }

  Random random(3);
  const int settling = 4000, steps = 14000, look_every = 20;
  for (int step = 0; step < steps; ++step) {
    std::vector<std::int64_t> batch;
    std::vector<double> own, other;
    for (std::int64_t i = 0; i < kBatch; ++i) {
      batch.push_back(identity_of_image[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(images)))]);
      own.push_back(std::min(1.0, 0.7 + 0.05 * random.normal()));
      other.push_back(others[static_cast<std::size_t>(random.below(1024))]);
    }
    const HeadOutput output = head.forward(planes(own, other, batch));
    output.loss.backward();
    head.update(step, 1);
    if (pull == Pull::kBatchOnly) pull_batch_only(head, batch, options, weight);
    if (step < settling) continue;

    for (std::int64_t i = 0; i < kBatch; ++i) {
      const std::size_t b = band_of[static_cast<std::size_t>(batch[static_cast<std::size_t>(i)])];
      if (b == kBands.size()) continue;
      ++draws[b];
      results[b].one_minus_p += 1 - static_cast<double>(output.own_probability.data_ptr<float>()[i]);
    }
    if (step % look_every != 0) continue;
    const at::Tensor margins = head.margins();
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (band_of[c] < kBands.size()) {
        results[band_of[c]].margin += static_cast<double>(margins.data_ptr<float>()[c]) / members[band_of[c]] * look_every / (steps - settling);
      }
    }
  }
  for (std::size_t b = 0; b < kBands.size(); ++b) {
    results[b].one_minus_p /= draws[b];
    results[b].predicted = weight / kScale * (images / kIdentities) / (member_images[b] / members[b]);
  }
  return results;
}

TEST(MarginEquilibrium, PullOverAllIdentitiesGivesRareIdentitiesLargerMargins) {
  const std::vector<BandResult> results = train(10, Pull::kAllIdentities);
  const double margins[] = {0.991, 0.420, 0.304, 0.257, 0.227};
  const double one_minus_p[] = {1.000, 0.748, 0.376, 0.179, 0.095};
  for (std::size_t b = 0; b < kBands.size(); ++b) {
    EXPECT_NEAR(results[b].margin, margins[b], 0.02) << kBands[b].fewest;
    EXPECT_NEAR(results[b].one_minus_p, one_minus_p[b], 0.02) << kBands[b].fewest;
    EXPECT_NEAR(results[b].one_minus_p, std::min(1.0, results[b].predicted), 0.01) << kBands[b].fewest;
  }
}

TEST(MarginEquilibrium, PullOverTheBatchOnlyGivesEveryIdentityTheSameMargin) {
  const std::vector<BandResult> results = train(10, Pull::kBatchOnly);
  for (std::size_t b = 0; b < kBands.size(); ++b) {
    EXPECT_NEAR(results[b].margin, 0.298, 0.02) << kBands[b].fewest;
    EXPECT_NEAR(results[b].one_minus_p, 10 / kScale, 0.02) << kBands[b].fewest;
  }
}

TEST(MarginEquilibrium, LargeWeightSendsAllButTheRichestToTheBound) {
  const std::vector<BandResult> results = train(70, Pull::kAllIdentities);
  const double margins[] = {0.999, 0.996, 0.985, 0.907, 0.376};
  for (std::size_t b = 0; b + 1 < kBands.size(); ++b) {
    EXPECT_NEAR(results[b].margin, margins[b], 0.02) << kBands[b].fewest;
    EXPECT_GT(results[b].one_minus_p, 0.99) << kBands[b].fewest;
  }
  EXPECT_NEAR(results.back().margin, margins[4], 0.02);
  EXPECT_NEAR(results.back().one_minus_p, results.back().predicted, 0.01);
}

}  // namespace
}  // namespace aface
