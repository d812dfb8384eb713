// What holds for one kind of head only, and the table of all.
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "aface/head/head_registry.h"
#include "tests/head/head_cases.h"
#include "tests/support/gradient_check.h"

namespace aface {
namespace {

TEST(HeadRegistry, NamesAreThoseOfTheOptionAndAllAreTested) {
  struct Choices {
    std::vector<std::string> kinds;
    void field(const std::string& name, std::string&, const FieldInfo& info) {
      if (name == "kind") kinds = info.choices;
    }
    void field(const std::string&, double&, const FieldInfo&) {}
    void field(const std::string&, std::int64_t&, const FieldInfo&) {}
    void field(const std::string&, bool&, const FieldInfo&) {}
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
  const std::vector<double> margins = read_margins(*head);
  const auto at_max = std::count(margins.begin(), margins.end(), 0.6);
  EXPECT_GT(2 * at_max, kIdentities);  // seven identities of twelve were never pushed down
  EXPECT_EQ(at_max + std::count(margins.begin(), margins.end(), 0.2), kIdentities);
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

TEST(AdaptiveMarginHead, WarmUpScalesTheMarginsThatAct) {
  HeadOptions growing = adaptive("cosine"), half = adaptive("cosine"), none = adaptive("cosine");
  growing.margin_warmup_steps = growing.margin_freeze_steps = 10;
  half.margin_init = growing.margin_init / 2;
  half.margin_min = none.margin_min = none.margin_init = 0;
  HeadInput input = random_input(18, everyone());
  const auto loss_at = [&](const HeadOptions& options, std::int64_t step) {
    input.step = step;
    return make(options)->forward(input).loss.item<double>();
  };
  EXPECT_NEAR(loss_at(growing, 0), loss_at(none, 0), 1e-12);
  EXPECT_NEAR(loss_at(growing, 5), loss_at(half, 5), 1e-12);
  EXPECT_NEAR(loss_at(growing, 10), loss_at(adaptive("cosine"), 10), 1e-12);
}

// Gradients and rests change by (n_c / nbar)^power, for identities in the batch and out of it.
TEST(AdaptiveMarginHead, PullFollowsImageCountsByItsPower) {
  HeadOptions options = adaptive("cosine");
  options.margin_learning_rate = 0.1;
  options.margin_pull_power = 0.5;
  std::vector<double> relative(kIdentities, 1.0);
  relative[0] = 0.25;
  relative[3] = 4;
  const auto head = make_head(options, kIdentities, at::kCPU, 0, relative);
  const HeadInput input = with_grad(random_input(13, kSubset));
  head->forward(input).loss.backward();
  head->update(0, 1);
  const std::vector<double> margins = read_margins(*head);
  const double step = 0.1 * options.margin_weight / kIdentities;
  EXPECT_NEAR(margins[0], options.margin_init + 0.5 * step, 1e-14);  // none of these is in the batch
  EXPECT_NEAR(margins[3], options.margin_init + 2 * step, 1e-14);
  EXPECT_NEAR(margins[4], options.margin_init + step, 1e-14);
  double sum = 0;
  for (std::size_t c = 0; c < margins.size(); ++c) sum += std::sqrt(relative[c]) * margins[c];
  EXPECT_NEAR(head->report().at("margin_regulariser"), -options.margin_weight * sum / kIdentities, 1e-12);
}

TEST(AdaptiveMarginHead, StartFollowsImageCountsByItsPowerWithinTheBounds) {
  HeadOptions options = adaptive("cosine");
  options.margin_init = 0.2;
  options.margin_min = 0.15;
  options.margin_max = 0.5;
  options.margin_init_power = 0.5;
  std::vector<double> relative(kIdentities, 1.0);
  relative[0] = 0.25;
  relative[1] = 0.01;
  relative[2] = 100;
  const std::vector<double> margins = read_margins(*make_head(options, kIdentities, at::kCPU, 0, relative));
  EXPECT_NEAR(margins[0], 0.4, 1e-15);
  EXPECT_EQ(margins[1], 0.5);
  EXPECT_EQ(margins[2], 0.15);
  EXPECT_EQ(margins[3], 0.2);
  EXPECT_THROW(make_head(options, kIdentities, at::kCPU, 0, {1.0}), Error);
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
