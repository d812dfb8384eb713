#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace aface {

// Which of the processes of a run this one is, and where they meet.
struct LaunchEnvironment {
  int rank = 0;             // 0 .. world_size - 1
  int world_size = 1;       // 1: alone, nobody to meet
  std::string master_host;  // where rank 0 (or the launcher) keeps the store at which all meet
  std::uint16_t master_port = 0;
  bool store_is_the_launchers = false;  // torchrun's agent serves the store itself
  std::string store_prefix;             // of all our keys there
  std::string launcher = "none";        // who told: "flags", "torchrun", "Slurm", "Open MPI", "none"
};

// What the command line says; what it does not say is negative or empty.
struct LaunchFlags {
  int rank = -1;
  int world_size = -1;
  std::string master;  // host or host:port, [v6 address]:port
};

constexpr std::uint16_t kDefaultMasterPort = 29500;

using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;

// The process's own environment.
std::optional<std::string> read_environment(const std::string& name);

// The first of these that says something:
//   flags     --rank, --world-size and --master, all three
//   torchrun  RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT (and TORCHELASTIC_USE_AGENT_STORE)
//   Slurm     a step of srun: SLURM_PROCID, SLURM_STEP_NUM_TASKS; the first host of SLURM_STEP_NODELIST, and
//   a port from
//             SLURM_JOB_ID, unless MASTER_ADDR and MASTER_PORT say otherwise. A batch script is no step.
//   Open MPI  OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE; this host when all ranks are on it, else
//   MASTER_ADDR
// Throws Error{kUsage} that names the variable or flag when it is missing, no number or out of range.
LaunchEnvironment find_launch_environment(const LaunchFlags& flags,
                                          const ReadVariable& read = read_environment);

// "node[07-09,12],other" -> "node07". Throws Error{kUsage} when it is no list of hosts.
std::string first_host_of(const std::string& node_list);

}  // namespace aface
