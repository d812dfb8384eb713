#include "aface/kernel/quantised_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>
#include <vector>

#include "aface/core/random.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

struct Rows {
  std::size_t dim = 0;
  std::vector<float> values;
  std::vector<double> inverse_norms;
  RowMatrix view() const { return {values.data(), inverse_norms.size(), dim}; }
  double cosine(std::size_t i, const Rows& other, std::size_t j) const {
    return wide_inner_product(view().row(i), other.view().row(j), dim) * inverse_norms[i] *
           other.inverse_norms[j];
  }
};

// `spike` > 0 makes one value of each row stand out, which is hard on a common scale.
Rows random_rows(std::size_t count, std::size_t dim, double spike, std::uint64_t seed) {
  Random random(seed);
  Rows rows;
  rows.dim = dim;
  rows.values.resize(count * dim);
  for (std::size_t i = 0; i < count; ++i) {
    double squares = 0;
    for (std::size_t k = 0; k < dim; ++k) {
      const double value = (random.normal() + (k == i % dim ? spike : 0)) * 3.7;
      rows.values[i * dim + k] = static_cast<float>(value);
      squares += value * value;
    }
    rows.inverse_norms.push_back(1 / std::sqrt(squares));
  }
  return rows;
}

std::set<std::pair<int, int>> found_pairs(const Rows& a, const Rows& b, const std::vector<float>& cut) {
  QuantisedProbes probes;
  QuantisedGallery gallery;
  quantise(a.view(), a.inverse_norms, probes);
  quantise(b.view(), b.inverse_norms, gallery);
  std::vector<std::int32_t> products;
  std::vector<RowPair> found;
  pairs_that_may_reach(probes, 0, a.view().rows, gallery, cut, products, found);
  std::set<std::pair<int, int>> pairs;
  for (const RowPair& pair : found) pairs.insert({pair.probe, pair.gallery});
  EXPECT_EQ(pairs.size(), found.size());
  return pairs;
}

class QuantisedRows : public testing::TestWithParam<std::tuple<int, int, int, double>> {};

TEST_P(QuantisedRows, NoPairAtOrAboveTheCutIsMissed) {
  const auto [probes, gallery, dim, spike] = GetParam();
  const Rows a = random_rows(std::size_t(probes), std::size_t(dim), spike, 1);
  Rows b = random_rows(std::size_t(gallery), std::size_t(dim), spike, 2);
  for (std::size_t k = 0; k < std::size_t(dim); ++k) b.values[k] = a.values[k];  // one pair of cosine 1
  b.inverse_norms[0] = a.inverse_norms[0];
  for (const float cut_value : {-1.0F, 0.0F, 0.1F, 0.3F, 0.999999F}) {
    const std::vector<float> cut(std::size_t(probes), cut_value);
    const auto found = found_pairs(a, b, cut);
    for (int i = 0; i < probes; ++i) {
      for (int j = 0; j < gallery; ++j) {
        if (a.cosine(std::size_t(i), b, std::size_t(j)) >= cut_value) {
          EXPECT_EQ(found.count({i, j}), 1U) << i << ' ' << j;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, QuantisedRows,
                         testing::Values(std::tuple(3, 5, 1, 0.0), std::tuple(7, 70, 33, 0.0),
                                         std::tuple(40, 300, 128, 0.0), std::tuple(20, 200, 512, 0.0),
                                         std::tuple(20, 200, 512, 30.0)));

TEST(QuantisedRowsBound, IsTightEnoughToPassOverAlmostAllPairsOfRandomRows) {
  const Rows a = random_rows(50, 512, 0, 3), b = random_rows(2000, 512, 0, 4);
  const std::vector<float> cut(50, 0.2F);          // 4.5 standard deviations of such cosines
  EXPECT_LT(found_pairs(a, b, cut).size(), 100U);  // of 100,000
}

TEST(QuantisedRowsBound, ExtremeValuesOfOneSignDoNotSaturate) {
  Rows a, b;
  a.dim = b.dim = 512;
  a.values.assign(512, 1.0F);
  b.values.assign(512, -1.0F);
  a.inverse_norms = b.inverse_norms = {1 / std::sqrt(512.0)};
  EXPECT_TRUE(found_pairs(a, b, {-0.999F}).empty());
  b.values.assign(512, 1.0F);
  EXPECT_EQ(found_pairs(a, b, {0.999999F}).size(), 1U);
}

TEST(QuantisedRowsBound, ARowWithoutDirectionHasProductZero) {
  Rows a = random_rows(1, 64, 0, 5), b = random_rows(1, 64, 0, 6);
  b.inverse_norms[0] = 0;
  b.values[3] = std::nanf("");
  EXPECT_TRUE(found_pairs(a, b, {0.1F}).empty());
  EXPECT_EQ(found_pairs(a, b, {0.0F}).size(), 1U);
}

TEST(QuantisedRowsBound, IsAboveTheProductAndNotFarAbove) {
  const Rows a = random_rows(20, 256, 0, 7), b = random_rows(300, 256, 0, 8);
  QuantisedProbes probes;
  QuantisedGallery gallery;
  quantise(a.view(), a.inverse_norms, probes);
  quantise(b.view(), b.inverse_norms, gallery);
  std::vector<std::int32_t> products;
  std::vector<RowPair> found;
  const std::vector<float> cut(20, -1.0F);
  pairs_that_may_reach(probes, 0, 20, gallery, 256, 300, cut, products, found);  // the last rows only
  ASSERT_EQ(found.size(), 20U * 44);
  for (const RowPair& pair : found) {
    EXPECT_GE(pair.gallery, 256);
    const double cosine = a.cosine(std::size_t(pair.probe), b, std::size_t(pair.gallery));
    EXPECT_GE(pair.most, cosine);
    EXPECT_LE(pair.most, cosine + 0.07);
  }
}

TEST(EightBitScores, AreCosinesWithinTheBoundHoweverRowsAreCut) {
  const Rows a = random_rows(9, 100, 0, 9), b = random_rows(32, 100, 0, 10);
  QuantisedProbes probes, some;
  QuantisedGallery gallery;
  quantise(a.view(), a.inverse_norms, probes);
  quantise(b.view(), b.inverse_norms, gallery);
  const auto block_of = [&](std::size_t first, std::size_t rows) {
    return GalleryBlock{gallery.values.data() + first * gallery.stride, gallery.scale.data() + first,
                        gallery.offset.data() + first, rows};
  };
  std::vector<std::int32_t> products;
  std::vector<float> all(9 * 32), part(3);
  eight_bit_scores(probes, 0, 9, block_of(0, 32), products, all.data(), 32);
  for (std::size_t i = 0; i < 9; ++i) {
    for (std::size_t j = 0; j < 32; ++j) {
      const float bound = probes.error[i] + (1 + probes.error[i]) * gallery.error[j];
      EXPECT_NEAR(all[i * 32 + j] * probes.scale[i], a.cosine(i, b, j), bound + 1e-6F);
    }
  }
  const std::vector<std::size_t> chosen = {7};
  gather_probes(probes, chosen, some);
  eight_bit_scores(some, 0, 1, block_of(17, 3), products, part.data(), 3);
  for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(part[j], all[7 * 32 + 17 + j]);

  QuantisedProbes again;
  probes_of(gallery, again);
  QuantisedProbes direct;
  quantise(b.view(), b.inverse_norms, direct);
  for (std::size_t i = 0; i < 32; ++i) {
    EXPECT_EQ(again.scale[i], direct.scale[i]);
    for (std::size_t d = 0; d < 100; ++d) {
      EXPECT_EQ(again.values[i * again.stride + d], direct.values[i * direct.stride + d]);
    }
  }
}

}  // namespace
}  // namespace aface
