#include "aface/kernel/norm_act.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/random.h"
#include "tests/kernel/slices_on_threads.h"

namespace aface {
namespace {

using test::on_threads;

constexpr double kEpsilon = 1e-5;

struct Parts {
  bool acts = true, adds = false;
  NormStatistics statistics = NormStatistics::kOfInput;
};

std::vector<Parts> every_combination() {
  std::vector<Parts> all;
  for (const bool acts : {false, true}) {
    for (const bool adds : {false, true}) {
      for (const auto statistics : {NormStatistics::kOfInput, NormStatistics::kGiven})
        all.push_back({acts, adds, statistics});
    }
  }
  return all;
}

// The numbers of one layer in float64, as float32 holds them.
struct Layer {
  std::int64_t rows, channels;
  Parts parts;
  std::vector<double> x, residual, dy;                                 // [rows, channels]
  std::vector<double> gamma, beta, slope, given_mean, given_variance;  // [channels]
};

Layer draw_layer(std::int64_t rows, std::int64_t channels, const Parts& parts, double mean = 0.3) {
  Random random(7, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(channels));
  const auto draws = [&](std::int64_t count, double centre, double deviation) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < count; ++i) {
      values.push_back(static_cast<double>(static_cast<float>(centre + deviation * random.normal())));
    }
    return values;
  };
  Layer layer{rows, channels, parts, {}, {}, {}, {}, {}, {}, {}, {}};
  layer.x = draws(rows * channels, mean, 2);
  layer.residual = draws(rows * channels, 0, 1);
  layer.dy = draws(rows * channels, 0.1, 1);
  layer.gamma = draws(channels, 1, 0.3);
  layer.beta = draws(channels, 0, 0.5);
  layer.slope = draws(channels, 0.25, 0.2);
  layer.given_mean = draws(channels, mean, 0.1);
  layer.given_variance = draws(channels, 0, 1);
  for (double& variance : layer.given_variance)
    variance = static_cast<double>(static_cast<float>(1 + variance * variance));
  return layer;
}

struct Moments {
  std::vector<double> mean, inverse_std;
};

Moments moments_of(const Layer& layer) {
  Moments moments;
  for (std::int64_t c = 0; c < layer.channels; ++c) {
    double mean = layer.given_mean[static_cast<std::size_t>(c)],
           variance = layer.given_variance[static_cast<std::size_t>(c)];
    if (layer.parts.statistics == NormStatistics::kOfInput) {
      mean = variance = 0;
      const auto at = [&](std::int64_t row) {
        return layer.x[static_cast<std::size_t>(row * layer.channels + c)];
      };
      for (std::int64_t row = 0; row < layer.rows; ++row) mean += at(row) / static_cast<double>(layer.rows);
      for (std::int64_t row = 0; row < layer.rows; ++row) {
        variance += (at(row) - mean) * (at(row) - mean) / static_cast<double>(layer.rows);
      }
    }
    moments.mean.push_back(mean);
    moments.inverse_std.push_back(1 / std::sqrt(variance + kEpsilon));
  }
  return moments;
}

std::vector<double> plain_forward(const Layer& layer) {
  const Moments moments = moments_of(layer);
  std::vector<double> y(layer.x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(layer.channels);
    double pre = (layer.x[i] - moments.mean[c]) * moments.inverse_std[c] * layer.gamma[c] + layer.beta[c];
    if (layer.parts.adds) pre += layer.residual[i];
    y[i] = layer.parts.acts && pre <= 0 ? layer.slope[c] * pre : pre;
  }
  return y;
}

// sum of dy y: its derivatives are the gradients.
double plain_loss(const Layer& layer) {
  const std::vector<double> y = plain_forward(layer);
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) loss += layer.dy[i] * y[i];
  return loss;
}

template <class Value>
std::vector<Value> stored(const std::vector<double>& values) {
  std::vector<Value> result;
  for (const double value : values) result.push_back(from_float<Value>(static_cast<float>(value)));
  return result;
}

template <class Value>
struct Outcome {
  std::vector<Value> y, dx, d_residual;
  std::vector<float> d_gamma, d_beta, d_slope;
};

template <class Value>
Outcome<Value> run_kernel(const Layer& layer, int threads) {
  const auto x = stored<Value>(layer.x), residual = stored<Value>(layer.residual),
             dy = stored<Value>(layer.dy);
  const auto gamma = stored<float>(layer.gamma), beta = stored<float>(layer.beta),
             slope = stored<float>(layer.slope);
  const Moments moments = moments_of(layer);
  const auto mean = stored<float>(moments.mean), inverse_std = stored<float>(moments.inverse_std);
  const bool acts = layer.parts.acts, adds = layer.parts.adds;
  NormActInput<Value> in;
  in.rows = layer.rows;
  in.channels = layer.channels;
  in.x = x.data();
  in.residual = adds ? residual.data() : nullptr;
  in.mean = mean.data();
  in.inverse_std = inverse_std.data();
  in.gamma = gamma.data();
  in.beta = beta.data();
  in.slope = acts ? slope.data() : nullptr;

  Outcome<Value> out;
  out.y.resize(x.size());
  out.dx.resize(x.size());
  out.d_residual.resize(acts && adds ? x.size() : 0);
  for (auto* array : {&out.d_gamma, &out.d_beta, &out.d_slope}) array->resize(gamma.size());
  norm_act_forward(in, out.y.data(), on_threads(threads));
  NormActGradients<Value> gradients;
  gradients.x = out.dx.data();
  gradients.residual = acts && adds ? out.d_residual.data() : nullptr;
  gradients.gamma = out.d_gamma.data();
  gradients.beta = out.d_beta.data();
  gradients.slope = acts ? out.d_slope.data() : nullptr;
  norm_act_backward(in, layer.parts.statistics, dy.data(), gradients, on_threads(threads));
  return out;
}

// Largest difference over the root mean square of what is expected.
template <class Value>
double relative_error(const std::vector<Value>& values, const std::vector<double>& expected) {
  double worst = 0, squares = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(to_float(values[i])) - expected[i]));
    squares += expected[i] * expected[i] / static_cast<double>(expected.size());
  }
  return worst / (std::sqrt(squares) + 1e-12);
}

std::string text(const Layer& layer) {
  return std::to_string(layer.rows) + " x " + std::to_string(layer.channels) +
         (layer.parts.acts ? " acts" : "") + (layer.parts.adds ? " adds" : "") +
         (layer.parts.statistics == NormStatistics::kGiven ? " given" : "");
}

TEST(NormAct, ForwardIsTheDefinitionForEveryShape) {
  for (const Parts& parts : every_combination()) {
    for (const std::int64_t channels : {1, 3, 24, 64, 130}) {
      for (const std::int64_t rows : {2, 7, 513}) {
        const Layer layer = draw_layer(rows, channels, parts);
        EXPECT_LT(relative_error(run_kernel<float>(layer, 1).y, plain_forward(layer)), 1e-5) << text(layer);
      }
    }
  }
}

// d_gamma, d_beta and d_slope from their formulas over all rows, in float64, and dx from them.
TEST(NormAct, BackwardIsTheDefinitionForEveryShape) {
  for (const Parts& parts : every_combination()) {
    for (const std::int64_t channels : {1, 3, 24, 64, 130}) {
      for (const std::int64_t rows : {7, 33, 513}) {
        const Layer layer = draw_layer(rows, channels, parts);
        const Moments moments = moments_of(layer);
        const auto width = static_cast<std::size_t>(channels);
        std::vector<double> g(layer.x.size()), unit(layer.x.size()), dx(layer.x.size());
        std::vector<double> d_gamma(width), d_beta(width), d_slope(width);
        for (std::size_t i = 0; i < g.size(); ++i) {
          const std::size_t c = i % width;
          unit[i] = (layer.x[i] - moments.mean[c]) * moments.inverse_std[c];
          const double pre = unit[i] * layer.gamma[c] + layer.beta[c] + (parts.adds ? layer.residual[i] : 0);
          const bool leaks = parts.acts && pre <= 0;
          g[i] = leaks ? layer.slope[c] * layer.dy[i] : layer.dy[i];
          d_gamma[c] += g[i] * unit[i];
          d_beta[c] += g[i];
          if (leaks) d_slope[c] += layer.dy[i] * pre;
        }
        const double share = parts.statistics == NormStatistics::kOfInput ? 1 / static_cast<double>(rows) : 0;
        for (std::size_t i = 0; i < g.size(); ++i) {
          const std::size_t c = i % width;
          dx[i] = layer.gamma[c] * moments.inverse_std[c] *
                  (g[i] - share * d_beta[c] - share * d_gamma[c] * unit[i]);
        }
        const Outcome<float> out = run_kernel<float>(layer, 1);
        EXPECT_LT(relative_error(out.dx, dx), 2e-5) << text(layer);
        EXPECT_LT(relative_error(out.d_gamma, d_gamma), 1e-5) << text(layer);
        EXPECT_LT(relative_error(out.d_beta, d_beta), 1e-5) << text(layer);
        if (parts.acts) {
          EXPECT_LT(relative_error(out.d_slope, d_slope), 1e-5) << text(layer);
        }
        if (parts.acts && parts.adds) {
          EXPECT_LT(relative_error(out.d_residual, g), 1e-5) << text(layer);
        }
      }
    }
  }
}

// Central differences of the plain loss in float64, which know nothing of the formulas.
TEST(NormAct, GradientsAreTheSlopesOfTheLoss) {
  for (const Parts& parts : every_combination()) {
    Layer layer = draw_layer(19, 3, parts);
    const Outcome<float> out = run_kernel<float>(layer, 1);
    const auto expect_slopes = [&](std::vector<double>& values, const std::vector<float>& gradient,
                                   const char* name) {
      ASSERT_EQ(values.size(), gradient.size()) << name;
      for (std::size_t i = 0; i < values.size(); ++i) {
        constexpr double kStep = 1e-6;
        const double value = values[i];
        values[i] = value + kStep;
        const double above = plain_loss(layer);
        values[i] = value - kStep;
        const double below = plain_loss(layer);
        values[i] = value;
        EXPECT_NEAR(static_cast<double>(gradient[i]), (above - below) / (2 * kStep), 2e-5)
            << name << i << text(layer);
      }
    };
    expect_slopes(layer.x, out.dx, "x");
    expect_slopes(layer.gamma, out.d_gamma, "gamma");
    expect_slopes(layer.beta, out.d_beta, "beta");
    if (parts.acts) expect_slopes(layer.slope, out.d_slope, "slope");
    if (parts.acts && parts.adds) expect_slopes(layer.residual, out.d_residual, "residual");
  }
}

TEST(NormAct, HasTheSameBitsOnAnyNumberOfThreads) {
  const Layer layer = draw_layer(12'345, 24, {true, true});  // four slices
  const Outcome<float> one = run_kernel<float>(layer, 1);
  for (const int threads : {2, 3}) {
    const Outcome<float> other = run_kernel<float>(layer, threads);
    EXPECT_EQ(one.y, other.y);
    EXPECT_EQ(one.dx, other.dx);
    EXPECT_EQ(one.d_residual, other.d_residual);
    EXPECT_EQ(one.d_gamma, other.d_gamma);
    EXPECT_EQ(one.d_beta, other.d_beta);
    EXPECT_EQ(one.d_slope, other.d_slope);
  }
}

// float32 holds x itself to 2^-24 of 10,000 only, and the mean as well: some 6e-4 of a deviation of 2.
TEST(NormAct, ALargeMeanCostsOnlyTheDigitsOfTheMeanItself) {
  const Layer layer = draw_layer(513, 3, {true, false}, 10'000);
  EXPECT_LT(relative_error(run_kernel<float>(layer, 1).y, plain_forward(layer)), 1e-3);
}

TEST(NormAct, AConstantChannelBecomesBeta) {
  Layer layer = draw_layer(40, 3, {false, false});
  for (std::size_t i = 1; i < layer.x.size(); i += 3) layer.x[i] = 0.75;
  const Outcome<float> out = run_kernel<float>(layer, 1);
  for (std::size_t i = 1; i < out.y.size(); i += 3)
    EXPECT_FLOAT_EQ(out.y[i], static_cast<float>(layer.beta[1]));
  EXPECT_NEAR(out.d_gamma[1], 0, 1e-6);
}

TEST(NormAct, ASlopeOfZeroIsReLU) {
  Layer layer = draw_layer(33, 5, {true, false});
  std::fill(layer.slope.begin(), layer.slope.end(), 0.0);
  const Outcome<float> out = run_kernel<float>(layer, 1);
  EXPECT_EQ(*std::min_element(out.y.begin(), out.y.end()), 0);
  EXPECT_GT(*std::max_element(out.y.begin(), out.y.end()), 1);
}

// Inputs have 8 bits, so what is compared is the same arithmetic on the rounded inputs, and 8 bits of the
// result.
TEST(NormAct, Bfloat16IsStorageOnly) {
  for (const Parts& parts : every_combination()) {
    Layer layer = draw_layer(513, 24, parts);
    const auto round = [](std::vector<double>& values) {
      for (double& value : values)
        value = static_cast<double>(to_float(from_float<Bf16>(static_cast<float>(value))));
    };
    round(layer.x);
    round(layer.residual);
    round(layer.dy);
    const Outcome<float> exact = run_kernel<float>(layer, 1);
    const Outcome<Bf16> out = run_kernel<Bf16>(layer, 2);
    for (std::size_t i = 0; i < exact.y.size(); ++i) {
      ASSERT_EQ(out.y[i].bits, from_float<Bf16>(exact.y[i]).bits) << text(layer);
      ASSERT_EQ(out.dx[i].bits, from_float<Bf16>(exact.dx[i]).bits) << text(layer);
    }
    EXPECT_EQ(out.d_gamma, exact.d_gamma);
    EXPECT_EQ(out.d_slope, exact.d_slope);
  }
}

TEST(NormAct, AnAddedTensorGetsItsOwnGradientOnlyBeforeAnActivation) {
  std::vector<float> ones(8, 1), out(8);
  NormActInput<float> in;
  in.rows = 4;
  in.channels = 2;
  in.x = in.residual = in.mean = in.inverse_std = in.gamma = in.beta = ones.data();
  NormActGradients<float> gradients;
  gradients.x = gradients.residual = gradients.gamma = gradients.beta = out.data();
  EXPECT_THROW(norm_act_backward(in, NormStatistics::kGiven, ones.data(), gradients, on_threads(1)), Error);
}

}  // namespace
}  // namespace aface
