#include "aface/infer/batch_to_tensor.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "aface/core/error.h"

namespace aface {
namespace {

Batch numbered_batch() {
  Batch batch;
  batch.size_px = 4;
  batch.identities = {7, std::int64_t{1} << 40};
  batch.sample_ids = {0, 1};
  for (int i = 0; i < 2 * 4 * 4 * 3; ++i) batch.pixels.push_back(static_cast<std::uint8_t>(i * 37));
  return batch;
}

TEST(BatchToTensor, PixelsKeepTheirPlaceAndColourInBothLayouts) {
  const Batch batch = numbered_batch();
  for (const ChipLayout layout : {ChipLayout::kChannelsFirst, ChipLayout::kChannelsLast}) {
    const at::Tensor chips = batch_to_tensor(batch, at::kCPU, layout);
    ASSERT_EQ(chips.sizes(), (at::IntArrayRef{2, 3, 4, 4}));
    EXPECT_EQ(chips.scalar_type(), torch::kFloat32);
    const bool is_last = layout == ChipLayout::kChannelsLast;
    EXPECT_TRUE(chips.is_contiguous(is_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous));
    for (int i = 0; i < 2; ++i) {
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < 4; ++y) {
          for (int x = 0; x < 4; ++x) {
            const int pixel = batch.pixels[static_cast<std::size_t>(((i * 4 + y) * 4 + x) * 3 + c)];
            EXPECT_FLOAT_EQ(chips[i][c][y][x].item<float>(), static_cast<float>((pixel - 127.5) / 127.5));
          }
        }
      }
    }
  }
}

TEST(BatchToTensor, ScaleIsExactAtTheEnds) {
  const std::vector<std::uint8_t> pixels = {0, 255, 128};
  const at::Tensor chip = pixels_to_tensor(pixels, 1, 1).flatten();
  EXPECT_EQ(chip[0].item<float>(), -1.0f);
  EXPECT_EQ(chip[1].item<float>(), 1.0f);
  EXPECT_EQ(chip[2].item<float>(), 0.5f / 127.5f);
}

TEST(BatchToTensor, TheTensorOwnsItsNumbers) {
  Batch batch = numbered_batch();
  const at::Tensor chips = batch_to_tensor(batch), identities = identities_to_tensor(batch);
  const float before = chips[0][0][0][0].item<float>();
  batch.pixels[0] = 200;
  batch.identities[0] = 9;
  EXPECT_EQ(chips[0][0][0][0].item<float>(), before);
  EXPECT_EQ(identities[0].item<std::int64_t>(), 7);
  EXPECT_EQ(identities[1].item<std::int64_t>(), std::int64_t{1} << 40);
}

TEST(BatchToTensor, RefusesAWrongNumberOfBytes) {
  const std::vector<std::uint8_t> pixels(11);
  EXPECT_THROW(pixels_to_tensor(pixels, 1, 2), Error);
}

}  // namespace
}  // namespace aface
