#include "aface/report/metric_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;

std::vector<nlohmann::json> metric_lines(const std::string& run_dir) {
  std::istringstream stream(read_text_file(run_dir + "/metrics.jsonl"));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::vector<std::int64_t> logged_steps(const std::string& run_dir) {
  std::vector<std::int64_t> steps;
  for (const auto& line : metric_lines(run_dir)) steps.push_back(line["step"]);
  return steps;
}

std::vector<std::string> event_files(const std::string& run_dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(run_dir)) {
    const std::string name = entry.path().filename().string();
    if (name.find("tfevents") != std::string::npos) names.push_back(entry.path().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(MetricLog, WritesOneJsonObjectPerCall) {
  const test::TempDir dir;
  MetricLog log(dir.file("run"));
  log.write(1, {{"loss", 7.25}, {"rate \"x\"", 0.1}});
  log.write(2, {{"loss", std::numeric_limits<double>::quiet_NaN()}});
  const auto lines = metric_lines(dir.file("run"));  // readable while the run goes on
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["step"], 1);
  EXPECT_EQ(lines[0]["loss"], 7.25);
  EXPECT_EQ(lines[0]["rate \"x\""], 0.1);
  EXPECT_GT(lines[0]["time"], 1.6e9);
  EXPECT_TRUE(lines[1]["loss"].is_null());
}

TEST(MetricLog, ResumingTakesBackWhatWasLoggedBeyondTheCheckpoint) {
  const test::TempDir dir;
  {
    MetricLog log(dir.path());
    for (int step = 1; step <= 5; ++step) log.write(step, {{"loss", 10.0 - step}});
  }
  {
    MetricLog log(dir.path(), 3);
    EXPECT_THAT(logged_steps(dir.path()), ElementsAre(1, 2, 3));
    log.write(4, {{"loss", 0.5}});
  }
  EXPECT_THAT(logged_steps(dir.path()), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(metric_lines(dir.path())[3]["loss"], 0.5);
  EXPECT_EQ(event_files(dir.path()).size(), 2u);
}

TEST(MetricLog, FreshRunStartsEmpty) {
  const test::TempDir dir;
  MetricLog(dir.path()).write(1, {{"loss", 1}});
  MetricLog(dir.path()).write(1, {{"loss", 2}});
  ASSERT_EQ(metric_lines(dir.path()).size(), 1u);
  EXPECT_EQ(metric_lines(dir.path())[0]["loss"], 2);
}

TEST(MetricLog, ALineCutShortByACrashIsDropped) {
  const test::TempDir dir;
  dir.write("metrics.jsonl", "{\"step\":1,\"loss\":3}\n{\"step\":2,\"lo");
  MetricLog log(dir.path(), 7);
  log.write(8, {{"loss", 1}});
  EXPECT_THAT(logged_steps(dir.path()), ElementsAre(1, 8));
}

TEST(MetricLog, AForeignFileIsRefusedAndKept) {
  const test::TempDir dir;
  dir.write("metrics.jsonl", "{\"step\":1}\nhello\n");
  EXPECT_THROW(MetricLog(dir.path(), 7), Error);
  EXPECT_EQ(read_text_file(dir.file("metrics.jsonl")), "{\"step\":1}\nhello\n");
}

TEST(MetricLog, AFolderThatCannotBeMadeIsAnError) {
  const test::TempDir dir;
  dir.write("file", "x");
  EXPECT_THROW(MetricLog(dir.file("file/run")), Error);
}

TEST(AppendFile, AFullDiskDropsRecordsAndTheRunGoesOn) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  AppendFile file("/dev/full", AppendFile::Start::kAtEnd);
  testing::internal::CaptureStderr();
  EXPECT_FALSE(file.append("first\n"));
  EXPECT_FALSE(file.append("second\n"));
  EXPECT_EQ(file.dropped(), 2);
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 1) << output;
}

TEST(AppendFile, GoesOnAtTheEndOrStartsEmpty) {
  const test::TempDir dir;
  const std::string path = dir.write("log", "old\n");
  AppendFile(path, AppendFile::Start::kAtEnd).append("new\n");
  EXPECT_EQ(read_text_file(path), "old\nnew\n");
  AppendFile(path, AppendFile::Start::kEmpty).append("only\n");
  EXPECT_EQ(read_text_file(path), "only\n");
}

}  // namespace
}  // namespace aface
