#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "aface/core/file.h"
#include "aface/image/align.h"
#include "aface/io/safetensors.h"
#include "aface/model/model_file.h"
#include "aface/recognise/model_writer.h"
#include "aface/recognise/recogniser.h"
#include "tests/recognise/networks.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::arrays_of;
using test::error_of;
using test::used_network;
using ::testing::HasSubstr;

class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    net_ = used_network("tiny_cnn", 32, 12);
    card_ = card_for(net_->options());
    card_.recipe = "by hand";
    card_.data_fingerprint = "3-9-abc";
    card_.calibration = {"nine pairs", 4, 5, {{0.1, 0.25, 0.75}, {0.01, 0.5, 0.5}}};
    path_ = folder_.file("m.safetensors");
    write_whole_model(path_, arrays_of(*net_), card_);
  }

  // The file with something changed, its digest as it was.
  template <class Change>
  std::string changed(const Change& change) {
    NamedArrays file = read_safetensors(path_);
    file.own_all();
    change(file);
    write_safetensors(folder_.file("changed"), file);
    return folder_.file("changed");
  }

  std::string refusal(const std::string& path) {
    return error_of(ErrorKind::kFormat, [&] { Recogniser::open(path); });
  }

  test::TempDir folder_;
  std::shared_ptr<Backbone> net_;
  ModelCard card_;
  std::string path_;
};

Image noise_chip(int size, unsigned seed) {
  Image chip(size, size);
  for (auto& value : chip.pixels)
    value = static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
  return chip;
}

TEST_F(ModelTest, TheWholeCardComesBack) {
  const Recogniser recogniser = Recogniser::open(path_);
  const ModelCard& card = recogniser.card();
  EXPECT_EQ(card.network.kind, "tiny_cnn");
  EXPECT_EQ(card.input_size(), 32);
  EXPECT_EQ(card.dim(), 12);
  EXPECT_EQ(recogniser.dim(), 12);
  EXPECT_EQ(card.colour, ColourOrder::kRgb);
  EXPECT_EQ(card.mean, (std::array<double, 3>{127.5, 127.5, 127.5}));
  EXPECT_EQ(card.flip, FlipRule::kSum);
  EXPECT_EQ(card.alignment[0].x, chip_template(32)[0].x);
  EXPECT_EQ(card.recipe, "by hand");
  EXPECT_EQ(card.data_fingerprint, "3-9-abc");
  EXPECT_EQ(card.calibration.measured_on, "nine pairs");
  EXPECT_EQ(card.calibration.impostor, 5);
  EXPECT_EQ(threshold_at(card, 0.01).threshold, 0.5);
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { threshold_at(card, 0.001); }),
              HasSubstr("but for 0.1, 0.01"));
  EXPECT_EQ(recogniser.digest().size(), 64u);
}

TEST_F(ModelTest, EmbeddingsAreThoseOfTheNetworkByTheFlipRule) {
  const std::vector<Image> chips = {noise_chip(32, 1), noise_chip(32, 2), noise_chip(32, 3)};
  std::vector<float> rows(3 * 12);
  Recogniser::open(path_).embed(chips, rows.data());
  for (std::size_t i = 0; i < chips.size(); ++i) {
    torch::Tensor x = torch::empty({1, 3, 32, 32});
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 32; ++y) {
        for (int column = 0; column < 32; ++column)
          x[0][c][y][column] = (chips[i].at(column, y)[c] - 127.5) / 127.5;
      }
    }
    const torch::NoGradGuard no_grad;
    const torch::Tensor sum = (net_->forward(x) + net_->forward(x.flip({3})))[0];
    const torch::Tensor expected = (sum / sum.norm()).contiguous();
    for (int k = 0; k < 12; ++k)
      EXPECT_NEAR(rows[i * 12 + static_cast<std::size_t>(k)], expected[k].item<float>(), 1e-5);
  }
}

TEST_F(ModelTest, ColourOrderScaleAndFlipRuleAreObeyed) {
  const Image chip = noise_chip(32, 7);
  Image swapped = chip;
  for (std::size_t i = 0; i < chip.pixels.size(); i += 3) std::swap(swapped.pixels[i], swapped.pixels[i + 2]);
  std::vector<float> rgb(12), bgr(12), other(12);
  Recogniser::open(path_).embed(Span<const Image>(&chip, 1), rgb.data());

  ModelCard card = card_;
  card.colour = ColourOrder::kBgr;
  write_whole_model(folder_.file("bgr"), arrays_of(*net_), card);
  Recogniser::open(folder_.file("bgr")).embed(Span<const Image>(&swapped, 1), bgr.data());
  EXPECT_EQ(rgb, bgr);

  card = card_;
  card.flip = FlipRule::kNone;
  write_whole_model(folder_.file("one"), arrays_of(*net_), card);
  Recogniser::open(folder_.file("one")).embed(Span<const Image>(&chip, 1), other.data());
  EXPECT_NE(rgb, other);

  card = card_;
  card.scale = {255, 255, 255};
  write_whole_model(folder_.file("scale"), arrays_of(*net_), card);
  Recogniser::open(folder_.file("scale")).embed(Span<const Image>(&chip, 1), other.data());
  EXPECT_NE(rgb, other);
}

TEST_F(ModelTest, ChangedWeightsMetadataAndReferenceAreRefused) {
  EXPECT_THAT(refusal(changed([](NamedArrays& file) {
                auto bytes = file.arrays.at("conv2.weight").bytes.to_vector();
                bytes[100] ^= 1;
                file.arrays.at("conv2.weight").bytes = bytes;
              })),
              HasSubstr("the digest does not fit"));
  EXPECT_THAT(refusal(changed([](NamedArrays& file) {
                std::string& card = file.metadata.at("card");
                card.replace(card.find("RGB"), 3, "BGR");
              })),
              HasSubstr("the digest does not fit"));
  EXPECT_THAT(refusal(changed([](NamedArrays& file) { file.metadata["note"] = "hello"; })),
              HasSubstr("the digest does not fit"));
  EXPECT_THAT(refusal(changed([](NamedArrays& file) {
                std::vector<float> row = file.get<float>("reference.embedding");
                row[3] += 0.1F;
                file.put("reference.embedding", row);
              })),
              HasSubstr("the digest does not fit"));
  // The training side looks at the digest too.
  error_of(ErrorKind::kFormat,
           [&] { load_model(changed([](NamedArrays& file) { file.metadata["note"] = "x"; })); });
}

TEST_F(ModelTest, ANetworkThatDoesNotGiveTheReferenceIsRefusedThoughItsDigestFits) {
  Model model = read_model(path_);
  model.reference_embedding[0] += 0.01F;
  write_model(folder_.file("wrong"), model);
  EXPECT_THAT(refusal(folder_.file("wrong")), HasSubstr("does not give the reference embedding"));
  EXPECT_THAT(refusal(folder_.file("wrong")), HasSubstr(folder_.file("wrong")));
  // Other rounding is no reason.
  model = read_model(path_);
  model.reference_embedding[0] += 1e-5F;
  write_model(folder_.file("rounded"), model);
  Recogniser::open(folder_.file("rounded"));
}

TEST_F(ModelTest, AnotherLayoutOfTheFileHasTheSameDigest) {
  NamedArrays file = read_safetensors(path_);
  write_safetensors(folder_.file("again"), file, FileChecksum::kNone);
  EXPECT_EQ(read_model(folder_.file("again")).digest, read_model(path_).digest);
}

TEST_F(ModelTest, NewThresholdsChangeTheFilesDigestAndNotThatOfEmbeddings) {
  Model model = read_model(path_);
  const std::string digest = model.digest, embedding_digest = model.embedding_digest;
  model.card.calibration = {};
  write_model(folder_.file("new"), model);
  EXPECT_NE(read_model(folder_.file("new")).digest, digest);
  EXPECT_EQ(read_model(folder_.file("new")).embedding_digest, embedding_digest);
  EXPECT_EQ(Recogniser::open(folder_.file("new")).digest(), embedding_digest);
  model.card.flip = FlipRule::kNone;
  write_model(folder_.file("new"), model);
  EXPECT_NE(read_model(folder_.file("new")).embedding_digest, embedding_digest);
}

TEST_F(ModelTest, OldFilesAreReadForTrainingAndRefusedForUseWithTheMend) {
  const std::string old = folder_.file("old");
  save_model(old, *net_);
  EXPECT_EQ(load_model(old)->options().embedding_dim, 12);
  const std::string message = refusal(old);
  EXPECT_THAT(message, HasSubstr("card (colour order"));
  EXPECT_THAT(message, HasSubstr("reference chip"));
  EXPECT_THAT(message, HasSubstr("model upgrade"));
  EXPECT_EQ(missing_parts(old).size(), 3u);
  EXPECT_TRUE(missing_parts(path_).empty());
  EXPECT_EQ(load_model(path_)->options().embedding_dim, 12);  // and the new ones as well
}

TEST_F(ModelTest, BadCardsAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "no JSON object"},
      {R"({"colour_order": "GBR", "flip": "sum"})", "expected RGB or BGR"},
      {R"({"colour_order": "RGB", "flip": "twice"})", "expected sum or none"},
      {R"({"colour_order": "RGB", "flip": "sum"})", "'mean' is missing"},
      {R"({"colour_order": "RGB", "flip": "sum", "mean": [1, 2]})", "'mean' is no list of 3"},
      {R"({"colour_order": "RGB", "flip": "sum", "mean": [1, 2, "3"]})", "'mean' is no number"},
      {R"({"colour_order": "RGB", "flip": "sum", "mean": [1, 2, 3], "scale": [1, 0, 1]})",
       "'scale' must be above 0"},
      {R"({"colour_order": "RGB", "flip": "sum", "mean": [1, 2, 3], "scale": [1, 1, 1], "alignment": [[1, 2]]})",
       "'alignment' is no list of 5"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(error_of(ErrorKind::kFormat, [&, json = text] { parse_card(card_.network, json); }),
                HasSubstr(words));
  }
}

TEST_F(ModelTest, BadNetworksAreNamedInOneLineAndAreTheFilesFault) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"kind": "tiny\ncnn"})", "tiny?cnn"},
      {R"({"ki\nnd": 1})", "unknown option 'ki?nd'"},
      {R"({"embedding_dim": "8"})", "'embedding_dim' has the wrong type"},
      {R"({"embedding_dim": 18446744073709551615})", "embedding_dim"},
      {R"({"input_size": 33})", "multiple of 16"},
  };
  for (const auto& [text, words] : cases) {
    const std::string message = error_of(ErrorKind::kFormat, [json = text] { parse_network(json); });
    EXPECT_THAT(message, HasSubstr(words));
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST_F(ModelTest, TruncatedFilesAreRefused) {
  const std::string whole = read_text_file(path_);
  for (std::size_t size = 0; size < whole.size(); size += 1999) {
    folder_.write("cut", whole.substr(0, size));
    refusal(folder_.file("cut"));
  }
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { Recogniser::open(folder_.file("none")); }), HasSubstr("none"));
}

TEST_F(ModelTest, ChipsOfAnotherSizeAreRefusedByName) {
  const Recogniser recogniser = Recogniser::open(path_);
  const std::vector<Image> chips = {noise_chip(32, 1), noise_chip(48, 1)};
  std::vector<float> rows(2 * 12);
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { recogniser.embed(chips, rows.data()); }),
              HasSubstr("chip 1 is 48 x 48 pixels (expected 32 x 32"));
}

TEST_F(ModelTest, ArraysOfAnotherNetworkAreNamed) {
  NamedArrays arrays = arrays_of(*net_);
  arrays.put<float>("stranger", {1});
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { write_whole_model(folder_.file("x"), arrays, card_); }),
              HasSubstr("stranger"));
  arrays = arrays_of(*net_);
  arrays.arrays.erase("bn3.running_var");
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { write_whole_model(folder_.file("x"), arrays, card_); }),
              HasSubstr("bn3.running_var"));
  arrays = arrays_of(*net_);
  std::vector<float> weight = arrays.get<float>("conv1.weight");
  weight[5] = NAN;
  arrays.put("conv1.weight", weight, arrays.at("conv1.weight").shape);
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { write_whole_model(folder_.file("x"), arrays, card_); }),
              HasSubstr("not finite"));
  EXPECT_FALSE(file_exists(folder_.file("x")));
}

}  // namespace
}  // namespace aface
