#include "aface/onnx_export/onnx_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "aface/core/file.h"
#include "aface/engine/engine.h"
#include "aface/onnx_export/opencv_network.h"
#include "aface/recognise/model_writer.h"
#include "tests/recognise/networks.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::arrays_of;
using test::error_of;
using test::used_network;
using ::testing::HasSubstr;

double cosine(const float* a, const float* b, std::int64_t dim) {
  double ab = 0, aa = 0, bb = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

class Exported : public ::testing::TestWithParam<std::string> {
 protected:
  // A model file of a network and its ONNX file.
  Graph write(const std::string& kind) {
    const auto net = used_network(kind, 32, 24);
    write_whole_model(model_, arrays_of(*net), card_for(net->options()));
    const Model model = read_model(model_);
    Graph graph = make_graph(model.card.network, model.network);
    write_onnx(onnx_, graph, model);
    return graph;
  }
  test::TempDir folder_;
  const std::string model_ = folder_.file("m.safetensors"), onnx_ = folder_.file("m.onnx");
};

INSTANTIATE_TEST_SUITE_P(Backbones, Exported, ::testing::ValuesIn(backbone_names()),
                         [](const auto& info) { return info.param; });

TEST_P(Exported, AnotherProgramGetsTheSameEmbeddingsForAnyNumberOfChips) {
  const Engine engine(write(GetParam()), 1);
  const torch::Tensor chips = torch::rand({5, 3, 32, 32}) * 2 - 1;
  std::vector<float> ours(5 * 24);
  engine.run(chips.data_ptr<float>(), 5, ours.data());
  OpenCvNetwork network(onnx_);
  for (const std::int64_t count : {1, 5, 3}) {  // one after the other, by one reader
    std::vector<float> theirs(static_cast<std::size_t>(count * 24));
    network.run(chips.data_ptr<float>(), count, 32, theirs.data(), 24);
    for (std::int64_t i = 0; i < count; ++i)
      EXPECT_GT(cosine(ours.data() + i * 24, theirs.data() + i * 24, 24), 1 - 1e-6);
  }
}

TEST_F(Exported, TheFileSaysHowItIsUsed) {
  write("tiny_cnn");
  const std::string bytes = read_text_file(onnx_);
  const Model model = read_model(model_);
  for (const std::string& text :
       {std::string("colour_order"), std::string("RGB"), std::string("127.5 127.5 127.5"),
        card_json(model.card), model.digest, model.embedding_digest}) {
    EXPECT_THAT(bytes, HasSubstr(text));
  }
}

TEST_F(Exported, FilesThatAreNoneAndOutputsOfAnotherLengthAreRefused) {
  folder_.write("text.onnx", "this is no network");
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { OpenCvNetwork(folder_.file("text.onnx")); }),
              HasSubstr("text.onnx"));
  error_of(ErrorKind::kIo, [&] { OpenCvNetwork(folder_.file("none.onnx")); });
  write("tiny_cnn");
  OpenCvNetwork network(onnx_);
  const std::vector<float> chip(3 * 32 * 32, 0.5F);
  std::vector<float> row(48);
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { network.run(chip.data(), 1, 32, row.data(), 48); }),
              HasSubstr("24 numbers (expected 1 x 48)"));
  Node relu;
  relu.inputs = {Node::kChips};
  error_of(ErrorKind::kIo, [&] { write_onnx(folder_.file("no/folder.onnx"), Graph{32, {relu}}, Model{}); });
}

}  // namespace
}  // namespace aface
