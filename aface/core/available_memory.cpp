#include "aface/core/available_memory.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

namespace aface {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// Lines "name value" or "name: value unit".
std::map<std::string, std::uint64_t> read_table(const std::string& path) {
  std::map<std::string, std::uint64_t> table;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t value = 0;
    if (!(words >> name >> value)) continue;
    if (name.back() == ':') name.pop_back();
    table[name] = value;
  }
  return table;
}

// A file of one number; kUnlimited where there is none ("max") or no file.
std::uint64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : kUnlimited;
}

// What a group with this limit has left; its file cache can be dropped.
std::uint64_t left_in_group(const std::string& folder, const char* limit_name, const char* used_name) {
  const std::uint64_t limit = read_number(folder + limit_name), used = read_number(folder + used_name);
  if (limit == kUnlimited || used == kUnlimited) return kUnlimited;
  const auto statistics = read_table(folder + "/memory.stat");
  const auto statistic = [&](const char* name) {
    const auto found = statistics.find(name);
    return found == statistics.end() ? 0 : found->second;
  };
  const std::uint64_t cache = statistic("active_file") + statistic("inactive_file");
  const std::uint64_t held = used - std::min(used, cache);
  return limit - std::min(limit, held);
}

// The least that the group or one above it has left. `group` is its path below `root`; in a container only the root's
// files may be there, and a folder that is missing limits nothing.
std::uint64_t left_up_to_root(const std::string& root, std::string group, const char* limit_name, const char* used_name) {
  std::uint64_t left = kUnlimited;
  while (!group.empty() && group != "/") {
    left = std::min(left, left_in_group(root + group, limit_name, used_name));
    group.resize(group.find_last_of('/'));
  }
  return std::min(left, left_in_group(root, limit_name, used_name));
}

std::uint64_t left_in_groups() {
  std::uint64_t left = kUnlimited;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // number:controllers:path
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (path.empty() || path[0] != '/') continue;
    if (controllers.empty()) {
      left = std::min(left, left_up_to_root("/sys/fs/cgroup", path, "/memory.max", "/memory.current"));
    } else if (controllers.find("memory") != std::string::npos) {
      left = std::min(left, left_up_to_root("/sys/fs/cgroup/memory", path, "/memory.limit_in_bytes",
                                            "/memory.usage_in_bytes"));
    }
  }
  return left;
}

}  // namespace

std::uint64_t available_memory() {
  const auto machine = read_table("/proc/meminfo");  // in units of 1024 bytes
  const auto free = machine.find("MemAvailable");
  return std::min(free == machine.end() ? kUnlimited : free->second * 1024, left_in_groups());
}

std::uint64_t peak_memory() {
  const auto process = read_table("/proc/self/status");  // in units of 1024 bytes
  const auto peak = process.find("VmHWM");
  return peak == process.end() ? 0 : peak->second * 1024;
}

std::string bytes_text(double bytes) {
  constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 99.95 ? 0 : 1, kUnits[unit]);
}

}  // namespace aface
