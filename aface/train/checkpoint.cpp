#include "aface/train/checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/io/safetensors.h"

namespace aface {
namespace {

constexpr char kPrefix[] = "step_";
constexpr char kSuffix[] = ".safetensors";
constexpr char kStep[] = "train.step";

bool is_checkpoint_name(const std::string& name) {
  const std::filesystem::path path(name);
  const std::string stem = path.stem().string();
  return path.extension() == kSuffix && stem.rfind(kPrefix, 0) == 0 &&
         stem.find_first_not_of("0123456789", sizeof(kPrefix) - 1) == std::string::npos;
}

}  // namespace

CheckpointFolder::CheckpointFolder(const std::string& run_dir, std::int64_t keep)
    : folder_(run_dir + "/checkpoints"), keep_(keep) {}

std::string CheckpointFolder::write(std::int64_t step, NamedArrays state) const {
  make_folder(folder_);
  state.put_scalar<std::int64_t>(kStep, step);
  const std::string path = fmt::format("{}/{}{:08d}{}", folder_, kPrefix, step, kSuffix);
  write_safetensors(path, state);
  const auto names = names_newest_first();
  for (std::size_t i = static_cast<std::size_t>(keep_); i < names.size(); ++i) {
    std::error_code ignored;  // an old file that stays does no harm
    std::filesystem::remove(folder_ + "/" + names[i], ignored);
  }
  return path;
}

std::optional<Checkpoint> CheckpointFolder::newest() const {
  std::optional<Error> first_failure;
  for (const std::string& name : names_newest_first()) {
    Checkpoint checkpoint;
    checkpoint.path = folder_ + "/" + name;
    try {
      checkpoint.state = read_safetensors(checkpoint.path);
      checkpoint.step = checkpoint.state.get_scalar<std::int64_t>(kStep);
      return checkpoint;
    } catch (const Error& error) {
      log_warning("train", "checkpoint cannot be used, trying the one before it: {}", error.what());
      if (!first_failure) first_failure = error;
    }
  }
  if (first_failure) throw *first_failure;
  return std::nullopt;
}

std::vector<std::string> CheckpointFolder::names_newest_first() const {
  std::vector<std::string> names;
  if (!folder_exists(folder_)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (is_checkpoint_name(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), std::greater<>());  // step numbers are zero-padded
  return names;
}

}  // namespace aface
