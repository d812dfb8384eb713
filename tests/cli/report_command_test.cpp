// The whole program: a tiny run and its evaluation on one page, and what report says to other inputs.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/adaptiveface.h"
#include "tests/support/html_page.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

void train_tiny(const std::string& run) {
  const std::string recipe = std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml";
  const RunResult result =
      run_adaptiveface({"train", "--config", recipe, "--run-dir", run, "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

TEST(ReportCommand, ShowsARunAndItsEvaluationOnOnePage) {
  const TempDir dir;
  const std::string run = dir.file("run"), json = dir.file("heldout.json"), page = dir.file("report.html");
  train_tiny(run);
  const std::string heldout = run + "/faces/heldout";
  const RunResult evaluation =
      run_adaptiveface({"evaluate", "pairs", "--pairs", heldout + "/pairs.txt", "--images",
                        heldout + "/images", "--model", run + "/model.safetensors", "--json", json});
  ASSERT_EQ(evaluation.exit_code, 0) << evaluation.err;

  const RunResult result = run_adaptiveface({"report", run, json, "--out", page, "--pictures", "5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("report: " + page));

  const std::string html = bytes_of(page);
  const std::vector<HtmlTag> tags = parse_page(html);
  expect_self_contained(tags);
  for (const char* id : {"summary", "training", "margins", "classes", "sampling", "suspects", "options"}) {
    EXPECT_THAT(html, HasSubstr("<section id=\"" + std::string(id) + "\">")) << id;
  }
  for (const char* text : {">run</th>", ">heldout</th>", ": margin against images", "the worst 5 of "}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  std::vector<double> values;
  std::int64_t pictures = 0;
  for (const HtmlTag& tag : tags) {
    if (tag.name == "data") values.push_back(std::stod(tag.attributes.at("value")));
    pictures += tag.name == "img";
  }
  EXPECT_GE(pictures, 5 + 5);  // each suspect, and others of its label
  const auto summary = nlohmann::json::parse(bytes_of(run + "/summary.json"));
  EXPECT_THAT(values, ::testing::Contains(summary["validation"]["accuracy_mean"].get<double>()));
  EXPECT_THAT(values, ::testing::Contains(summary["last_interval"]["loss"].get<double>()));
  EXPECT_THAT(values, ::testing::Contains(summary["data"]["images"].get<double>()));
}

TEST(ReportCommand, ARunThatGoesOnIsShownAndTheCutLineNamed) {
  const TempDir dir;
  dir.write("run/metrics.jsonl", "{\"step\":10,\"loss\":3.5}\n{\"step\":20,\"loss\":2.5}\n{\"step\":30,\"lo");
  const RunResult result = run_adaptiveface({"report", dir.file("run"), "--out", dir.file("r.html")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("[report] warning: " + dir.file("run/metrics.jsonl") +
                                    ": the last line is incomplete"));
  EXPECT_THAT(bytes_of(dir.file("r.html")), HasSubstr("<data value=\"2.5\">2.5</data>"));
}

TEST(ReportCommand, AMissingPictureIsAWarningAndNoError) {
  const TempDir dir;
  dir.write(
      "e.json",
      R"({"figures": {}, "images": "/nowhere", "worst_genuine": [{"a": "x<1>.jpg", "b": "y.jpg", "score": 0.1}]})");
  const RunResult result = run_adaptiveface({"report", dir.file("e.json"), "--out", dir.file("r.html")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("2 of 2 pictures are missing or damaged"));
  EXPECT_THAT(bytes_of(dir.file("r.html")), HasSubstr("x&lt;1&gt;.jpg"));
}

TEST(ReportCommand, OtherInputsAreNamedAndTheOldPageStays) {
  const TempDir dir;
  const std::string page = dir.write("r.html", "old");
  dir.write("folder/x.txt", "");
  dir.write("other.json", "{\"seed\": 1}");
  dir.write("bad/metrics.jsonl", "hello\n");
  dir.write("run/metrics.jsonl", "{\"step\":10,\"loss\":3.5}\n");
  const auto refused = [&](std::vector<std::string> arguments, int exit_code, const std::string& says) {
    arguments.insert(arguments.begin(), "report");
    arguments.insert(arguments.end(), {"--out", page});
    expect_failure(arguments, exit_code, says);
  };
  refused({dir.file("folder")}, 3, "no run directory");
  refused({dir.file("other.json")}, 3, "no evaluation");
  refused({dir.file("bad")}, 3, "metrics.jsonl:1: ");
  refused({dir.file("absent")}, 3, "absent");
  refused({}, 2, "INPUT");
  refused({dir.file("run"), "--images", dir.file("absent")}, 2, "no such folder");
  refused({dir.file("run"), "--pictures", "-1"}, 2, "--pictures");
  EXPECT_EQ(bytes_of(page), "old");
  expect_failure({"report", dir.file("run")}, 2, "--out");
  expect_failure({"report", dir.file("run"), "--out", dir.file("absent/r.html")}, 3, "absent/r.html");
}

}  // namespace
}  // namespace aface::test
