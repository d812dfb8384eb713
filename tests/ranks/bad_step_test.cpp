// Steps that are not finite on one of several ranks: all give them up alike, and one process does them again.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "aface/config/config_reader.h"
#include "aface/io/safetensors.h"
#include "aface/train/bad_step.h"
#include "aface/train/replay.h"
#include "aface/train/trainer.h"
#include "aface/train/training_data.h"
#include "aface/train/whole_state.h"
#include "tests/support/forked_ranks.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::StartsWith;

constexpr int kRanks = 3, kFaulty = 1, kSteps = 2;

struct Fault {
  const char* name;
  const char* tensor;  // how the tensor's name begins
  std::vector<std::string> options;
  bool in_chip = false;  // of the faulty rank; otherwise in a prototype of it
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

RunConfig config_of(const Fault& fault) {
  std::vector<std::string> options = {"data.source=drawn", "synth.heldout_identities=0", "train.batch_size=31",
                                      "backbone.dropout=0.3"};
  options.insert(options.end(), fault.options.begin(), fault.options.end());
  return load_config({std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml"}, options);
}

// After some steps on one process; with a fault in a prototype its row is 0.
std::string write_state(const Fault& fault, const std::string& folder) {
  at::set_num_threads(1);
  const RunConfig config = config_of(fault);
  const TrainingData data = open_training_data(config, folder, 1);
  Trainer trainer(config, data.dataset, folder);
  for (int i = 0; i < kSteps; ++i) trainer.step();
  NamedArrays state = trainer.save();
  state.own_all();
  if (!fault.in_chip) {
    const std::vector<std::int64_t> shape = state.at("prototypes.weight").shape;
    std::vector<float> rows = state.get<float>("prototypes.weight");
    std::fill_n(rows.begin() + shard_of(shape[0], kFaulty, kRanks).first * shape[1], shape[1], 0.0F);
    state.put("prototypes.weight", rows, shape);
  }
  write_safetensors(folder + "/state.safetensors", state);
  return "";
}

// What this rank gave the step up with.
std::string give_up(const Fault& fault, const std::string& folder, int rank, int port) {
  at::set_num_threads(1);
  LaunchFlags flags;
  flags.rank = rank, flags.world_size = kRanks, flags.master = fmt::format("127.0.0.1:{}", port);
  Communicator ranks(find_launch_environment(flags));
  const RunConfig config = config_of(fault);
  const TrainingData data = open_training_data(config, folder, 1);
  Trainer trainer(config, data.dataset, folder, &ranks);
  trainer.restore(read_safetensors(folder + "/state.safetensors"));
  StepInput input = trainer.next_input();
  if (fault.in_chip && rank == kFaulty) input.chips[2][1][20][3] = std::numeric_limits<float>::quiet_NaN();
  try {
    trainer.step(std::move(input));
  } catch (const Diverged& diverged) {
    const NamedArrays share = trainer.save_bad_step();
    WholeState all(share, ranks);
    if (rank == 0) {
      write_bad_step(folder, config, data.dataset, all.whole(), trainer.rollbacks(), diverged);
      all.close(true);
    } else {
      all.serve();
    }
    return diverged.tensor().name;
  }
  return "all was finite";
}

class BadStepOnRanks : public ::testing::TestWithParam<Fault> {};

TEST_P(BadStepOnRanks, IsGivenUpByAllAndSeenAgainByOne) {
  const Fault& fault = GetParam();
  const test::TempDir dir;
  ASSERT_EQ(test::run_ranks(1, [&](int, int) { return write_state(fault, dir.path()); })[0].said, "");
  const auto results =
      test::run_ranks(kRanks, [&](int rank, int port) { return give_up(fault, dir.path(), rank, port); });
  for (const auto& result : results) {
    EXPECT_THAT(result.said, StartsWith(fault.tensor));
    EXPECT_EQ(result.said, results[0].said);
  }
  const std::string folder = bad_step_folder(dir.path());
  const BadStep recorded = read_bad_step(folder);
  EXPECT_EQ(recorded.step, kSteps);
  EXPECT_EQ(recorded.first_bad_tensor, results[0].said);
  EXPECT_EQ(samples_of_bad_step(read_bad_step_state(folder)).size(), 31U);
  EXPECT_EQ(test::run_ranks(1, [&](int, int) -> std::string {
              const Replay replay = replay_bad_step(folder, {});
              return replay.same_tensor ? "the same" : replay.trouble.value_or("all was finite");
            })[0].said,
            "the same");
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BadStepOnRanks,
    ::testing::Values(Fault{"chip", "the chip of photo ", {}, true},
                      Fault{"chip_one_statistic", "the chip of photo ", {"train.sync_batch_norm=true"}, true},
                      Fault{"prototype", "the prototype of identity ", {"mining.kind=all"}},
                      Fault{"prototype_screened", "the prototype of identity ", {"mining.kind=all", "head.precision=fast"}},
                      Fault{"prototype_plain", "the prototype of identity ", {"mining.kind=all", "head.engine=plain"}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace aface
