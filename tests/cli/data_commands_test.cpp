#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::expect_failure;
using test::run_adaptiveface;
using test::TempDir;
using testing::HasSubstr;
using testing::StartsWith;

// Two people with two photos each, and landmarks that are the template itself.
class DataCommands : public testing::Test {
 protected:
  DataCommands() {
    Image photo(112, 112);
    std::fill(photo.pixels.begin(), photo.pixels.end(), std::uint8_t{90});
    const auto bytes = encode_png(photo);
    std::string list;
    for (const char* name : {"a/1.png", "a/2.png", "b/1.png", "b/2.png"}) {
      dir_.write(std::string("photos/") + name, {bytes.begin(), bytes.end()});
      list += std::string(name) + "\t38.29\t51.70\t73.53\t51.50\t56.03\t71.74\t41.55\t92.37\t70.73\t92.20\n";
    }
    landmarks_ = dir_.write("landmarks.txt", list);
    photos_ = dir_.path() + "/photos";
    chips_ = dir_.path() + "/chips";
  }

  TempDir dir_;
  std::string landmarks_, photos_, chips_;
};

TEST_F(DataCommands, AlignThenInspect) {
  const auto aligned = run_adaptiveface({"align", photos_, landmarks_, chips_, "--size", "64"});
  EXPECT_EQ(aligned.exit_code, 0) << aligned.err;
  EXPECT_THAT(aligned.out, StartsWith("written 4  left out 0  "));
  EXPECT_EQ(aligned.err, "");

  const std::string json = dir_.file("report.json");
  const auto inspected = run_adaptiveface({"inspect", chips_, "--json", json});
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out, HasSubstr("64 x 64"));
  EXPECT_EQ(nlohmann::json::parse(read_text_file(json))["images"], 4);
}

TEST_F(DataCommands, AlignTakesFlagsInsteadOfPositions) {
  const auto aligned =
      run_adaptiveface({"align", "--out", chips_, "--landmarks", landmarks_, "--images", photos_});
  EXPECT_EQ(aligned.exit_code, 0) << aligned.err;
  EXPECT_TRUE(file_exists(chips_ + "/b/2.jpg"));
}

TEST_F(DataCommands, InspectReportsDamageAndEndsWellWithoutNoise) {
  const std::string whole = read_text_file(photos_ + "/a/1.png");
  dir_.write("photos/a/1.png", whole.substr(0, whole.size() - 20));
  const auto inspected = run_adaptiveface({"inspect", photos_});
  EXPECT_EQ(inspected.exit_code, 0);
  EXPECT_THAT(inspected.out, HasSubstr("a/1.png: damaged or cut short PNG"));
  EXPECT_EQ(inspected.err, "") << "libraries must not print";
}

TEST_F(DataCommands, FailuresHaveOneLineAndTheirExitCode) {
  expect_failure({"align", photos_}, 2, "--landmarks is required");
  expect_failure({"align", photos_, landmarks_, chips_, "--size", "5"}, 2, "--size");
  expect_failure({"align", photos_, landmarks_, photos_}, 2, "overwrite the photos");
  std::filesystem::remove(photos_ + "/b/1.png");
  expect_failure({"align", photos_, landmarks_, chips_}, 3, "landmarks.txt:3: b/1.png: is not a file");
  expect_failure({"inspect", dir_.file("none")}, 3, "none: no such folder");
  std::filesystem::remove(photos_ + "/b/2.png");
  expect_failure({"inspect", photos_}, 3, "photos/b: no images");
}

}  // namespace
}  // namespace aface
