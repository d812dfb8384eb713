#include "aface/train/checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/io/safetensors.h"

namespace aface {
namespace {

constexpr char kPrefix[] = "step_";
constexpr char kSuffix[] = ".safetensors";
constexpr char kStep[] = "train.step";
constexpr char kScoredSteps[] = "validation.steps";
constexpr char kScores[] = "validation.scores";

std::optional<std::int64_t> step_of_name(const std::filesystem::path& name) {
  const std::string stem = name.stem().string();
  constexpr std::size_t kStart = sizeof(kPrefix) - 1;
  constexpr std::size_t kMostDigits = 18;  // fit into 64 bits
  const bool is_ours = name.extension() == kSuffix && stem.rfind(kPrefix, 0) == 0 && stem.size() > kStart &&
                       stem.size() <= kStart + kMostDigits &&
                       stem.find_first_not_of("0123456789", kStart) == std::string::npos;
  if (!is_ours) return std::nullopt;
  return std::strtoll(stem.c_str() + kStart, nullptr, 10);
}

void put_scores(NamedArrays& state, const std::vector<ScoredStep>& scores) {
  std::vector<std::int64_t> steps;
  std::vector<double> values;
  for (const ScoredStep& scored : scores) {
    steps.push_back(scored.step);
    values.push_back(scored.score);
  }
  state.put(kScoredSteps, steps);
  state.put(kScores, values);
}

std::vector<ScoredStep> get_scores(const NamedArrays& state) {
  const auto steps = state.get<std::int64_t>(kScoredSteps);
  const auto values = state.get<double>(kScores);
  if (steps.size() != values.size()) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}' has {} values, '{}' {}; use an earlier checkpoint",
                                                kScoredSteps, steps.size(), kScores, values.size()));
  }
  std::vector<ScoredStep> scores;
  for (std::size_t i = 0; i < steps.size(); ++i) scores.push_back({steps[i], values[i]});
  return scores;
}

bool is_better(const ScoredStep& a, const ScoredStep& b) {
  return a.score != b.score ? a.score > b.score : a.step < b.step;
}

}  // namespace

std::optional<ScoredStep> best_of(const std::vector<ScoredStep>& scores) {
  const auto best = std::min_element(scores.begin(), scores.end(), is_better);
  if (best == scores.end()) return std::nullopt;
  return *best;
}

Checkpoint read_checkpoint(const std::string& path) {
  verify_safetensors(path);
  Checkpoint checkpoint;
  checkpoint.path = path;
  checkpoint.state = read_safetensors(path);
  try {
    checkpoint.step = checkpoint.state.get_scalar<std::int64_t>(kStep);
    checkpoint.scores = get_scores(checkpoint.state);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", path, error.what()));
  }
  return checkpoint;
}

CheckpointFolder::CheckpointFolder(const std::string& run_dir, KeepRule keep)
    : folder_(run_dir + "/checkpoints"), keep_(keep) {}

std::string CheckpointFolder::path_of(std::int64_t step) const {
  return fmt::format("{}/{}{:08d}{}", folder_, kPrefix, step, kSuffix);
}

std::string CheckpointFolder::write(std::int64_t step, NamedArrays state, const std::vector<ScoredStep>& scores) const {
  make_folder(folder_);
  state.put_scalar<std::int64_t>(kStep, step);
  put_scores(state, scores);
  const std::string path = path_of(step);
  write_safetensors(path, state, FileChecksum::kWritten);
  remove_superfluous(step, scores);
  return path;
}

void CheckpointFolder::remove_superfluous(std::int64_t newest, const std::vector<ScoredStep>& scores) const {
  std::vector<std::int64_t> steps = steps_newest_first();
  // Later ones are damaged, as the run went on from an earlier one: they must not push out good ones.
  steps.erase(std::remove_if(steps.begin(), steps.end(), [&](std::int64_t step) { return step > newest; }), steps.end());
  std::vector<ScoredStep> there;
  for (const ScoredStep& scored : scores) {
    if (std::find(steps.begin(), steps.end(), scored.step) != steps.end()) there.push_back(scored);
  }
  std::sort(there.begin(), there.end(), is_better);
  std::set<std::int64_t> kept;
  for (std::size_t i = 0; i < there.size() && i < static_cast<std::size_t>(keep_.best); ++i) kept.insert(there[i].step);
  for (std::size_t i = static_cast<std::size_t>(keep_.newest); i < steps.size(); ++i) {
    if (kept.count(steps[i]) > 0) continue;
    std::error_code ignored;  // an old file that stays does no harm
    std::filesystem::remove(path_of(steps[i]), ignored);
  }
}

void CheckpointFolder::remove_later_than(std::int64_t step) const {
  for (const std::int64_t later : steps_newest_first()) {
    if (later > step) std::filesystem::remove(path_of(later));
  }
}

std::optional<Checkpoint> CheckpointFolder::newest(std::int64_t no_later_than) const {
  std::optional<Error> first_failure;
  for (const std::int64_t step : steps_newest_first()) {
    if (step > no_later_than) continue;
    try {
      Checkpoint checkpoint = read_checkpoint(path_of(step));
      if (first_failure) log_warning("train", "taking the one before it instead: {}", checkpoint.path);
      return checkpoint;
    } catch (const Error& error) {
      log_warning("train", "checkpoint cannot be used: {}", error.what());
      if (!first_failure) first_failure = error;
    }
  }
  if (first_failure) throw *first_failure;
  return std::nullopt;
}

std::string CheckpointFolder::newest_path() const {
  const std::vector<std::int64_t> steps = steps_newest_first();
  return steps.empty() ? "" : path_of(steps.front());
}

std::vector<std::int64_t> CheckpointFolder::steps_newest_first() const {
  std::vector<std::int64_t> steps;
  if (!folder_exists(folder_)) return steps;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const auto step = step_of_name(entry.path().filename());
    if (step && std::filesystem::path(path_of(*step)).filename() == entry.path().filename()) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

}  // namespace aface
