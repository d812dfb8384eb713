// Several hosts: network namespaces of this machine, each with a cable to a switch. Needs the right to make them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;
using Arguments = std::vector<std::string>;

class Hosts : public ::testing::Test {
 protected:
  explicit Hosts(int count) : count_(count) {}

  void SetUp() override {
    if (!ip("netns add " + host(kSwitch))) {
      GTEST_SKIP() << "may not make network namespaces here (needs root and iproute2)";
    }
    ASSERT_TRUE(ip("-n " + host(kSwitch) + " link add switch type bridge"));
    ASSERT_TRUE(ip("-n " + host(kSwitch) + " link set switch up"));
    for (int i = 0; i < count_; ++i) {
      const std::string plug = cable_end(i) + "s";
      ASSERT_TRUE(ip("netns add " + host(i)));
      ASSERT_TRUE(ip(fmt::format("link add {} type veth peer name {}", cable_end(i), plug)));
      ASSERT_TRUE(ip(fmt::format("link set {} netns {}", cable_end(i), host(i))));
      ASSERT_TRUE(ip(fmt::format("link set {} netns {}", plug, host(kSwitch))));
      ASSERT_TRUE(ip(fmt::format("-n {} link set {} master switch up", host(kSwitch), plug)));
      ASSERT_TRUE(ip(fmt::format("-n {} address add {}/24 dev {}", host(i), address(i), cable_end(i))));
      ASSERT_TRUE(ip(fmt::format("-n {} link set {} up", host(i), cable_end(i))));
      ASSERT_TRUE(ip(fmt::format("-n {} link set lo up", host(i))));
    }
  }
  void TearDown() override {
    for (int i = kSwitch; i < count_; ++i) ip("netns delete " + host(i));
  }

  static constexpr int kSwitch = -1;
  static std::string host(int i) { return fmt::format("aface{}-{}", ::getpid(), i < 0 ? "switch" : std::to_string(i)); }
  static std::string cable_end(int i) { return fmt::format("af{}-{}", ::getpid() % 100000, i); }
  static std::string address(int i) { return fmt::format("10.77.0.{}", i + 1); }

  static bool ip(const std::string& words) {
    Arguments arguments;
    for (std::size_t at = 0; at < words.size();) {
      const std::size_t end = std::min(words.find(' ', at), words.size());
      arguments.push_back(words.substr(at, end - at));
      at = end + 1;
    }
    try {
      return run_program("ip", arguments).exit_code == 0;
    } catch (const std::exception&) {
      return false;
    }
  }

  // What host i has sent over the cable, bytes.
  static double sent_by(int i) {
    const RunResult read =
        run_program("ip", {"netns", "exec", host(i), "cat",
                           fmt::format("/sys/class/net/{}/statistics/tx_bytes", cable_end(i))});
    return read.exit_code == 0 ? std::stod(read.out) : -1;
  }

  struct Ended {
    RunResult result;
    double seconds = 0;  // after `start`
  };
  using Clock = std::chrono::steady_clock;

  // Rank i on host i.
  std::vector<Ended> train(const std::string& run_dir, const Arguments& options,
                                  Clock::time_point start, const std::function<void()>& meanwhile = {}) {
    std::vector<Ended> ended(static_cast<std::size_t>(count_));
    std::vector<std::thread> threads;
    for (int i = 0; i < count_; ++i) {
      threads.emplace_back([&, i] {
        Arguments arguments = {"netns",
                               "exec",
                               host(i),
                               AFACE_PROGRAM,
                               "train",
                               "--config",
                               std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml",
                               "--threads",
                               "1",
                               "--run-dir",
                               run_dir,
                               "--rank",
                               std::to_string(i),
                               "--world-size",
                               std::to_string(count_),
                               "--master",
                               address(0) + ":29511"};
        for (const char* set : {"data.source=drawn", "synth.identities=60", "synth.images=360",
                                "synth.heldout_identities=0", "train.log_every=10"}) {
          arguments.insert(arguments.end(), {"--set", set});
        }
        for (const std::string& option : options) {
          if (option[0] == '-') {
            arguments.push_back(option);
          } else {
            arguments.insert(arguments.end(), {"--set", option});
          }
        }
        RunOptions run;
        run.timeout_seconds = 60;
        auto& own = ended[static_cast<std::size_t>(i)];
        own.result = run_program("ip", arguments, run);
        own.seconds = std::chrono::duration<double>(Clock::now() - start).count();
      });
    }
    if (meanwhile) meanwhile();
    for (std::thread& thread : threads) thread.join();
    return ended;
  }

  const int count_;
};

class TwoHosts : public Hosts {
 protected:
  TwoHosts() : Hosts(2) {}
};

class ThreeHosts : public Hosts {
 protected:
  ThreeHosts() : Hosts(3) {}
  // Host 0 reaches both others, these do not reach each other.
  static void cut_between_others() {
    EXPECT_TRUE(ip(fmt::format("-n {} route add blackhole {}/32", host(1), address(2))));
    EXPECT_TRUE(ip(fmt::format("-n {} route add blackhole {}/32", host(2), address(1))));
  }
  static void expect_pair_named(const std::vector<Ended>& ended) {
    for (const auto& [result, seconds] : ended) {
      EXPECT_FALSE(result.timed_out);
      EXPECT_EQ(result.exit_code, 3) << result.err;
      EXPECT_LT(seconds, 30);
      EXPECT_THAT(result.err, ::testing::ContainsRegex("rank [12] on .* does not reach rank [12] on .* at 10.77.0.[23]"));
    }
  }
};

struct Sent {
  double counted = 0, on_the_wire = 0;  // bytes a step, of rank 1
  double parameters = 0;
  double queue_length = 0;
};

constexpr double kBatch = 64, kDim = 128, kMostOthers = 8;

// docs/scaling.md, "Traffic", for two ranks and the adaptive sampler.
double formula(const Sent& run, const std::string& selector) {
  constexpr double kRanks = 2, kShare = (kRanks - 1) / kRanks;
  double bytes = 2 * kShare * (4 * run.parameters + 4 * kBatch * kDim) + 12 * kBatch + kShare * kBatch * 8 * 3 * 2;
  if (selector != "dominant_queue") return bytes;
  const double owners = kBatch;  // at most
  bytes += kShare * owners * (4 * kDim + 4) + kShare * owners * (4 + 8 * run.queue_length);
  return bytes + (kRanks - 1) * owners * (4 + 8 * (kShare * run.queue_length + kMostOthers));
}

class Traffic : public TwoHosts, public ::testing::WithParamInterface<const char*> {};

TEST_P(Traffic, IsWhatTheFormulaSays) {
  const TempDir dir;
  const std::string selector = GetParam();
  Sent run;
  const auto bytes_of = [&](int steps) {
    const double before = sent_by(1);
    for (const auto& one :
         train(dir.file(std::to_string(steps)),
               {fmt::format("train.steps={}", steps), "mining.kind=" + selector,
                std::string("mining.budget=") + (selector == "random" ? "80" : "0"), "mining.queue_length=4",
                fmt::format("mining.max_queue_length={:.0f}", kMostOthers), "mining.rebuild_steps=1000",
                "mining.mass_every=0", "sampler.kind=adaptive", fmt::format("train.batch_size={:.0f}", kBatch),
                fmt::format("backbone.embedding_dim={:.0f}", kDim), "train.checkpoint_every=0", "synth.identities=200",
                "synth.images=1200"},
               Clock::now())) {
      EXPECT_EQ(one.result.exit_code, 0) << one.result.err;
    }
    return sent_by(1) - before;
  };
  // From the end of rank 1, which writes and validates nothing. The difference leaves out starting and
  // saving.
  run.on_the_wire = (bytes_of(60) - bytes_of(20)) / 40;
  std::ifstream file(dir.file("60/metrics.jsonl"));
  nlohmann::json last;
  for (std::string line; std::getline(file, line);) last = nlohmann::json::parse(line);
  run.counted = last["ranks/bytes_per_step"];
  if (last.contains("mining/queue_mean_length")) run.queue_length = last["mining/queue_mean_length"];
  std::ifstream summary(dir.file("60/summary.json"));
  run.parameters = nlohmann::json::parse(summary)["parameters"];
  const double expected = formula(run, selector);
  std::printf("%s, bytes per step: formula %.0f, counted %.0f, on the wire %.0f\n", selector.c_str(), expected, run.counted,
              run.on_the_wire);
  EXPECT_LT(run.counted, 1.1 * expected);
  EXPECT_LT(run.on_the_wire, 1.1 * expected);
  EXPECT_GT(run.on_the_wire, 0.9 * expected);
}

INSTANTIATE_TEST_SUITE_P(Selectors, Traffic, ::testing::Values("all", "random", "dominant_queue"),
                         [](const auto& info) { return info.param; });

TEST_F(TwoHosts, ACutCableEndsBothByNameAndTheRunGoesOn) {
  const TempDir dir;
  const std::string run = dir.file("run");
  Clock::time_point cut = Clock::now() + std::chrono::seconds(6);
  const auto ended = train(run, {"train.steps=1000000", "train.checkpoint_every=10"}, cut, [&] {
    std::this_thread::sleep_until(cut);
    EXPECT_TRUE(ip(fmt::format("-n {} link set {} down", host(1), cable_end(1))));
  });
  for (std::size_t rank = 0; rank < 2; ++rank) {
    const auto& [result, seconds] = ended[rank];
    EXPECT_FALSE(result.timed_out);
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_LT(seconds, 30);
    EXPECT_THAT(result.err, HasSubstr(fmt::format("error: rank {}: rank {} on ", rank, 1 - rank)));
  }
  ASSERT_TRUE(ip(fmt::format("-n {} link set {} up", host(1), cable_end(1))));
  std::ifstream file(run + "/metrics.jsonl");
  int seen = 0;
  for (std::string line; std::getline(file, line);) seen = nlohmann::json::parse(line)["step"];
  ASSERT_GE(seen, 10);
  for (const auto& one :
       train(run, {fmt::format("train.steps={}", seen + 10), "--resume", "--allow-changes"}, Clock::now())) {
    EXPECT_EQ(one.result.exit_code, 0) << one.result.err;
  }
}

TEST_F(ThreeHosts, TwoThatDoNotReachEachOtherAreNamed) {
  const TempDir dir;
  const Clock::time_point cut = Clock::now() + std::chrono::seconds(6);
  expect_pair_named(train(dir.file("run"), {"train.steps=1000000", "train.batch_size=33"}, cut, [&] {
    std::this_thread::sleep_until(cut);
    cut_between_others();
  }));
}

TEST_F(ThreeHosts, TwoThatNeverReachedEachOtherAreNamed) {
  const TempDir dir;
  cut_between_others();
  expect_pair_named(train(dir.file("run"), {"train.steps=10", "optimizer.warmup_steps=0"}, Clock::now()));
}

}  // namespace
}  // namespace aface::test
