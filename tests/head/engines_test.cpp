// The fused kernels and the LibTorch operations, in chunks and at once, are the same head.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aface/kernel/unusable_row.h"
#include "tests/head/head_cases.h"

namespace aface {
namespace {

constexpr std::int64_t kRows = 2100, kWidth = 24, kSamples = 17;

// Prototypes that cross several blocks, embeddings near their own.
HeadInput large_input(at::ScalarType type, bool prototypes_require_grad) {
  Random random(21);
  HeadInput input;
  const at::Tensor prototypes = normal(random, {kRows, kWidth});
  std::vector<std::int64_t> active(kRows), targets;
  std::iota(active.begin(), active.end(), 0);
  for (std::int64_t i = 0; i < kSamples; ++i) targets.push_back(i == 1 ? targets[0] : random.below(kRows));
  input.active_ids = ids(active);
  input.targets = ids(targets);
  input.embeddings = (prototypes.index_select(0, input.targets) + 1.5 * normal(random, {kSamples, kWidth})).to(type).requires_grad_(true);
  input.prototypes = prototypes.to(type).requires_grad_(prototypes_require_grad);
  input.want_rivals = true;
  return input;
}

struct Result {
  double loss = 0;
  at::Tensor embeddings, prototypes, margins, own_probability, correct;
  Rivals rivals;
  std::vector<float> inverse_lengths;
};

Result result_of(const HeadOptions& options, HeadInput input, double loss_factor = 1) {
  const auto head = make_head(options, kRows, at::kCPU);
  const HeadOutput output = head->forward(input);
  (output.loss * loss_factor).backward();
  Result result;
  result.loss = output.loss.item<double>();
  result.embeddings = input.embeddings.grad().to(at::kDouble);
  if (input.prototypes.requires_grad()) {
    EXPECT_FALSE(output.prototype_gradient);
    result.prototypes = input.prototypes.grad().to(at::kDouble);
  } else {
    at::Tensor gradient = at::empty({kRows, kWidth}, at::kFloat);
    for (std::int64_t first = 0; first < kRows; first += 500) {
      output.prototype_gradient(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min<std::int64_t>(500, kRows - first)),
                                gradient.data_ptr<float>() + first * kWidth);
    }
    result.prototypes = gradient.to(at::kDouble);
  }
  head->update(0, 1);
  result.margins = head->margins();
  result.own_probability = output.own_probability.to(at::kDouble);
  result.correct = output.correct;
  result.rivals = output.rivals;
  result.inverse_lengths = output.inverse_lengths;
  return result;
}

double relative(const at::Tensor& a, const at::Tensor& b) { return (a - b).norm().item<double>() / b.norm().item<double>(); }

class Engines : public ::testing::TestWithParam<Case> {
 protected:
  Engines() { at::set_num_threads(2); }
};

void expect_same(const Result& found, const Result& expected, double tolerance) {
  EXPECT_NEAR(found.loss, expected.loss, 0.1 * tolerance * expected.loss);
  EXPECT_LT(relative(found.embeddings, expected.embeddings), tolerance);
  EXPECT_LT(relative(found.prototypes, expected.prototypes), tolerance);
  EXPECT_LT(largest_difference(found.own_probability, expected.own_probability), 2 * tolerance);
  EXPECT_TRUE(found.correct.equal(expected.correct));
  EXPECT_EQ(found.rivals.begins, expected.rivals.begins);
  EXPECT_EQ(found.rivals.columns, expected.rivals.columns);
  for (std::size_t i = 0; i < found.rivals.cosines.size(); ++i) EXPECT_NEAR(found.rivals.cosines[i], expected.rivals.cosines[i], 1e-6);
  ASSERT_EQ(found.inverse_lengths.size(), expected.inverse_lengths.size());
  for (std::size_t i = 0; i < found.inverse_lengths.size(); ++i) EXPECT_NEAR(found.inverse_lengths[i], expected.inverse_lengths[i], 1e-6);
  if (expected.margins.numel() > 0) { EXPECT_LT(largest_difference(found.margins, expected.margins), tolerance); }
}

TEST_P(Engines, FusedEqualsPlainInDouble) {
  HeadOptions options = GetParam().options;
  const Result expected = result_of(options, large_input(at::kDouble, true));
  EXPECT_GT(expected.rivals.columns.size(), 0U);
  expect_same(result_of(options, large_input(at::kFloat, true)), expected, 1e-5);
  expect_same(result_of(options, large_input(at::kFloat, false)), expected, 1e-5);
}

TEST_P(Engines, ChunksChangeOnlyRounding) {
  HeadOptions options = GetParam().options;
  const Result whole = result_of(options, large_input(at::kDouble, true));
  options.plain_chunk = 64;
  expect_same(result_of(options, large_input(at::kDouble, true)), whole, 1e-12);
  options.engine = "plain";
  expect_same(result_of(options, large_input(at::kFloat, false)), whole, 1e-5);
}

TEST_P(Engines, FastStaysWithinItsTolerance) {
  HeadOptions options = GetParam().options;
  const Result expected = result_of(options, large_input(at::kDouble, true));
  options.precision = "fast";
  const Result fast = result_of(options, large_input(at::kFloat, false));
  EXPECT_NEAR(fast.loss, expected.loss, 1e-3 * expected.loss);
  EXPECT_LT(relative(fast.embeddings, expected.embeddings), 1e-2);
  EXPECT_LT(relative(fast.prototypes, expected.prototypes), 1e-2);
}

// A caller may scale the loss, for example to add up batches.
TEST_P(Engines, LossScaleReachesAllGradients) {
  const HeadOptions options = GetParam().options;
  const Result once = result_of(options, large_input(at::kFloat, false));
  const Result thrice = result_of(options, large_input(at::kFloat, false), 3);
  EXPECT_LT(relative(thrice.embeddings, once.embeddings * 3), 1e-6);
  EXPECT_LT(relative(thrice.prototypes, once.prototypes * 3), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(All, Engines, ::testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(Engines, AnUnusablePrototypeIsNamedByItsIdentity) {
  for (const std::string engine : {"auto", "plain"}) {
    HeadOptions options;
    options.engine = engine;
    HeadInput input = large_input(at::kFloat, false);
    input.active_ids = input.active_ids * 3;
    input.prototypes[700].fill_(std::nan(""));
    const auto head = make_head(options, 3 * kRows, at::kCPU);
    try {
      head->forward(input);
      FAIL();
    } catch (const UnusableRow& error) {
      EXPECT_EQ(error.index(), 2100U) << engine;
      EXPECT_NE(std::string(error.what()).find("prototype of identity 2100 "), std::string::npos) << error.what();
    }
  }
}

TEST(Engines, GradientBlocksBeforeBackwardAreRefused) {
  for (const std::string engine : {"auto", "plain"}) {
    HeadOptions options;
    options.engine = engine;
    const HeadOutput output = make_head(options, kRows, at::kCPU)->forward(large_input(at::kFloat, false));
    std::vector<float> block(kWidth);
    EXPECT_THROW(output.prototype_gradient(0, 1, block.data()), Error);
  }
}

}  // namespace
}  // namespace aface
