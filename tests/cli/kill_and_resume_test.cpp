// SIGKILL at random moments, the writing of checkpoints included: whatever is left can be read, and the run
// that is resumed from it ends with the same bits and the same log as one that was never disturbed.
//
// AFACE_KILLS=200 kills so often (20 otherwise) and AFACE_KILL_SEED=N at other moments: see
// tools/kill_and_resume.sh.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "aface/config/config_reader.h"
#include "aface/core/file.h"
#include "aface/core/random.h"
#include "aface/io/safetensors.h"
#include "aface/nn/model_file.h"
#include "tests/cli/tiny_run.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kKillsOfARun = 20;

int number_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : otherwise;
}

// Off the rhythm of log, validation and queues, so that checkpoints lie in the middle of each.
RunResult train_with_checkpoints(const std::string& run_dir, RunOptions options = {}) {
  if (std::getenv("AFACE_KILLS") != nullptr)
    options.timeout_seconds = 3600;  // in the background it may be held up
  return train(run_dir,
               {"--set", "train.checkpoint_every=3", "--set", "train.keep_checkpoints=2", "--set",
                "train.log_every=7", "--set", "validation.every_steps=25", "--resume"},
               options);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) names.push_back(entry.path().filename());
  return names;
}

bool is_temporary(const std::string& name) { return name.find(".tmp-") != std::string::npos; }

std::optional<std::string> temporary_checkpoint(const std::string& run) {
  for (const std::string& name : names_in(run + "/checkpoints")) {
    if (is_temporary(name)) return name;
  }
  return std::nullopt;
}

// Every file under its own name must be whole.
void expect_readable(const std::string& run) {
  for (const std::string& name : names_in(run + "/checkpoints")) {
    if (is_temporary(name)) continue;
    EXPECT_NO_THROW(verify_safetensors(run + "/checkpoints/" + name));
  }
  for (const std::string& name : names_in(run)) {
    const std::string path = run + "/" + name;
    if (is_temporary(name) || !fs::is_regular_file(path)) continue;
    SCOPED_TRACE(path);
    const std::map<std::string, std::function<void()>> readers = {
        {"config.toml", [&] { load_config({path}, {}); }},
        {"model.safetensors", [&] { load_model(path); }},
        {"metrics.jsonl", [&] { log_of(run); }},
        {"summary.json",
         [&] { [[maybe_unused]] const auto json = nlohmann::json::parse(read_text_file(path)); }}};
    if (const auto reader = readers.find(name); reader != readers.end()) {
      EXPECT_NO_THROW(reader->second());
    }
    if (name == "model.safetensors" || name.find("tfevents") != std::string::npos) continue;
    const std::string text = read_text_file(path);
    EXPECT_TRUE(text.empty() || text.back() == '\n') << "cut short";
  }
}

struct Kill {
  bool happened = false;
  bool in_checkpoint = false;  // a checkpoint was half written
};

// At a random moment since the start, or once a checkpoint is being written and a random moment since.
Kill run_and_kill(const std::string& run, Random& random, bool while_writing) {
  const auto start = Clock::now();
  const double longest = while_writing ? 0.004 : 1.6;
  const std::int64_t let_pass = random.below(5);
  const double delay = longest * random.uniform();
  std::int64_t seen = 0;
  std::optional<std::string> last;
  std::optional<Clock::time_point> since;
  RunOptions options;
  options.kill_when = [&] {
    if (!while_writing) return std::chrono::duration<double>(Clock::now() - start).count() > delay;
    if (!since) {
      const std::optional<std::string> now = temporary_checkpoint(run);
      if (now && now != last && seen++ == let_pass) since = Clock::now();
      if (now) last = now;
    }
    return since && std::chrono::duration<double>(Clock::now() - *since).count() > delay;
  };
  const RunResult result = train_with_checkpoints(run, options);
  Kill kill;
  kill.happened = result.exit_code == 128 + SIGKILL;
  EXPECT_TRUE(kill.happened || result.exit_code == 0) << result.err;
  kill.in_checkpoint = kill.happened && temporary_checkpoint(run).has_value();
  return kill;
}

void expect_same_results(const std::string& run, const std::string& whole) {
  for (const char* name : {"model.safetensors", "margins.tsv", "noise_suspects.tsv"}) {
    EXPECT_TRUE(read_text_file(run + "/" + name) == read_text_file(whole + "/" + name)) << name;
  }
  EXPECT_EQ(log_of(run), log_of(whole));
  const auto summary = nlohmann::json::parse(read_text_file(run + "/summary.json"));
  const auto expected = nlohmann::json::parse(read_text_file(whole + "/summary.json"));
  for (const char* part : {"validation", "best_validation", "data", "steps"})
    EXPECT_EQ(summary[part], expected[part]) << part;

  EXPECT_EQ(names_in(run + "/checkpoints").size(), names_in(whole + "/checkpoints").size());
  const std::string last = "/checkpoints/step_00000080.safetensors";
  const NamedArrays a = read_safetensors(run + last), b = read_safetensors(whole + last);
  EXPECT_EQ(a.arrays.size(), b.arrays.size());
  for (const auto& [name, array] : a.arrays) EXPECT_TRUE(array.bytes == b.at(name).bytes) << name;
}

TEST(KillAndResume, EndsWithTheBitsOfAnUndisturbedRun) {
  const int wanted = number_from("AFACE_KILLS", 20);
  const int seed = number_from("AFACE_KILL_SEED", 1);
  const TempDir dir;
  const std::string whole = dir.file("whole");
  const RunResult reference = train_with_checkpoints(whole);
  ASSERT_EQ(reference.exit_code, 0) << reference.err;

  Random random(static_cast<std::uint64_t>(seed));
  int kills = 0, in_checkpoint = 0, aimed = 0, before_first_checkpoint = 0, runs = 0;
  while (kills < wanted) {
    const std::string run = dir.file("run" + std::to_string(runs++));
    // The faces of later runs are copies: drawing them would take most of the time.
    if (runs > 1) {
      fs::create_directories(run);
      fs::copy(whole + "/faces", run + "/faces", fs::copy_options::recursive);
    }
    for (int of_this_run = 0; of_this_run < kKillsOfARun && kills < wanted;) {
      const bool while_writing = random.chance(0.5);
      const Kill kill = run_and_kill(run, random, while_writing);
      expect_readable(run);
      if (!kill.happened) break;  // it came to its end
      ++kills;
      ++of_this_run;
      aimed += while_writing;
      in_checkpoint += kill.in_checkpoint;
      before_first_checkpoint += !fs::exists(run + "/checkpoints");
    }
    const RunResult rest = train_with_checkpoints(run);
    ASSERT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_FALSE(temporary_checkpoint(run));
    expect_same_results(run, whole);
    if (HasFailure()) break;
    fs::remove_all(run);
  }
  std::printf(
      "%d kills (seed %d): %d at any moment, %d aimed at the writing of a checkpoint; a checkpoint was half "
      "written in %d, "
      "none had been written yet in %d; %d runs compared\n",
      kills, seed, kills - aimed, aimed, in_checkpoint, before_first_checkpoint, runs);
  EXPECT_GE(kills, wanted);
  EXPECT_GE(in_checkpoint, wanted / 10)
      << "too few kills hit the writing of a checkpoint to say anything about it";
}

}  // namespace
}  // namespace aface::test
