#pragma once

#include <string>

namespace aface {

// Makes the run directory where it is missing and holds it for this process as long as the object lives, so
// that two runs do not write into one. The system lets go of it when the process ends, however that happens.
class RunFolder {
 public:
  // Throws Error{kIo} when the folder cannot be made, Error{kUsage} when another process holds it.
  explicit RunFolder(const std::string& path);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // Removes what a process that was killed while it wrote left under temporary names, in the folder itself
  // and among its checkpoints.
  void remove_unfinished() const;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace aface
