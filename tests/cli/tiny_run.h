#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/run_program.h"

// The whole program on configs/tiny.toml, and what a run of it leaves behind.
namespace aface::test {

inline const std::string kTiny = std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml";

inline RunResult train(const std::string& run_dir, std::vector<std::string> more = {},
                       const RunOptions& options = {}) {
  std::vector<std::string> arguments = {"train", "--config", kTiny, "--run-dir", run_dir, "--threads", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(AFACE_PROGRAM, arguments, options);
}

// A run that was told to stop when its progress line says so.
inline RunResult train_until(const std::string& progress, int signal, const std::string& run_dir) {
  RunOptions stop;
  stop.signal = signal;
  stop.signal_after = progress;
  return train(run_dir, {}, stop);
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

inline bool has_unfinished_files(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().find(".tmp") != std::string::npos) return true;
  }
  return false;
}

inline void expect_one_line_error(const RunResult& result, int exit_code, const std::string& says) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_FALSE(result.timed_out);
  EXPECT_THAT(result.err, ::testing::HasSubstr(says));
  const std::size_t place = result.err.find("error: ");
  ASSERT_NE(place, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find('\n', place), result.err.size() - 1) << "more than one line:\n" << result.err;
}

// Stopped after step 30, for tests of what comes next.
inline void stop_at_30(const std::string& run) {
  const RunResult first = train_until("step 30/80", SIGTERM, run);
  ASSERT_EQ(first.exit_code, 128 + SIGTERM) << first.err;
}

inline std::string newest_checkpoint(const std::string& run) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(run + "/checkpoints"))
    newest = std::max(newest, entry.path().string());
  return newest;
}

// Lines of metrics.jsonl without what depends on the clock.
inline std::vector<std::string> log_of(const std::string& run) {
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(run + "/metrics.jsonl")) {
    auto json = nlohmann::json::parse(line);
    for (const char* name : {"time", "images_per_s", "stall_share"}) json.erase(name);
    lines.push_back(json.dump());
  }
  return lines;
}

}  // namespace aface::test
