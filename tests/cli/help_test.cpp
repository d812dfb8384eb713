#include <fstream>

#include "tests/cli/adaptiveface.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::vector<std::string> kCommands = {"train",   "evaluate", "report", "mining", "embed", "align",
                                            "inspect", "synth",    "config", "enrol",  "identify", "verify",
                                            "search",  "remove",   "list",   "serve"};

TEST(Help, NamesEveryCommandAndTheExitCodes) {
  const auto result = test::run_adaptiveface({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  for (const std::string& command : kCommands)
    EXPECT_THAT(result.out, HasSubstr("\n  " + command + " ")) << command;
  EXPECT_THAT(result.out, AllOf(HasSubstr("Exit codes: 0 done; 2"), HasSubstr("Examples:")));
}

TEST(Help, EveryCommandHasItsOwn) {
  for (const std::string& command : kCommands) {
    const auto result = test::run_adaptiveface({command, "--help"});
    EXPECT_EQ(result.exit_code, 0) << command;
    EXPECT_THAT(result.out, HasSubstr("Usage: adaptiveface " + command)) << command;
    EXPECT_EQ(result.err, "") << command;
  }
}

TEST(Help, VersionIsOneLine) {
  const auto result = test::run_adaptiveface({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(StartsWith("adaptiveface 0."), HasSubstr("LibTorch ")));
  EXPECT_EQ(result.out.find('\n'), result.out.size() - 1);
}

TEST(Help, LibTorchUsesTheWidestVectorsUnlessToldOtherwise) {
  std::ifstream cpu("/proc/cpuinfo");
  const std::string text((std::istreambuf_iterator<char>(cpu)), {});
  if (text.find("avx512bw") == std::string::npos) GTEST_SKIP() << "this CPU has no AVX-512";
  test::RunOptions options;
  options.environment["ATEN_CPU_CAPABILITY"] = "avx2";
  EXPECT_THAT(test::run_adaptiveface({"--version"}).out, HasSubstr("AVX512 kernels"));
  EXPECT_THAT(test::run_adaptiveface({"--version"}, options).out, HasSubstr("AVX2 kernels"));
}

TEST(WrongUse, NoCommand) { test::expect_failure({}, 2, "no command given; see adaptiveface --help"); }

TEST(WrongUse, UnknownCommandNamesTheClosest) {
  test::expect_failure({"confg"}, 2, "unknown command 'confg'; did you mean 'config'?");
  test::expect_failure({"frobnicate"}, 2, "the commands are: ");
}

TEST(WrongUse, UnknownFlagNamesTheHelp) {
  test::expect_failure({"config", "--colour"}, 2, "--colour; see adaptiveface config --help");
  test::expect_failure({"--colour"}, 2, "--colour; see adaptiveface --help");
}

TEST(WrongUse, FullDiskIsAnError) {
  // A shell is needed for the redirection.
  const auto result =
      test::run_program("/bin/sh", {"-c", std::string(AFACE_PROGRAM) + " config > /dev/full"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, StartsWith("adaptiveface: error: "));
}

}  // namespace
}  // namespace aface
