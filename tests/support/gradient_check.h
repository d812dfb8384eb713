#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace aface {

// Worst disagreement between `analytic` and central differences of `loss` by every entry of `x` (float64, contiguous,
// CPU), relative to max(1, |numeric|, |analytic|). `loss` must read `x` afresh; x is as before when this returns.
// Step 6e-6 max(1, |x|) balances truncation and rounding in double: expect below 1e-7.
inline double worst_gradient_error(const at::Tensor& x, const at::Tensor& analytic, const std::function<double()>& loss) {
  EXPECT_TRUE(analytic.defined()) << "no gradient arrived";
  EXPECT_EQ(x.sizes(), analytic.sizes());
  EXPECT_TRUE(x.is_contiguous() && x.scalar_type() == at::kDouble);
  if (::testing::Test::HasFailure()) return HUGE_VAL;
  const at::Tensor gradient = analytic.contiguous();
  double* values = x.data_ptr<double>();
  double worst = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double start = values[i], a = gradient.data_ptr<double>()[i];
    const double step = 6e-6 * std::max(1.0, std::abs(start));
    values[i] = start + step;
    const double above = loss();
    values[i] = start - step;
    const double below = loss();
    values[i] = start;
    const double numeric = (above - below) / (2 * step);
    const double error = std::abs(numeric - a) / std::max({1.0, std::abs(numeric), std::abs(a)});
    worst = std::isfinite(error) ? std::max(worst, error) : HUGE_VAL;
  }
  return worst;
}

}  // namespace aface
