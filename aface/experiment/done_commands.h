#pragma once

#include <map>
#include <string>
#include <vector>

namespace aface {

// Which commands have been done in a folder: its done.json, {"output": ["word", ...]}.
class DoneCommands {
 public:
  // Throws Error{kFormat} when the file is there and is no such thing.
  explicit DoneCommands(const std::string& folder);

  // The command that made `output`, or none.
  const std::vector<std::string>* find(const std::string& output) const;
  void set(const std::string& output, const std::vector<std::string>& words);  // and writes the file

 private:
  std::string path_;
  std::map<std::string, std::vector<std::string>> commands_;
};

}  // namespace aface
