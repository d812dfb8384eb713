#include "aface/train/run_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

TEST(RunFolder, LetsInOneAtATime) {
  const test::TempDir dir;
  std::optional<RunFolder> first(std::in_place, dir.file("deep/run"));
  const std::string message =
      test::error_of(ErrorKind::kUsage, [&] { const RunFolder second(dir.file("deep/run")); });
  EXPECT_NE(message.find("another process"), std::string::npos) << message;
  first.reset();
  EXPECT_NO_THROW(RunFolder(dir.file("deep/run")));
}

TEST(RunFolder, RemovesWhatWasLeftUnfinishedAndNothingElse) {
  const test::TempDir dir;
  for (const char* name :
       {"config.toml", "config.toml.tmp-77", "my.tmp-file", ".tmp-5", "faces.tmp-12/a.jpg", "faces/b.tmp-3",
        "checkpoints/step_00000005.safetensors", "checkpoints/step_00000010.safetensors.tmp-123"}) {
    dir.write(name, "x");
  }
  RunFolder(dir.path()).remove_unfinished();
  for (const char* gone :
       {"config.toml.tmp-77", "faces.tmp-12", "checkpoints/step_00000010.safetensors.tmp-123"}) {
    EXPECT_FALSE(std::filesystem::exists(dir.file(gone))) << gone;
  }
  for (const char* kept :
       {"config.toml", "my.tmp-file", ".tmp-5", "faces/b.tmp-3", "checkpoints/step_00000005.safetensors"}) {
    EXPECT_TRUE(std::filesystem::exists(dir.file(kept))) << kept;
  }
}

}  // namespace
}  // namespace aface
