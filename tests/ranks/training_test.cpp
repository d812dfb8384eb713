// The whole program on several ranks of this host: the numbers of one rank, checkpoints for any number of
// them, and how it ends when something goes wrong.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/support/forked_ranks.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

// Small faces, drawn when they are needed; the learning rate is that of the configuration, 0.05.
Arguments quick(const std::string& run_dir, const Arguments& more = {}) {
  Arguments arguments = {"train",     "--config", std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml",
                         "--threads", "1",        "--run-dir",
                         run_dir};
  for (const char* set :
       {"data.source=drawn", "synth.identities=60", "synth.images=360", "synth.heldout_identities=0",
        "mining.queue_length=4", "mining.max_queue_length=8", "train.log_every=1",
        "train.sync_batch_norm=true", "train.steps=50"}) {
    arguments.insert(arguments.end(), {"--set", set});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Arguments set(const Arguments& options) {
  Arguments arguments;
  for (const std::string& option : options) arguments.insert(arguments.end(), {"--set", option});
  return arguments;
}

Arguments joined(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Runs `count` programs at once; `of_rank` gives the arguments, environment and limits of each.
std::vector<RunResult> run_all(int count,
                               const std::function<void(int rank, Arguments&, RunOptions&)>& of_rank,
                               const Arguments& arguments) {
  std::vector<RunResult> results(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      Arguments own = arguments;
      RunOptions options;
      options.timeout_seconds = 120;
      of_rank(rank, own, options);
      results[static_cast<std::size_t>(rank)] = run_program(AFACE_PROGRAM, own, options);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

using Change = std::function<void(int rank, RunOptions&)>;

std::vector<RunResult> run_ranks_of_program(int count, const Arguments& arguments,
                                            const Change& change = {}) {
  const std::string master = "127.0.0.1:" + std::to_string(free_port());
  return run_all(
      count,
      [&](int rank, Arguments& own, RunOptions& options) {
        if (count > 1)
          own = joined(own, {"--rank", std::to_string(rank), "--world-size", std::to_string(count),
                             "--master", master});
        if (change) change(rank, options);
      },
      arguments);
}

void expect_success(const std::vector<RunResult>& results) {
  for (std::size_t rank = 0; rank < results.size(); ++rank) {
    EXPECT_EQ(results[rank].exit_code, 0) << "rank " << rank << ": " << results[rank].err;
  }
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// Number `name` of every step that has one.
std::map<int, double> numbers_of(const std::string& run_dir, const std::string& name) {
  std::map<int, double> numbers;
  std::ifstream file(run_dir + "/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto values = nlohmann::json::parse(line);
    if (values.contains(name)) numbers[values["step"]] = values[name];
  }
  return numbers;
}

// All that is logged but times, speeds and traffic.
std::vector<nlohmann::json> logged_by(const std::string& run_dir) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run_dir + "/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    auto values = nlohmann::json::parse(line);
    for (auto at = values.begin(); at != values.end();) {
      const bool of_the_machine = at.key().find("seconds") != std::string::npos ||
                                  at.key().find("per_s") != std::string::npos ||
                                  at.key().find("stall") != std::string::npos || at.key().rfind("ranks/", 0) == 0 ||
                                  at.key() == "time";
      at = of_the_machine ? values.erase(at) : std::next(at);
    }
    lines.push_back(values);
  }
  return lines;
}

// To the bit: losses, and what training leaves behind.
void expect_same_run(const std::string& found, const std::string& expected) {
  const std::map<int, double> losses = numbers_of(expected, "loss");
  EXPECT_FALSE(losses.empty());
  EXPECT_EQ(numbers_of(found, "loss"), losses);
  for (const char* file : {"/model.safetensors", "/margins.tsv", "/noise_suspects.tsv"}) {
    EXPECT_TRUE(bytes_of(found + file) == bytes_of(expected + file)) << file;
  }
}

struct Case {
  const char* name;
  Arguments options;
  std::vector<int> ranks = {2, 4};
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Ranks : public ::testing::TestWithParam<Case> {};

// Also in what follows the scores: photos that are drawn, prototypes that are selected, queues, margins.
TEST_P(Ranks, TrainToTheBitAsOneDoes) {
  const TempDir dir;
  const Arguments options = joined(set(GetParam().options), set({"mining.mass_every=5"}));
  expect_success(run_ranks_of_program(1, quick(dir.file("1"), options)));
  ASSERT_EQ(numbers_of(dir.file("1"), "loss").size(), 50U);
  EXPECT_LT(numbers_of(dir.file("1"), "loss").rbegin()->second, numbers_of(dir.file("1"), "loss").begin()->second - 3)
      << "it has hardly learnt: nothing was compared";
  for (const int ranks : GetParam().ranks) {
    const std::string count = std::to_string(ranks);
    SCOPED_TRACE(count);
    expect_success(run_ranks_of_program(ranks, quick(dir.file(count), options)));
    expect_same_run(dir.file(count), dir.file("1"));
    const auto one = logged_by(dir.file("1")), several = logged_by(dir.file(count));
    ASSERT_EQ(several.size(), one.size());
    for (std::size_t line = 0; line < one.size(); ++line) {
      for (const auto& [name, value] : one[line].items()) {
        ASSERT_TRUE(several[line].contains(name)) << name;
        if (!value.is_number()) continue;
        // Means over identities are added up in another order.
        EXPECT_NEAR(several[line][name].get<double>(), value.get<double>(), 1e-9 * (1 + std::abs(value.get<double>())))
            << name << " of line " << line;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Selectors, Ranks,
    ::testing::Values(Case{"all", {"mining.kind=all", "sampler.kind=shuffle"}, {2, 8}},
                      Case{"random_dropout",
                           {"mining.kind=random", "mining.budget=40", "sampler.kind=adaptive", "backbone.dropout=0.3"}},
                      Case{"dominant_queue", {"mining.kind=dominant_queue", "sampler.kind=adaptive"}}),
    [](const auto& info) { return info.param.name; });

// Three do not divide the sums evenly: until rounding has turned a rectifier the losses are the same but for it.
TEST(RanksOfTheProgram, ThreeDrawTheSamePhotosByTheSameWeights) {
  const TempDir dir;
  const Arguments options = set({"mining.kind=dominant_queue", "sampler.kind=adaptive", "train.steps=20",
                                 "optimizer.learning_rate=2e-5"});
  for (const int count : {1, 3})
    expect_success(run_ranks_of_program(count, quick(dir.file(std::to_string(count)), options)));
  for (const char* name :
       {"loss", "sampler/effective_samples", "mining/queue_mean_length", "mining/admitted_last_step"}) {
    SCOPED_TRACE(name);
    const auto found = numbers_of(dir.file("3"), name), expected = numbers_of(dir.file("1"), name);
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [step, value] : expected) EXPECT_NEAR(found.at(step), value, 1e-5) << "step " << step;
  }
}

TEST(RanksOfTheProgram, OneAskedToStopStopsAllAndAnyNumberGoesOn) {
  const TempDir dir;
  const std::string two = dir.file("two");
  const auto stopped = run_ranks_of_program(2, quick(two), [](int rank, RunOptions& options) {
    if (rank == 0) options.signal = SIGTERM, options.signal_after = "step 20/50";
  });
  for (const RunResult& result : stopped) EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  std::string checkpoint;
  for (const auto& entry : std::filesystem::directory_iterator(two + "/checkpoints")) {
    checkpoint = std::max(checkpoint, entry.path().filename().string());
  }
  const int saved = std::stoi(checkpoint.substr(5, 8));
  ASSERT_GE(saved, 20);
  ASSERT_LT(saved, 50);

  expect_success(run_ranks_of_program(1, quick(dir.file("one"))));
  for (const int count : {1, 4}) {
    const std::string run = dir.file("on" + std::to_string(count));
    std::filesystem::copy(two, run, std::filesystem::copy_options::recursive);
    expect_success(run_ranks_of_program(count, quick(run, {"--resume"})));
    expect_same_run(run, dir.file("one"));
  }
}

TEST(RanksOfTheProgram, WhatOneRankSavesSeveralCanGoOnWith) {
  const TempDir dir;
  const std::string one = dir.file("one"), two = dir.file("two");
  RunOptions stop;
  stop.signal = SIGTERM, stop.signal_after = "step 20/50";
  ASSERT_EQ(run_program(AFACE_PROGRAM, quick(one), stop).exit_code, 128 + SIGTERM);
  std::filesystem::copy(one, two, std::filesystem::copy_options::recursive);
  expect_success(run_ranks_of_program(1, quick(one, {"--resume"})));
  expect_success(run_ranks_of_program(2, quick(two, {"--resume"})));
  expect_same_run(two, one);
}

TEST(RanksOfTheProgram, AKilledRankEndsTheOthersByNameAndTheRunGoesOn) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const Arguments options = set({"train.steps=1000000", "train.checkpoint_every=10", "train.log_every=10"});
  const auto results = run_ranks_of_program(3, quick(run, options), [](int rank, RunOptions& own) {
    if (rank == 1) own.timeout_seconds = 5;  // SIGKILL
  });
  EXPECT_TRUE(results[1].timed_out);
  for (const std::size_t rank : {0, 2}) {
    EXPECT_FALSE(results[rank].timed_out);
    EXPECT_EQ(results[rank].exit_code, 3) << results[rank].err;
    EXPECT_THAT(results[rank].err,
                HasSubstr("adaptiveface: error: rank " + std::to_string(rank) + ": rank 1 on "));
    EXPECT_THAT(results[rank].err, HasSubstr("--resume"));
  }
  const int seen = static_cast<int>(numbers_of(run, "loss").rbegin()->first);
  ASSERT_GE(seen, 10);
  expect_success(run_ranks_of_program(2, quick(run, joined(set({fmt::format("train.steps={}", seen + 20)}),
                                                           {"--resume", "--allow-changes"}))));
  EXPECT_GE(numbers_of(run, "loss").rbegin()->first, seen + 20);
}

TEST(RanksOfTheProgram, AnErrorOnOneRankIsTheErrorOfAll) {
  const TempDir dir;
  std::string list;
  for (int photo = 0; photo < 16; ++photo) list += fmt::format("photo{}.jpg\tperson{}\n", photo, photo / 2);
  std::ofstream(dir.file("list.txt")) << list;  // the photos do not exist
  const auto results = run_ranks_of_program(
      2, quick(dir.file("run"),
               set({"data.source=list", "data.root=" + dir.path(), "data.list=" + dir.file("list.txt"),
                    "train.batch_size=8", "mining.kind=all"})));
  for (const RunResult& result : results) {
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("photo"));
    EXPECT_THAT(result.err, HasSubstr("adaptiveface: error: rank "));
  }
}

// Weight decay at this rate turns every weight into -8 times itself; at a tenth of it nothing grows.
TEST(RanksOfTheProgram, GoBackTogetherAndFinishAtALowerRate) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const auto results = run_ranks_of_program(
      2, quick(run, set({"optimizer.learning_rate=10", "optimizer.weight_decay=1", "optimizer.schedule=constant",
                         "optimizer.warmup_steps=0", "train.rollback_rate=0.1", "train.checkpoint_every=0",
                         "train.sync_batch_norm=false"})));
  expect_success(results);
  EXPECT_THAT(results[0].err, HasSubstr("going back to the last good state"));
  EXPECT_EQ(results[1].err, "");
  EXPECT_EQ(numbers_of(run, "loss").size(), 50U);
  const auto step = nlohmann::json::parse(bytes_of(run + "/bad_step/step.json"));
  EXPECT_EQ(step["photos"].size(), 32U);
  const RunResult again = run_program(AFACE_PROGRAM, {"replay", run + "/bad_step"});
  EXPECT_EQ(again.exit_code, 0) << again.out << again.err;
  EXPECT_THAT(again.out, HasSubstr(step["message"].get<std::string>()));
}

TEST(RanksOfTheProgram, OptionsThatDoNotWorkThereAreRefused) {
  const TempDir dir;
  const std::pair<std::string, Arguments> cases[] = {
      {"feature_query does not work on several ranks", {"mining.kind=feature_query", "mining.budget=40"}},
      {"mining.rebuild = background does not work on several ranks",
       {"mining.kind=dominant_queue", "mining.rebuild=background"}},
      {"train.batch_size", {"train.batch_size=3", "mining.kind=all"}}};
  for (const auto& [says, options] : cases) {
    for (const RunResult& result : run_ranks_of_program(2, quick(dir.file("run"), set(options)))) {
      EXPECT_EQ(result.exit_code, 2) << result.err;
      EXPECT_THAT(result.err, HasSubstr(says));
    }
    EXPECT_FALSE(std::filesystem::exists(dir.file("run/config.toml"))) << says;
  }
}

TEST(RanksOfTheProgram, OnlyTheFirstRankWritesAndSpeaks) {
  const TempDir dir;
  const auto results =
      run_ranks_of_program(2, quick(dir.file("run"), set({"train.steps=3", "optimizer.warmup_steps=0"})));
  expect_success(results);
  EXPECT_THAT(results[0].err, HasSubstr("2 ranks by flags"));
  EXPECT_EQ(results[1].err, "");
  EXPECT_EQ(results[1].out, "");
  const auto summary = nlohmann::json::parse(bytes_of(dir.file("run/summary.json")));
  EXPECT_EQ(summary["ranks"], 2);
}

// Started as the launchers start it: by their variables.
void expect_launched(const std::string& launcher,
                     const std::function<Environment(int rank, const std::string& port)>& of_rank) {
  const TempDir dir;
  const std::string port = std::to_string(free_port());
  const auto results = run_all(
      2, [&](int rank, Arguments&, RunOptions& options) { options.environment = of_rank(rank, port); },
      quick(dir.file("run"), set({"train.steps=3", "optimizer.warmup_steps=0"})));
  expect_success(results);
  EXPECT_THAT(results[0].err, HasSubstr("2 ranks by " + launcher));
}

TEST(RanksOfTheProgram, ByTheVariablesOfTorchrun) {
  expect_launched("torchrun", [](int rank, const std::string& port) {
    return Environment{{"RANK", std::to_string(rank)},
                       {"WORLD_SIZE", "2"},
                       {"MASTER_ADDR", "127.0.0.1"},
                       {"MASTER_PORT", port}};
  });
}

TEST(RanksOfTheProgram, ByTheVariablesOfSlurm) {
  expect_launched("Slurm", [](int rank, const std::string& port) {
    return Environment{{"SLURM_PROCID", std::to_string(rank)},
                       {"SLURM_STEP_NUM_TASKS", "2"},
                       {"SLURM_STEP_NODELIST", "localhost"},
                       {"SLURM_JOB_ID", "77"},
                       {"MASTER_PORT", port}};
  });
}

TEST(RanksOfTheProgram, ByTheVariablesOfOpenMpi) {
  expect_launched("Open MPI", [](int rank, const std::string& port) {
    return Environment{{"OMPI_COMM_WORLD_RANK", std::to_string(rank)},
                       {"OMPI_COMM_WORLD_SIZE", "2"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                       {"MASTER_PORT", port}};
  });
}

TEST(RanksOfTheProgram, ByTorchrunItself) {
  if (!std::filesystem::exists("/usr/bin/torchrun")) GTEST_SKIP() << "no torchrun on this machine";
  const TempDir dir;
  // Without --redirects and --tee torchrun 1.13 fails under Python 3.11.
  Arguments arguments = {"--nproc_per_node",
                         "2",
                         "--master_port",
                         std::to_string(free_port()),
                         "--log_dir",
                         dir.file("logs"),
                         "--redirects",
                         "1",
                         "--tee",
                         "2",
                         "--no_python",
                         AFACE_PROGRAM};
  const RunResult result = run_program(
      "/usr/bin/torchrun",
      joined(arguments, quick(dir.file("run"), set({"train.steps=3", "optimizer.warmup_steps=0"}))));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 ranks by torchrun"));
}

}  // namespace
}  // namespace aface::test
