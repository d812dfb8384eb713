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
  expect({}, 2, "give either --model with --images, or --embeddings with --list");
  expect({"--model", "m.safetensors", "--embeddings", embeddings}, 2, "give either");
  expect({"--model", "m.safetensors"}, 2, "--model needs --images");
  expect({"--embeddings", embeddings}, 2, "--embeddings needs --list");
  expect({"--model", "/nowhere/m.safetensors", "--images", "/nowhere"}, 3, "/nowhere");
  test::expect_failure({"evaluate"}, 2, "subcommand");
  test::expect_failure({"evaluate", "pairs"}, 2, "--pairs is required");
}

TEST_F(EvaluatePairs, DataThatDoNotFitAreNamed) {
  write({1, 0, 2, 0.1f, 0, 1, 0, 0, 1, 1});
  test::expect_failure(arguments(), 3, "'Bo/Bo_0002.jpg' (row 3, counted from 0): its length is 0");
  write({1, 0, 2, 0.1f});
  test::expect_failure(arguments(), 3, "5 names but ");
  dir.write("e.txt", "Ada/Ada_0001.jpg\nBo/Bo_0001.jpg\n");
  test::expect_failure(arguments(), 3, "e.txt: 3 of 5 images are missing ('Ada/Ada_0002.jpg', ");
  dir.write("pairs.txt", "2\t1\nAda\t1\t2\n");
  test::expect_failure(arguments(), 3, "pairs.txt: 1 pairs follow");
  dir.write("pairs.txt", "1\nAda\t1\t2\nAda\t1\tBo\t1\n");
  test::expect_failure(arguments(), 3, "one fold");
}

}  // namespace
}  // namespace aface
