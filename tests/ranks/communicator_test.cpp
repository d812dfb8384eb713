// Processes of their own on this host, which meet at 127.0.0.1.
#include "aface/ranks/communicator.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "aface/core/check.h"
#include "tests/support/forked_ranks.h"

namespace aface {
namespace {

using test::RankResult;
using test::run_ranks;
using ::testing::HasSubstr;

LaunchEnvironment environment_of(int rank, int size, int port) {
  LaunchFlags flags;
  flags.rank = rank;
  flags.world_size = size;
  flags.master = "127.0.0.1:" + std::to_string(port);
  return find_launch_environment(flags);
}

CommunicatorOptions quick() {
  CommunicatorOptions options;
  options.liveness.beat_every = std::chrono::milliseconds(100);
  options.liveness.silent_after = std::chrono::milliseconds(1500);
  options.join_within = std::chrono::seconds(20);
  return options;
}

// Every rank runs `work`, which returns "" when all is as it should be.
std::vector<RankResult> with_ranks(int size, const std::function<std::string(Communicator&)>& work,
                                   const test::RankOptions& options = {}) {
  return run_ranks(
      size,
      [&](int rank, int port) {
        at::set_num_threads(1);
        Communicator ranks(environment_of(rank, size, port), quick());
        return work(ranks);
      },
      options);
}

void expect_all_well(const std::vector<RankResult>& results) {
  for (std::size_t rank = 0; rank < results.size(); ++rank) {
    EXPECT_EQ(results[rank].exit_code, 0) << "rank " << rank;
    EXPECT_EQ(results[rank].said, "") << "rank " << rank;
  }
}

TEST(Communicator, SumsAndMaximaAreTheSameEverywhere) {
  for (const int size : {2, 3, 4}) {
    expect_all_well(with_ranks(size, [size](Communicator& ranks) -> std::string {
      std::vector<double> values = {1.0 + ranks.rank(), -0.5 * ranks.rank(), 1e-300};
      ranks.sum(values);
      if (values != std::vector<double>{size * (size + 1) / 2.0, -0.25 * size * (size - 1), size * 1e-300})
        return "sum";
      std::vector<double> highest = {double(ranks.rank()), -1.0 - ranks.rank()};
      ranks.highest(highest);
      if (highest != std::vector<double>{size - 1.0, -1.0}) return "highest";
      return "";
    }));
  }
}

TEST(Communicator, RowsAreGatheredByRankAndScatteredSums) {
  for (const int size : {2, 4}) {
    expect_all_well(with_ranks(size, [size](Communicator& ranks) -> std::string {
      const at::Tensor mine = at::full({3, 5}, ranks.rank(), at::kFloat);
      const at::Tensor all = ranks.gather_rows(mine, "rows");
      if (all.size(0) != 3 * size) return "shape";
      for (int rank = 0; rank < size; ++rank) {
        if (!at::equal(all.narrow(0, 3 * rank, 3), at::full({3, 5}, rank, at::kFloat)))
          return "gathered rows";
      }
      const at::Tensor given = at::arange(10 * size, at::kFloat).view({2 * size, 5}) * (1 + ranks.rank());
      const at::Tensor total = ranks.sum_and_scatter_rows(given, "rows");
      const at::Tensor expected =
          at::arange(10 * size, at::kFloat).view({2 * size, 5}).narrow(0, 2 * ranks.rank(), 2) *
          (size * (size + 1) / 2);
      return at::equal(total, expected) ? "" : "scattered sums";
    }));
  }
}

TEST(Communicator, ListsOfAnyLengthAreGathered) {
  expect_all_well(with_ranks(3, [](Communicator& ranks) -> std::string {
    const std::vector<unsigned char> mine(static_cast<std::size_t>(5 * ranks.rank()),
                                          static_cast<unsigned char>(7 + ranks.rank()));
    const auto all = ranks.gather(mine);
    for (std::size_t rank = 0; rank < 3; ++rank) {
      if (all[rank] != std::vector<unsigned char>(5 * rank, static_cast<unsigned char>(7 + rank)))
        return "list";
    }
    for (const auto& list : ranks.gather(Span<const unsigned char>())) {
      if (!list.empty()) return "empty list";
    }
    return "";
  }));
}

TEST(Communicator, SumsInFlightAndMovesDoNotDisturbEachOther) {
  expect_all_well(with_ranks(3, [](Communicator& ranks) -> std::string {
    std::vector<at::Tensor> tensors;
    std::vector<std::unique_ptr<Communicator::Pending>> pending;
    for (int i = 0; i < 6; ++i) {
      tensors.push_back(at::full({1000 + i}, i + ranks.rank(), at::kFloat));
      pending.push_back(ranks.start_sum(tensors.back(), "tensors"));
    }
    std::vector<unsigned char> bytes(100000, static_cast<unsigned char>(ranks.rank()));
    ranks.move(2, 0, bytes.data(), 100000, "bytes");
    for (int i = 0; i < 6; ++i) {
      pending[static_cast<std::size_t>(i)]->wait();
      if (!at::equal(tensors[static_cast<std::size_t>(i)], at::full({1000 + i}, 3 * i + 3, at::kFloat)))
        return "sum";
    }
    const int expected = ranks.rank() == 0 ? 2 : ranks.rank();
    if (bytes != std::vector<unsigned char>(100000, static_cast<unsigned char>(expected)))
      return "moved bytes";
    at::Tensor given = at::full({4}, ranks.rank() + 5, at::kLong);
    ranks.broadcast(given, "numbers");
    return at::equal(given, at::full({4}, 5, at::kLong)) ? "" : "broadcast";
  }));
}

TEST(Communicator, RanksKnowTheirHost) {
  expect_all_well(with_ranks(3, [](Communicator& ranks) -> std::string {
    return ranks.local_rank() == ranks.rank() && ranks.local_size() == 3 ? "" : "local rank";
  }));
}

TEST(Communicator, CountsWhatTheAlgorithmsSend) {
  expect_all_well(with_ranks(4, [](Communicator& ranks) -> std::string {
    const std::int64_t before = ranks.bytes_sent();
    ranks.start_sum(at::full({1000}, 1, at::kFloat), "tensor")->wait();
    const std::int64_t summed = ranks.bytes_sent();
    if (summed - before != 6000) return fmt::format("sum: {}", summed - before);
    ranks.gather_rows(at::full({10, 10}, 1, at::kFloat), "rows");
    const std::int64_t gathered = ranks.bytes_sent();
    if (gathered - summed != 1200) return fmt::format("gather: {}", gathered - summed);
    ranks.sum_and_scatter_rows(at::full({40, 10}, 1, at::kFloat), "rows");
    const std::int64_t scattered = ranks.bytes_sent() - gathered;
    return scattered == 1200 ? "" : fmt::format("scatter: {}", scattered);
  }));
}

TEST(Communicator, AKilledRankIsNamedByTheOthers) {
  for (const int victim : {0, 1, 2}) {
    test::RankOptions kill_one;
    kill_one.meanwhile = [victim](const std::vector<int>& processes) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      ::kill(processes[static_cast<std::size_t>(victim)], SIGKILL);
    };
    const auto results = with_ranks(
        3,
        [](Communicator& ranks) -> std::string {
          for (;;) ranks.barrier("a step without end");
        },
        kill_one);
    for (int rank = 0; rank < 3; ++rank) {
      const RankResult& result = results[static_cast<std::size_t>(rank)];
      if (rank == victim) continue;
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.said, HasSubstr(fmt::format("rank {} on ", victim))) << "rank " << rank;
      EXPECT_LT(result.seconds, 12) << result.said;
    }
  }
}

TEST(Communicator, AStoppedRankIsNamedByTheOthers) {
  test::RankOptions stop_one;
  int stopped = 0;
  std::thread wake;
  stop_one.meanwhile = [&](const std::vector<int>& processes) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    stopped = processes[1];
    ::kill(stopped, SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(7000));
    ::kill(stopped, SIGKILL);
  };
  const auto results = with_ranks(
      3,
      [](Communicator& ranks) -> std::string {
        for (;;) ranks.barrier("a step without end");
      },
      stop_one);
  for (const std::size_t rank : {0, 2}) {
    EXPECT_EQ(results[rank].exit_code, 1);
    EXPECT_THAT(results[rank].said, HasSubstr("rank 1 on ")) << "rank " << rank;
  }
}

TEST(Communicator, RanksThatWereAllStoppedForAWhileGoOn) {
  test::RankOptions stop_all;
  stop_all.meanwhile = [&](const std::vector<int>& processes) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    for (const int process : processes) ::kill(process, SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(5000));
    for (const int process : processes) ::kill(process, SIGCONT);
  };
  expect_all_well(with_ranks(
      3,
      [](Communicator& ranks) -> std::string {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
        std::vector<double> done = {0};
        while (done[0] == 0) {
          done[0] = std::chrono::steady_clock::now() > end ? 1 : 0;
          ranks.sum(done);
        }
        return "";
      },
      stop_all));
}

TEST(Communicator, ARanksOwnErrorReachesTheOthers) {
  for (const int failing : {0, 2}) {
    const auto results = with_ranks(3, [failing](Communicator& ranks) -> std::string {
      ranks.barrier("the first step");
      if (ranks.rank() == failing) {
        ranks.report_failure(fmt::format("rank {}: no such photo", failing));
        return "reported";
      }
      ranks.barrier("the second step");
      return "went on";
    });
    for (int rank = 0; rank < 3; ++rank) {
      const RankResult& result = results[static_cast<std::size_t>(rank)];
      EXPECT_THAT(result.said,
                  HasSubstr(rank == failing ? "reported" : fmt::format("rank {}: no such photo", failing)));
      EXPECT_LT(result.seconds, 10);
    }
  }
}

TEST(Communicator, ARankThatDoesNotComeIsNamed) {
  const auto results = run_ranks(2, [](int rank, int port) -> std::string {
    CommunicatorOptions hasty = quick();
    hasty.join_within = std::chrono::seconds(2);
    const Communicator ranks(environment_of(rank, 3, port), hasty);
    return "joined";
  });
  EXPECT_THAT(results[0].said, HasSubstr("rank 2 did not come to 127.0.0.1"));
  // Rank 0, which keeps the store, may have given up first.
  EXPECT_THAT(results[1].said, testing::AnyOf(HasSubstr("rank 2 did not come to 127.0.0.1"), HasSubstr("went away")));
}

TEST(Communicator, AStoreThatIsNotThereIsNamed) {
  const auto results = run_ranks(1, [](int, int port) -> std::string {
    CommunicatorOptions hasty = quick();
    hasty.join_within = std::chrono::seconds(1);
    const Communicator ranks(environment_of(1, 2, port), hasty);
    return "joined";
  });
  EXPECT_THAT(results[0].said, HasSubstr("rank 1 cannot reach the store of rank 0 at 127.0.0.1"));
}

}  // namespace
}  // namespace aface
