#include "aface/kernel/inner_products.h"

#include <gtest/gtest.h>

#include <thread>
#include <tuple>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

double plain_product(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t i = 0; i < dim; ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

class InnerProductsOfShape : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(InnerProductsOfShape, EqualThePlainLoopAndLeaveThePaddingAlone) {
  const auto [rows_a, rows_b, dim] = GetParam();
  const std::vector<float> a = random_values(std::size_t(rows_a * dim), 1);
  const std::vector<float> b = random_values(std::size_t(rows_b * dim), 2);
  const std::size_t stride = std::size_t(rows_b) + 3;
  std::vector<float> out(std::size_t(rows_a) * stride, 77.0F);
  inner_products({a.data(), std::size_t(rows_a), std::size_t(dim)}, {b.data(), std::size_t(rows_b), std::size_t(dim)},
                 out.data(), stride);
  for (int i = 0; i < rows_a; ++i) {
    for (int j = 0; j < rows_b; ++j) {
      const double expected = plain_product(a.data() + i * dim, b.data() + j * dim, std::size_t(dim));
      EXPECT_NEAR(inner_product(a.data() + i * dim, b.data() + j * dim, std::size_t(dim)), expected, 1e-5 * dim);
      EXPECT_NEAR(out[std::size_t(i) * stride + std::size_t(j)], expected, 1e-5 * dim) << i << ", " << j;
    }
    for (std::size_t j = std::size_t(rows_b); j < stride; ++j) EXPECT_EQ(out[std::size_t(i) * stride + j], 77.0F);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, InnerProductsOfShape,
                         testing::Values(std::tuple(1, 1, 1), std::tuple(3, 5, 7), std::tuple(17, 33, 64),
                                         std::tuple(64, 130, 256), std::tuple(4, 3, 0)));

TEST(InnerProducts, ThreadsTogetherGiveTheBitsOfOneThread) {
  const std::size_t rows = 128;
  const std::size_t dim = 96;
  const std::vector<float> a = random_values(rows * dim, 3);
  std::vector<float> alone(rows * rows);
  inner_products({a.data(), rows, dim}, {a.data(), rows, dim}, alone.data(), rows);
  std::vector<std::vector<float>> together(3, std::vector<float>(rows * rows));
  std::vector<std::thread> threads;
  for (auto& out : together) {
    threads.emplace_back([&] { inner_products({a.data(), rows, dim}, {a.data(), rows, dim}, out.data(), rows); });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& out : together) EXPECT_EQ(out, alone);
}

TEST(InnerProducts, RowsOfDifferentLengthAreRefused) {
  const std::vector<float> a(6);
  std::vector<float> out(6);
  EXPECT_THROW(inner_products({a.data(), 2, 3}, {a.data(), 3, 2}, out.data(), 3), Error);
  EXPECT_THROW(inner_products({a.data(), 2, 3}, {a.data(), 2, 3}, out.data(), 1), Error);
}

}  // namespace
}  // namespace aface
