#include "aface/prototype/lazy_decay.h"

#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/random.h"

namespace aface {
namespace {

using Matrix = LazyDecay::Matrix;

constexpr double kMomentum = 0.9, kDecay = 5e-4;

double rate_of(std::int64_t step) { return 0.1 * (1 + std::cos(1e-3 * static_cast<double>(step))); }

// What a row (w, v) becomes over the steps first ... last - 1, one by one.
std::pair<double, double> by_steps(double w, double v, std::int64_t first, std::int64_t last) {
  for (std::int64_t step = first; step < last; ++step) {
    v = kMomentum * v + kDecay * w;
    w -= rate_of(step) * v;
  }
  return {w, v};
}

void expect_equals_steps(const Matrix& m, std::int64_t first, std::int64_t last) {
  for (const auto& [w, v] : {std::make_pair(1.0, 0.0), std::make_pair(0.0, 1.0), std::make_pair(-0.3, 2.0)}) {
    const auto [w_after, v_after] = by_steps(w, v, first, last);
    const double tolerance = 1e-12 * (std::abs(w) + std::abs(v));
    ASSERT_NEAR(m.ww * w + m.wv * v, w_after, tolerance) << first << ' ' << last;
    ASSERT_NEAR(m.vw * w + m.vv * v, v_after, tolerance) << first << ' ' << last;
  }
}

TEST(LazyDecay, EveryAgeAtEveryTimeEqualsTheStepsOneByOne) {
  constexpr std::int64_t kRows = 70;  // row i is active in step i alone
  LazyDecay decay(kRows, kMomentum, kDecay);
  for (std::int64_t step = 0; step < kRows; ++step) {
    const std::vector<std::int64_t> active = {step};
    decay.add_step(rate_of(step), active);
    for (std::int64_t row = 0; row < kRows; ++row) {
      const std::int64_t has = row <= step ? row + 1 : 0;
      EXPECT_EQ(decay.is_behind(row), has != step + 1);
      expect_equals_steps(decay.missing(row), has, step + 1);
    }
  }
}

TEST(LazyDecay, ManyThousandStepsAreExact) {
  LazyDecay decay(3, kMomentum, kDecay);
  const std::int64_t steps = 50'001;
  for (std::int64_t step = 0; step < steps; ++step) {
    decay.add_step(rate_of(step), step == 12'345 ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{2});
  }
  expect_equals_steps(decay.missing(0), 0, steps);
  expect_equals_steps(decay.missing(1), 12'346, steps);
  EXPECT_EQ(decay.history(), steps);
  EXPECT_EQ(decay.stalest_age(), steps);
  EXPECT_NEAR(decay.share_never_active(), 1.0 / 3, 1e-15);
}

TEST(LazyDecay, HistoryEndsWhenNobodyIsBehind) {
  LazyDecay decay(2, kMomentum, kDecay);
  decay.add_step(0.1, std::vector<std::int64_t>{0});
  EXPECT_EQ(decay.history(), 1);
  decay.mark_caught_up();
  EXPECT_EQ(decay.history(), 0);
  EXPECT_FALSE(decay.is_behind(1));
  EXPECT_EQ(decay.stalest_age(), 1);  // having caught up is no activity
  decay.add_step(0.1, std::vector<std::int64_t>{1});
  EXPECT_TRUE(decay.is_behind(0));
  decay.mark_caught_up();
  decay.add_step(0.1, std::vector<std::int64_t>{0, 1});
  EXPECT_EQ(decay.history(), 0);
  EXPECT_EQ(decay.steps(), 3);
}

TEST(LazyDecay, RestoredOneGivesTheSameBits) {
  constexpr std::int64_t kRows = 40;
  LazyDecay decay(kRows, kMomentum, kDecay), restored(kRows, kMomentum, kDecay);
  const auto take_steps = [&](LazyDecay& to, std::uint64_t seed) {
    Random ids(seed);
    for (std::int64_t step = 0; step < 333; ++step) {
      to.add_step(rate_of(step), std::vector<std::int64_t>{ids.below(kRows - 1)});
    }
  };
  take_steps(decay, 1);
  NamedArrays state;
  decay.save(state, "x.");
  restored.add_step(7, std::vector<std::int64_t>{3});  // is forgotten
  restored.restore(state, "x.");
  take_steps(decay, 2);
  take_steps(restored, 2);
  for (std::int64_t row = 0; row < kRows; ++row) {
    const Matrix a = decay.missing(row), b = restored.missing(row);
    EXPECT_TRUE(a.ww == b.ww && a.wv == b.wv && a.vw == b.vw && a.vv == b.vv) << row;
  }
  EXPECT_EQ(decay.stalest_age(), restored.stalest_age());
}

TEST(LazyDecay, ContradictionsAreRefused) {
  LazyDecay decay(2, kMomentum, kDecay);
  decay.add_step(0.1, std::vector<std::int64_t>{0});
  NamedArrays good;
  decay.save(good, "x.");
  const auto refused = [&](const std::string& name, std::vector<std::int64_t> values) {
    NamedArrays state = good;
    state.put(name, values);
    try {
      decay.restore(state, "x.");
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kFormat;
    }
    return false;
  };
  EXPECT_TRUE(refused("x.steps", {0}));
  EXPECT_TRUE(refused("x.fresh_until", {2, 0}));
  EXPECT_TRUE(refused("x.fresh_until", {1, -1}));
  EXPECT_TRUE(refused("x.fresh_until", {1, 0, 0}));
  EXPECT_TRUE(refused("x.last_active", {1, 5}));
  EXPECT_FALSE(refused("x.last_active", {1, 0}));
}

}  // namespace
}  // namespace aface
