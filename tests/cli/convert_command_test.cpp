#include <map>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/io/safetensors.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::expect_failure;
using test::run_adaptiveface;
using test::TempDir;
using testing::HasSubstr;

// Three people with four photos each, large enough for the smallest net.
class ConvertCommand : public testing::Test {
 protected:
  ConvertCommand() {
    for (int person = 0; person < 3; ++person) {
      for (int photo = 0; photo < 4; ++photo) {
        Image image(112, 112);
        for (std::size_t i = 0; i < image.pixels.size(); ++i)
          image.pixels[i] = static_cast<std::uint8_t>(
              (i * static_cast<std::size_t>(person + 1) / 7 + static_cast<std::size_t>(photo)) % 256);
        const auto bytes = encode_jpeg(image, 90);
        dir_.write("faces/p" + std::to_string(person) + "/" + std::to_string(photo) + ".jpg",
                   {bytes.begin(), bytes.end()});
      }
    }
  }
  std::string at(const std::string& name) const { return dir_.file(name); }

  TempDir dir_;
};

TEST_F(ConvertCommand, GoesRoundThroughAllForms) {
  const std::vector<std::vector<std::string>> steps = {{at("faces"), at("train.rec")},
                                                       {at("train.rec"), at("new/s.tar")},
                                                       {at("new/s.tar"), at("plain.rec"), "--plain"},
                                                       {at("plain.rec"), at("back")},
                                                       {at("back"), at("back.tsv")}};
  for (const auto& step : steps) {
    std::vector<std::string> arguments = {"convert"};
    arguments.insert(arguments.end(), step.begin(), step.end());
    const auto result = run_adaptiveface(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, HasSubstr("written and read back: " + step[1] + "  photos 12  identities 3"));
  }
  EXPECT_EQ(read_text_file(at("back/p1/000000005.jpg")), read_text_file(at("faces/p1/1.jpg")));
  for (const std::string& set : {at("train.rec"), at("new/s.tar"), at("plain.rec")}) {
    const auto inspected = run_adaptiveface({"inspect", set});
    EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
    EXPECT_THAT(inspected.out, HasSubstr("112 x 112"));
  }
}

TEST_F(ConvertCommand, VerificationSetsBecomeFoldersAndBack) {
  dir_.write("faces/pairs.txt",
             "p0/0.jpg p0/1.jpg 1\np0/0.jpg p1/1.jpg 0\np2/0.jpg p2/1.jpg 1\np2/0.jpg p1/1.jpg 0\n");
  EXPECT_THAT(run_adaptiveface({"convert", at("faces"), at("set.bin")}).out,
              HasSubstr("pairs 4  pictures 8"));
  EXPECT_THAT(run_adaptiveface({"convert", at("set.bin"), at("set")}).out, HasSubstr("pairs 4  pictures 5"));
  EXPECT_EQ(run_adaptiveface({"convert", at("set"), at("again.bin")}).exit_code, 0);
  EXPECT_EQ(read_text_file(at("again.bin")), read_text_file(at("set.bin")));
}

TEST_F(ConvertCommand, FailuresHaveOneLineAndTheirExitCode) {
  expect_failure({"convert", at("faces")}, 2, "DST is required");
  expect_failure({"convert", at("none"), at("x.rec")}, 3, "none: no such folder");
  expect_failure({"convert", at("none"), at("x.rec")}, 3, "check SRC");
  expect_failure({"convert", at("faces/pairs"), at("x.rec")}, 3, "check SRC");
  dir_.write("notes.md", "no photos");
  expect_failure({"convert", at("notes.md"), at("x.rec")}, 3, "notes.md: a file, but no .rec, .tar or .bin");
  expect_failure({"convert", at("none.rec"), at("x")}, 3, "none.rec: cannot open");
  expect_failure({"convert", at("faces"), at("faces")}, 2, "is there already");
  expect_failure({"convert", at("faces"), at("x.bin")}, 3, "pairs.txt");
  expect_failure({"convert", at("faces"), at("x.rec"), "--pairs", "y"}, 2, "--pairs goes with");
  dir_.write("bad.rec", "\x0a\x23\xd7\xce");
  expect_failure({"inspect", at("bad.rec")}, 3, "bad.rec@0: a record needs 8 bytes, 4 are left");
}

TEST_F(ConvertCommand, TrainingOnARecEqualsTrainingOnTheFolder) {
  EXPECT_EQ(run_adaptiveface({"convert", at("faces"), at("train.rec")}).exit_code, 0);
  const auto train = [&](const std::string& source, const std::string& root, const std::string& run) {
    const auto result = run_adaptiveface(
        {"train", "--config", AFACE_SOURCE_DIR "/configs/tiny.toml", "--run-dir", at(run), "--threads", "1",
         "--set", "data.source=" + source, "--set", "data.root=" + root, "--set", "mining.kind=all", "--set",
         "optimizer.warmup_steps=2", "--set", "train.steps=6", "--set", "train.batch_size=4"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::map<std::string, std::vector<unsigned char>> weights;
    for (const auto& [name, array] : read_safetensors(at(run) + "/model.safetensors").arrays)
      weights[name] = array.bytes.to_vector();
    EXPECT_GT(weights.size(), 4u);
    return weights;
  };
  EXPECT_TRUE(train("folder", at("faces"), "a") == train("rec", at("train.rec"), "b"));
}

}  // namespace
}  // namespace aface
