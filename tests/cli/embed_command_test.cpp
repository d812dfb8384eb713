#include <cmath>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/io/npy.h"
#include "aface/io/text_list.h"
#include "aface/nn/model_file.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct EmbedCommand : ::testing::Test {
  void SetUp() override {
    BackboneOptions options;
    options.kind = "tiny_cnn";
    options.input_size = 32;
    options.embedding_dim = 8;
    save_model(dir.file("m.safetensors"), *make_backbone(options));
    for (const int grey : {10, 90, 200}) {
      Image image(32, 32);
      for (std::size_t i = 0; i < image.pixels.size(); ++i)
        image.pixels[i] = static_cast<std::uint8_t>(grey + i % 50);
      const auto bytes = encode_png(image);
      dir.write("chips/" + std::to_string(grey) + ".png", std::string(bytes.begin(), bytes.end()));
    }
  }
  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"embed",           "--model", dir.file("m.safetensors"),
                                    "--threads",       "1",       "--images",
                                    dir.file("chips"), "--out",   dir.file("e.npy")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::TempDir dir;
};

TEST_F(EmbedCommand, WritesRowsAndNamesInTheOrderOfTheList) {
  auto result = test::run_adaptiveface(arguments());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_text_list(dir.file("e.txt")), ElementsAre("10.png", "200.png", "90.png"));
  const NpyMatrix sorted = read_npy_matrix(dir.file("e.npy"));
  ASSERT_EQ(sorted.rows, 3);
  ASSERT_EQ(sorted.dim, 8);

  result = test::run_adaptiveface(
      arguments({"--list", dir.write("l.txt", "90.png\t1\n10.png\t0\n"), "--normalize"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_text_list(dir.file("e.txt")), ElementsAre("90.png", "10.png"));
  const NpyMatrix unit = read_npy_matrix(dir.file("e.npy"));
  double squares = 0, product = 0, length = 0;
  for (int k = 0; k < 8; ++k) {
    squares += unit.values[k] * unit.values[k];
    product += unit.values[k] * sorted.values[16 + k];
    length += sorted.values[16 + k] * sorted.values[16 + k];
  }
  EXPECT_NEAR(squares, 1, 1e-5);
  EXPECT_NEAR(product / std::sqrt(length), 1, 1e-5);
}

TEST_F(EmbedCommand, ABadImageStopsOrIsLeftOut) {
  dir.write("chips/200.png", "not an image");
  test::expect_failure(arguments(), 3, "200.png");
  EXPECT_FALSE(file_exists(dir.file("e.npy")));
  EXPECT_FALSE(file_exists(dir.file("e.txt")));
  const auto result = test::run_adaptiveface(arguments({"--on-bad-image", "skip"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("200.png"));
  EXPECT_THAT(read_text_list(dir.file("e.txt")), ElementsAre("10.png", "90.png"));
  EXPECT_EQ(read_npy_matrix(dir.file("e.npy")).rows, 2);
}

TEST_F(EmbedCommand, WrongUseIsNamed) {
  test::expect_failure(arguments({"--out-list", dir.file("e.npy")}), 2, "--out-list");
  test::expect_failure(arguments({"--on-bad-image", "guess"}), 2, "--on-bad-image");
  test::expect_failure(
      {"embed", "--model", "/nowhere/m", "--images", dir.file("chips"), "--out", dir.file("e.npy")}, 3,
      "/nowhere/m");
  test::expect_failure(
      {"embed", "--model", dir.file("m.safetensors"), "--images", "/nowhere", "--out", dir.file("e")}, 3,
      "/nowhere");
  test::expect_failure({"embed", "--model", dir.file("m.safetensors"), "--images", dir.file("chips"), "--out",
                        dir.file("missing/e.npy")},
                       3, "make it first");
}

}  // namespace
}  // namespace aface
