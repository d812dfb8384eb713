#include "aface/kernel/eight_bit_products.h"

#include <gtest/gtest.h>

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

class EightBitProductsBy : public testing::TestWithParam<EightBitProducts> {
 protected:
  void SetUp() override {
    if (GetParam() == eight_bit_products_avx2 && !has_eight_bit_products_avx2())
      GTEST_SKIP() << "compiled without AVX2";
  }
  std::vector<std::int32_t> products(const std::vector<std::uint8_t>& a, const std::vector<std::int8_t>& b,
                                     std::size_t stride) const {
    std::vector<std::int32_t> out(a.size() / stride * (b.size() / stride), -1);
    GetParam()(a.data(), a.size() / stride, b.data(), b.size() / stride, stride, out.data());
    return out;
  }
};

TEST_P(EightBitProductsBy, EqualThePlainLoop) {
  Random random(1);
  for (const std::size_t stride : {64, 128, 512}) {
    std::vector<std::uint8_t> a(13 * stride);
    std::vector<std::int8_t> b(40 * stride);
    for (auto& value : a) value = static_cast<std::uint8_t>(random.below(128));
    for (auto& value : b) value = static_cast<std::int8_t>(random.below(127) - 63);
    EXPECT_EQ(products(a, b, stride), plain(a, b, stride)) << stride;
  }
}

TEST_P(EightBitProductsBy, TheLargestValuesDoNotSaturate) {
  const std::vector<std::uint8_t> a(3 * 512, 127);
  std::vector<std::int8_t> b(8 * 512, 63);
  EXPECT_EQ(products(a, b, 512), std::vector<std::int32_t>(3 * 8, 512 * 127 * 63));
  b.assign(8 * 512, -63);
  EXPECT_EQ(products(a, b, 512), std::vector<std::int32_t>(3 * 8, -512 * 127 * 63));
}

INSTANTIATE_TEST_SUITE_P(All, EightBitProductsBy,
                         testing::Values(eight_bit_products_onednn, eight_bit_products_avx2),
                         [](const auto& kernel) {
                           return kernel.param == eight_bit_products_avx2 ? "avx2" : "onednn";
                         });

}  // namespace
}  // namespace aface
