// The fused softmax against plain loops in double.
#include "aface/kernel/fused_softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "aface/core/parts.h"
#include "aface/core/random.h"
#include "aface/core/shard.h"
#include "aface/kernel/unusable_row.h"
#include "tests/support/thread_ranks.h"

namespace aface {
namespace {

constexpr double kFilter = 1.0 / 4096;

struct Problem {
  std::size_t batch = 0, columns = 0, dim = 0;
  std::vector<float> embeddings, prototypes;
  std::vector<std::int64_t> targets;
  double margin = 0.3, slope = 1;
  FusedSoftmaxOptions options;

  RowMatrix x() const { return {embeddings.data(), batch, dim}; }
  RowMatrix w() const { return {prototypes.data(), columns, dim}; }
};

// Prototypes in families of ten, embeddings around their own prototype: as a net looks halfway through its training.
Problem trained(std::uint64_t seed, std::size_t batch, std::size_t columns, std::size_t dim, double noise) {
  Problem p;
  p.batch = batch, p.columns = columns, p.dim = dim;
  Random random(seed);
  std::vector<double> family(dim);
  for (std::size_t j = 0; j < columns; ++j) {
    if (j % 10 == 0) {
      for (double& value : family) value = random.normal();
    }
    const double length = random.uniform(0.1, 3);
    for (const double value : family) p.prototypes.push_back(static_cast<float>(length * (value + random.normal())));
  }
  for (std::size_t i = 0; i < batch; ++i) {
    const std::int64_t own = i == 1 ? p.targets[0] : random.below(static_cast<std::int64_t>(columns));
    p.targets.push_back(own);
    const double length = random.uniform(0.1, 30);
    const float* row = p.w().row(static_cast<std::size_t>(own));
    double squares = 0;
    for (std::size_t d = 0; d < dim; ++d) squares += static_cast<double>(row[d]) * static_cast<double>(row[d]);
    for (std::size_t d = 0; d < dim; ++d) {
      const double value = static_cast<double>(row[d]) / std::sqrt(squares) + noise / std::sqrt(static_cast<double>(dim)) * random.normal();
      p.embeddings.push_back(static_cast<float>(length * value));
    }
  }
  return p;
}

struct Expected {
  double loss = 0;
  std::vector<double> probabilities, embedding_gradient, prototype_gradient;
  std::vector<std::vector<std::int32_t>> rivals;
  std::vector<std::vector<double>> cosines;
};

Expected expected_of(const Problem& p) {
  const auto units = [](RowMatrix rows, std::vector<double>& lengths) {
    std::vector<double> result;
    for (std::size_t i = 0; i < rows.rows; ++i) {
      double squares = 0;
      for (std::size_t d = 0; d < rows.dim; ++d) squares += static_cast<double>(rows.row(i)[d]) * static_cast<double>(rows.row(i)[d]);
      lengths.push_back(std::sqrt(squares));
      for (std::size_t d = 0; d < rows.dim; ++d) result.push_back(static_cast<double>(rows.row(i)[d]) / lengths.back());
    }
    return result;
  };
  std::vector<double> x_lengths, w_lengths;
  const std::vector<double> u = units(p.x(), x_lengths), v = units(p.w(), w_lengths);
  Expected e;
  e.embedding_gradient.resize(u.size());
  e.prototype_gradient.resize(v.size());
  const double s = p.options.logit_scale, factor = s / static_cast<double>(p.batch);
  for (std::size_t i = 0; i < p.batch; ++i) {
    const auto own = static_cast<std::size_t>(p.targets[i]);
    std::vector<double> cosines(p.columns, 0.0), logits;
    for (std::size_t j = 0; j < p.columns; ++j) {
      for (std::size_t d = 0; d < p.dim; ++d) cosines[j] += u[i * p.dim + d] * v[j * p.dim + d];
    }
    double total = 0;
    for (std::size_t j = 0; j < p.columns; ++j) {
      logits.push_back(s * (j == own ? p.slope * cosines[own] - p.margin : cosines[j]));
      total += std::exp(logits[j] - s);
    }
    e.rivals.emplace_back();
    for (std::size_t j = 0; j < p.columns; ++j) {
      const double probability = std::exp(logits[j] - s) / total;
      const double g = factor * (j == own ? (probability - 1) * p.slope : probability);
      if (j == own) {
        e.probabilities.push_back(probability);
        e.loss -= std::log(probability) / static_cast<double>(p.batch);
      } else if (cosines[j] > cosines[own]) {
        e.rivals.back().push_back(static_cast<std::int32_t>(j));
      }
      for (std::size_t d = 0; d < p.dim; ++d) {
        e.embedding_gradient[i * p.dim + d] += g * (v[j * p.dim + d] - cosines[j] * u[i * p.dim + d]) / x_lengths[i];
        e.prototype_gradient[j * p.dim + d] += g * (u[i * p.dim + d] - cosines[j] * v[j * p.dim + d]) / w_lengths[j];
      }
    }
    e.cosines.push_back(std::move(cosines));
  }
  return e;
}

void classify(FusedSoftmax& softmax, const Problem& p) {
  std::vector<double> values, slopes(p.batch, p.slope);
  for (const float cosine : softmax.own_cosines()) values.push_back(p.slope * static_cast<double>(cosine) - p.margin);
  softmax.classify(values, slopes);
}

std::vector<float> all_prototype_gradients(const FusedSoftmax& softmax, const Problem& p, std::size_t block) {
  std::vector<float> all(p.columns * p.dim, -1.0F);
  for (std::size_t first = 0; first < p.columns; first += block) {
    softmax.prototype_gradient(1, first, std::min(block, p.columns - first), all.data() + first * p.dim);
  }
  return all;
}

std::vector<float> embedding_gradients(const FusedSoftmax& softmax, const Problem& p) {
  std::vector<float> all(p.batch * p.dim, -1.0F);
  softmax.embedding_gradient(1, all.data());
  return all;
}

// |a - b| / |b|, all values together; |a - b| where b is nothing.
template <class A, class B>
double relative_error(const std::vector<A>& a, const std::vector<B>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / (size > 0 ? size : 1));
}

class FusedSoftmaxSizes : public ::testing::TestWithParam<Problem> {};

TEST_P(FusedSoftmaxSizes, EqualsPlainLoops) {
  const Problem& p = GetParam();
  const Expected e = expected_of(p);
  FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
  classify(softmax, p);
  // A cosine in float32 is off by about 1e-7, a logit by s times that.
  const double tolerance = 1e-5 * std::max(1.0, p.options.logit_scale / 64);
  EXPECT_NEAR(softmax.loss(), e.loss, 1e-6 * e.loss);
  for (std::size_t i = 0; i < p.batch; ++i) {
    EXPECT_NEAR(static_cast<double>(softmax.own_probabilities()[i]), e.probabilities[i], 2 * tolerance * e.probabilities[i] + 1e-12);
    EXPECT_EQ(softmax.correct()[i] != 0, e.rivals[i].empty());
    const Rivals& r = softmax.rivals();
    const std::vector<std::int32_t> found(r.columns.begin() + static_cast<std::ptrdiff_t>(r.begins[i]),
                                          r.columns.begin() + static_cast<std::ptrdiff_t>(r.begins[i + 1]));
    EXPECT_EQ(found, e.rivals[i]);
    for (std::size_t at = r.begins[i]; at < r.begins[i + 1]; ++at) {
      EXPECT_NEAR(static_cast<double>(r.cosines[at]), e.cosines[i][static_cast<std::size_t>(r.columns[at])], 1e-6);
    }
    EXPECT_NEAR(softmax.value_gradients()[i], p.options.logit_scale / static_cast<double>(p.batch) * (e.probabilities[i] - 1),
                tolerance * p.options.logit_scale / static_cast<double>(p.batch));
  }
  EXPECT_LT(relative_error(embedding_gradients(softmax, p), e.embedding_gradient), tolerance);
  EXPECT_LT(relative_error(all_prototype_gradients(softmax, p, kGradientBlock), e.prototype_gradient), tolerance);
  EXPECT_LT(relative_error(all_prototype_gradients(softmax, p, 37), e.prototype_gradient), tolerance);
}

TEST_P(FusedSoftmaxSizes, ThreadsChangeNoBit) {
  Problem p = GetParam();
  std::vector<std::vector<float>> embedding, prototype;
  std::vector<double> losses;
  for (const double filter : {-1.0, 0.0, 1e-3}) {
    for (const int threads : {1, 3}) {
      p.options.threads = threads;
      p.options.bf16 = filter >= 0;
      p.options.gradient_filter = std::max(0.0, filter);
      FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
      classify(softmax, p);
      losses.push_back(softmax.loss());
      embedding.push_back(embedding_gradients(softmax, p));
      prototype.push_back(all_prototype_gradients(softmax, p, kGradientBlock));
    }
  }
  for (const std::size_t i : {0, 2, 4}) {
    EXPECT_EQ(losses[i], losses[i + 1]);
    EXPECT_EQ(embedding[i], embedding[i + 1]);
    EXPECT_EQ(prototype[i], prototype[i + 1]);
  }
}

TEST_P(FusedSoftmaxSizes, IsTheSameWhetherCosinesAreKeptOrMadeAgain) {
  Problem p = GetParam();
  FusedSoftmax keeping(p.x(), p.w(), p.targets, p.options);
  classify(keeping, p);
  p.options.keep_cosines = false;
  FusedSoftmax frugal(p.x(), p.w(), p.targets, p.options);
  classify(frugal, p);
  EXPECT_EQ(frugal.loss(), keeping.loss());
  EXPECT_EQ(embedding_gradients(frugal, p), embedding_gradients(keeping, p));
  for (const std::size_t rows : {std::size_t{kGradientBlock}, std::size_t{100}}) {
    EXPECT_EQ(all_prototype_gradients(frugal, p, rows), all_prototype_gradients(keeping, p, rows)) << rows;
  }
}

Problem problem(std::size_t batch, std::size_t columns, std::size_t dim, double noise, double scale, double slope = 1) {
  Problem p = trained(batch + columns + dim, batch, columns, dim, noise);
  p.options.logit_scale = scale;
  p.options.want_rivals = true;
  p.slope = slope;
  return p;
}

INSTANTIATE_TEST_SUITE_P(Sizes, FusedSoftmaxSizes,
                         ::testing::Values(problem(1, 1, 3, 0.5, 10), problem(2, 2, 5, 1, 1), problem(7, 13, 16, 2, 64),
                                           problem(9, 1024, 40, 1, 30), problem(5, 2500, 64, 3, 64),
                                           problem(33, 3001, 24, 1, 16, 0.5), problem(16, 1025, 128, 1, 300)));

// Away from the first steps, where every class counts, the filter keeps the gradient.
TEST(FusedSoftmaxFast, KeepsLossAndGradients) {
  Problem p = problem(40, 5000, 128, 1.2, 64);
  const Expected e = expected_of(p);
  p.options.gradient_filter = kFilter;
  FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
  classify(softmax, p);
  EXPECT_NEAR(softmax.loss(), e.loss, 1e-3 * e.loss);
  EXPECT_LT(relative_error(embedding_gradients(softmax, p), e.embedding_gradient), 1e-2);
  EXPECT_LT(relative_error(all_prototype_gradients(softmax, p, kGradientBlock), e.prototype_gradient), 1e-2);
  EXPECT_LT(softmax.filter_report().computed_in_full, 40);  // it did filter
  EXPECT_LE(softmax.filter_report().skipped, p.options.filter_tolerance * softmax.filter_report().wrong);
  for (std::size_t i = 0; i < p.batch; ++i) EXPECT_EQ(softmax.correct()[i] != 0, e.rivals[i].empty());
}

TEST(FusedSoftmaxFast, WithoutAFilterIsWithinBf16) {
  Problem p = problem(40, 5000, 128, 1.2, 64);
  const Expected e = expected_of(p);
  p.options.bf16 = true;
  FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
  classify(softmax, p);
  const double error = relative_error(embedding_gradients(softmax, p), e.embedding_gradient);
  EXPECT_GT(error, 1e-4);  // it did round
  EXPECT_LT(error, 1e-2);
  EXPECT_NEAR(softmax.loss(), e.loss, 1e-3 * e.loss);
  EXPECT_LT(relative_error(all_prototype_gradients(softmax, p, kGradientBlock), e.prototype_gradient), 1e-2);
}

// An embedding's gradient misses at most the skipped probability times twice s / batch / |x|: a row v_j - cosine u is no
// longer than 1, and the bound is for all of it pointing one way.
TEST(FusedSoftmaxFast, ErrorStaysWithinTheReportedProbability) {
  for (const double filter : {1e-4, 1e-2}) {
    Problem p = problem(30, 4000, 96, 1.5, 48);
    p.options.gradient_filter = filter;
    p.options.filter_tolerance = 1;  // nothing is computed in full
    FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
    classify(softmax, p);
    EXPECT_EQ(softmax.filter_report().computed_in_full, 0);
    const Expected e = expected_of(p);
    const std::vector<float> found = embedding_gradients(softmax, p);
    double total = 0;
    for (std::size_t i = 0; i < p.batch; ++i) {
      double error = 0, length = 0;
      for (std::size_t d = 0; d < p.dim; ++d) {
        error += std::pow(static_cast<double>(found[i * p.dim + d]) - e.embedding_gradient[i * p.dim + d], 2);
        length += std::pow(static_cast<double>(p.embeddings[i * p.dim + d]), 2);
      }
      const double in_probability = std::sqrt(error * length) * static_cast<double>(p.batch) / p.options.logit_scale;
      EXPECT_LE(in_probability, 1.1 * softmax.filter_report().skipped_largest + 2e-3) << filter << " " << i;
      total += in_probability;
    }
    EXPECT_GT(softmax.filter_report().skipped, 0);
    EXPECT_GT(total, 0);
  }
}

// At the start all classes are alike: whatever is under the filter is most of the gradient, so all is computed in full.
TEST(FusedSoftmaxFast, ComputesInFullWhatTheFilterWouldLose) {
  Problem p = problem(12, 3000, 32, 1, 16);
  Random random(5);
  for (float& value : p.embeddings) value = static_cast<float>(random.normal());
  const Expected e = expected_of(p);
  p.options.gradient_filter = kFilter;
  p.options.filter_tolerance = 0.01;
  FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
  classify(softmax, p);
  EXPECT_GT(softmax.filter_report().computed_in_full, 6);
  EXPECT_NEAR(softmax.loss(), e.loss, 1e-3 * e.loss);
  EXPECT_LT(relative_error(embedding_gradients(softmax, p), e.embedding_gradient), 1e-2);
  EXPECT_LT(relative_error(all_prototype_gradients(softmax, p, kGradientBlock), e.prototype_gradient), 1e-2);
}

// With so fine a filter that nearly every class reaches it, collecting entries would cost more than whole products.
TEST(FusedSoftmaxFast, ComputesCrowdedSamplesInFull) {
  Problem p = problem(12, 4000, 32, 1, 16);
  const Expected e = expected_of(p);
  p.options.gradient_filter = 1e-9;
  p.options.filter_tolerance = 1;
  FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
  classify(softmax, p);
  EXPECT_EQ(softmax.filter_report().computed_in_full, 12);
  EXPECT_NEAR(softmax.loss(), e.loss, 1e-6 * e.loss);
  EXPECT_LT(relative_error(embedding_gradients(softmax, p), e.embedding_gradient), 1e-5);
  EXPECT_LT(relative_error(all_prototype_gradients(softmax, p, kGradientBlock), e.prototype_gradient), 1e-5);
}

TEST(FusedSoftmax, ATwinOfTheOwnPrototypeIsNoRival) {
  Problem p = problem(3, 40, 64, 0.5, 30);
  const auto own = static_cast<std::size_t>(p.targets[2]);
  const std::size_t twin = (own + 20) % 40;
  std::copy_n(p.w().row(own), p.dim, p.prototypes.begin() + static_cast<std::ptrdiff_t>(twin * p.dim));
  FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
  classify(softmax, p);
  EXPECT_EQ(softmax.correct()[2], 1);
}

TEST(FusedSoftmax, NamesTheRowThatIsUnusable) {
  for (const double filter : {0.0, kFilter}) {
    for (const float bad : {0.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Problem p = problem(3, 2100, 8, 0.5, 30);
      p.options.gradient_filter = filter;
      const std::size_t row = 2050 == p.targets[0] ? 2051 : 2050;
      std::fill_n(p.prototypes.begin() + static_cast<std::ptrdiff_t>(row * p.dim), p.dim, bad);
      try {
        FusedSoftmax softmax(p.x(), p.w(), p.targets, p.options);
        classify(softmax, p);
        FAIL() << "row " << row << " of " << bad << " went through";
      } catch (const UnusableRow& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
        EXPECT_EQ(error.kind_of_row(), UnusableRow::Kind::kPrototype);
        EXPECT_EQ(error.index(), row);
      }
      Problem q = problem(3, 21, 8, 0.5, 30);
      std::fill_n(q.embeddings.begin() + static_cast<std::ptrdiff_t>(q.dim), q.dim, bad);
      try {
        FusedSoftmax softmax(q.x(), q.w(), q.targets, q.options);
        FAIL() << "sample 1 of " << bad << " went through";
      } catch (const UnusableRow& error) {
        EXPECT_EQ(error.kind_of_row(), UnusableRow::Kind::kEmbedding);
        EXPECT_EQ(error.index(), 1U);
      }
    }
  }
}

// Very long and very short rows are fine: only their direction counts.
TEST(FusedSoftmax, LengthsDoNotMatter) {
  Problem p = problem(4, 30, 16, 1, 30);
  const Expected e = expected_of(p);
  Problem q = p;
  for (std::size_t d = 0; d < p.dim; ++d) {
    q.prototypes[d] *= 1e25F;
    q.prototypes[p.dim + d] *= 1e-25F;
  }
  FusedSoftmax softmax(q.x(), q.w(), q.targets, q.options);
  classify(softmax, q);
  EXPECT_NEAR(softmax.loss(), e.loss, 1e-6 * e.loss);
  EXPECT_LT(relative_error(embedding_gradients(softmax, q), e.embedding_gradient), 1e-5);
}

// The part of the softmax that one of several ranks has, with the bits of what it gives.
struct Share {
  double loss = 0;
  std::vector<float> probabilities, embedding_gradient, prototype_gradient;
};

Share share_of_rank(const Problem& p, int rank, int size, AcrossRanks* ranks) {
  const auto columns = static_cast<std::int64_t>(p.columns);
  const Shard mine = shard_of(columns, rank, size);
  FusedSoftmaxOptions options = p.options;
  options.ranks = ranks;
  for (int part = 0; part < parts_of_rank(size); ++part) {
    options.part_begins.push_back(
        static_cast<std::size_t>(shard_of(columns, rank * parts_of_rank(size) + part, kParts).first - mine.first));
  }
  std::vector<std::int64_t> targets;
  for (const std::int64_t target : p.targets) targets.push_back(mine.has(target) ? target - mine.first : -1);
  const RowMatrix rows{p.w().row(static_cast<std::size_t>(mine.first)), static_cast<std::size_t>(mine.count()), p.dim};
  FusedSoftmax softmax(p.x(), rows, targets, options);
  std::vector<double> values, slopes(p.batch, 1.0);
  for (const float cosine : softmax.own_cosines()) values.push_back(static_cast<double>(cosine) - p.margin);
  softmax.classify(values, slopes);
  Share share;
  share.loss = softmax.loss();
  share.probabilities.assign(softmax.own_probabilities().begin(), softmax.own_probabilities().end());
  share.embedding_gradient.resize(p.batch * p.dim);
  softmax.embedding_gradient(1, share.embedding_gradient.data());
  share.prototype_gradient.resize(rows.rows * p.dim);
  for (std::size_t first = 0; first < rows.rows; first += kGradientBlock) {  // as a table asks
    softmax.prototype_gradient(1, first, std::min(kGradientBlock, rows.rows - first),
                               share.prototype_gradient.data() + first * p.dim);
  }
  return share;
}

TEST(FusedSoftmax, InPartsHasTheSameBitsOnAnyNumberOfRanks) {
  for (const std::size_t columns : {std::size_t{5}, std::size_t{90}, std::size_t{20011}}) {
    for (const bool keeps : {true, false}) {
      Problem p = trained(31, 40, columns, 33, 3);
      p.options.keep_cosines = keeps;
      const Share alone = share_of_rank(p, 0, 1, nullptr);
      for (const int size : {2, 4, 8}) {
        SCOPED_TRACE(std::to_string(columns) + " columns, " + std::to_string(size) + " ranks");
        std::vector<Share> shares(static_cast<std::size_t>(size));
        test::ThreadRanks::run(size, [&](AcrossRanks& ranks) {
          shares[static_cast<std::size_t>(ranks.rank())] = share_of_rank(p, ranks.rank(), size, &ranks);
        });
        std::vector<std::vector<float>> embedding_gradients;
        std::vector<float> prototype_gradient;
        for (const Share& share : shares) {
          EXPECT_EQ(share.loss, alone.loss);
          EXPECT_EQ(share.probabilities, alone.probabilities);
          embedding_gradients.push_back(share.embedding_gradient);
          prototype_gradient.insert(prototype_gradient.end(), share.prototype_gradient.begin(), share.prototype_gradient.end());
        }
        add_arrays_in_pairs(embedding_gradients);
        EXPECT_EQ(embedding_gradients[0], alone.embedding_gradient);
        EXPECT_EQ(prototype_gradient, alone.prototype_gradient);
      }
      // And the numbers are those of one part.
      FusedSoftmax whole(p.x(), p.w(), p.targets, p.options);
      std::vector<double> values, slopes(p.batch, 1.0);
      for (const float cosine : whole.own_cosines()) values.push_back(static_cast<double>(cosine) - p.margin);
      whole.classify(values, slopes);
      EXPECT_NEAR(whole.loss(), alone.loss, 1e-6 * whole.loss());
    }
  }
}

}  // namespace
}  // namespace aface
