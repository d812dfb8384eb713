#include "aface/kernel/eight_bit_products.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aface/core/random.h"

namespace aface {
namespace {

std::vector<std::int32_t> plain(const std::vector<std::uint8_t>& a, const std::vector<std::int8_t>& b,
                                std::size_t stride) {
  std::vector<std::int32_t> out;
  for (std::size_t i = 0; i < a.size(); i += stride) {
    for (std::size_t j = 0; j < b.size(); j += stride) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k < stride; ++k) sum += std::int32_t{a[i + k]} * b[j + k];
      out.push_back(sum);
    }
  }
  return out;
}

class EightBitProductsBy : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const EightBitKernel& kernel : eight_bit_kernels()) {
      if (kernel.name == GetParam()) products_ = kernel.products;
    }
    if (products_ == nullptr) GTEST_SKIP() << "compiled without " << GetParam();
  }
  std::vector<std::int32_t> products(const std::vector<std::uint8_t>& a, const std::vector<std::int8_t>& b,
                                     std::size_t stride) const {
    std::vector<std::int32_t> out(a.size() / stride * (b.size() / stride), -1);
    products_(a.data(), a.size() / stride, b.data(), b.size() / stride, stride, out.data());
    return out;
  }

 private:
  EightBitProducts products_ = nullptr;
};

TEST_P(EightBitProductsBy, EqualThePlainLoop) {
  Random random(1);
  for (const std::size_t stride : {64, 128, 512}) {
    for (const std::size_t rows : {1, 2, 3, 4, 13}) {
      std::vector<std::uint8_t> a(rows * stride);
      std::vector<std::int8_t> b(40 * stride);
      for (auto& value : a) value = static_cast<std::uint8_t>(random.below(128));
      for (auto& value : b) value = static_cast<std::int8_t>(random.below(127) - 63);
      EXPECT_EQ(products(a, b, stride), plain(a, b, stride)) << rows << " rows of " << stride;
    }
  }
}

TEST_P(EightBitProductsBy, TheLargestValuesDoNotSaturate) {
  const std::vector<std::uint8_t> a(3 * 512, 127);
  std::vector<std::int8_t> b(8 * 512, 63);
  EXPECT_EQ(products(a, b, 512), std::vector<std::int32_t>(3 * 8, 512 * 127 * 63));
  b.assign(8 * 512, -63);
  EXPECT_EQ(products(a, b, 512), std::vector<std::int32_t>(3 * 8, -512 * 127 * 63));
}

INSTANTIATE_TEST_SUITE_P(All, EightBitProductsBy, testing::Values("onednn", "avx2", "vnni"),
                         [](const auto& kernel) { return kernel.param; });

}  // namespace
}  // namespace aface
