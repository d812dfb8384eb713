#include "aface/ranks/launch_environment.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdlib>

#include "aface/core/error.h"

namespace aface {
namespace {

constexpr int kMostRanks = 1 << 16;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kUsage, what); }

std::optional<std::int64_t> number_of(const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::int64_t checked(const std::string& name, const std::string& text, std::int64_t low, std::int64_t high) {
  const std::optional<std::int64_t> value = number_of(text);
  if (!value || *value < low || *value > high) {
    refuse(fmt::format("{}: '{}' is no whole number from {} to {}", name, text, low, high));
  }
  return *value;
}

class Variables {
 public:
  Variables(const ReadVariable& read, const char* launcher) : read_(read), launcher_(launcher) {}

  std::string text(const std::string& name) const {
    const std::optional<std::string> value = read_(name);
    if (!value || value->empty()) {
      refuse(
          fmt::format("{}: not set, though {} seems to have started this process; set it, or give --rank, "
                      "--world-size and --master",
                      name, launcher_));
    }
    return *value;
  }
  std::int64_t number(const std::string& name, std::int64_t low, std::int64_t high) const {
    return checked(name, text(name), low, high);
  }
  bool has(const std::string& name) const { return read_(name).value_or("") != ""; }

 private:
  const ReadVariable& read_;
  const char* launcher_;
};

// rank and world_size by those two variables.
LaunchEnvironment places(const Variables& variables, const char* launcher, const char* rank,
                         const char* size) {
  LaunchEnvironment found;
  found.launcher = launcher;
  found.world_size = static_cast<int>(variables.number(size, 1, kMostRanks));
  found.rank = static_cast<int>(variables.number(rank, 0, found.world_size - 1));
  return found;
}

std::uint16_t port_or_default(const Variables& variables, std::uint16_t otherwise) {
  if (!variables.has("MASTER_PORT")) return otherwise;
  return static_cast<std::uint16_t>(variables.number("MASTER_PORT", 1, 65535));
}

void set_master(const std::string& text, LaunchEnvironment& found) {
  std::string host = text, port;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) refuse(fmt::format("--master: '{}' names no host (expected host or host:port)", text));
  found.master_host = host;
  found.master_port = port.empty() && colon == std::string::npos
                          ? kDefaultMasterPort
                          : static_cast<std::uint16_t>(checked("--master: the port", port, 1, 65535));
}

LaunchEnvironment from_flags(const LaunchFlags& flags) {
  if (flags.rank < 0) refuse("--rank: missing; --rank, --world-size and --master go together");
  if (flags.world_size < 1) refuse("--world-size: missing; --rank, --world-size and --master go together");
  if (flags.rank >= flags.world_size) {
    refuse(fmt::format("--rank: {} of {} ranks (expected 0 to {})", flags.rank, flags.world_size,
                       flags.world_size - 1));
  }
  LaunchEnvironment found;
  found.launcher = "flags";
  found.rank = flags.rank;
  found.world_size = flags.world_size;
  if (found.world_size == 1 && flags.master.empty()) return found;
  if (flags.master.empty()) refuse("--master: missing; name the host of rank 0, as host:port");
  set_master(flags.master, found);
  return found;
}

LaunchEnvironment from_torchrun(const Variables& variables, const ReadVariable& read) {
  LaunchEnvironment found = places(variables, "torchrun", "RANK", "WORLD_SIZE");
  if (found.world_size == 1) return found;
  found.master_host = variables.text("MASTER_ADDR");
  found.master_port = static_cast<std::uint16_t>(variables.number("MASTER_PORT", 1, 65535));
  found.store_is_the_launchers = read("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  // Keys of an attempt that failed must not be met again.
  if (found.store_is_the_launchers) {
    found.store_prefix = "adaptiveface/attempt_" + read("TORCHELASTIC_RESTART_COUNT").value_or("0");
  }
  return found;
}

LaunchEnvironment from_slurm(const Variables& variables, const ReadVariable& read) {
  LaunchEnvironment found = places(variables, "Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
  if (found.world_size == 1) return found;
  found.master_host = variables.has("MASTER_ADDR") ? variables.text("MASTER_ADDR")
                                                   : first_host_of(variables.text("SLURM_STEP_NODELIST"));
  // Two jobs on one host must not meet.
  const std::int64_t job = number_of(read("SLURM_JOB_ID").value_or("")).value_or(0);
  found.master_port = port_or_default(variables, static_cast<std::uint16_t>(20000 + job % 10000));
  return found;
}

LaunchEnvironment from_open_mpi(const Variables& variables) {
  LaunchEnvironment found = places(variables, "Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");
  if (found.world_size == 1) return found;
  if (variables.has("MASTER_ADDR")) {
    found.master_host = variables.text("MASTER_ADDR");
  } else if (variables.number("OMPI_COMM_WORLD_LOCAL_SIZE", 1, found.world_size) == found.world_size) {
    found.master_host = "127.0.0.1";
  } else {
    refuse(
        "MASTER_ADDR: not set, and Open MPI started ranks on several hosts; pass the host of rank 0 with "
        "mpirun -x "
        "MASTER_ADDR=...");
  }
  found.master_port = port_or_default(variables, kDefaultMasterPort);
  return found;
}

}  // namespace

std::optional<std::string> read_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

LaunchEnvironment find_launch_environment(const LaunchFlags& flags, const ReadVariable& read) {
  if (flags.rank >= 0 || flags.world_size >= 0 || !flags.master.empty()) return from_flags(flags);
  const auto has = [&](const char* name) { return read(name).value_or("") != ""; };
  if (has("RANK") && has("WORLD_SIZE")) return from_torchrun({read, "torchrun"}, read);
  if (has("SLURM_PROCID") && has("SLURM_STEP_NUM_TASKS")) return from_slurm({read, "Slurm"}, read);
  if (has("OMPI_COMM_WORLD_RANK")) return from_open_mpi({read, "Open MPI"});
  return {};
}

std::string first_host_of(const std::string& node_list) {
  const std::size_t end = node_list.find_first_of(",[");
  if (end == std::string::npos || node_list[end] == ',') {
    if (node_list.empty() || end == 0)
      refuse(fmt::format("SLURM_STEP_NODELIST: '{}' names no host", node_list));
    return node_list.substr(0, end);
  }
  const std::size_t close = node_list.find(']', end);
  const std::string inside = close == std::string::npos ? "" : node_list.substr(end + 1, close - end - 1);
  const std::string number = inside.substr(0, inside.find_first_of(",-"));
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) {
    refuse(fmt::format("SLURM_STEP_NODELIST: '{}' is no list of hosts; set MASTER_ADDR", node_list));
  }
  // What follows the brackets belongs to the name too, as in rack[1-2]node[3-4].
  const std::string rest = node_list.substr(close + 1);
  const std::string tail = rest.empty() || rest[0] == ',' ? "" : first_host_of(rest);
  return node_list.substr(0, end) + number + tail;
}

}  // namespace aface
