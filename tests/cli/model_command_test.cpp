#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/io/safetensors.h"
#include "aface/nn/model_file.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

// Weights of a small net, four chips and pairs of them.
struct ModelCommand : ::testing::Test {
  void SetUp() override {
    BackboneOptions options;
    options.kind = "tiny_cnn";
    options.input_size = 32;
    options.embedding_dim = 8;
    save_model(weights, *make_backbone(options));
    unsigned seed = 1;
    for (int chip = 0; chip < 4; ++chip) {
      Image image(32, 32);
      for (auto& value : image.pixels)
        value = static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
      const auto bytes = encode_png(image);
      dir.write("chips/" + std::to_string(chip) + ".png", std::string(bytes.begin(), bytes.end()));
    }
    pairs = dir.write("pairs.txt", "0.png 1.png 1\n0.png 2.png 0\n2.png 3.png 1\n1.png 3.png 0\n");
  }
  void upgrade(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"model", "upgrade", weights, "--out", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = test::run_adaptiveface(arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  test::TempDir dir;
  const std::string weights = dir.file("w.safetensors"), model = dir.file("m.safetensors");
  std::string pairs;
};

TEST_F(ModelCommand, WeightsBecomeAModelWhoseInfoSaysAll) {
  test::expect_failure({"model", "info", weights}, 3, "model upgrade");
  upgrade({"--colour", "BGR", "--flip", "none", "--recipe", "by hand"});
  const auto result = test::run_adaptiveface({"model", "info", model, "--json", dir.file("i.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* text :
       {"tiny_cnn", "32 x 32 px, BGR", "none: embedding = f(x)", "8 numbers", "by hand", "not measured"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  const auto json = nlohmann::json::parse(read_text_file(dir.file("i.json")));
  EXPECT_EQ(json["card"]["colour_order"], "BGR");
  EXPECT_EQ(json["network"]["embedding_dim"], 8);
  EXPECT_EQ(json["digest"].get<std::string>().size(), 64u);
  EXPECT_LT(json["reference"]["distance"].get<double>(), 1e-3);
  test::expect_failure({"model", "upgrade", model, "--out", dir.file("x")}, 2, "nothing is missing");
  test::expect_failure({"model", "upgrade", weights, "--kind", "small_resnet", "--out", dir.file("x")}, 3,
                       weights);
  test::expect_failure({"model", "upgrade", weights, "--mean", "1", "2", "--out", dir.file("x")}, 2,
                       "--mean");
  EXPECT_FALSE(file_exists(dir.file("x")));
}

TEST_F(ModelCommand, AChangedFileIsRefusedEverywhere) {
  upgrade();
  NamedArrays file = read_safetensors(model);
  file.own_all();
  file.metadata.at("card").replace(file.metadata.at("card").find("127.5"), 5, "127.6");
  write_safetensors(model, file);
  test::expect_failure({"model", "info", model}, 3, "the digest does not fit");
  test::expect_failure({"export", model, "--onnx", dir.file("m.onnx")}, 3, "the digest does not fit");
  test::expect_failure(
      {"evaluate", "pairs", "--pairs", pairs, "--images", dir.file("chips"), "--model", model}, 3,
      "the digest does not fit");
}

TEST_F(ModelCommand, AnEvaluationSaysWhichViewsWereSummed) {
  const std::string gallery = dir.write("g.tsv", "0.png\tAda\n1.png\tBo\n"),
                    probes = dir.write("p.tsv", "2.png\tAda\n3.png\tCy\n");
  const auto views = [&](const std::vector<std::string>& more) {
    std::vector<std::string> call = {"evaluate", "identification",   "--gallery",       gallery,   "--probes",
                                     probes,     "--images",         dir.file("chips"), "--model", model,
                                     "--json",   dir.file("r.json"), "--threads",       "1"};
    call.insert(call.end(), more.begin(), more.end());
    const auto result = test::run_adaptiveface(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(read_text_file(dir.file("r.json")))["views"].get<std::string>();
  };
  upgrade();
  EXPECT_EQ(views({}), "image + mirrored image");
  EXPECT_EQ(views({"--no-flip"}), "image");
  upgrade({"--flip", "none"});
  EXPECT_EQ(views({}), "image") << "by the model's card";
}

TEST_F(ModelCommand, CalibrationMeasuresWhatThePairsAreEnoughFor) {
  upgrade();
  const auto result =
      test::run_adaptiveface({"model", "calibrate", model, "--pairs", pairs, "--images", dir.file("chips"),
                              "--far", "0.5", "0.1", "--name", "four chips", "--out", model});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("FAR 0.5"));
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("FAR 0.1")));
  EXPECT_THAT(test::run_adaptiveface({"model", "info", model}).out,
              HasSubstr("measured on four chips (2 pairs of one person, 2 of two)"));
  test::expect_failure({"model", "calibrate", model, "--pairs", pairs, "--images", dir.file("chips"), "--far",
                        "0.01", "--out", dir.file("x")},
                       3, "impostor pairs");
}

TEST_F(ModelCommand, ExportIsCheckedThroughAnotherReader) {
  upgrade();
  const std::string onnx = dir.file("m.onnx");
  const auto result = test::run_adaptiveface(
      {"export", model, "--onnx", onnx, "--pairs", pairs, "--images", dir.file("chips")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("reference chip"));
  EXPECT_THAT(result.out, HasSubstr("4 pairs"));
  EXPECT_THAT(result.out, HasSubstr("by the exported file"));
  EXPECT_TRUE(file_exists(onnx));
  EXPECT_FALSE(file_exists(onnx + ".unchecked.onnx"));
  test::expect_failure({"export", model, "--onnx", dir.file("x.onnx"), "--pairs", pairs}, 2, "--images");
  test::expect_failure({"export", model, "--onnx", dir.file("no/x.onnx")}, 3, "x.onnx");
  test::expect_failure({"export", weights, "--onnx", dir.file("x.onnx")}, 3, "model upgrade");
  EXPECT_FALSE(file_exists(dir.file("x.onnx")));
}

struct ExportInEightBits : ModelCommand {
  const std::string onnx = dir.file("m.onnx");
  std::vector<std::string> arguments(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"export", model, "--onnx", onnx, "--int8"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(ExportInEightBits, SaysWhatItCostsBesideFloat) {
  upgrade();
  const auto result =
      test::run_adaptiveface(arguments({"--calibration", dir.file("chips"), "--calibration-chips", "3",
                                        "--pairs", pairs, "--images", dir.file("chips")}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* text : {"3 of 4 faces", "reference chip", "4 pairs", "at most", "MB in float"})
    EXPECT_THAT(result.out, HasSubstr(text));
  EXPECT_TRUE(file_exists(onnx));
  EXPECT_FALSE(file_exists(onnx + ".unchecked.onnx"));
}

TEST_F(ExportInEightBits, CalibrationThatTeachesNothingIsRefused) {
  upgrade();
  test::expect_failure(arguments({}), 2, "--calibration");
  test::expect_failure({"export", model, "--onnx", onnx, "--calibration", dir.file("chips")}, 2, "--int8");
  test::expect_failure(arguments({"--calibration", dir.file("nowhere")}), 3, "nowhere");
  dir.write("empty/notes.txt", "no face");
  test::expect_failure(arguments({"--calibration", dir.file("empty")}), 3, "empty");
  dir.write("damaged/a.png", "no picture");
  test::expect_failure(arguments({"--calibration", dir.file("damaged")}), 3, "a.png");
  test::expect_failure(arguments({"--calibration", dir.file("chips"), "--calibration-chips", "0"}), 2,
                       "--calibration-chips");
  EXPECT_FALSE(file_exists(onnx));
}

TEST_F(ExportInEightBits, AFileThatGivesSomethingElseIsNotKept) {
  upgrade({"--mean", "128", "128", "128"});
  Image image(32, 32);  // grey is 0 and stays 0 in a network without biases: no range is learnt from it
  std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{128});
  const auto bytes = encode_png(image);
  dir.write("grey/0.png", std::string(bytes.begin(), bytes.end()));
  const auto result = test::run_adaptiveface(arguments({"--calibration", dir.file("grey")}));
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("the file was not kept"));
  EXPECT_FALSE(file_exists(onnx));
}

}  // namespace
}  // namespace aface
