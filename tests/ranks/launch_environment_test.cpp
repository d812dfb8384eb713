#include "aface/ranks/launch_environment.h"

#include <gtest/gtest.h>

#include <map>

#include "aface/core/error.h"

namespace aface {
namespace {

using Variables = std::map<std::string, std::string>;

LaunchEnvironment found_in(const Variables& variables, const LaunchFlags& flags = {}) {
  return find_launch_environment(flags, [&](const std::string& name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    if (at == variables.end()) return std::nullopt;
    return at->second;
  });
}

LaunchFlags flags_of(int rank, int world_size, const std::string& master) {
  LaunchFlags flags;
  flags.rank = rank;
  flags.world_size = world_size;
  flags.master = master;
  return flags;
}

std::string error_of(const Variables& variables, const LaunchFlags& flags = {}) {
  try {
    found_in(variables, flags);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

const Variables kTorchrun = {
    {"RANK", "3"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "nod"}, {"MASTER_PORT", "4711"}};
const Variables kSlurm = {{"SLURM_PROCID", "5"},
                          {"SLURM_STEP_NUM_TASKS", "6"},
                          {"SLURM_NTASKS", "6"},
                          {"SLURM_JOB_ID", "123456"},
                          {"SLURM_STEP_NODELIST", "gpu[07-09,12]"}};
const Variables kOpenMpi = {
    {"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}

TEST(LaunchEnvironment, WithoutAnyLauncherAProcessIsAlone) {
  const LaunchEnvironment found = found_in({});
  EXPECT_EQ(found.rank, 0);
  EXPECT_EQ(found.world_size, 1);
  EXPECT_EQ(found.launcher, "none");
}

TEST(LaunchEnvironment, FlagsSayAllAndWin) {
  const LaunchEnvironment found = found_in(kTorchrun, flags_of(1, 4, "10.0.0.7:5000"));
  EXPECT_EQ(found.launcher, "flags");
  EXPECT_EQ(found.rank, 1);
  EXPECT_EQ(found.world_size, 4);
  EXPECT_EQ(found.master_host, "10.0.0.7");
  EXPECT_EQ(found.master_port, 5000);
  EXPECT_EQ(found_in({}, flags_of(0, 2, "here")).master_port, kDefaultMasterPort);
  const LaunchEnvironment six = found_in({}, flags_of(0, 2, "[fe80::1]:77"));
  EXPECT_EQ(six.master_host, "fe80::1");
  EXPECT_EQ(six.master_port, 77);
}

TEST(LaunchEnvironment, FlagsThatDoNotFitAreNamed) {
  EXPECT_NE(error_of({}, flags_of(-1, 2, "a")).find("--rank: missing"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(0, -1, "a")).find("--world-size: missing"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(0, 2, "")).find("--master: missing"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(2, 2, "a")).find("expected 0 to 1"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(0, 2, "a:b")).find("--master: the port: 'b'"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(0, 2, "a:")).find("--master: the port"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(0, 2, ":80")).find("names no host"), std::string::npos);
  EXPECT_NE(error_of({}, flags_of(0, 2, "a:70000")).find("1 to 65535"), std::string::npos);
}

TEST(LaunchEnvironment, TorchrunSaysWhoAndWhere) {
  const LaunchEnvironment found = found_in(kTorchrun);
  EXPECT_EQ(found.launcher, "torchrun");
  EXPECT_EQ(found.rank, 3);
  EXPECT_EQ(found.world_size, 8);
  EXPECT_EQ(found.master_host, "nod");
  EXPECT_EQ(found.master_port, 4711);
  EXPECT_FALSE(found.store_is_the_launchers);
}

TEST(LaunchEnvironment, TorchrunsAgentMayKeepTheStoreOfEveryAttempt) {
  const LaunchEnvironment found = found_in(
      with(with(kTorchrun, "TORCHELASTIC_USE_AGENT_STORE", "True"), "TORCHELASTIC_RESTART_COUNT", "2"));
  EXPECT_TRUE(found.store_is_the_launchers);
  EXPECT_EQ(found.store_prefix, "adaptiveface/attempt_2");
  EXPECT_FALSE(found_in(with(kTorchrun, "TORCHELASTIC_USE_AGENT_STORE", "False")).store_is_the_launchers);
}

TEST(LaunchEnvironment, AMissingOrWrongVariableIsNamed) {
  Variables no_port = kTorchrun;
  no_port.erase("MASTER_PORT");
  EXPECT_NE(error_of(no_port).find("MASTER_PORT: not set"), std::string::npos);
  EXPECT_NE(error_of(with(kTorchrun, "RANK", "8")).find("RANK: '8' is no whole number from 0 to 7"),
            std::string::npos);
  EXPECT_NE(error_of(with(kTorchrun, "WORLD_SIZE", "many")).find("WORLD_SIZE: 'many'"), std::string::npos);
  EXPECT_NE(error_of(with(kTorchrun, "RANK", "1x")).find("RANK: '1x'"), std::string::npos);
}

TEST(LaunchEnvironment, SlurmsStepMeetsOnItsFirstHost) {
  const LaunchEnvironment found = found_in(kSlurm);
  EXPECT_EQ(found.launcher, "Slurm");
  EXPECT_EQ(found.rank, 5);
  EXPECT_EQ(found.world_size, 6);
  EXPECT_EQ(found.master_host, "gpu07");
  EXPECT_EQ(found.master_port, 23456);
  EXPECT_EQ(found_in(with(kSlurm, "MASTER_PORT", "99")).master_port, 99);
  EXPECT_EQ(found_in(with(kSlurm, "MASTER_ADDR", "10.1.1.1")).master_host, "10.1.1.1");
  EXPECT_NE(found_in(with(kSlurm, "SLURM_JOB_ID", "123457")).master_port, found.master_port);
}

TEST(LaunchEnvironment, ABatchScriptOfSlurmIsNoStep) {
  Variables batch = kSlurm;
  batch.erase("SLURM_STEP_NUM_TASKS");
  EXPECT_EQ(found_in(batch).world_size, 1);
}

TEST(LaunchEnvironment, TorchrunUnderSlurmIsTorchrun) {
  Variables both = kSlurm;
  both.insert(kTorchrun.begin(), kTorchrun.end());
  EXPECT_EQ(found_in(both).launcher, "torchrun");
}

TEST(LaunchEnvironment, OpenMpiOnOneHostMeetsThere) {
  const LaunchEnvironment found = found_in(kOpenMpi);
  EXPECT_EQ(found.launcher, "Open MPI");
  EXPECT_EQ(found.rank, 1);
  EXPECT_EQ(found.world_size, 2);
  EXPECT_EQ(found.master_host, "127.0.0.1");
  EXPECT_EQ(found.master_port, kDefaultMasterPort);
}

TEST(LaunchEnvironment, OpenMpiOnSeveralHostsMustBeToldWhere) {
  const Variables spread = with(kOpenMpi, "OMPI_COMM_WORLD_LOCAL_SIZE", "1");
  EXPECT_NE(error_of(spread).find("mpirun -x MASTER_ADDR"), std::string::npos);
  EXPECT_EQ(found_in(with(spread, "MASTER_ADDR", "head")).master_host, "head");
}

TEST(LaunchEnvironment, FirstHostOfANodeList) {
  EXPECT_EQ(first_host_of("alone"), "alone");
  EXPECT_EQ(first_host_of("a1,b2"), "a1");
  EXPECT_EQ(first_host_of("n[003-010]"), "n003");
  EXPECT_EQ(first_host_of("n[5,7-9]"), "n5");
  EXPECT_EQ(first_host_of("n[1-2]-ib,m3"), "n1-ib");
  EXPECT_EQ(first_host_of("rack[1-2]node[03-4]"), "rack1node03");
  for (const char* bad : {"", ",a", "n[", "n[]", "n[x-y]"}) EXPECT_THROW(first_host_of(bad), Error) << bad;
}

}  // namespace
}  // namespace aface
