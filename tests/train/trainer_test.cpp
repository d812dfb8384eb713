#include "aface/train/trainer.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "aface/config/config_reader.h"
#include "aface/train/training_data.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

// Small synthetic faces, drawn once for all tests of this file.
class TrainerTest : public ::testing::Test {
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

  static RunConfig config(std::vector<std::string> overrides = {}) {
    return load_config({std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml"}, overrides);
  }

  static std::vector<double> losses(Trainer& trainer, int steps) {
    std::vector<double> values;
    for (int i = 0; i < steps; ++i) values.push_back(trainer.step().loss);
    return values;
  }

  static void expect_same_state(const NamedArrays& a, const NamedArrays& b) {
    ASSERT_EQ(a.arrays.size(), b.arrays.size());
    for (const auto& [name, array] : a.arrays) {
      ASSERT_TRUE(b.has(name)) << name;
      EXPECT_EQ(array.shape, b.at(name).shape) << name;
      EXPECT_TRUE(array.bytes == b.at(name).bytes) << name << " differs";
    }
    EXPECT_EQ(a.metadata, b.metadata);
  }

  static inline test::TempDir* dir_ = nullptr;
  static inline TrainingData* data_ = nullptr;
};

TEST_F(TrainerTest, ResumedRunEqualsTheUninterruptedOneBitForBit) {
  Trainer whole(config(), data_->dataset);
  losses(whole, 23);  // past a rebuild of the queues and the thaw of the margins
  NamedArrays saved = whole.save();
  saved.own_all();
  const std::vector<double> expected = losses(whole, 9);

  Trainer resumed(config(), data_->dataset);
  resumed.restore(saved);
  EXPECT_EQ(resumed.steps_done(), 23);
  EXPECT_EQ(losses(resumed, 9), expected);
  expect_same_state(resumed.save(), whole.save());
}

// Cut in the middle of everything: between rebuilds of an index, in an epoch, in a log interval.
TEST_F(TrainerTest, EverySamplerSelectorAndHeadResumesBitForBit) {
  const std::vector<std::vector<std::string>> kinds = {
      {"sampler.kind=shuffle"},
      {"sampler.kind=balanced"},
      {"mining.kind=all"},
      {"mining.kind=random", "mining.budget=20", "train.batch_size=16"},
      {"mining.kind=dominant_queue", "mining.budget=20", "train.batch_size=16", "mining.rebuild=wait"},
      {"mining.kind=feature_query", "mining.budget=20", "train.batch_size=16", "mining.index=exact"},
      {"mining.kind=feature_query", "mining.budget=20", "train.batch_size=16", "mining.index=inverted", "mining.index_lists=6",
       "mining.index_probes=2"},
      {"mining.kind=feature_query", "mining.budget=20", "train.batch_size=16", "mining.index=graph"},
      {"head.kind=cosface", "head.margin=0.1"},
      {"head.engine=plain"},
      {"backbone.dropout=0.4"},
  };
  for (const std::vector<std::string>& kind : kinds) {
    SCOPED_TRACE(kind.front() + " " + kind.back());
    Trainer whole(config(kind), data_->dataset);
    losses(whole, 13);
    NamedArrays saved = whole.save();
    saved.own_all();
    const std::vector<double> expected = losses(whole, 9);  // past the next rebuild
    Trainer resumed(config(kind), data_->dataset);
    resumed.restore(saved);
    EXPECT_EQ(losses(resumed, 9), expected);
    EXPECT_EQ(resumed.report_interval(), whole.report_interval());
    expect_same_state(resumed.save(), whole.save());
  }
}

TEST_F(TrainerTest, RunDoesNotDependOnTheNumberOfWorkers) {
  Trainer one(config({"data.workers=1"}), data_->dataset);
  Trainer three(config({"data.workers=3"}), data_->dataset);
  EXPECT_EQ(losses(one, 6), losses(three, 6));
}

TEST_F(TrainerTest, EverySwitchPositionOfTheThreePartsTrains) {
  for (const char* head : {"cosface", "adaptive_margin"}) {
    for (const char* classes : {"all", "dominant_queue"}) {
      for (const char* sampler : {"shuffle", "adaptive"}) {
        SCOPED_TRACE(std::string(head) + " " + classes + " " + sampler);
        Trainer trainer(config({std::string("head.kind=") + head, std::string("mining.kind=") + classes,
                                std::string("sampler.kind=") + sampler, "head.margin=0.1", "train.batch_size=4",
                                "mining.queue_length=2", "mining.max_queue_length=3"}),
                        data_->dataset);
        StepResult result;
        for (int i = 0; i < 6; ++i) result = trainer.step();
        EXPECT_EQ(trainer.head().margins().numel() > 0, std::string(head) == "adaptive_margin");
        EXPECT_EQ(result.active_classes == data_->dataset.num_identities(), std::string(classes) == "all");
        const auto report = trainer.report_interval();
        EXPECT_EQ(report.count("sampler/effective_samples") == 1, std::string(sampler) == "adaptive");
      }
    }
  }
}

TEST_F(TrainerTest, EveryHeadAndSelectorTrains) {
  for (const char* head : {"softmax", "sphereface", "cosface", "arcface"}) {
    SCOPED_TRACE(head);
    Trainer trainer(config({std::string("head.kind=") + head, "head.margin=1.2"}), data_->dataset);
    losses(trainer, 2);
  }
  for (const char* classes : {"random", "feature_query"}) {
    SCOPED_TRACE(classes);
    Trainer trainer(config({std::string("mining.kind=") + classes, "mining.budget=20", "train.batch_size=16"}),
                    data_->dataset);
    losses(trainer, 2);
  }
}

TEST_F(TrainerTest, TrainingLowersTheLoss) {
  Trainer trainer(config({"train.steps=60", "head.kind=softmax", "mining.kind=all", "sampler.kind=shuffle"}),
                  data_->dataset);
  const std::vector<double> values = losses(trainer, 60);
  const auto mean = [&](int from) {
    double sum = 0;
    for (int i = from; i < from + 5; ++i) sum += values[static_cast<std::size_t>(i)];
    return sum / 5;
  };
  EXPECT_LT(mean(55), 0.7 * mean(0));
}

TEST_F(TrainerTest, SoftmaxMassOfAllClassesIsOneAndOfFewLess) {
  Trainer few(config({"mining.kind=random", "mining.budget=20", "mining.mass_every=1", "train.batch_size=16"}),
              data_->dataset);
  const StepResult result = few.step();
  ASSERT_TRUE(result.softmax_mass.has_value());
  EXPECT_GT(result.softmax_mass->all, 0.3);
  EXPECT_LT(result.softmax_mass->all, 1.0);
  EXPECT_LT(result.softmax_mass->wrong, result.softmax_mass->all);
}

TEST_F(TrainerTest, ABudgetUnderTheBatchIsRefusedBeforeTheFirstStep) {
  RunConfig tight = config({"mining.kind=random"});
  tight.mining.budget = data_->dataset.num_identities() - 1;  // a batch of 32 can hold all 24
  EXPECT_THROW(Trainer(tight, data_->dataset), Error);
}

TEST_F(TrainerTest, HugeLearningRateStopsWithANumericError) {
  RunConfig wild = config();
  wild.optimizer.learning_rate = 1e30;  // far outside what a file may ask for: the weights overflow at once
  Trainer trainer(wild, data_->dataset);
  try {
    for (int i = 0; i < 5; ++i) trainer.step();
    FAIL() << "the run survived";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric) << error.what();
    EXPECT_NE(std::string(error.what()).find("learning rate"), std::string::npos) << error.what();
  }
}

TEST_F(TrainerTest, AnUnusablePrototypeIsNamedByItsPerson) {
  for (const char* precision : {"exact", "fast"}) {
    Trainer healthy(config(), data_->dataset);
    NamedArrays state = healthy.save();
    state.own_all();
    const NamedArray weight = state.at("prototypes.weight");
    std::vector<float> rows = state.get<float>("prototypes.weight");
    const auto dim = static_cast<std::size_t>(weight.shape[1]);
    constexpr std::size_t kPerson = 5;
    rows[kPerson * dim + 3] = std::nanf("");
    state.put("prototypes.weight", rows, weight.shape);

    Trainer poisoned(config({"mining.kind=all", "head.precision=" + std::string(precision)}), data_->dataset);
    NamedArrays own = poisoned.save();
    own.own_all();
    own.arrays["prototypes.weight"] = state.at("prototypes.weight");
    poisoned.restore(own);
    try {
      poisoned.step();
      FAIL() << "went through";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
      const std::string name = data_->dataset.photos->identity_name(kPerson);
      EXPECT_NE(std::string(error.what()).find("step 0: the prototype of identity " + name), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("value 3 of it is"), std::string::npos) << error.what();
    }
  }
}

TEST_F(TrainerTest, CheckpointOfAnotherNetworkIsRefused) {
  Trainer small(config(), data_->dataset);
  small.step();
  Trainer wide(config({"backbone.width=24"}), data_->dataset);
  EXPECT_THROW(wide.restore(small.save()), Error);
}

TEST_F(TrainerTest, DrawsItsFacesWhenTheyAreNeeded) {
  const auto drawn = [](const std::string& workers) { return config({"data.source=drawn", "data.workers=" + workers}); };
  const test::TempDir dir;
  const TrainingData data = open_training_data(drawn("1"), dir.path(), 1);
  EXPECT_EQ(data.dataset.num_identities(), data_->dataset.num_identities());
  EXPECT_EQ(data.validation.pairs, dir.file("faces/heldout/pairs.txt"));
  Trainer whole(drawn("1"), data.dataset);
  losses(whole, 5);
  NamedArrays saved = whole.save();
  saved.own_all();
  const std::vector<double> expected = losses(whole, 3);
  Trainer resumed(drawn("3"), data.dataset);
  resumed.restore(saved);
  EXPECT_EQ(losses(resumed, 3), expected);

  Trainer of_files(config(), data_->dataset);
  EXPECT_THROW(of_files.restore(saved), Error);  // the photos of files are compressed ones
}

TEST_F(TrainerTest, CheckpointOfOtherDataIsRefused) {
  Trainer trainer(config(), data_->dataset);
  trainer.step();
  FaceDataset other = data_->dataset;
  std::swap(other.identities.front(), other.identities.back());
  Trainer elsewhere(config(), other);
  const std::string message = test::error_of(ErrorKind::kData, [&] { elsewhere.restore(trainer.save()); });
  EXPECT_NE(message.find("other labels"), std::string::npos) << message;
  elsewhere.restore(trainer.save(), OtherData::kAllow);
  EXPECT_EQ(elsewhere.steps_done(), 1);
}

}  // namespace
}  // namespace aface
