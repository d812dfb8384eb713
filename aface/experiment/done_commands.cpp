#include "aface/experiment/done_commands.h"

#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {

DoneCommands::DoneCommands(const std::string& folder) : path_(folder + "/done.json") {
  if (!file_exists(path_)) return;
  try {
    commands_ =
        nlohmann::json::parse(read_text_file(path_)).get<std::map<std::string, std::vector<std::string>>>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kFormat,
                path_ + ": does not say which commands were done; delete the file to do them again");
  }
}

const std::vector<std::string>* DoneCommands::find(const std::string& output) const {
  const auto found = commands_.find(output);
  return found == commands_.end() ? nullptr : &found->second;
}

void DoneCommands::set(const std::string& output, const std::vector<std::string>& words) {
  commands_[output] = words;
  write_file_atomically(path_, nlohmann::json(commands_).dump(1) + "\n");
}

}  // namespace aface
