#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/io/npy.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

// Two folds of one pair of each kind over three persons. Cosines: 0.9988 (Ada), 0 (Ada, Bo), 0.9994 (Bo),
// 0.73 (Bo, Cy). Each fold's threshold is the mated cosine of the other, so Ada's pair is refused: accuracies
// 1/2 and 1.
struct EvaluatePairs : ::testing::Test {
  void SetUp() override {
    pairs = dir.write("pairs.txt", "2\t1\nAda\t1\t2\nAda\t1\tBo\t1\nBo\t1\t2\nBo\t2\tCy\t1\n");
    list = dir.write("e.txt",
                     "Ada/Ada_0001.jpg\nAda/Ada_0002.jpg\nBo/Bo_0001.jpg\nBo/Bo_0002.jpg\nCy_0001.png\n");
    embeddings = dir.file("e.npy");
    write({1, 0, 2, 0.1f, 0, 1, 0.1f, 3, 1, 1});
  }
  void write(const std::vector<float>& rows) const {
    write_npy_matrix(embeddings, {rows.data(), rows.size() / 2, 2});
  }
  std::vector<std::string> arguments() const {
    return {"evaluate", "pairs", "--pairs", pairs, "--embeddings", embeddings, "--list", list};
  }
  test::TempDir dir;
  std::string pairs, list, embeddings;
};

TEST_F(EvaluatePairs, PrintsATableAndWritesTheSameAsJson) {
  auto with_json = arguments();
  with_json.insert(with_json.end(), {"--json", dir.file("r.json")});
  const auto result = test::run_adaptiveface(with_json);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("75.00  +- 25.00 (standard error), 4 pairs"));
  const auto json = nlohmann::json::parse(read_text_file(dir.file("r.json")));
  EXPECT_EQ(json["protocol"], "pairs");
  EXPECT_EQ(json["embeddings"], embeddings);
  EXPECT_EQ(json["accuracy_mean"], 0.75);
  EXPECT_EQ(json["folds"].size(), 2u);
  EXPECT_EQ(json["tar_at_far"]["0.1"], 1.0);
}

TEST_F(EvaluatePairs, WrongUseIsNamed) {
  const std::vector<std::string> base = {"evaluate", "pairs", "--pairs", pairs};
  const auto expect = [&](const std::vector<std::string>& more, int exit_code, const std::string& part) {
    auto all = base;
    all.insert(all.end(), more.begin(), more.end());
    test::expect_failure(all, exit_code, part);
  };
  expect({}, 2,
         "give one source of embeddings: --model with --images, --embeddings with --list, or --features");
  expect({"--model", "m.safetensors", "--embeddings", embeddings}, 2, "give one source");
  expect({"--features", dir.path(), "--embeddings", embeddings}, 2, "give one source");
  expect({"--model", "m.safetensors"}, 2, "--model needs --images");
  expect({"--embeddings", embeddings}, 2, "--embeddings needs --list");
  expect({"--model", "/nowhere/m.safetensors", "--images", "/nowhere"}, 3, "/nowhere");
  test::expect_failure({"evaluate"}, 2, "subcommand");
  test::expect_failure({"evaluate", "pairs"}, 2, "--pairs is required");
}

TEST_F(EvaluatePairs, DataThatDoNotFitAreNamed) {
  write({1, 0, 2, 0.1f, 0, 1, 0, 0, 1, 1});
  test::expect_failure(arguments(), 3, "1 of 5 embeddings are zero or not finite ('Bo/Bo_0002.jpg')");
  write({1, 0, 2, 0.1f});
  test::expect_failure(arguments(), 3, "5 names but ");
  dir.write("e.txt", "Ada/Ada_0001.jpg\nBo/Bo_0001.jpg\n");
  test::expect_failure(arguments(), 3, "e.txt: 3 of 5 images are missing ('Ada/Ada_0002.jpg', ");
  dir.write("pairs.txt", "2\t1\nAda\t1\t2\n");
  test::expect_failure(arguments(), 3, "pairs.txt: 1 pairs follow");
  dir.write("pairs.txt", "1\nAda\t1\t2\nAda\t1\tBo\t1\n");
  test::expect_failure(arguments(), 3, "one fold");
}

TEST_F(EvaluatePairs, EmbeddingsWithoutADirectionMatchNothingWhenAsked) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write({1, 0, 2, 0.1f, 0, 1, nan, 3, 1, 1});
  auto lenient = arguments();
  lenient.insert(lenient.end(), {"--bad-embeddings", "no-match"});
  const auto result = test::run_adaptiveface(lenient);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              HasSubstr("1 of 5 embeddings are zero or not finite ('Bo/Bo_0002.jpg'); they match nothing"));
  EXPECT_THAT(result.out, HasSubstr("4 pairs"));
}

// The same numbers as one MegaFace feature file for each image.
TEST_F(EvaluatePairs, TakesFeatureFiles) {
  const auto feature = [&](const std::string& name, const std::vector<float>& values) {
    const std::int32_t header[] = {static_cast<std::int32_t>(values.size()), 1, 4, 5};
    std::string bytes(reinterpret_cast<const char*>(header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    dir.write("features/" + name + "_net.bin", bytes);
  };
  feature("Ada/Ada_0001.jpg", {1, 0});
  feature("Ada/Ada_0002.jpg", {2, 0.1f});
  feature("Bo/Bo_0001.jpg", {0, 1});
  feature("Bo/Bo_0002.jpg", {0.1f, 3});
  feature("Cy_0001", {1, 1});
  std::vector<std::string> call = {"evaluate", "pairs", "--pairs", pairs, "--features", dir.file("features")};
  test::expect_failure(
      [&] {
        auto c = call;
        c.insert(c.end(), {"--suffix", "_other.bin"});
        return c;
      }(),
      3, "no files whose names end in '_other.bin'");
  call.insert(call.end(), {"--suffix", "_net.bin"});
  const auto result = test::run_adaptiveface(call);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, test::run_adaptiveface(arguments()).out);

  feature("Cy_0001", {1, 1, 1});
  test::expect_failure(call, 3, "Cy_0001_net.bin: 3 numbers (expected 2 as in ");
}

}  // namespace
}  // namespace aface
