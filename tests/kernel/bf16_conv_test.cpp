#include "aface/kernel/bf16_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/random.h"
#include "tests/kernel/slices_on_threads.h"

namespace aface {
namespace {

using test::on_threads;

std::vector<float> draws(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(random.normal()));
  return values;
}

std::vector<Bf16> rounded(const std::vector<float>& values) {
  std::vector<Bf16> result;
  for (const float value : values) result.push_back(from_float<Bf16>(value));
  return result;
}

std::vector<double> widened(const std::vector<Bf16>& values) {
  std::vector<double> result;
  for (const Bf16 value : values) result.push_back(static_cast<double>(to_float(value)));
  return result;
}

struct Case {
  Bf16ConvShape shape;
  std::vector<Bf16> x, dy;
  std::vector<float> weight;

  explicit Case(const Bf16ConvShape& s)
      : shape(s),
        x(rounded(draws(s.batch * s.height * s.width * s.in, 1))),
        dy(rounded(draws(s.batch * s.out_height() * s.out_width() * s.out, 2))),
        weight(draws(s.out * s.kernel * s.kernel * s.in, 3)) {}
};

struct Passes {
  std::vector<Bf16> y, dx;
  std::vector<float> dw;
};

Passes passes(const Case& c, int threads) {
  // NaN: what is not written shows
  Passes result = {std::vector<Bf16>(c.dy.size(), Bf16{0x7fff}), std::vector<Bf16>(c.x.size(), Bf16{0x7fff}),
                   std::vector<float>(c.weight.size(), NAN)};
  bf16_conv_forward(c.shape, c.x.data(), c.weight.data(), result.y.data(), on_threads(threads));
  bf16_conv_input_gradient(c.shape, c.dy.data(), c.weight.data(), result.dx.data(), on_threads(threads));
  bf16_conv_weight_gradient(c.shape, c.x.data(), c.dy.data(), result.dw.data(), threads, on_threads(threads));
  return result;
}

struct ExactPasses {
  std::vector<double> y, dx, dw;
};

// By the definition, in float64, with weights as the passes round them.
ExactPasses by_definition(const Case& c) {
  const Bf16ConvShape& s = c.shape;
  const std::vector<double> x = widened(c.x), dy = widened(c.dy), weight = widened(rounded(c.weight));
  ExactPasses exact = {std::vector<double>(dy.size()), std::vector<double>(x.size()),
                       std::vector<double>(weight.size())};
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t p = 0; p < s.out_height(); ++p) {
      for (std::int64_t q = 0; q < s.out_width(); ++q) {
        for (std::int64_t tap = 0; tap < s.kernel * s.kernel; ++tap) {
          const std::int64_t row = p * s.stride - s.padding + tap / s.kernel,
                             column = q * s.stride - s.padding + tap % s.kernel;
          if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
          for (std::int64_t k = 0; k < s.out; ++k) {
            const auto at_y =
                static_cast<std::size_t>(((n * s.out_height() + p) * s.out_width() + q) * s.out + k);
            const auto at_x = static_cast<std::size_t>(((n * s.height + row) * s.width + column) * s.in);
            const auto at_w = static_cast<std::size_t>((k * s.kernel * s.kernel + tap) * s.in);
            for (std::size_t channel = 0; channel < static_cast<std::size_t>(s.in); ++channel) {
              exact.y[at_y] += x[at_x + channel] * weight[at_w + channel];
              exact.dx[at_x + channel] += dy[at_y] * weight[at_w + channel];
              exact.dw[at_w + channel] += dy[at_y] * x[at_x + channel];
            }
          }
        }
      }
    }
  }
  return exact;
}

// The largest error beyond `share` of the value itself, in parts of the root of the mean square.
double error(const std::vector<double>& value, const std::vector<double>& expected, double share = 0) {
  double largest = 0, squares = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (std::isnan(value[i])) return INFINITY;
    largest = std::max(largest, std::abs(value[i] - expected[i]) - share * std::abs(expected[i]));
    squares += expected[i] * expected[i];
  }
  return largest / std::sqrt(squares / static_cast<double>(value.size()));
}

std::string name_of(const Bf16ConvShape& s) {
  return std::to_string(s.batch) + " images " + std::to_string(s.height) + "x" + std::to_string(s.width) +
         ", " + std::to_string(s.in) + " to " + std::to_string(s.out) + ", kernel " +
         std::to_string(s.kernel) + ", stride " + std::to_string(s.stride) + ", padding " +
         std::to_string(s.padding);
}

std::vector<Bf16ConvShape> shapes() {
  std::vector<Bf16ConvShape> result = {
      {1, 1, 1, 32, 32, 3, 1, 1},   {1, 2, 1, 32, 32, 3, 2, 1},   {3, 5, 4, 32, 64, 3, 1, 1},
      {4, 7, 7, 64, 32, 3, 1, 1},   {5, 7, 7, 32, 32, 3, 2, 1},   {2, 14, 14, 160, 32, 3, 1, 1},
      {3, 9, 28, 32, 96, 3, 1, 1},  {2, 13, 27, 32, 32, 3, 2, 1}, {1, 6, 112, 32, 32, 3, 1, 1},
      {2, 12, 11, 64, 32, 3, 3, 1}, {2, 10, 9, 32, 32, 5, 2, 2},  {3, 8, 15, 32, 64, 1, 1, 0},
      {2, 8, 9, 64, 32, 1, 2, 0},   {3, 6, 8, 32, 32, 3, 1, 0},   {2, 5, 6, 32, 32, 2, 2, 1},
      {1, 60, 40, 64, 32, 3, 1, 1}, {9, 4, 4, 32, 192, 3, 1, 2}};
  for (std::int64_t width = 8; width <= 17; ++width) result.push_back({2, 3, width, 32, 32, 3, 1, 1});
  return result;
}

class Bf16Conv : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_convolve_bf16({1, 3, 3, 32, 32, 3, 1, 1}))
      GTEST_SKIP() << "this CPU or build has no bfloat16 products";
  }
};

TEST_F(Bf16Conv, IsTheConvolutionByItsDefinition) {
  for (const Bf16ConvShape& shape : shapes()) {
    SCOPED_TRACE(name_of(shape));
    ASSERT_TRUE(can_convolve_bf16(shape));
    const Case c(shape);
    const Passes got = passes(c, 2);
    const ExactPasses exact = by_definition(c);
    constexpr double kLastRounding = 1.0 / 256;
    EXPECT_LT(error(widened(got.y), exact.y, kLastRounding), 1e-5);
    EXPECT_LT(error(widened(got.dx), exact.dx, kLastRounding), 1e-5);
    EXPECT_LT(error(std::vector<double>(got.dw.begin(), got.dw.end()), exact.dw), 1e-5);
  }
}

TEST_F(Bf16Conv, TheNumberOfThreadsChangesNoBit) {
  for (const Bf16ConvShape& shape :
       {Bf16ConvShape{5, 14, 14, 160, 192, 3, 1, 1}, Bf16ConvShape{3, 56, 56, 32, 64, 3, 2, 1}}) {
    SCOPED_TRACE(name_of(shape));
    const Case c(shape);
    const Passes one = passes(c, 1);
    for (const int threads : {2, 3, 64}) {
      const Passes other = passes(c, threads);
      EXPECT_EQ(std::memcmp(one.y.data(), other.y.data(), one.y.size() * sizeof(Bf16)), 0);
      EXPECT_EQ(std::memcmp(one.dx.data(), other.dx.data(), one.dx.size() * sizeof(Bf16)), 0);
      EXPECT_EQ(std::memcmp(one.dw.data(), other.dw.data(), one.dw.size() * sizeof(float)), 0);
    }
  }
}

TEST_F(Bf16Conv, WhatIsNotFiniteStaysWithThePixelsThatSeeIt) {
  Case c({2, 20, 20, 32, 32, 3, 1, 1});
  c.x[(5 * 20 + 5) * 32] = Bf16{0x7f80};  // infinity in the first image
  const Passes got = passes(c, 1);
  std::int64_t strange = 0;
  for (const Bf16 value : got.y) strange += std::isfinite(to_float(value)) ? 0 : 1;
  EXPECT_EQ(strange, 9 * 32);
}

TEST_F(Bf16Conv, OtherShapesAreRefused) {
  for (const Bf16ConvShape& shape :
       {Bf16ConvShape{1, 8, 8, 3, 32, 3, 1, 1}, Bf16ConvShape{1, 8, 8, 32, 48, 3, 1, 1},
        Bf16ConvShape{0, 8, 8, 32, 32, 3, 1, 1}, Bf16ConvShape{1, 0, 8, 32, 32, 3, 1, 1},
        Bf16ConvShape{1, 8, 8, 32, 32, 3, 1, 3}, Bf16ConvShape{1, 8, 8, 32, 32, 3, 0, 1},
        Bf16ConvShape{1, 2, 8, 32, 32, 3, 1, 0}}) {
    EXPECT_FALSE(can_convolve_bf16(shape)) << name_of(shape);
    EXPECT_THROW(bf16_conv_forward(shape, nullptr, nullptr, nullptr, on_threads(1)), Error);
    EXPECT_THROW(bf16_conv_input_gradient(shape, nullptr, nullptr, nullptr, on_threads(1)), Error);
    EXPECT_THROW(bf16_conv_weight_gradient(shape, nullptr, nullptr, nullptr, 1, on_threads(1)), Error);
  }
}

}  // namespace
}  // namespace aface
