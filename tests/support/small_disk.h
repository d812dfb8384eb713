#pragma once

#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace aface::test {

// A real small disk, where the test may mount one.
class SmallDisk {
 public:
  // `size` as tmpfs takes it: "1536k".
  SmallDisk(const std::string& folder, const std::string& size) : folder_(folder), size_("size=" + size) {
    std::filesystem::create_directories(folder);
    mounted_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size_.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(folder_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  bool make_read_only() const {
    return ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, size_.c_str()) == 0;
  }

 private:
  std::string folder_, size_;
  bool mounted_ = false;
};

}  // namespace aface::test
