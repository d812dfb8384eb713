// The whole program on configs/tiny.toml: a run, its files, resuming, stopping, and what it says to bad input.
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "tests/cli/tiny_run.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;

TEST(TrainCli, TinyRunLeavesEverythingThatItPromises) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const RunResult result = train(run);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"config.toml", "metrics.jsonl", "model.safetensors", "margins.tsv", "noise_suspects.tsv",
                           "summary.json", "checkpoints/step_00000080.safetensors"}) {
    EXPECT_TRUE(std::filesystem::exists(run + "/" + name)) << name;
  }
  EXPECT_FALSE(has_unfinished_files(run));
  EXPECT_THAT(result.err, HasSubstr("eta"));
  EXPECT_THAT(result.out, HasSubstr(run + "/summary.json"));

  const auto summary = nlohmann::json::parse(bytes_of(run + "/summary.json"));
  EXPECT_EQ(summary["steps"], 80);
  EXPECT_EQ(summary["data"]["identities"], 24);
  EXPECT_EQ(summary["data"]["images"], 240);
  EXPECT_EQ(summary["validation"]["folds"].size(), 10u);
  EXPECT_EQ(summary["margins_of_richest"].size(), 10u);

  const std::vector<std::string> metrics = lines_of(run + "/metrics.jsonl");
  EXPECT_GE(metrics.size(), 8u);
  for (const std::string& line : metrics) EXPECT_TRUE(nlohmann::json::parse(line).contains("step")) << line;
  EXPECT_EQ(lines_of(run + "/margins.tsv").size(), 1u + 24u);
  EXPECT_GE(lines_of(run + "/noise_suspects.tsv").size(), 1u + 100u);

  const std::string before = bytes_of(run + "/summary.json");
  const RunResult again = train(run, {"--resume"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("finished"));
  EXPECT_EQ(bytes_of(run + "/summary.json"), before);
}

TEST(TrainCli, StoppedAndResumedRunEndsWithTheSameBytes) {
  const TempDir dir;
  const std::string whole = dir.file("whole"), halves = dir.file("halves");
  ASSERT_EQ(train(whole).exit_code, 0);

  const RunResult first = train_until("step 30/80", SIGINT, halves);
  EXPECT_EQ(first.exit_code, 128 + SIGINT) << first.err;
  EXPECT_FALSE(std::filesystem::exists(halves + "/model.safetensors"));
  EXPECT_FALSE(has_unfinished_files(halves));

  const RunResult second = train(halves, {"--resume"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_THAT(second.err, HasSubstr("resumed from"));
  EXPECT_TRUE(bytes_of(whole + "/model.safetensors") == bytes_of(halves + "/model.safetensors"));
  EXPECT_EQ(bytes_of(whole + "/noise_suspects.tsv"), bytes_of(halves + "/noise_suspects.tsv"));
  EXPECT_EQ(bytes_of(whole + "/margins.tsv"), bytes_of(halves + "/margins.tsv"));
}

TEST(TrainCli, RunDirectoryInUseIsRefusedWithoutResume) {
  const TempDir dir;
  dir.write("run/config.toml", "[train]\nsteps = 3\n");
  expect_one_line_error(train(dir.file("run")), 2, "add --resume");
}

TEST(TrainCli, ResumeWithOtherOptionsNamesThem) {
  const TempDir dir;
  const std::string run = dir.file("run");
  ASSERT_EQ(train_until("step 10/80", SIGTERM, run).exit_code, 128 + SIGTERM);
  const std::vector<std::string> other = {"--resume", "--set", "head.logit_scale=20", "--set", "sampler.up=3"};
  expect_one_line_error(train(run, other), 2, "sampler.up");
  expect_one_line_error(train(run, other), 2, "head.logit_scale (16.0 here, 20.0 there)");
  // The checkpoint knows them too.
  std::filesystem::remove(run + "/config.toml");
  expect_one_line_error(train(run), 2, "add --resume");
  expect_one_line_error(train(run, other), 2, "head.logit_scale (16.0 here, 20.0 there)");
  RunOptions stop;
  stop.signal = SIGTERM;
  stop.signal_after = "step 20/80";
  std::vector<std::string> told = other;
  told.push_back("--allow-changes");
  EXPECT_EQ(train(run, told, stop).exit_code, 128 + SIGTERM);
  EXPECT_THAT(bytes_of(run + "/config.toml"), HasSubstr("logit_scale = 20"));
}

TEST(TrainCli, CheckpointOfAnotherNetworkIsRefused) {
  const TempDir dir;
  const std::string run = dir.file("run");
  ASSERT_EQ(train_until("step 10/80", SIGINT, run).exit_code, 128 + SIGINT);
  const std::string config = bytes_of(run + "/config.toml");
  const RunResult result =
      train(run, {"--resume", "--allow-changes", "--set", "backbone.width=24"});
  expect_one_line_error(result, 3, "checkpoints/step_");
  EXPECT_EQ(bytes_of(run + "/config.toml"), config) << "a refused start must not change what the run says it is";
}

TEST(TrainCli, MissingDataFolderIsNamed) {
  const TempDir dir;
  const RunResult result = train(dir.file("run"), {"--set", "data.source=folder", "--set", "data.root=" + dir.file("no")});
  expect_one_line_error(result, 3, dir.file("no"));
  EXPECT_FALSE(std::filesystem::exists(dir.file("run/config.toml"))) << "the next try must not need --resume";
}

TEST(TrainCli, ConfigurationMistakesAreNamedBeforeAnythingIsWritten) {
  const TempDir dir;
  const std::string run = dir.file("run");
  expect_one_line_error(train(run, {"--set", "train.stepz=3"}), 2, "steps");
  expect_one_line_error(train(run, {"--set", "optimizer.learning_rate=-1"}), 2, "learning_rate");
  expect_one_line_error(train(run, {"--set", "head.logit_scale=big"}), 2, "logit_scale");
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST(TrainCli, DamagedNewestCheckpointIsReportedAndTheOneBeforeItUsed) {
  const TempDir dir;
  const std::string whole = dir.file("whole"), run = dir.file("run");
  ASSERT_EQ(train(whole).exit_code, 0);
  stop_at_30(run);
  const std::string newest = newest_checkpoint(run), good = bytes_of(newest);
  std::string flipped = good;
  flipped[good.size() / 3] = static_cast<char>(flipped[good.size() / 3] ^ 16);
  std::ofstream(newest, std::ios::binary) << flipped;
  const RunResult rest = train(run, {"--resume"});
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("checkpoint cannot be used: " + newest));
  EXPECT_THAT(rest.err, HasSubstr("step_00000020.safetensors at step 20"));
  EXPECT_TRUE(bytes_of(whole + "/model.safetensors") == bytes_of(run + "/model.safetensors"));
  EXPECT_EQ(log_of(run), log_of(whole)) << "what was logged after step 20 must not stand there twice";
}

TEST(TrainCli, ResumedRunLogsWhatTheUninterruptedOneDoes) {
  const TempDir dir;
  const std::string whole = dir.file("whole"), parts = dir.file("parts");
  const std::vector<std::string> rhythm = {"--set", "train.log_every=8", "--set", "validation.every_steps=20", "--set", "mining.mass_every=3"};
  ASSERT_EQ(train(whole, rhythm).exit_code, 0);
  std::vector<std::string> more = rhythm;
  for (const char* progress : {"step 16/80", "step 40/80", "step 64/80"}) {
    RunOptions stop;
    stop.signal = SIGINT;
    stop.signal_after = progress;
    const RunResult part = train(parts, more, stop);
    EXPECT_EQ(part.exit_code, 128 + SIGINT) << part.err;
    if (more.back() != "--resume") more.push_back("--resume");
  }
  ASSERT_EQ(train(parts, more).exit_code, 0);
  EXPECT_EQ(log_of(parts), log_of(whole));
  const auto summary = nlohmann::json::parse(bytes_of(parts + "/summary.json"));
  const auto expected = nlohmann::json::parse(bytes_of(whole + "/summary.json"));
  EXPECT_EQ(summary["best_validation"], expected["best_validation"]);
  EXPECT_EQ(summary["validation"], expected["validation"]);
}

TEST(TrainCli, KeepsTheCheckpointOfTheBestValidation) {
  const TempDir dir;
  const std::string run = dir.file("run");
  ASSERT_EQ(train(run, {"--set", "validation.every_steps=5", "--set", "train.keep_checkpoints=1"}).exit_code, 0);
  const auto summary = nlohmann::json::parse(bytes_of(run + "/summary.json"));
  double best = 0;
  int best_step = 0;
  for (const std::string& line : lines_of(run + "/metrics.jsonl")) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("validation/accuracy") && json["validation/accuracy"] > best) {
      best = json["validation/accuracy"];
      best_step = json["step"];
    }
  }
  EXPECT_EQ(summary["best_validation"]["step"], best_step);
  EXPECT_EQ(summary["best_validation"]["accuracy"], best);
  char name[64];
  std::snprintf(name, sizeof name, "/checkpoints/step_%08d.safetensors", best_step);
  EXPECT_TRUE(std::filesystem::exists(run + name)) << name;
  EXPECT_TRUE(std::filesystem::exists(run + "/checkpoints/step_00000080.safetensors"));
}

TEST(TrainCli, OtherDataAreRefusedUnlessToldOtherwise) {
  const TempDir dir;
  const std::string run = dir.file("run"), faces = dir.file("faces");
  ASSERT_EQ(run_program(AFACE_PROGRAM, {"synth", faces, "--identities", "24", "--images", "240", "--min-images", "4", "--zipf-exponent", "0.8",
                                       "--heldout-identities", "0", "--size", "48"}).exit_code, 0);
  const std::string list = bytes_of(faces + "/train/list.tsv");
  const std::vector<std::string> of_list = {"--set", "data.source=list", "--set", "data.root=" + faces + "/train/images", "--set",
                                            "data.list=" + dir.write("list.tsv", list)};
  RunOptions stop;
  stop.signal = SIGINT;
  stop.signal_after = "step 10/80";
  ASSERT_EQ(train(run, of_list, stop).exit_code, 128 + SIGINT);

  // One photo less.
  dir.write("list.tsv", list.substr(0, list.find('\n', list.size() / 2) + 1) + list.substr(list.find('\n', list.find('\n', list.size() / 2) + 1) + 1));
  std::vector<std::string> resume = of_list;
  resume.push_back("--resume");
  expect_one_line_error(train(run, resume), 3, "240 photos in it, 239 here");
  // Two people with each other's names: the counts agree.
  std::string renamed = list;
  const std::string first = renamed.substr(renamed.find('\t') + 1, renamed.find('\n') - renamed.find('\t') - 1);
  const std::size_t last_tab = renamed.rfind('\t');
  const std::string last = renamed.substr(last_tab + 1, renamed.size() - last_tab - 2);
  ASSERT_NE(first, last);
  renamed.replace(last_tab + 1, last.size(), first);
  dir.write("list.tsv", renamed);
  expect_one_line_error(train(run, resume), 3, "other labels");
  std::vector<std::string> told = resume;
  told.push_back("--allow-changes");
  const RunResult allowed = train(run, told);
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(allowed.err, HasSubstr("at step 1"));
}

TEST(TrainCli, TwoProcessesDoNotTrainInOneFolder) {
  const TempDir dir;
  const std::string run = dir.file("run"), err = dir.file("err");
  stop_at_30(run);
  // The second starts while the first is at work.
  const std::string script = "\"$0\" train --run-dir \"$1\" --resume --set train.steps=4000 --allow-changes 2> \"$2\" & first=$!; "
                             "for i in $(seq 600); do grep -q 'resumed from' \"$2\" && break; sleep 0.05; done; "
                             "\"$0\" train --run-dir \"$1\" --resume --set train.steps=4000 --allow-changes; code=$?; "
                             "kill -TERM $first; wait $first; exit $code";
  const RunResult result = run_program("/bin/bash", {"-c", script, AFACE_PROGRAM, run, err});
  expect_one_line_error(result, 2, "another process is training");
  EXPECT_EQ(train(run, {"--resume", "--set", "train.steps=31", "--allow-changes"}).exit_code, 0);
}

TEST(TrainCli, StartsFromAnotherRun) {
  const TempDir dir;
  const std::string first = dir.file("first"), second = dir.file("second");
  ASSERT_EQ(train(first).exit_code, 0);
  const std::string from = "start.from=" + first + "/checkpoints/step_00000080.safetensors";
  RunOptions stop;
  stop.signal = SIGINT;
  stop.signal_after = "step 10/80";
  const RunResult start = train(second, {"--set", from}, stop);
  EXPECT_EQ(start.exit_code, 128 + SIGINT) << start.err;
  EXPECT_THAT(start.err, HasSubstr("24 prototypes carried over by name, 0 at the mean"));
  const RunResult rest = train(second, {"--set", from, "--resume"});
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(rest.err.find("carried over"), std::string::npos) << "a resumed run must not start again";
  EXPECT_THAT(train(dir.file("third"), {"--set", "start.from=" + first + "/model.safetensors", "--set", "train.steps=11"}).err,
              HasSubstr("24 at the mean of their embeddings"));
  expect_one_line_error(train(dir.file("wide"), {"--set", from, "--set", "backbone.width=24"}), 2, "backbone.width = 16 (not 24)");
}

}  // namespace
}  // namespace aface::test
