// Heads whose identities are spread over ranks (threads here) are the one head that has them all.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "tests/head/head_cases.h"
#include "tests/support/thread_ranks.h"

namespace aface {
namespace {

constexpr std::int64_t kRows = 2100, kWidth = 24, kSamples = 17;

struct Data {
  at::Tensor prototypes, embeddings;
  std::vector<std::int64_t> targets;
};

Data make_data(at::ScalarType type) {
  Random random(22);
  Data data;
  const at::Tensor prototypes = normal(random, {kRows, kWidth});
  for (std::int64_t i = 0; i < kSamples; ++i)
    data.targets.push_back(i == 1 ? data.targets[0] : random.below(kRows));
  data.targets[2] = 0, data.targets[3] = kRows - 1;
  data.embeddings =
      (prototypes.index_select(0, ids(data.targets)) + 1.5 * normal(random, {kSamples, kWidth})).to(type);
  data.prototypes = prototypes.to(type);
  return data;
}

struct Result {
  double loss = 0, skipped = 0;
  at::Tensor embeddings, prototypes, margins, own_cosine, own_probability, correct;
  std::vector<std::vector<std::int64_t>> rivals;  // of each sample
};

// The head of identities [first, end), of which all are active.
Result result_of(const HeadOptions& options, const Data& data, std::int64_t first, std::int64_t end,
                 AcrossRanks* ranks) {
  at::set_num_threads(1);
  const std::int64_t count = end - first;
  HeadInput input;
  input.prototypes = data.prototypes.narrow(0, first, count).clone();
  input.embeddings = data.embeddings.clone().requires_grad_(true);
  std::vector<std::int64_t> active(static_cast<std::size_t>(count)), targets;
  std::iota(active.begin(), active.end(), 0);
  for (const std::int64_t target : data.targets)
    targets.push_back(target >= first && target < end ? target - first : -1);
  input.active_ids = ids(active);
  input.targets = ids(targets);
  input.want_rivals = true;
  input.ranks = ranks;
  const auto head = make_head(options, std::max<std::int64_t>(1, count), at::kCPU, kRows);
  const HeadOutput output = head->forward(input);
  output.loss.backward();
  Result result;
  result.loss = output.loss.item<double>();
  result.skipped = output.filter.skipped;
  result.embeddings = input.embeddings.grad().to(at::kDouble);
  at::Tensor gradient = at::empty({count, kWidth}, at::kFloat);
  output.prototype_gradient(0, static_cast<std::size_t>(count), gradient.data_ptr<float>());
  result.prototypes = gradient.to(at::kDouble);
  head->update(0, 1);
  result.margins = head->margins().narrow(0, 0, std::min(count, head->margins().numel())).clone();
  result.own_cosine = output.own_cosine.to(at::kDouble);
  result.own_probability = output.own_probability.to(at::kDouble);
  result.correct = output.correct;
  for (std::size_t i = 0; i < kSamples; ++i) {
    result.rivals.emplace_back();
    for (std::size_t k = output.rivals.begins[i]; k < output.rivals.begins[i + 1]; ++k) {
      result.rivals[i].push_back(first + output.rivals.columns[k]);
    }
  }
  return result;
}

double relative(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).norm().item<double>() / b.norm().item<double>();
}

Result spread(const HeadOptions& options, const Data& data, const std::vector<std::int64_t>& cuts) {
  std::vector<Result> parts(cuts.size() - 1);
  test::ThreadRanks::run(static_cast<int>(parts.size()), [&](AcrossRanks& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    parts[rank] = result_of(options, data, cuts[rank], cuts[rank + 1], &ranks);
  });
  Result whole = parts[0];
  for (std::size_t rank = 1; rank < parts.size(); ++rank) {
    const Result& part = parts[rank];
    // What is told of samples is the same on all.
    EXPECT_EQ(part.loss, whole.loss);
    EXPECT_TRUE(part.own_cosine.equal(whole.own_cosine));
    EXPECT_TRUE(part.own_probability.equal(whole.own_probability));
    EXPECT_TRUE(part.correct.equal(whole.correct));
    EXPECT_EQ(part.skipped, whole.skipped);
    whole.embeddings = whole.embeddings + part.embeddings;
    whole.prototypes = at::cat({whole.prototypes, part.prototypes});
    whole.margins = at::cat({whole.margins, part.margins});
    for (std::size_t i = 0; i < kSamples; ++i) {
      whole.rivals[i].insert(whole.rivals[i].end(), part.rivals[i].begin(), part.rivals[i].end());
    }
  }
  return whole;
}

void expect_same(const Result& found, const Result& expected, double tolerance) {
  EXPECT_NEAR(found.loss, expected.loss, 0.1 * tolerance * expected.loss);
  EXPECT_LT(relative(found.embeddings, expected.embeddings), tolerance);
  EXPECT_LT(relative(found.prototypes, expected.prototypes), tolerance);
  EXPECT_LT((found.own_probability - expected.own_probability).abs().max().item<double>(), tolerance);
  EXPECT_TRUE(found.correct.equal(expected.correct));
  if (expected.margins.numel() > 0) {
    ASSERT_EQ(found.margins.numel(), kRows);
    EXPECT_LT((found.margins - expected.margins).abs().max().item<double>(), tolerance);
  }
}

class ShardedHead : public ::testing::TestWithParam<Case> {};

const std::vector<std::vector<std::int64_t>> kCuts = {{0, 1050, kRows}, {0, 3, 1500, 1500, kRows}};

TEST_P(ShardedHead, IsTheWholeHead) {
  for (const char* engine : {"auto", "plain"}) {
    HeadOptions options = GetParam().options;
    options.engine = engine;
    const Data data = make_data(at::kFloat);
    const Result expected = result_of(options, data, 0, kRows, nullptr);
    EXPECT_FALSE(expected.correct.all().item<bool>());
    EXPECT_TRUE(expected.correct.any().item<bool>());
    for (const auto& cuts : kCuts) {
      SCOPED_TRACE(std::string(engine) + ", " + std::to_string(cuts.size() - 1) + " ranks");
      const Result found = spread(options, data, cuts);
      expect_same(found, expected, 3e-6);
      EXPECT_EQ(found.rivals, expected.rivals);
    }
  }
}

TEST_P(ShardedHead, FastStaysWithinItsTolerance) {
  HeadOptions options = GetParam().options;
  options.precision = "fast";
  const Data data = make_data(at::kFloat);
  const Result expected = result_of(options, data, 0, kRows, nullptr);
  for (const auto& cuts : kCuts) {
    SCOPED_TRACE(std::to_string(cuts.size() - 1) + " ranks");
    const Result found = spread(options, data, cuts);
    EXPECT_NEAR(found.loss, expected.loss, 1e-3 * expected.loss);
    EXPECT_LT(relative(found.embeddings, expected.embeddings), 2e-2);
    EXPECT_LT(relative(found.prototypes, expected.prototypes), 2e-2);
  }
}

// KappaFace is for one rank only.
std::vector<Case> cases_of_ranks() {
  std::vector<Case> all = cases();
  all.erase(std::remove_if(all.begin(), all.end(), [](const Case& c) { return c.options.kind == "kappaface"; }), all.end());
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, ShardedHead, ::testing::ValuesIn(cases_of_ranks()), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
}  // namespace aface
