#include "aface/experiment/grid_run.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/stop_request.h"
#include "aface/core/stopwatch.h"
#include "aface/experiment/child_process.h"
#include "aface/experiment/done_commands.h"
#include "aface/experiment/placeholders.h"

namespace aface {
namespace {

using Words = std::vector<std::string>;
using Values = std::map<std::string, std::string>;

constexpr const char* kTraining = "training";

std::string last_line(const std::string& path) {
  std::string text = file_exists(path) ? read_text_file(path) : "";
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

// Runs one command of the program; throws Error{kData} with its last words when it fails.
void run_command(const GridRunOptions& options, const Words& arguments, const std::string& folder,
                 const std::string& what) {
  throw_if_stopped();
  Words words = {options.program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::string log = folder + "/log.txt";
  const int code = run_child(words, log);
  throw_if_stopped();
  if (code != 0) {
    throw Error(ErrorKind::kData, fmt::format("{} ended with exit code {}: {}", what, code, last_line(log)));
  }
}

Words fill_all(const Words& words, const Values& values) {
  Words result;
  for (const std::string& word : words) result.push_back(filled(word, values));
  return result;
}

bool is_there(const std::string& path) { return file_exists(path) || folder_exists(path); }

// The steps that are not done, and all that come after the first of them. `redo`: all.
void run_steps(const std::vector<GridStep>& steps, const GridRunOptions& options, const std::string& folder,
               Values values, bool redo) {
  make_folder(folder);
  DoneCommands done(folder);
  for (const GridStep& step : steps) {
    const std::string makes = filled(step.makes, values);
    values["out"] = folder + "/" + makes;
    const Words words = fill_all(step.arguments, values);
    const Words* before = done.find(makes);
    if (!redo && before != nullptr && *before == words && is_there(values["out"])) continue;
    redo = true;
    run_command(options, words, folder, "making " + makes);
    if (!is_there(values["out"])) {
      throw Error(ErrorKind::kData,
                  fmt::format("'{}' did not make {}", fmt::join(words, " "), values["out"]));
    }
    done.set(makes, words);
  }
}

Words training_command(const Grid& grid, const GridVariant& variant, std::int64_t seed,
                       const Values& values) {
  Words words = {"train"};
  const auto add = [&](const char* flag, const Words& texts) {
    for (const std::string& text : texts) {
      words.emplace_back(flag);
      words.push_back(filled(text, values));
    }
  };
  add("--config", grid.configs);
  add("--config", variant.configs);
  add("--set", grid.overrides);
  add("--set", variant.overrides);
  words.insert(words.end(), {"--seed", fmt::format("{}", seed)});
  return words;
}

// True when it trained now.
bool train(const Grid& grid, const GridVariant& variant, const GridRun& run, const GridRunOptions& options,
           const Values& values) {
  make_folder(run.folder);
  DoneCommands done(run.folder);
  const Words command = training_command(grid, variant, run.seed, values);
  const Words* before = done.find(kTraining);
  if (before != nullptr && *before != command) {
    throw Error(ErrorKind::kData,
                fmt::format("{} was started as '{}', and would be '{}' now; delete the folder or give "
                            "another --out",
                            run.folder, fmt::join(*before, " "), fmt::join(command, " ")));
  }
  if (file_exists(run.folder + "/summary.json")) return false;
  done.set(kTraining, command);
  Words words = command;
  words.insert(words.end(),
               {"--run-dir", run.folder, "--resume", "--threads", fmt::format("{}", options.threads)});
  run_command(options, words, run.folder, "the training");
  return true;
}

void run_one(const Grid& grid, const GridVariant& variant, const GridRunOptions& options, GridRun& run) {
  Stopwatch stopwatch;
  try {
    Values values = variant.values;
    values.insert({{"grid", options.out},
                   {"run", run.folder},
                   {"seed", fmt::format("{}", run.seed)},
                   {"variant", variant.name}});
    const bool trained = train(grid, variant, run, options, values);
    run_steps(grid.after, options, run.folder, values, trained);
  } catch (const Error& error) {
    run.problem = error.what();
  }
  run.seconds = stopwatch.lap();
}

}  // namespace

std::string run_folder_of(const std::string& out, const GridVariant& variant, std::int64_t seed) {
  return fmt::format("{}/{}/seed{}", out, variant.name, seed);
}

std::vector<GridRun> run_grid(const Grid& grid, const GridRunOptions& options) {
  const auto say = [&options, lock = std::make_shared<std::mutex>()](const std::string& line) {
    const std::lock_guard<std::mutex> guard(*lock);
    if (options.on_progress) options.on_progress(line);
  };
  make_folder(options.out);
  run_steps(grid.before, options, options.out, {{"grid", options.out}}, false);

  std::vector<GridRun> runs;
  std::vector<const GridVariant*> variants;
  for (const std::int64_t seed : grid.seeds) {
    for (const GridVariant& variant : grid.variants) {
      runs.push_back({variant.name, seed, run_folder_of(options.out, variant, seed), "", 0});
      variants.push_back(&variant);
    }
  }

  std::atomic<std::size_t> next{0};
  std::exception_ptr stopped;
  std::mutex stopped_mutex;
  const auto work = [&] {
    for (std::size_t i = next++; i < runs.size(); i = next++) {
      GridRun& run = runs[i];
      const std::string name = fmt::format("[{}/{}] {} seed {}", i + 1, runs.size(), run.variant, run.seed);
      say(name);
      try {
        run_one(grid, *variants[i], options, run);
      } catch (...) {  // Stopped, and what is our own fault
        const std::lock_guard<std::mutex> guard(stopped_mutex);
        if (!stopped) stopped = std::current_exception();
        return;
      }
      say(run.problem.empty() ? fmt::format("{}: done, {:.0f} s", name, run.seconds)
                              : fmt::format("{}: FAILED: {}", name, run.problem));
    }
  };
  std::vector<std::thread> workers;
  for (int job = 1; job < options.jobs; ++job) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  if (stopped) std::rethrow_exception(stopped);
  return runs;
}

}  // namespace aface
