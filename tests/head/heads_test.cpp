#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "aface/core/random.h"
#include "aface/head/head_registry.h"
#include "tests/support/gradient_check.h"
#include "tests/support/reference_head.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 12, kDim = 5, kBatch = 7;

struct Case {
  std::string name;
  HeadOptions options;
  std::string form;  // of the reference
  bool learnt = false;
};

// Every registered head at least once, with every form of its margin.
std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& name, const std::string& kind, const std::string& form, double margin) -> Case& {
    Case c;
    c.name = name;
    c.form = form;
    c.options.kind = kind;
    c.options.margin = margin;
    all.push_back(c);
    return all.back();
  };
  add("softmax", "softmax", "cosine", 0);
  add("sphereface_1.35", "sphereface", "multiplied", 1.35);
  add("sphereface_3", "sphereface", "multiplied", 3);
  add("cosface", "cosface", "cosine", 0.35);
  add("arcface", "arcface", "angular", 0.5);
  for (const std::string form : {"cosine", "angular"}) {
    Case& c = add("adaptive_" + form, "adaptive_margin", form, 0);
    c.options.margin_form = form;
    c.learnt = true;
  }
  return all;
}

std::unique_ptr<Head> make(const HeadOptions& options) { return make_head(options, kIdentities, at::kCPU); }

at::Tensor normal(Random& random, std::vector<std::int64_t> shape) {
  at::Tensor t = at::empty(shape, at::kDouble);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = random.normal();
  return t;
}

at::Tensor ids(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

HeadInput random_input(std::uint64_t seed, const std::vector<std::int64_t>& active) {
  Random random(seed);
  HeadInput input;
  input.embeddings = normal(random, {kBatch, kDim});
  input.prototypes = normal(random, {static_cast<std::int64_t>(active.size()), kDim});
  input.active_ids = ids(active);
  std::vector<std::int64_t> targets;
  for (std::int64_t i = 0; i < kBatch; ++i) targets.push_back(random.below(static_cast<std::int64_t>(active.size())));
  targets[1] = targets[0];  // one identity twice, so that its margin's gradient is a sum
  input.targets = ids(targets);
  return input;
}

std::vector<std::int64_t> everyone() {
  std::vector<std::int64_t> active(kIdentities);
  std::iota(active.begin(), active.end(), 0);
  return active;
}
const std::vector<std::int64_t> kSubset = {1, 2, 5, 9, 11};

HeadInput with_grad(HeadInput input) {
  input.embeddings = input.embeddings.detach().clone().requires_grad_(true);
  input.prototypes = input.prototypes.detach().clone().requires_grad_(true);
  return input;
}

std::vector<double> read_margins(const Head& head) {
  NamedArrays state;
  head.save(state);
  return state.get<double>("head.margins");
}

void write_margins(Head& head, const std::vector<double>& margins) {
  NamedArrays state;
  head.save(state);
  state.put("head.margins", margins);
  head.restore(state);
}

std::vector<double> uneven_margins(std::uint64_t seed) {
  Random random(seed);
  std::vector<double> margins;
  for (std::int64_t i = 0; i < kIdentities; ++i) margins.push_back(random.uniform(0.1, 0.6));
  return margins;
}

std::vector<double> own_margins(const Case& c, const Head& head, const HeadInput& input) {
  if (!c.learnt) return std::vector<double>(kBatch, c.options.margin);
  const std::vector<double> margins = read_margins(head);
  std::vector<double> own;
  for (std::int64_t i = 0; i < kBatch; ++i) {
    own.push_back(margins[input.active_ids[input.targets[i].item<std::int64_t>()].item<std::int64_t>()]);
  }
  return own;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

class Heads : public ::testing::TestWithParam<Case> {
 protected:
  Heads() { at::set_num_threads(1); }
  std::unique_ptr<Head> make_uneven() {
    auto head = make(GetParam().options);
    if (GetParam().learnt) write_margins(*head, uneven_margins(17));
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
      for (std::int64_t j = 0; j < input.prototypes.size(0); ++j) {
        EXPECT_NEAR(output.cosines[i][j].item<double>(), expected.cosines[k][static_cast<std::size_t>(j)], 1e-14);
      }
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
  if (GetParam().learnt) {
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
  if (!GetParam().learnt) return;
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
    if (c.learnt) write_margins(*head, std::vector<double>(kIdentities, 1.5 * share));
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
    EXPECT_TRUE(GetParam().learnt ? at::isfinite(head->margins()).all().item<bool>() : head->margins().numel() == 0);
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
  if (!GetParam().learnt) return;
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

TEST(HeadRegistry, NamesAreThoseOfTheOptionAndAllAreTested) {
  struct Choices {
    std::vector<std::string> kinds;
    void field(const std::string& name, std::string&, const FieldInfo& info) {
      if (name == "kind") kinds = info.choices;
    }
    void field(const std::string&, double&, const FieldInfo&) {}
    void field(const std::string&, std::int64_t&, const FieldInfo&) {}
  } choices;
  HeadOptions options;
  describe(choices, options);
  std::set<std::string> tested;
  for (const Case& c : cases()) tested.insert(c.options.kind);
  std::vector<std::string> names;
  for (const auto& row : head_registry()) names.push_back(row.name);
  EXPECT_EQ(names, choices.kinds);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), tested);
}

TEST(HeadRegistry, UnfittingOptionsAreNamed) {
  const auto message = [](auto change) -> std::string {
    HeadOptions options;
    change(options);
    try {
      make(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "";
  };
  using ::testing::HasSubstr;
  EXPECT_EQ(message([](HeadOptions&) {}), "");
  EXPECT_THAT(message([](HeadOptions& o) { o.kind = "cosfaces"; }), HasSubstr("adaptive_margin"));
  EXPECT_THAT(message([](HeadOptions& o) { o.kind = "sphereface"; }), HasSubstr("head.margin:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.kind = "arcface", o.margin = 2; }), HasSubstr("head.margin:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.kind = "cosface", o.margin = -0.1; }), HasSubstr("head.margin:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.margin_min = 0.5; }), HasSubstr("head.margin_init:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.margin_min = 1.5; }), HasSubstr("head.margin_min:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.margin_form = "angular", o.margin_max = 2; }), HasSubstr("head.margin_max:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.margin_form = "sine"; }), HasSubstr("head.margin_form:"));
  EXPECT_THAT(message([](HeadOptions& o) { o.logit_scale = 0; }), HasSubstr("head.logit_scale:"));
}

TEST(FixedMarginHead, NoMarginEqualsSoftmax) {
  const HeadInput input = random_input(10, everyone());
  HeadOptions softmax;
  softmax.kind = "softmax";
  const double expected = make(softmax)->forward(input).loss.item<double>();
  for (Case c : cases()) {
    c.options.margin = c.options.kind == "sphereface" ? 1 : 0;
    c.options.margin_init = 0;
    EXPECT_NEAR(make(c.options)->forward(input).loss.item<double>(), expected, 1e-12) << c.name;
  }
}

TEST(FixedMarginHead, WarmUpGrowsLinearlyFromNoMargin) {
  HeadInput input = random_input(11, everyone());
  for (const std::string kind : {"sphereface", "cosface", "arcface"}) {
    HeadOptions warming;
    warming.kind = kind;
    warming.margin = 1.4;
    warming.margin_warmup_steps = 10;
    const double none = kind == "sphereface" ? 1 : 0;
    for (const std::int64_t step : {0, 5, 10, 1000}) {
      HeadOptions there;
      there.kind = kind;
      there.margin = none + std::min(1.0, static_cast<double>(step) / 10) * (1.4 - none);
      input.step = step;
      const auto head = make(warming);
      EXPECT_NEAR(head->forward(input).loss.item<double>(), make(there)->forward(input).loss.item<double>(), 1e-12);
      EXPECT_NEAR(head->report().at("margin"), there.margin, 1e-15);
    }
  }
}

HeadOptions adaptive(const std::string& form) {
  HeadOptions options;
  options.margin_form = form;
  options.margin_learning_rate = 1e-3;
  return options;
}

// update() takes one plain step down the gradient of loss + regulariser, for identities in the batch and out of it.
TEST(AdaptiveMarginHead, UpdateFollowsTheExactGradientForEveryIdentity) {
  for (const std::string form : {"cosine", "angular"}) {
    for (const auto& active : {everyone(), kSubset}) {
      const HeadOptions options = adaptive(form);
      const auto head = make(options);
      const HeadInput input = with_grad(random_input(12, active));
      const std::vector<double> start = uneven_margins(18);
      write_margins(*head, start);
      head->forward(input).loss.backward();
      head->update(0, 0.5);
      const std::vector<double> moved = read_margins(*head);

      at::Tensor margins = at::tensor(start, at::kDouble), gradient = at::empty({kIdentities}, at::kDouble);
      for (std::size_t i = 0; i < start.size(); ++i) gradient[static_cast<std::int64_t>(i)] = (start[i] - moved[i]) / 0.5e-3;
      const auto total = [&] {
        const at::NoGradGuard no_grad;
        const double* m = margins.data_ptr<double>();
        write_margins(*head, std::vector<double>(m, m + kIdentities));
        return head->forward(input).loss.item<double>() + head->report().at("margin_regulariser");
      };
      EXPECT_LT(worst_gradient_error(margins, gradient, total), 1e-7) << form;
    }
  }
}

TEST(AdaptiveMarginHead, RegulariserReachesIdentitiesThatAreNotActive) {
  HeadOptions options = adaptive("cosine");
  options.margin_learning_rate = 0.1;
  const auto head = make(options);
  const HeadInput input = with_grad(random_input(13, kSubset));
  head->forward(input).loss.backward();
  head->update(0, 1);
  const std::vector<double> margins = read_margins(*head);
  for (const std::int64_t absent : {0, 3, 4, 6, 7, 8, 10}) {
    EXPECT_NEAR(margins[static_cast<std::size_t>(absent)], options.margin_init + 0.1 * options.margin_weight / kIdentities, 1e-15);
  }
}

TEST(AdaptiveMarginHead, BoundsHold) {
  HeadOptions options = adaptive("cosine");
  options.margin_learning_rate = 100;
  options.margin_min = 0.2;
  options.margin_max = 0.6;
  const auto head = make(options);
  for (std::int64_t step = 0; step < 4; ++step) {
    const HeadInput input = with_grad(random_input(14 + static_cast<std::uint64_t>(step), kSubset));
    head->forward(input).loss.backward();
    head->update(step, 1);
    for (const double margin : read_margins(*head)) EXPECT_TRUE(margin >= 0.2 && margin <= 0.6) << margin;
  }
  const auto report = head->report();
  EXPECT_GT(report.at("margin_at_max"), 0.5);  // seven identities of twelve were never pushed down
  EXPECT_EQ(report.at("margin_at_min") + report.at("margin_at_max"), 1);
  EXPECT_EQ(head->margins().scalar_type(), at::kFloat);
  EXPECT_EQ(head->margins().numel(), kIdentities);
}

TEST(AdaptiveMarginHead, FrozenMarginsStayThenMove) {
  HeadOptions options = adaptive("cosine");
  options.margin_freeze_steps = 3;
  const auto head = make(options);
  for (std::int64_t step = 0; step < 4; ++step) {
    const HeadInput input = with_grad(random_input(15, everyone()));
    head->forward(input).loss.backward();
    head->update(step, 1);
    const bool still = read_margins(*head) == std::vector<double>(kIdentities, options.margin_init);
    EXPECT_EQ(still, step < 3) << step;
  }
}

TEST(AdaptiveMarginHead, EvaluationBetweenForwardAndUpdateChangesNothing) {
  const auto head = make(adaptive("cosine")), disturbed = make(adaptive("cosine"));
  const HeadInput input = with_grad(random_input(16, everyone()));
  head->forward(input).loss.backward();
  head->update(0, 1);
  disturbed->forward(input).loss.backward();
  {
    const at::NoGradGuard no_grad;
    disturbed->forward(random_input(17, everyone()));
  }
  disturbed->update(0, 1);
  EXPECT_EQ(read_margins(*head), read_margins(*disturbed));
  EXPECT_THROW(head->update(1, 1), Error);  // nothing to update from
}

}  // namespace
}  // namespace aface
