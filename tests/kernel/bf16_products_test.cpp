// On CPUs that multiply bfloat16 these tests are of oneDNN's products, elsewhere of the same roundings in float32.
#include "aface/kernel/bf16_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "aface/core/random.h"

namespace aface {
namespace {

TEST(RoundToBf16, KeepsEightBitsAndTakesTiesToEven) {
  EXPECT_EQ(round_to_bf16(1.0F), 1.0F);
  EXPECT_EQ(round_to_bf16(1.0F + 1.0F / 128), 1.0F + 1.0F / 128);
  EXPECT_EQ(round_to_bf16(1.0F + 1.0F / 256), 1.0F);                // tie: down to the even
  EXPECT_EQ(round_to_bf16(1.0F + 3.0F / 256), 1.0F + 2.0F / 128);   // tie: up to the even
  EXPECT_EQ(round_to_bf16(-1.0F - 1.1F / 256), -1.0F - 1.0F / 128);
  EXPECT_EQ(round_to_bf16(3.4e38F), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(round_to_bf16(std::numeric_limits<float>::quiet_NaN())));
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto x = static_cast<float>(random.normal());
    EXPECT_LE(std::fabs(round_to_bf16(x) - x), std::fabs(x) / 256);
  }
}

std::vector<float> draw(Random& random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

double rounded(float value) { return static_cast<double>(round_to_bf16(value)); }

TEST(Bf16Products, AreThoseOfTheRoundedFactors) {
  constexpr std::size_t kA = 9, kB = 37, kDim = 70, kStride = 41;
  Random random(2);
  const std::vector<float> a = draw(random, kA * kDim), b = draw(random, kB * kDim);
  std::vector<float> out(kA * kStride, 7.0F);
  inner_products_bf16({a.data(), kA, kDim}, {b.data(), kB, kDim}, out.data(), kStride);
  for (std::size_t i = 0; i < kA; ++i) {
    for (std::size_t j = 0; j < kB; ++j) {
      double sum = 0;
      for (std::size_t d = 0; d < kDim; ++d) sum += rounded(a[i * kDim + d]) * rounded(b[j * kDim + d]);
      EXPECT_NEAR(static_cast<double>(out[i * kStride + j]), sum, 2e-5);
    }
    EXPECT_EQ(out[i * kStride + kB], 7.0F);  // beside the columns
  }

  const std::vector<float> weights = draw(random, kA * kStride);
  std::vector<float> sums(kA * kDim, 1.0F);
  add_weighted_rows_bf16(weights.data(), kStride, kA, {b.data(), kB, kDim}, sums.data());
  for (std::size_t i = 0; i < kA; ++i) {
    for (std::size_t d = 0; d < kDim; ++d) {
      double sum = 1;
      for (std::size_t j = 0; j < kB; ++j) sum += rounded(weights[i * kStride + j]) * rounded(b[j * kDim + d]);
      EXPECT_NEAR(static_cast<double>(sums[i * kDim + d]), sum, 2e-5);
    }
  }

  std::vector<float> columns(kB * kDim, 5.0F);
  transposed_weighted_rows_bf16(weights.data(), kStride, kB, {a.data(), kA, kDim}, columns.data());
  for (std::size_t j = 0; j < kB; ++j) {
    for (std::size_t d = 0; d < kDim; ++d) {
      double sum = 0;
      for (std::size_t i = 0; i < kA; ++i) sum += rounded(weights[i * kStride + j]) * rounded(a[i * kDim + d]);
      EXPECT_NEAR(static_cast<double>(columns[j * kDim + d]), sum, 2e-5);
    }
  }
}

}  // namespace
}  // namespace aface
