// Faults put into a step, each of which has to be found where it was put, and the failed step done again from its files.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aface/config/config_reader.h"
#include "aface/train/bad_step.h"
#include "aface/train/bad_tensor.h"
#include "aface/train/trainer.h"
#include "aface/train/training_data.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class DivergenceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::set_num_threads(1);
    dir_ = new test::TempDir();
    data_ = new TrainingData(open_training_data(config(), dir_->path(), 1));
  }
  static void TearDownTestSuite() {
    delete data_;
    delete dir_;
  }

  static RunConfig config(const std::vector<std::string>& overrides = {}) {
    return load_config({std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml"}, overrides);
  }

  // Works `trainer` until it gives a step up.
  static Diverged failure_of(Trainer& trainer, int steps = 30) {
    try {
      for (int i = 0; i < steps; ++i) trainer.step();
    } catch (const Diverged& diverged) {
      return diverged;
    }
    ADD_FAILURE() << "all steps were finite";
    return {0, 0, {}};
  }

  static Diverged failure_of(Trainer& trainer, StepInput input) {
    try {
      trainer.step(std::move(input));
    } catch (const Diverged& diverged) {
      return diverged;
    }
    ADD_FAILURE() << "the step was finite";
    return {0, 0, {}};
  }

  static at::Tensor parameter(Trainer& trainer, const std::string& name) {
    return trainer.backbone().named_parameters()[name];
  }

  static inline test::TempDir* dir_ = nullptr;
  static inline TrainingData* data_ = nullptr;
};

TEST_F(DivergenceTest, AnUnusablePixelIsNamedByItsPhoto) {
  for (const char* bf16 : {"train.bf16=false", "train.bf16=true"}) {
    Trainer trainer(config({bf16}), data_->dataset);
    trainer.step();
    StepInput input = trainer.next_input();
    constexpr std::size_t kRow = 7;
    const std::string photo = data_->dataset.photos->photo_place(input.batch.sample_ids[kRow]);
    input.chips[kRow][1][20][3] = kNan;
    const Diverged diverged = failure_of(trainer, std::move(input));
    EXPECT_EQ(diverged.step(), 1);
    EXPECT_EQ(diverged.tensor().name, "the chip of photo " + photo);
    EXPECT_TRUE(diverged.tensor().is_photo);
  }
}

TEST_F(DivergenceTest, APrototypeWithoutLengthIsNamedByItsIdentity) {
  Trainer trainer(config({"mining.kind=all"}), data_->dataset);
  NamedArrays state = trainer.save();
  state.own_all();
  const std::vector<std::int64_t> shape = state.at("prototypes.weight").shape;
  std::vector<float> rows = state.get<float>("prototypes.weight");
  constexpr std::int64_t kIdentity = 11;
  std::fill_n(rows.begin() + kIdentity * shape[1], shape[1], 0.0f);
  state.put("prototypes.weight", rows, shape);
  trainer.restore(state);
  const Diverged diverged = failure_of(trainer);
  EXPECT_EQ(diverged.tensor().name, "the prototype of identity " + data_->dataset.photos->identity_name(kIdentity));
  EXPECT_THAT(diverged.what(), HasSubstr("its length is 0"));
  EXPECT_FALSE(diverged.tensor().is_photo);
}

TEST_F(DivergenceTest, AParameterIsNamed) {
  Trainer trainer(config(), data_->dataset);
  const auto names = trainer.backbone().named_parameters().keys();
  const std::string name = names[names.size() / 2];
  {
    const at::NoGradGuard no_grad;
    parameter(trainer, name).view(-1)[0] = kNan;
  }
  EXPECT_EQ(failure_of(trainer).tensor().name, "the parameter " + name);
}

// Finite weights, finite chips, and a product that is not.
TEST_F(DivergenceTest, AnOperationThatOverflowsIsNamedByItsWeights) {
  Trainer trainer(config(), data_->dataset);
  std::string convolution;
  for (const auto& item : trainer.backbone().named_parameters()) {
    if (item.value().dim() == 4) convolution = item.key();  // the last one
  }
  {
    const at::NoGradGuard no_grad;
    parameter(trainer, convolution).fill_(std::numeric_limits<float>::max());
  }
  EXPECT_THAT(failure_of(trainer).tensor().name, ::testing::MatchesRegex("the output of aten::conv2d with " + convolution));
}

TEST_F(DivergenceTest, AHugeRateIsFoundInWhatItMade) {
  RunConfig wild = config();
  wild.optimizer.learning_rate = 1e30;
  wild.optimizer.warmup_steps = 0;
  Trainer trainer(wild, data_->dataset);
  const Diverged diverged = failure_of(trainer, 5);
  EXPECT_GE(diverged.step(), 1);  // the first step's own numbers are those of a fresh network
  EXPECT_THAT(diverged.tensor().name, ::testing::AnyOf(HasSubstr("the output of aten::"), HasSubstr("the parameter ")));
  EXPECT_GT(diverged.learning_rate(), 0.9e30);
  EXPECT_THAT(diverged.what(), HasSubstr("(learning rate 9.99"));
  EXPECT_THAT(diverged.what(), HasSubstr("lower optimizer.learning_rate"));
}

TEST_F(DivergenceTest, AStateWithAStatisticThatIsNotFiniteIsNoneToKeep) {
  Trainer trainer(config(), data_->dataset);
  trainer.step();
  EXPECT_NO_THROW(trainer.check_state());
  trainer.backbone().named_buffers()["bn2.running_var"][3] = std::numeric_limits<float>::infinity();
  EXPECT_NO_THROW(trainer.step()) << "training has no use for it";
  EXPECT_THAT(test::error_of(ErrorKind::kNumeric, [&] { trainer.check_state(); }), HasSubstr("step 2: the statistic bn2.running_var"));
}

TEST_F(DivergenceTest, NothingIsUpdatedByAStepThatIsGivenUp) {
  Trainer trainer(config({"mining.kind=all"}), data_->dataset);
  trainer.step();
  NamedArrays before = trainer.save();
  before.own_all();
  StepInput input = trainer.next_input();
  input.chips[0][0][0][0] = kNan;
  failure_of(trainer, std::move(input));
  NamedArrays after = trainer.save();
  for (const auto& [name, array] : before.arrays) {
    const bool is_statistic = name.find("running_") != std::string::npos || name.find("num_batches") != std::string::npos;
    if (is_statistic || name.rfind("torch.", 0) == 0 || name.rfind("loader.", 0) == 0 || name.rfind("sampler.", 0) == 0) continue;
    EXPECT_TRUE(array.bytes == after.at(name).bytes) << name;
  }
}

TEST_F(DivergenceTest, TheStepIsSeenAgainFromItsFiles) {
  const test::TempDir run;
  const RunConfig with_dropout = config({"train.bf16=true"});
  Trainer trainer(with_dropout, data_->dataset);
  for (int i = 0; i < 22; ++i) trainer.step();
  StepInput input = trainer.next_input();
  input.chips[3][0][5][5] = std::numeric_limits<float>::infinity();
  const Diverged diverged = failure_of(trainer, std::move(input));
  write_bad_step(run.path(), with_dropout, data_->dataset, trainer.save_bad_step(), trainer.rollbacks(), diverged);

  const std::string folder = bad_step_folder(run.path());
  const BadStep recorded = read_bad_step(folder);
  EXPECT_EQ(recorded.step, 22);
  EXPECT_EQ(recorded.first_bad_tensor, diverged.tensor().name);
  Trainer again(load_config({bad_step_config(folder)}, {}), data_->dataset);
  StepInput same = again.restore_bad_step(read_bad_step_state(folder));
  EXPECT_EQ(again.steps_done(), 22);
  EXPECT_STREQ(failure_of(again, std::move(same)).what(), diverged.what());
}

// What save_bad_step() keeps is the state before the step: with the fault taken out, the step is the one that the run
// would have made.
TEST_F(DivergenceTest, TheStateIsThatBeforeTheStep) {
  Trainer healthy(config(), data_->dataset), faulty(config(), data_->dataset);
  for (int i = 0; i < 21; ++i) {
    healthy.step();
    faulty.step();
  }
  StepInput input = faulty.next_input();
  const at::Tensor chips = input.chips.clone();
  input.chips[0][0][0][0] = kNan;
  failure_of(faulty, std::move(input));
  NamedArrays state = faulty.save_bad_step();
  state.own_all();
  Trainer again(config(), data_->dataset);
  StepInput same = again.restore_bad_step(state);
  same.chips = chips;
  const StepResult expected = healthy.step(), got = again.step(std::move(same));
  EXPECT_EQ(got.loss, expected.loss);
  EXPECT_EQ(got.gradient_norm, expected.gradient_norm);
}

TEST_F(DivergenceTest, RollbacksLowerTheRateAndAreSaved) {
  const RunConfig flat = config({"optimizer.schedule=constant", "optimizer.warmup_steps=0", "train.rollback_rate=0.25"});
  Trainer trainer(flat, data_->dataset);
  EXPECT_DOUBLE_EQ(trainer.step().learning_rate, 0.05);
  trainer.lower_rate(2);
  EXPECT_DOUBLE_EQ(trainer.step().learning_rate, 0.05 / 16);
  NamedArrays state = trainer.save();
  state.own_all();
  Trainer resumed(flat, data_->dataset);
  resumed.restore(state);
  EXPECT_EQ(resumed.rollbacks(), 2);
  EXPECT_DOUBLE_EQ(resumed.step().learning_rate, 0.05 / 16);
}

}  // namespace
}  // namespace aface
