#include "aface/train/bad_step.h"

#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "aface/config/config_writer.h"
#include "aface/core/file.h"
#include "aface/io/safetensors.h"

namespace aface {
namespace {

using Json = nlohmann::ordered_json;

std::string step_path(const std::string& folder) { return folder + "/step.json"; }
std::string state_path(const std::string& folder) { return folder + "/state.safetensors"; }

Json photos_of(const FaceDataset& dataset, const std::vector<std::int64_t>& samples) {
  Json photos = Json::array();
  for (const std::int64_t sample : samples) {
    photos.push_back({{"sample_id", sample},
                      {"identity", dataset.photos->identity_name(dataset.identity_of(sample))},
                      {"photo", dataset.photos->photo_place(sample)}});
  }
  return photos;
}

}  // namespace

std::string bad_step_folder(const std::string& run_dir) { return run_dir + "/bad_step"; }
std::string bad_step_config(const std::string& folder) { return folder + "/config.toml"; }

void write_bad_step(const std::string& run_dir, const RunConfig& config, const FaceDataset& dataset,
                    const NamedArrays& state, std::int64_t rollbacks, const Diverged& diverged) {
  const std::string folder = bad_step_folder(run_dir);
  make_folder(folder);
  std::error_code was_not_there;
  std::filesystem::remove(step_path(folder), was_not_there);
  write_safetensors(state_path(folder), state, FileChecksum::kWritten);
  write_file_atomically(bad_step_config(folder), to_toml(config));
  const Json json = {{"step", diverged.step()},
                     {"learning_rate", diverged.learning_rate()},
                     {"first_bad_tensor", diverged.tensor().name},
                     {"trouble", diverged.tensor().trouble},
                     {"rollbacks", rollbacks},
                     {"message", diverged.what()},
                     {"photos", photos_of(dataset, samples_of_bad_step(state))}};
  // Names of files may be in any encoding.
  write_file_atomically(step_path(folder), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

BadStep read_bad_step(const std::string& folder) {
  const std::string path = step_path(folder);
  const std::string text = read_text_file(path);
  try {
    const Json json = Json::parse(text);
    return {json.at("step").get<std::int64_t>(), json.at("first_bad_tensor").get<std::string>()};
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: not what a training writes there ({})", path, error.what()));
  }
}

NamedArrays read_bad_step_state(const std::string& folder) {
  verify_safetensors(state_path(folder));
  return read_safetensors(state_path(folder));
}

}  // namespace aface
