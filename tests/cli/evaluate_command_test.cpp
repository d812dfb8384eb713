#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/io/npy.h"
#include "aface/nn/model_file.h"
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
  EXPECT_TRUE(json["tar_at_far"]["0.1"].is_null());  // of two impostor pairs
  EXPECT_EQ(json["figures"]["tar_at_far/0.1"]["unmeasurable"], "needs 10 impostor pairs, has 2");
  EXPECT_EQ(json["figures"]["accuracy"]["value"], 0.75);
  EXPECT_EQ(json["bootstrap"]["replicates"], 1000);
  EXPECT_EQ(json["bootstrap"]["draws"]["accuracy"].size(), 1000u);
  EXPECT_EQ(json["people"], 3);
  EXPECT_EQ(json["people_from"], "names");
  ASSERT_EQ(json["worst_impostor"].size(), 2u);
  EXPECT_EQ(json["worst_impostor"][0]["a"], "Bo/Bo_0002.jpg");
  EXPECT_EQ(json["worst_impostor"][0]["b"], "Cy_0001.png");  // as the list of embeddings has it
  EXPECT_EQ(json["roc"][0].size(), json["roc"][1].size());
  EXPECT_EQ(json.count("images"), 0u);
}

TEST_F(EvaluatePairs, TargetsConventionAndDrawsAreTheCallers) {
  auto call = arguments();
  call.insert(call.end(), {"--far", "1", "0.5", "--bootstrap", "0", "--convention", "insightface", "--json",
                           dir.file("r.json"), "--images", "chips"});
  const auto result = test::run_adaptiveface(call);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("convention insightface: squared distance"));
  EXPECT_THAT(result.out, HasSubstr("(standard deviation over folds), 4 pairs"));
  const auto json = nlohmann::json::parse(read_text_file(dir.file("r.json")));
  EXPECT_EQ(json["tar_at_far"], (nlohmann::json{{"1", 1.0}, {"0.5", 1.0}}));
  EXPECT_EQ(json["convention"], "insightface");
  EXPECT_EQ(json["threshold_unit"], "squared distance");
  EXPECT_EQ(json["images"], "chips");
  EXPECT_TRUE(json["bootstrap"]["draws"].empty());
  EXPECT_EQ(json.count("folded_tar"), 1u);

  call = arguments();
  call.insert(call.end(), {"--convention", "lfw"});
  test::expect_failure(call, 2, "--convention");
  call = arguments();
  call.insert(call.end(), {"--far", "0"});
  test::expect_failure(call, 2, "--far");
}

TEST_F(EvaluatePairs, ResultsDoNotDependOnThreads) {
  std::vector<std::string> texts;
  for (const char* threads : {"1", "3"}) {
    auto call = arguments();
    call.insert(call.end(), {"--json", dir.file("r.json"), "--threads", threads, "--seed", "5"});
    ASSERT_EQ(test::run_adaptiveface(call).exit_code, 0);
    texts.push_back(read_text_file(dir.file("r.json")));
  }
  EXPECT_EQ(texts[0], texts[1]);
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

// A set as Python 2 pickled it: ([image, ...], [flag, ...]).
std::string pickled_set(const std::vector<std::string>& images, const std::vector<bool>& flags) {
  std::string bytes("\x80\x02](", 4);
  for (const std::string& image : images) {
    const auto size = static_cast<std::uint32_t>(image.size());
    bytes += 'T' + std::string(reinterpret_cast<const char*>(&size), sizeof size) + image;
  }
  bytes += "e](";
  for (const bool flag : flags) bytes += flag ? '\x88' : '\x89';
  return bytes + "e\x86.";
}

std::string png_of(int grey, int width, int height) {
  Image image(width, height);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>((static_cast<std::size_t>(grey) * i + i / 97) % 256);
  }
  const auto bytes = encode_png(image);
  return {bytes.begin(), bytes.end()};
}

struct EvaluateBin : ::testing::Test {
  void SetUp() override {
    BackboneOptions options;
    options.kind = "tiny_cnn";
    options.input_size = 32;
    options.embedding_dim = 8;
    save_model(dir.file("m.safetensors"), *make_backbone(options));
    for (const int grey : {3, 5, 3, 7, 11, 13, 17, 5}) images.push_back(png_of(grey, 32, 32));
    set = dir.write("tiny.bin", pickled_set(images, {true, false, true, false}));
  }
  std::vector<std::string> call(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"evaluate",  "pairs", "--pairs",     set,
                                    "--threads", "1",     "--bootstrap", "20"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::TempDir dir;
  std::vector<std::string> images;
  std::string set;
};

TEST_F(EvaluateBin, AModelAndItsEmbeddingsInOrderGiveTheSame) {
  const auto by_model =
      test::run_adaptiveface(call({"--model", dir.file("m.safetensors"), "--json", dir.file("r.json")}));
  ASSERT_EQ(by_model.exit_code, 0) << by_model.err;
  EXPECT_THAT(by_model.out, HasSubstr("told by the pairs alone"));
  const auto json = nlohmann::json::parse(read_text_file(dir.file("r.json")));
  EXPECT_EQ(json["people_from"], "links");
  // Six photos: 0 = 2, 1 = 7; pairs of one person join 0-1 and 4-5, so {0 1 2 7}, {3}, {4 5}, {6} remain.
  EXPECT_EQ(json["people"], 4);
  EXPECT_THAT(json["worst_impostor"][0]["a"].get<std::string>(), ::testing::StartsWith("tiny.bin#"));

  for (std::size_t i = 0; i < images.size(); ++i) dir.write("chips/" + std::to_string(i) + ".png", images[i]);
  ASSERT_EQ(test::run_adaptiveface({"embed", "--model", dir.file("m.safetensors"), "--images",
                                    dir.file("chips"), "--out", dir.file("e.npy"), "--threads", "1"})
                .exit_code,
            0);
  const auto by_matrix = test::run_adaptiveface(call({"--embeddings", dir.file("e.npy")}));
  ASSERT_EQ(by_matrix.exit_code, 0) << by_matrix.err;
  EXPECT_EQ(by_matrix.out, by_model.out);
}

TEST_F(EvaluateBin, WhatDoesNotFitIsNamed) {
  const std::string model = dir.file("m.safetensors"), embeddings = dir.file("e.npy");
  test::expect_failure(call({}), 2, "a set of images (.bin) takes --model, or --embeddings");
  test::expect_failure(call({"--model", model, "--images", "chips"}), 2, "none of --images");
  const std::vector<float> rows(7 * 2, 1.0f);
  write_npy_matrix(embeddings, {rows.data(), 7, 2});
  test::expect_failure(call({"--embeddings", embeddings}), 3, "e.npy: 7 rows but the set has 8 images");

  images[3] = "no picture";
  dir.write("tiny.bin", pickled_set(images, {true, false, true, false}));
  test::expect_failure(call({"--model", model}), 3, "tiny.bin#3: neither JPEG nor PNG");
  const std::string whole = read_text_file(set);
  dir.write("tiny.bin", whole.substr(0, whole.size() / 2));
  test::expect_failure(call({"--model", model}), 3, "tiny.bin@");
  dir.write("tiny.bin",
            "\x80\x02"
            "cos\nsystem\n.");
  test::expect_failure(call({"--model", model}), 3,
                       "the name 'os.system' stands for code, which is never run");
}

}  // namespace
}  // namespace aface
