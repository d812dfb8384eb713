#include "aface/train/warm_start.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "aface/config/config_reader.h"
#include "aface/config/config_writer.h"
#include "aface/core/file.h"
#include "aface/head/prototypes.h"
#include "aface/infer/embedder.h"
#include "aface/io/safetensors.h"
#include "aface/nn/model_file.h"
#include "aface/train/checkpoint.h"
#include "aface/train/data_identity.h"
#include "aface/train/trainer.h"
#include "aface/train/training_data.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

// A run of 15 steps on the built-in faces, its checkpoint and its model; and a list of other people, of whom
// some are those of the first run, in another order.
class WarmStartTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::set_num_threads(1);
    dir_ = new test::TempDir();
    first_data_ = new TrainingData(open_training_data(config(), dir_->path(), 1));
    Trainer trainer(config(), first_data_->dataset);
    for (int i = 0; i < 15; ++i) trainer.step();
    first_ = new NamedArrays(trainer.save());
    put_identity_names(first_data_->dataset, *first_);
    first_->metadata["config"] = to_toml(config());
    first_->own_all();
    checkpoint_ = CheckpointFolder(dir_->path(), KeepRule()).write(15, *first_, {});
    model_ = dir_->file("model.safetensors");
    save_model(model_, trainer.backbone(), {});
    write_list();
    second_data_ = new TrainingData(open_training_data(second(), dir_->path(), 1));
  }
  static void TearDownTestSuite() {
    delete second_data_;
    delete first_;
    delete first_data_;
    delete dir_;
  }

  static RunConfig config(std::vector<std::string> overrides = {}) {
    return load_config({std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml"}, overrides);
  }
  static std::string images() { return dir_->file("faces/train/images"); }
  // Of the second run.
  static RunConfig second(std::vector<std::string> more = {}) {
    std::vector<std::string> overrides = {"data.source=list", "data.root=" + images(),
                                          "data.list=" + dir_->file("list.tsv"), "train.batch_size=8"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return config(overrides);
  }
  // Every third person of the first run keeps the name, every third gets another, every third is left out.
  static void write_list() {
    std::string text;
    const FaceDataset& data = first_data_->dataset;
    for (std::int64_t sample = 0; sample < data.num_samples(); ++sample) {
      const std::int64_t identity = data.identity_of(sample);
      if (identity % 3 == 2) continue;
      const std::string name = data.photos->identity_name(identity);
      text += data.photos->photo_name(sample) + "\t" + (identity % 3 == 0 ? "" : "a stranger like ") + name +
              "\n";
    }
    dir_->write("list.tsv", text);
  }
  static bool is_stranger(const std::string& name) { return name.rfind("a stranger", 0) == 0; }

  static std::vector<float> row(const NamedArrays& state, std::int64_t identity) {
    const auto all = state.get<float>("prototypes.weight");
    const std::int64_t dim = state.at("prototypes.weight").shape[1];
    return {all.begin() + identity * dim, all.begin() + (identity + 1) * dim};
  }
  // Rows of the first run with all their steps, by the table itself.
  static std::vector<float> first_row(const std::string& name) {
    static const auto names = get_identity_names(*first_);
    const RunConfig c = config();
    PrototypeOptions options;
    options.momentum = c.optimizer.momentum;
    options.weight_decay = c.optimizer.weight_decay;
    const auto table =
        make_flat_prototypes(first_data_->dataset.num_identities(), c.backbone.embedding_dim, 1, options);
    table->restore(*first_);
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < table->num_identities(); ++i) ids.push_back(i);
    const at::Tensor rows = table->activate(ids);
    const auto place = std::find(names.begin(), names.end(), name) - names.begin();
    const float* begin = rows.data_ptr<float>() + place * table->dim();
    return {begin, begin + table->dim()};
  }
  // By hand: embeddings of the files, each scaled to length 1, summed, scaled again.
  static std::vector<double> mean_of(std::int64_t identity, std::size_t most = 1000) {
    const FaceDataset& data = second_data_->dataset;
    std::vector<std::string> paths;
    for (std::int64_t sample = 0; sample < data.num_samples(); ++sample) {
      if (data.identity_of(sample) == identity && paths.size() < most)
        paths.push_back(data.photos->photo_name(sample));
    }
    const auto network = load_model(model_);
    const EmbeddingMatrix rows = embed_files(*network, images(), paths, EmbedOptions());
    const auto dim = static_cast<std::size_t>(rows.dim);
    const auto scale = [](std::vector<double>& values) {
      double squares = 0;
      for (const double value : values) squares += value * value;
      for (double& value : values) value /= std::sqrt(squares);
    };
    std::vector<double> sum(dim);
    for (std::size_t r = 0; r < paths.size(); ++r) {
      std::vector<double> one(rows.values.begin() + static_cast<std::ptrdiff_t>(r * dim),
                              rows.values.begin() + static_cast<std::ptrdiff_t>((r + 1) * dim));
      scale(one);
      for (std::size_t d = 0; d < dim; ++d) sum[d] += one[d];
    }
    scale(sum);
    return sum;
  }
  static void expect_mean(const NamedArrays& state, std::int64_t identity, std::size_t most = 1000) {
    const std::vector<float> got = row(state, identity);
    const std::vector<double> expected = mean_of(identity, most);
    for (std::size_t d = 0; d < got.size(); ++d)
      EXPECT_NEAR(got[d], expected[d], 2e-5) << identity << " " << d;
  }
  static void expect_first_network(const NamedArrays& state) {
    int compared = 0;
    for (auto item = first_->arrays.lower_bound("backbone."); item->first.rfind("backbone.", 0) == 0;
         ++item, ++compared) {
      EXPECT_TRUE(state.at(item->first).bytes == item->second.bytes) << item->first;
    }
    EXPECT_GT(compared, 10);
  }

  static inline test::TempDir* dir_ = nullptr;
  static inline TrainingData *first_data_ = nullptr, *second_data_ = nullptr;
  static inline NamedArrays* first_ = nullptr;
  static inline std::string checkpoint_, model_;
};

TEST_F(WarmStartTest, KnownPeopleKeepTheirPrototypeAndMarginAndStrangersStartAtTheirMean) {
  const RunConfig c = second({"start.from=" + checkpoint_});
  const FaceDataset& data = second_data_->dataset;
  Trainer trainer(c, data);
  const WarmStart start = warm_start(c, data, trainer);
  EXPECT_EQ(start.carried, 8);
  EXPECT_EQ(start.from_means, 8);
  EXPECT_EQ(start.random, 0);
  EXPECT_EQ(start.left_behind, 16);
  const NamedArrays state = trainer.save();
  expect_first_network(state);
  const auto margins = state.get<double>("head.margins"), first_margins = first_->get<double>("head.margins");
  const auto names = get_identity_names(*first_);
  for (std::int64_t identity = 0; identity < data.num_identities(); ++identity) {
    const std::string name = data.photos->identity_name(identity);
    SCOPED_TRACE(name);
    if (is_stranger(name)) {
      expect_mean(state, identity);
      EXPECT_EQ(margins[static_cast<std::size_t>(identity)], c.head.margin_init);
    } else {
      EXPECT_EQ(row(state, identity), first_row(name)) << "not the same bits";
      const auto place =
          static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
      EXPECT_EQ(margins[static_cast<std::size_t>(identity)], first_margins[place]);
    }
  }
  for (const float velocity : state.get<float>("prototypes.velocity")) ASSERT_EQ(velocity, 0.0F);
  EXPECT_EQ(trainer.steps_done(), 0);
  EXPECT_TRUE(std::isfinite(trainer.step().loss));
}

TEST_F(WarmStartTest, AModelFileGivesTheNetworkAndAllStartAtTheirMeans) {
  const RunConfig c = second({"start.from=" + model_, "start.images_per_identity=2"});
  Trainer trainer(c, second_data_->dataset);
  const WarmStart start = warm_start(c, second_data_->dataset, trainer);
  EXPECT_EQ(start.carried, 0);
  EXPECT_EQ(start.from_means, 16);
  const NamedArrays state = trainer.save();
  expect_first_network(state);
  for (std::int64_t identity = 0; identity < 16; ++identity) expect_mean(state, identity, 2);
}

TEST_F(WarmStartTest, PrototypesMayStartAtMeansOrAtRandomInstead) {
  const FaceDataset& data = second_data_->dataset;
  {
    const RunConfig c = second({"start.from=" + checkpoint_, "start.prototypes=mean"});
    Trainer trainer(c, data);
    EXPECT_EQ(warm_start(c, data, trainer).from_means, 16);
    const NamedArrays state = trainer.save();
    for (std::int64_t identity = 0; identity < 16; ++identity) expect_mean(state, identity);
  }
  const RunConfig c = second({"start.from=" + checkpoint_, "start.prototypes=random"});
  Trainer trainer(c, data), fresh(c, data);
  EXPECT_EQ(warm_start(c, data, trainer).random, 16);
  const NamedArrays state = trainer.save();
  EXPECT_TRUE(state.at("prototypes.weight").bytes == fresh.save().at("prototypes.weight").bytes);
  expect_first_network(state);
}

// With the same people and all of them carried over the first loss is that of the old run's network and
// prototypes on the first batch of the new one.
TEST_F(WarmStartTest, ItsFirstLossIsThatOfTheRunItStartsFrom) {
  const std::vector<std::string> plain = {"sampler.kind=shuffle", "mining.kind=all", "head.kind=softmax"};
  Trainer first(config(plain), first_data_->dataset);
  for (int i = 0; i < 10; ++i) first.step();
  NamedArrays state = first.save();
  put_identity_names(first_data_->dataset, state);
  state.metadata["config"] = to_toml(config(plain));
  const test::TempDir dir;
  const std::string path = CheckpointFolder(dir.path(), KeepRule()).write(10, state, {});

  std::vector<std::string> with_start = plain;
  with_start.push_back("start.from=" + path);
  Trainer warm(config(with_start), first_data_->dataset);
  EXPECT_EQ(warm_start(config(with_start), first_data_->dataset, warm).carried, 24);
  Trainer cold(config(plain), first_data_->dataset);
  const NamedArrays at_start = cold.save();
  for (const char* name : {"sampler.", "loader.", "train.step", "torch.generator"}) {
    for (const auto& [own, array] : at_start.arrays) {
      if (own.rfind(name, 0) == 0) state.arrays[own] = array;
    }
  }
  state.own_all();
  Trainer expected(config(plain), first_data_->dataset);
  expected.restore(state);
  const double warm_loss = warm.step().loss;
  EXPECT_EQ(warm_loss, expected.step().loss);
  EXPECT_LT(warm_loss, 0.9 * cold.step().loss);
}

TEST_F(WarmStartTest, APersonWithoutAReadablePhotoStartsAtRandomOrIsAnError) {
  dir_->write("faces/train/images/broken/x.jpg", "no picture");
  const std::string list = dir_->write("broken.tsv", read_text_file(dir_->file("list.tsv")) + "broken/x.jpg\tnobody\n");
  const std::vector<std::string> more = {"start.from=" + checkpoint_, "data.list=" + list, "data.max_bad_share=1"};
  std::vector<std::string> skipping = more;
  skipping.push_back("data.on_bad_image=skip");
  const TrainingData data = open_training_data(second(skipping), dir_->path(), 1);
  Trainer trainer(second(skipping), data.dataset), fresh(second(skipping), data.dataset);
  const WarmStart start = warm_start(second(skipping), data.dataset, trainer);
  EXPECT_EQ(start.random, 1);
  EXPECT_EQ(start.from_means, 8);
  for (std::int64_t identity = 0; identity < data.dataset.num_identities(); ++identity) {
    if (data.dataset.photos->identity_name(identity) != "nobody") continue;
    EXPECT_EQ(row(trainer.save(), identity), row(fresh.save(), identity));
  }

  Trainer strict(second(more), data.dataset);
  const auto start_strictly = [&] { warm_start(second(more), data.dataset, strict); };
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, start_strictly), HasSubstr("broken/x.jpg"));
}

TEST_F(WarmStartTest, TheGeneratorIsThatOfARunWithoutAStart) {
  const RunConfig c = second({"start.from=" + checkpoint_});
  Trainer cold(second(), second_data_->dataset);
  NamedArrays expected = cold.save();
  expected.own_all();
  Trainer trainer(c, second_data_->dataset);
  warm_start(c, second_data_->dataset, trainer);
  const NamedArrays state = trainer.save();
  for (const char* name : {"torch.generator", "sampler.random", "sampler.weight_codes"}) {
    EXPECT_TRUE(state.at(name).bytes == expected.at(name).bytes) << name;
  }
}

TEST_F(WarmStartTest, AnotherNetworkIsRefusedByTheNamesOfItsOptions) {
  for (const std::string& from : {checkpoint_, model_}) {
    const RunConfig c = second({"start.from=" + from, "backbone.width=24", "backbone.embedding_dim=32"});
    Trainer trainer(c, second_data_->dataset);
    const std::string message =
        test::error_of(ErrorKind::kUsage, [&] { warm_start(c, second_data_->dataset, trainer); });
    EXPECT_THAT(message, HasSubstr("backbone.width = 16 (not 24)"));
    EXPECT_THAT(message, HasSubstr("backbone.embedding_dim = 64 (not 32)"));
    EXPECT_THAT(message, HasSubstr(from));
  }
}

TEST_F(WarmStartTest, FilesThatCannotBeUsedAreNamed) {
  const auto refused = [&](ErrorKind kind, const std::string& path) {
    const RunConfig c = second({"start.from=" + path});
    Trainer trainer(c, second_data_->dataset);
    const std::string message = test::error_of(kind, [&] { warm_start(c, second_data_->dataset, trainer); });
    EXPECT_THAT(message, HasSubstr(path));
  };
  refused(ErrorKind::kIo, dir_->file("not_there"));
  refused(ErrorKind::kFormat, dir_->write("text", "not a safetensors file"));
  NamedArrays other;
  other.put<float>("x", {1});
  write_safetensors(dir_->file("other"), other);
  refused(ErrorKind::kFormat, dir_->file("other"));
  std::string damaged = read_text_file(checkpoint_);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 4);
  refused(ErrorKind::kFormat, dir_->write("damaged", damaged));
}

}  // namespace
}  // namespace aface
