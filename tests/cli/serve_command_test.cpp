// A model that was trained a moment, its gallery, and the service over both, as a user starts them.
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "tests/cli/adaptiveface.h"
#include "tests/cli/tiny_run.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;

struct ServeCommand : ::testing::Test {
  static void SetUpTestSuite() {
    shared = std::make_unique<TempDir>();
    ASSERT_EQ(train(shared->file("run")).exit_code, 0);
  }
  static void TearDownTestSuite() { shared.reset(); }

  static std::string model() { return shared->file("run/model.safetensors"); }
  // Folders of the built-in faces that the run has drawn: one a person.
  static std::string faces() { return shared->file("run/faces"); }
  std::vector<std::string> serve(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"serve", "--model", model(), "--gallery", dir.file("g"), "--port", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  TempDir dir;
  static std::unique_ptr<TempDir> shared;
};
std::unique_ptr<TempDir> ServeCommand::shared;

TEST_F(ServeCommand, ChipsAreEnrolledAndIdentifiedByAModel) {
  const auto enrolled = run_adaptiveface(
      {"enrol", "--gallery", dir.file("g"), "--model", model(), "--images", faces(), "--person-is-folder"});
  ASSERT_EQ(enrolled.exit_code, 0) << enrolled.err;
  const auto found =
      run_adaptiveface({"identify", "--gallery", dir.file("g"), "--model", model(), "--images", faces(),
                        "--person-is-folder", "--threshold", "0.999", "--json", dir.file("j.json")});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const auto json = nlohmann::json::parse(read_text_file(dir.file("j.json")));
  EXPECT_EQ(json["found"], 1.0) << "every photo finds itself";
  EXPECT_EQ(json["model"].get<std::string>().size(), 64u);
  expect_failure({"enrol", "--gallery", dir.file("g"), "--embeddings", "e", "--list", "l", "--model-digest",
                  "x", "--model", model()},
                 2, "one source");
}

TEST_F(ServeCommand, StopsOnSigtermWithExitCodeZero) {
  RunOptions stop;
  stop.signal = SIGTERM;
  stop.signal_after = "no --threshold";
  const auto result = run_adaptiveface(serve({}), stop);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("serving on http://127.0.0.1:"));
  EXPECT_THAT(result.err, HasSubstr("stopped by signal 15"));
}

TEST_F(ServeCommand, DoesNotListenToOthersWithoutAToken) {
  expect_failure(serve({"--host", "0.0.0.0"}), 2, "give a token");
  expect_failure(serve({"--host", "no such host"}), 2, "no such host");
  dir.write("short", "12345\n");
  std::filesystem::permissions(dir.file("short"), std::filesystem::perms::owner_read);
  expect_failure(serve({"--host", "0.0.0.0", "--token-file", dir.file("short")}), 2, "5 characters");
  RunOptions stop;
  stop.signal = SIGTERM;
  stop.signal_after = "no --threshold";
  stop.environment["ADAPTIVEFACE_TOKEN"] = "0123456789abcdef";
  EXPECT_EQ(run_adaptiveface(serve({"--host", "0.0.0.0"}), stop).exit_code, 0);
}

TEST_F(ServeCommand, WrongUseIsNamed) {
  expect_failure({"serve", "--model", dir.file("none")}, 3, "none");
  expect_failure(serve({"--far", "0.001"}), 2, "no threshold for FAR 0.001");
  expect_failure(serve({"--detector", dir.file("none.onnx")}), 3, "none.onnx");
  dir.write("g",
            "not a gallery, but long enough to be looked at as one, or so it seems" + std::string(4000, 'x'));
  expect_failure(serve({}), 3, "not a gallery");
}

}  // namespace
}  // namespace aface::test
