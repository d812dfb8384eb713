#include "aface/quantise/value_histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "aface/core/random.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using ::testing::HasSubstr;

// How many values lie between the edges, by looking at each.
std::vector<double> counted(const ValueHistogram& histogram, const std::vector<float>& values) {
  std::vector<double> counts(histogram.counts().size());
  for (std::size_t bin = 0; bin < counts.size(); ++bin) {
    for (const float value : values)
      counts[bin] += value != 0 && histogram.edge(bin) <= value && value < histogram.edge(bin + 1);
  }
  return counts;
}

TEST(ValueHistogram, CountsAreThoseOfLookingAtEveryValueHoweverTheExtentGrew) {
  Random random(3);
  ValueHistogram histogram;
  std::vector<float> all;
  for (const double size : {1e-3, 0.7, 0.01, 40.0, 5.0}) {
    std::vector<float> values(60, 0.0F);
    for (std::size_t i = 0; i < 50; ++i) values[i] = static_cast<float>(size * random.normal());
    histogram.add(values);
    all.insert(all.end(), values.begin(), values.end());
  }
  EXPECT_EQ(histogram.counts(), counted(histogram, all));
  EXPECT_EQ(std::accumulate(histogram.counts().begin(), histogram.counts().end(), 0.0), 250);
  EXPECT_EQ(histogram.least(), *std::min_element(all.begin(), all.end()));
  EXPECT_EQ(histogram.most(), *std::max_element(all.begin(), all.end()));
}

TEST(ValueHistogram, TheLargestValueLiesInTheOuterHalfOfTheBins) {
  for (const float size : {1e-5F, 0.9F, 1.0F, 1.1F, 7e6F}) {
    ValueHistogram histogram;
    histogram.add(std::vector<float>{size / 3, -size});
    EXPECT_GE(size, histogram.edge(histogram.counts().size()) / 2);
    EXPECT_LT(size, histogram.edge(histogram.counts().size()));
  }
}

TEST(ValueHistogram, NothingButZerosIsEmpty) {
  ValueHistogram histogram;
  histogram.add(std::vector<float>{0, -0.0F, 0});
  EXPECT_TRUE(histogram.is_empty());
  histogram.add(std::vector<float>{-1e-3F});
  EXPECT_FALSE(histogram.is_empty());
}

TEST(ValueHistogram, ValuesThatAreNoNumbersAreRefused) {
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity(), -2e30F}) {
    ValueHistogram histogram;
    EXPECT_THAT(error_of(ErrorKind::kNumeric,
                         [&] {
                           histogram.add(std::vector<float>{1, value, 2});
                         }),
                HasSubstr("among the activations"));
    EXPECT_TRUE(histogram.is_empty());
  }
}

}  // namespace
}  // namespace aface
