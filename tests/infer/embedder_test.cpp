#include "aface/infer/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>

#include "aface/core/error.h"
#include "aface/image/image_file.h"
#include "aface/nn/backbone.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kSize = 16;

BackboneOptions tiny_options() {
  BackboneOptions options;
  options.input_size = kSize;
  options.embedding_dim = 4;
  return options;
}

// An embedding that can be worked out by hand: red at the first and the last pixel of the first row, mean
// green, and whether the network was training; remembers how it was called.
class ProbeBackbone : public Backbone {
 public:
  ProbeBackbone() : Backbone(tiny_options()) { register_module("child", torch::nn::Linear(1, 1)); }
  torch::Tensor forward(torch::Tensor chips) override {
    batch_sizes.push_back(chips.size(0));
    saw_gradients = saw_gradients || at::GradMode::is_enabled();
    const torch::Tensor red = chips.select(1, 0).select(1, 0);  // [batch, width] of the first row
    const torch::Tensor training = torch::full({chips.size(0)}, is_training() ? 1.0f : 0.0f);
    return torch::stack(
               {red.select(1, 0), red.select(1, kSize - 1), chips.select(1, 1).mean({1, 2}), training}, 1) *
           scale;
  }

  std::vector<std::int64_t> batch_sizes;
  bool saw_gradients = false;
  float scale = 1;
};

// Red grows by `slope` a column from `red`, green is flat; PNG keeps the values.
void write_chip(const test::TempDir& dir, const std::string& name, int red, int green, int slope,
                int size = kSize) {
  Image image(size, size);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      image.at(x, y)[0] = static_cast<std::uint8_t>(red + slope * x);
      image.at(x, y)[1] = static_cast<std::uint8_t>(green);
    }
  }
  const auto bytes = encode_png(image);
  dir.write(name, std::string(bytes.begin(), bytes.end()));
}

float scaled(double value) { return static_cast<float>((value - 127.5) / 127.5); }

struct Embedder : ::testing::Test {
  void SetUp() override {
    for (int i = 0; i < 7; ++i) {
      paths.push_back("p" + std::to_string(6 - i) + "/c.png");
      write_chip(dir, paths.back(), 10 * i, 100 + i, 3);
    }
    options.batch_size = 3;
    options.add_flipped = false;
  }
  test::TempDir dir;
  std::vector<std::string> paths;
  EmbedOptions options;
  ProbeBackbone backbone;
};

TEST_F(Embedder, RowsFollowThePathsWhateverBatchAndWorkers) {
  for (const std::int64_t batch_size : {1, 3, 7, 100}) {
    options.batch_size = batch_size;
    options.workers = static_cast<int>(1 + batch_size % 4);
    const EmbeddingMatrix matrix = embed_files(backbone, dir.path(), paths, options);
    ASSERT_EQ(matrix.rows(), 7);
    ASSERT_EQ(matrix.dim, 4);
    EXPECT_THAT(matrix.path_ids, ElementsAre(0, 1, 2, 3, 4, 5, 6));
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_FLOAT_EQ(matrix.view().row(i)[0], scaled(10.0 * i));
      EXPECT_FLOAT_EQ(matrix.view().row(i)[1], scaled(10.0 * i + 3 * (kSize - 1)));
      EXPECT_NEAR(matrix.view().row(i)[2], scaled(100.0 + i), 1e-6);
    }
  }
}

TEST_F(Embedder, FlippedViewIsAdded) {
  options.add_flipped = true;
  const EmbeddingMatrix matrix = embed_files(backbone, dir.path(), paths, options);
  const float sum = scaled(0) + scaled(3 * (kSize - 1));
  EXPECT_FLOAT_EQ(matrix.view().row(0)[0], sum);
  EXPECT_FLOAT_EQ(matrix.view().row(0)[1], sum);
  EXPECT_NEAR(matrix.view().row(0)[2], 2 * scaled(100), 1e-6);
}

TEST_F(Embedder, ComputesInEvaluationModeWithoutGradientsAndRestoresTheMode) {
  for (const bool training : {true, false}) {
    backbone.train(training);
    const EmbeddingMatrix matrix = embed_files(backbone, dir.path(), paths, options);
    EXPECT_EQ(matrix.view().row(0)[3], 0);
    EXPECT_EQ(backbone.is_training(), training);
    EXPECT_FALSE(backbone.saw_gradients);
    EXPECT_TRUE(at::GradMode::is_enabled());
  }
  backbone.train();
  paths.push_back("missing.png");
  EXPECT_THROW(embed_files(backbone, dir.path(), paths, options), Error);
  EXPECT_TRUE(backbone.is_training());
}

TEST_F(Embedder, ChipsOfAnotherSizeAreResized) {
  write_chip(dir, "large.png", 50, 60, 0, 3 * kSize);
  const EmbeddingMatrix matrix = embed_files(backbone, dir.path(), {"large.png"}, options);
  EXPECT_FLOAT_EQ(matrix.values[0], scaled(50));
  EXPECT_NEAR(matrix.values[2], scaled(60), 1e-6);
}

// Chips in memory: PNG and JPEG alike; of one that is not square the middle is taken.
TEST_F(Embedder, EncodedChipsAreCutToTheirCentreSquare) {
  Image wide(3 * kSize, kSize);  // black, white, black: stretched, the mean would be a third
  for (int y = 0; y < kSize; ++y) {
    for (int x = kSize; x < 2 * kSize; ++x) std::fill_n(wide.at(x, y), 3, std::uint8_t{255});
  }
  Image even(kSize, kSize);
  std::fill(even.pixels.begin(), even.pixels.end(), std::uint8_t{128});
  const std::vector<unsigned char> png = encode_png(wide), jpeg = encode_jpeg(even, 100);
  const EmbeddingMatrix matrix =
      embed_chips(backbone, encoded_chips({png, jpeg}, {"set#0", "set#1"}), options);
  ASSERT_EQ(matrix.rows(), 2);
  EXPECT_FLOAT_EQ(matrix.view().row(0)[0], scaled(255));
  EXPECT_NEAR(matrix.view().row(0)[2], scaled(255), 1e-6);
  EXPECT_NEAR(matrix.view().row(1)[2], scaled(128), 0.01);
  const std::vector<unsigned char> cut(png.begin(), png.begin() + 40);
  EXPECT_THAT(test::error_of(ErrorKind::kFormat,
                             [&] {
                               embed_chips(backbone, encoded_chips({png, cut}, {"set#0", "set#1"}), options);
                             }),
              HasSubstr("set#1"));
}

TEST_F(Embedder, ABadImageFailsWithItsName) {
  dir.write(paths[4], "not an image");
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { embed_files(backbone, dir.path(), paths, options); }),
              HasSubstr(paths[4]));
  paths[4] = "nowhere.png";
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { embed_files(backbone, dir.path(), paths, options); }),
              HasSubstr("nowhere.png"));
}

TEST_F(Embedder, SkippedImagesLeaveNoRow) {
  for (const std::size_t bad : {0u, 3u, 4u, 5u})
    dir.write(paths[bad], "not an image");  // 3 to 5: a whole batch
  options.on_bad_image = OnBadImage::kSkip;
  std::vector<std::int64_t> progress;
  options.on_progress = [&](std::int64_t done) { progress.push_back(done); };
  const EmbeddingMatrix matrix = embed_files(backbone, dir.path(), paths, options);
  EXPECT_THAT(matrix.path_ids, ElementsAre(1, 2, 6));
  EXPECT_EQ(matrix.bad_images.size(), 4u);
  EXPECT_FLOAT_EQ(matrix.view().row(0)[0], scaled(10));
  EXPECT_FLOAT_EQ(matrix.view().row(2)[0], scaled(60));
  EXPECT_THAT(backbone.batch_sizes, ElementsAre(2, 1));
  EXPECT_THAT(progress, ElementsAre(3, 6, 7));
}

TEST_F(Embedder, NothingReadableIsAnErrorAndAnEmptyListIsNot) {
  options.on_bad_image = OnBadImage::kSkip;
  EXPECT_THROW(embed_files(backbone, dir.path(), {"x.png", "y.png"}, options), Error);
  EXPECT_EQ(embed_files(backbone, dir.path(), {}, options).rows(), 0);
}

TEST_F(Embedder, EmbeddingsThatAreNotFiniteNameTheImage) {
  backbone.scale = std::nanf("");
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { embed_files(backbone, dir.path(), paths, options); }),
              HasSubstr(paths[0]));
}

TEST_F(Embedder, ARealNetworkGivesTheSameRowsOneByOne) {
  BackboneOptions small;
  small.kind = "tiny_cnn";
  small.input_size = 32;
  small.embedding_dim = 8;
  const auto network = make_backbone(small);
  const EmbeddingMatrix together = embed_files(*network, dir.path(), paths, options);
  options.batch_size = 1;
  const EmbeddingMatrix alone = embed_files(*network, dir.path(), paths, options);
  for (std::size_t i = 0; i < together.values.size(); ++i)
    EXPECT_NEAR(together.values[i], alone.values[i], 1e-4);
}

}  // namespace
}  // namespace aface
