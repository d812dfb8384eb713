// What holds for every head.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/head/head_cases.h"
#include "tests/support/gradient_check.h"
#include "tests/support/reference_head.h"

namespace aface {
namespace {

class Heads : public ::testing::TestWithParam<Case> {
 protected:
  Heads() { at::set_num_threads(1); }
  std::unique_ptr<Head> make_uneven() {
    auto head = make(GetParam().options);
    if (GetParam().own) write_margins(*head, uneven_margins(17));
    return head;
  }
};

TEST_P(Heads, AgreeWithPlainLoops) {
  const Case& c = GetParam();
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const HeadInput input = random_input(seed, seed % 2 ? everyone() : kSubset);
    const auto head = make_uneven();
    const HeadOutput output = head->forward(input);
    const ReferenceResult expected = reference_head(input.embeddings, input.prototypes, input.targets,
                                                    own_margins(c, *head, input), c.form, c.options.logit_scale);
    ASSERT_NEAR(output.loss.item<double>(), expected.loss, 1e-11 * (1 + expected.loss)) << "seed " << seed;
    for (std::int64_t i = 0; i < kBatch; ++i) {
      const auto k = static_cast<std::size_t>(i);
      EXPECT_NEAR(output.own_probability[i].item<double>(), expected.own_probability[k], 1e-11);
      EXPECT_EQ(output.correct[i].item<bool>(), expected.correct[k]);
      const std::int64_t own = input.targets[i].item<std::int64_t>();
      EXPECT_NEAR(output.own_cosine[i].item<double>(), expected.cosines[k][static_cast<std::size_t>(own)], 1e-14);
    }
  }
}

TEST_P(Heads, GradientsMatchCentralDifferences) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const HeadInput input = with_grad(random_input(seed, seed % 2 ? everyone() : kSubset));
    const auto head = make_uneven();
    head->forward(input).loss.backward();
    const auto loss = [&] {
      const at::NoGradGuard no_grad;
      return head->forward(input).loss.item<double>();
    };
    EXPECT_GT(input.embeddings.grad().abs().max().item<double>(), 1e-6);
    EXPECT_LT(worst_gradient_error(input.embeddings, input.embeddings.grad(), loss), 1e-7) << "seed " << seed;
    EXPECT_LT(worst_gradient_error(input.prototypes, input.prototypes.grad(), loss), 1e-7) << "seed " << seed;
  }
}

TEST_P(Heads, ScalingAnEmbeddingLeavesTheLoss) {
  const HeadInput input = random_input(3, everyone());
  HeadInput scaled = input;
  scaled.embeddings = input.embeddings * 7.3;
  const auto head = make_uneven();
  EXPECT_NEAR(head->forward(scaled).loss.item<double>(), head->forward(input).loss.item<double>(), 1e-12);
}

TEST_P(Heads, RenamingIdentitiesPermutesGradients) {
  const HeadInput input = with_grad(random_input(4, everyone()));
  const std::vector<std::int64_t> order = {3, 7, 0, 11, 5, 1, 9, 2, 10, 4, 8, 6};  // new row r holds the old order[r]
  std::vector<std::int64_t> new_row(kIdentities);
  for (std::size_t r = 0; r < order.size(); ++r) new_row[static_cast<std::size_t>(order[r])] = static_cast<std::int64_t>(r);
  HeadInput renamed = input;
  renamed.prototypes = input.prototypes.detach().index_select(0, ids(order));
  renamed.targets = ids(new_row).index_select(0, input.targets);
  renamed = with_grad(renamed);

  const auto head = make_uneven(), renamed_head = make(GetParam().options);
  std::vector<double> before, after;
  if (GetParam().own) {
    const std::vector<double> margins = read_margins(*head);
    std::vector<double> moved;
    for (const std::int64_t old : order) moved.push_back(margins[static_cast<std::size_t>(old)]);
    write_margins(*renamed_head, moved);
  }
  const at::Tensor loss = head->forward(input).loss, renamed_loss = renamed_head->forward(renamed).loss;
  loss.backward();
  renamed_loss.backward();
  EXPECT_NEAR(loss.item<double>(), renamed_loss.item<double>(), 1e-12);
  EXPECT_LT(largest_difference(input.embeddings.grad(), renamed.embeddings.grad()), 1e-12);
  EXPECT_LT(largest_difference(input.prototypes.grad().index_select(0, ids(order)), renamed.prototypes.grad()), 1e-12);
  if (!GetParam().own) return;
  head->update(0, 1);
  renamed_head->update(0, 1);
  const std::vector<double> margins = read_margins(*head), renamed_margins = read_margins(*renamed_head);
  for (std::size_t r = 0; r < order.size(); ++r) {
    EXPECT_NEAR(renamed_margins[r], margins[static_cast<std::size_t>(order[r])], 1e-12);
  }
}

TEST_P(Heads, LargerMarginNeverRaisesOwnProbability) {
  const Case& c = GetParam();
  const HeadInput input = random_input(5, everyone());
  at::Tensor last;
  for (int i = 0; i <= 10; ++i) {
    HeadOptions options = c.options;
    const double share = i / 10.0;
    options.margin = c.options.kind == "sphereface" ? 1 + 3 * share : 1.5 * share;
    options.margin_max = 1.5;
    const auto head = make(options);
    if (c.own) write_margins(*head, std::vector<double>(kIdentities, 1.5 * share));
    const at::Tensor own = head->forward(input).own_probability;
    if (last.defined()) { EXPECT_LE((own - last).max().item<double>(), 1e-14); }
    last = own;
  }
}

// Embeddings that are exact multiples of their own, and of the opposite of their own, prototype.
TEST_P(Heads, LossAndGradientsAreFiniteAtCosinePlusAndMinusOne) {
  const auto head = make_uneven();
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    HeadInput input = random_input(6, everyone());
    input.prototypes[0] = at::tensor({1.0, 0.0, 0.0, 0.0, 0.0}, at::kDouble);  // unit in any rounding
    const at::Tensor axis = input.prototypes.narrow(0, 0, 1), other = input.prototypes.narrow(0, 1, 1);
    input.embeddings = at::cat({axis, axis * -1, other * 4, other * -4});
    input.embeddings = input.embeddings.to(type);
    input.prototypes = input.prototypes.to(type);
    input.targets = ids({0, 0, 1, 1});
    input = with_grad(input);
    const HeadOutput output = head->forward(input);
    EXPECT_EQ(output.own_cosine[0].item<double>(), 1);
    EXPECT_EQ(output.own_cosine[1].item<double>(), -1);
    EXPECT_NEAR(output.own_cosine[2].item<double>(), 1, 1e-6);
    output.loss.backward();
    EXPECT_TRUE(std::isfinite(output.loss.item<double>()));
    EXPECT_TRUE(at::isfinite(input.embeddings.grad()).all().item<bool>());
    EXPECT_TRUE(at::isfinite(input.prototypes.grad()).all().item<bool>());
    head->update(0, 1);
    EXPECT_TRUE(GetParam().own ? at::isfinite(head->margins()).all().item<bool>() : head->margins().numel() == 0);
  }
}

TEST_P(Heads, FloatIsCloseToDouble) {
  const auto head = make_uneven();
  const HeadInput input = with_grad(random_input(7, everyone()));
  HeadInput single = input;
  single.embeddings = input.embeddings.detach().to(at::kFloat);
  single.prototypes = input.prototypes.detach().to(at::kFloat);
  single = with_grad(single);
  const at::Tensor loss = head->forward(input).loss, single_loss = head->forward(single).loss;
  loss.backward();
  single_loss.backward();
  EXPECT_EQ(single_loss.scalar_type(), at::kFloat);
  EXPECT_NEAR(single_loss.item<double>(), loss.item<double>(), 1e-5 * (1 + loss.item<double>()));
  EXPECT_LT(largest_difference(single.embeddings.grad().to(at::kDouble), input.embeddings.grad()), 2e-4);
}

TEST_P(Heads, RefuseUnusableInput) {
  const auto head = make(GetParam().options);
  const auto kind_of = [&](const HeadInput& input) {
    try {
      head->forward(input);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kUsage;
  };
  HeadInput input = random_input(8, everyone());
  input.embeddings[2][1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(kind_of(input), ErrorKind::kNumeric);
  input = random_input(8, everyone());
  input.prototypes[2][1] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(kind_of(input), ErrorKind::kNumeric);
  input = random_input(8, everyone());
  input.embeddings[0].zero_();
  EXPECT_EQ(kind_of(input), ErrorKind::kNumeric);
  for (const std::int64_t target : {std::int64_t{-1}, kIdentities}) {
    input = random_input(8, everyone());
    input.targets[0] = target;
    EXPECT_EQ(kind_of(input), ErrorKind::kInternal);
  }
  input = random_input(8, everyone());
  input.active_ids = ids(kSubset);
  EXPECT_EQ(kind_of(input), ErrorKind::kInternal);
}

TEST_P(Heads, SavedStateRestoresAndForeignStateIsRefused) {
  const auto head = make_uneven();
  const HeadInput input = with_grad(random_input(9, everyone()));
  head->forward(input).loss.backward();
  head->update(0, 1);
  NamedArrays state;
  head->save(state);
  const auto other = make(GetParam().options);
  other->restore(state);
  EXPECT_EQ(other->forward(input).loss.item<double>(), head->forward(input).loss.item<double>());

  state.metadata["head.kind"] = "another";
  EXPECT_THROW(other->restore(state), Error);
  if (!GetParam().own) return;
  state.metadata["head.kind"] = GetParam().options.kind;
  state.put("head.margins", std::vector<double>(kIdentities + 1, 0.3));
  EXPECT_THROW(other->restore(state), Error);
  state.put("head.margins", std::vector<double>(kIdentities, std::nan("")));
  EXPECT_THROW(other->restore(state), Error);
}

INSTANTIATE_TEST_SUITE_P(All, Heads, ::testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
}  // namespace aface
