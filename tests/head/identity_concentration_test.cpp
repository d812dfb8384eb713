#include "aface/head/identity_concentration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

constexpr std::int64_t kDim = 8;

// Unit vectors at angle `theta` from the first axis, evenly around it: their resultant length is cos(theta).
std::vector<float> on_a_cone(Random& random, double theta) {
  std::vector<float> x(kDim);
  double around = 0;
  for (std::size_t d = 1; d < x.size(); ++d) {
    x[d] = static_cast<float>(random.normal());
    around += static_cast<double>(x[d]) * static_cast<double>(x[d]);
  }
  for (std::size_t d = 1; d < x.size(); ++d) x[d] *= static_cast<float>(std::sin(theta) / std::sqrt(around));
  x[0] = static_cast<float>(std::cos(theta));
  return x;
}

double banerjee(double r) { return r * (kDim - r * r) / (1 - r * r); }

// The square of the resultant length is estimated without bias, however few embeddings were seen.
TEST(IdentityConcentration, MeanOfManyIdentitiesIsThatOfTheirDistribution) {
  constexpr std::int64_t kIdentities = 20000;
  const double theta = 0.8, r = std::cos(theta);
  for (const int seen : {2, 3, 40}) {
    for (const double rate : {0.1, 0.3}) {
      IdentityConcentration concentration(kIdentities, rate);
      Random random(5);
      for (std::int64_t c = 0; c < kIdentities; ++c) {
        for (int k = 0; k < seen; ++k) concentration.add(c, on_a_cone(random, theta).data(), kDim);
      }
      // kappa is monotone in r^2: invert it by bisection, average, compare.
      double sum = 0;
      for (const double kappa : concentration.kappa()) {
        double low = 0, high = 0.99999;
        for (int i = 0; i < 60; ++i) (banerjee((low + high) / 2) > kappa ? high : low) = (low + high) / 2;
        sum += low * low;
      }
      // Estimates below 0 are clamped, which only lifts the mean of few and unequal weights.
      const double mean = sum / kIdentities;
      EXPECT_NEAR(mean, r * r, seen == 40 ? 0.01 : 0.06) << seen << " at rate " << rate;
      EXPECT_GT(mean, r * r - 0.01);
    }
  }
}

TEST(IdentityConcentration, LengthsOfEmbeddingsDoNotCount) {
  IdentityConcentration plain(1, 0.3), scaled(1, 0.3);
  Random random(6);
  for (int k = 0; k < 5; ++k) {
    std::vector<float> x = on_a_cone(random, 0.5);
    plain.add(0, x.data(), kDim);
    for (float& value : x) value *= 7.0F;
    scaled.add(0, x.data(), kDim);
  }
  EXPECT_NEAR(plain.kappa()[0], scaled.kappa()[0], 1e-5 * plain.kappa()[0]);
}

TEST(IdentityConcentration, UnknownBelowTwoEmbeddingsAndFiniteForEqualOnes) {
  IdentityConcentration concentration(3, 0.3);
  Random random(7);
  const std::vector<float> x = on_a_cone(random, 0.5);
  EXPECT_TRUE(std::isnan(concentration.kappa()[0]));
  concentration.add(1, x.data(), kDim);
  EXPECT_TRUE(std::isnan(concentration.kappa()[1]));
  for (int k = 0; k < 50; ++k) concentration.add(2, x.data(), kDim);
  EXPECT_TRUE(std::isfinite(concentration.kappa()[2]));
  EXPECT_GT(concentration.kappa()[2], 1000);
  EXPECT_THROW(concentration.add(3, x.data(), kDim), Error);
  EXPECT_THROW(concentration.add(0, x.data(), kDim - 1), Error);
}

TEST(IdentityConcentration, GoesOnExactlyAfterARestore) {
  IdentityConcentration a(2, 0.3), b(2, 0.3);
  Random random(8);
  NamedArrays empty;
  b.save(empty);
  a.restore(empty);  // before the first embedding, whose length it does not know yet
  a.add(0, on_a_cone(random, 0.5).data(), kDim);
  NamedArrays state;
  a.save(state);
  b.restore(state);
  const std::vector<float> next = on_a_cone(random, 0.5);
  a.add(0, next.data(), kDim);
  b.add(0, next.data(), kDim);
  EXPECT_EQ(a.kappa()[0], b.kappa()[0]);

  IdentityConcentration other(3, 0.3);
  EXPECT_THROW(other.restore(state), Error);
  state.put("head.concentration.weights", std::vector<double>{1, NAN});
  EXPECT_THROW(b.restore(state), Error);
}

}  // namespace
}  // namespace aface
