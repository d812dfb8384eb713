#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "aface/core/file.h"
#include "aface/onnx_export/onnx_file.h"
#include "aface/onnx_export/opencv_network.h"
#include "aface/quantise/eight_bits.h"
#include "aface/recognise/model_writer.h"
#include "tests/recognise/networks.h"
#include "tests/support/plain_graph.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::arrays_of;
using test::used_network;
using ::testing::HasSubstr;

using Values = std::vector<double>;

double of_code(const ValueCode& code) { return code.scale * code.scale / 12; }

// The variance of what a graph in eight bits is off by, for one chip: rounding to a step adds step^2 / 12,
// whatever else is rounded; layers and slopes carry it on.
class PredictedError {
 public:
  PredictedError(const Graph& graph, const EightBits& bits) : graph_(graph), bits_(bits) {}

  Values of_last(const Values& chip) {
    const std::vector<Values> values = test::plain_graph(graph_, chip);
    std::vector<Values> errors;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const int input = graph_.nodes[i].inputs[0];
      if (input == Node::kChips) {  // in float
        errors.emplace_back(values[i].size());
        continue;
      }
      const Values &x = values[at(input)], &error = errors[at(input)];
      const Operation operation = graph_.nodes[i].operation;
      const bool is_layer = operation == Operation::kConvolution || operation == Operation::kFullyConnected;
      errors.push_back(is_layer ? of_layer(i, x, error) : of_others(i, x, error));
      if (operation == Operation::kAdd) add(errors[at(graph_.nodes[i].inputs[1])], errors[i]);
    }
    return errors.back();
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static void add(const Values& more, Values& sum) {
    std::transform(sum.begin(), sum.end(), more.begin(), sum.begin(), std::plus<>());
  }

  // Whether a layer gives its codes, so that nothing more is rounded.
  bool is_coded(int i) const {
    const Node& node = graph_.nodes[at(i)];
    if (bits_.layers[at(i)]) return true;
    return node.operation == Operation::kRelu && bits_.layers[at(node.inputs[0])];
  }

  Values of_layer(std::size_t i, Values x, Values error) const {
    const Node& node = graph_.nodes[i];
    const std::optional<LayerCode>& code = bits_.layers[i];
    const int input = node.inputs[0];
    const std::int64_t channels = graph_.channels_of(input), side = graph_.side_of(input);
    if (code && !is_coded(input)) add(Values(error.size(), of_code(*bits_.values[at(input)])), error);
    Values squares;
    for (const float weight : node.weight) squares.push_back(std::pow(weight, 2));
    const Values none(node.bias.size());
    Values out = test::plain_layer(node, channels, side, error, squares, none);
    if (!code) return out;
    const std::size_t row = node.weight.size() / node.bias.size();
    Values of_weights;
    for (std::size_t k = 0; k < node.weight.size(); ++k)
      of_weights.push_back(std::pow(code->weight_scale[k / row], 2) / 12);
    for (double& value : x) value *= value;
    add(test::plain_layer(node, channels, side, x, of_weights, none), out);
    add(Values(out.size(), of_code(*bits_.values[i])), out);
    return out;
  }

  Values of_others(std::size_t i, const Values& x, Values error) const {
    const Node& node = graph_.nodes[i];
    for (std::size_t k = 0; k < error.size(); ++k) {
      const std::size_t c = k / static_cast<std::size_t>(node.side * node.side);
      double slope = 1;
      if (node.operation == Operation::kScaleShift) slope = node.weight[c];
      if (node.operation == Operation::kPRelu && x[k] < 0) slope = node.weight[c];
      if (node.operation == Operation::kRelu && x[k] < 0) slope = 0;
      error[k] *= slope * slope;
    }
    return error;
  }

  const Graph& graph_;
  const EightBits& bits_;
};

EightBits quantised_by(const Graph& graph, const std::vector<float>& chips, std::int64_t count,
                       RangeRule rule) {
  Activations activations(graph, 1);
  std::vector<float> rows(static_cast<std::size_t>(count * graph.nodes.back().channels));
  activations.add(chips.data(), count, rows.data());
  return quantise(graph, activations, rule);
}

Values through_opencv(const std::string& path, const Graph& graph, const std::vector<float>& chips,
                      std::int64_t count) {
  const std::int64_t dim = graph.nodes.back().channels;
  std::vector<float> rows(static_cast<std::size_t>(count * dim));
  OpenCvNetwork(path).run(chips.data(), count, graph.input_size, rows.data(), dim);
  return {rows.begin(), rows.end()};
}

// A small network, from its nodes to what another program makes of its file.
class InEightBits : public ::testing::Test {
 protected:
  static constexpr std::int64_t kChips = 6;
  test::RandomGraph g_{8};

  // Errors of all outputs for all chips, and what they are predicted to be as standard deviations.
  void run() {
    const Graph& graph = g_.graph();
    const std::int64_t chip_values = 3 * graph.input_size * graph.input_size;
    const std::vector<float> chips = g_.draw(kChips * chip_values, 1);
    bits_ = quantised_by(graph, chips, kChips, RangeRule::kAll);
    const test::TempDir folder;
    Model model;
    model.card = card_for({});
    write_onnx(folder.file("m.onnx"), graph, model, &bits_);
    const Values theirs = through_opencv(folder.file("m.onnx"), graph, chips, kChips);
    for (std::int64_t i = 0; i < kChips; ++i) {
      const Values chip(chips.begin() + i * chip_values, chips.begin() + (i + 1) * chip_values);
      const std::vector<Values> values = test::plain_graph(graph, chip);
      const Values &exact = values.back(), variance = PredictedError(graph, bits_).of_last(chip);
      before_last_.push_back(values[values.size() - 2]);
      for (std::size_t k = 0; k < exact.size(); ++k) {
        errors_.push_back(theirs[errors_.size()] - exact[k]);
        predicted_.push_back(std::sqrt(variance[k]));
        sizes_.push_back(std::abs(exact[k]));
      }
    }
  }

  static double root_mean_square(const Values& values) {
    double sum = 0;
    for (const double value : values) sum += value * value;
    return std::sqrt(sum / static_cast<double>(values.size()));
  }

  // No single one far beyond, and all of them together neither better nor worse than rounding makes them.
  void expect_as_predicted() {
    for (std::size_t k = 0; k < errors_.size(); ++k) EXPECT_LT(std::abs(errors_[k]), 5 * predicted_[k]) << k;
    EXPECT_GT(root_mean_square(errors_), 0.7 * root_mean_square(predicted_));
    EXPECT_LT(root_mean_square(errors_), 1.4 * root_mean_square(predicted_));
    EXPECT_LT(root_mean_square(predicted_), 0.05 * root_mean_square(sizes_)) << "nothing is left to predict";
  }

  EightBits bits_;
  std::vector<Values> before_last_;  // what goes into the last layer, by chip
  Values errors_, predicted_, sizes_;
};

TEST_F(InEightBits, OneLayerIsOffByWhatItsStepsMakeIt) {
  g_.fully_connected(g_.convolution(Node::kChips, 8, 2), 64);
  run();
  expect_as_predicted();
}

TEST_F(InEightBits, LayersWithReLUsBetweenAreOffByWhatTheirStepsMakeThem) {
  int x = g_.relu(g_.convolution(Node::kChips, 12));
  x = g_.relu(g_.convolution(x, 12));
  g_.fully_connected(g_.relu(g_.convolution(x, 16, 2)), 64);
  run();
  expect_as_predicted();
}

TEST_F(InEightBits, ScaledValuesPReLUsGroupsAndSumsAreOffByWhatTheirStepsMakeThem) {
  const int x = g_.prelu(g_.convolution(Node::kChips, 8));
  const int y = g_.convolution(g_.prelu(g_.convolution(g_.scale_shift(x), 8, 1, 4)), 8, 1, 8);
  g_.fully_connected(g_.relu(g_.add(y, x)), 64);
  run();
  expect_as_predicted();
}

// However unluckily the errors of one layer fall together: every input and the output half a step off.
TEST_F(InEightBits, OneLayerIsNeverFurtherOffThanHalfItsSteps) {
  const int before = g_.convolution(Node::kChips, 8, 2);
  g_.fully_connected(before, 64);
  run();
  const Node& node = g_.graph().nodes[1];
  const LayerCode& code = *bits_.layers[1];
  const double in_step = bits_.values[0]->scale, out_step = bits_.values[1]->scale;
  const std::size_t row = node.weight.size() / node.bias.size();
  constexpr double kHalf = 0.505;  // a little more, for what float rounds
  double bounds = 0, sizes = 0;
  for (std::size_t k = 0; k < errors_.size(); ++k) {
    const std::size_t c = k % node.bias.size(), chip = k / node.bias.size();
    const double weight_step = code.weight_scale[c];
    double bound = kHalf * (out_step + in_step * weight_step);
    for (std::size_t i = 0; i < row; ++i) {
      const double coded = code.weight[c * row + i] * weight_step;
      bound += kHalf * in_step * std::abs(coded) +
               std::abs(coded - node.weight[c * row + i]) * std::abs(before_last_[chip][i]);
    }
    EXPECT_LE(std::abs(errors_[k]), bound);
    bounds += bound;
    sizes += sizes_[k];
  }
  EXPECT_LT(bounds, 0.5 * sizes) << "a bound that lets pass anything shows nothing";
}

double cosine(const Values& a, const Values& b, std::size_t first, std::size_t dim) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = first; i < first + dim; ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

// The least cosine: what was measured with random weights and noise for chips, and some room. A file in which
// one zero point or scale is read wrongly is far below.
struct BackboneCase {
  std::string kind;
  double least;
};

class QuantisedBackbone : public ::testing::TestWithParam<BackboneCase> {};

INSTANTIATE_TEST_SUITE_P(Backbones, QuantisedBackbone,
                         ::testing::Values(BackboneCase{"tiny_cnn", 0.995},
                                           BackboneCase{"small_resnet", 0.98},
                                           BackboneCase{"mobilefacenet", 0.95},
                                           BackboneCase{"iresnet18", 0.98}),
                         [](const auto& info) { return info.param.kind; });

TEST_P(QuantisedBackbone, AnotherProgramGetsNearlyTheSameEmbeddingsForAnyNumberOfChips) {
  constexpr std::int64_t kCalibration = 16, kCount = 5, kDim = 24, kChip = 3 * 32 * 32;
  const test::TempDir folder;
  const auto net = used_network(GetParam().kind, 32, kDim);
  write_whole_model(folder.file("m.safetensors"), arrays_of(*net), card_for(net->options()));
  const Model model = read_model(folder.file("m.safetensors"));
  const Graph graph = make_graph(model.card.network, model.network);
  const auto drawn = [](std::int64_t count) {
    const torch::Tensor chips = torch::rand({count, 3, 32, 32}) * 2 - 1;
    return std::vector<float>(chips.data_ptr<float>(), chips.data_ptr<float>() + chips.numel());
  };
  const EightBits bits = quantised_by(graph, drawn(kCalibration), kCalibration, RangeRule::kLeastSquares);
  write_onnx(folder.file("f.onnx"), graph, model);
  write_onnx(folder.file("m.onnx"), graph, model, &bits);
  const std::vector<float> chips = drawn(kCount);  // others than those of the calibration
  const Values ours = through_opencv(folder.file("f.onnx"), graph, chips, kCount);
  for (const std::int64_t count : {kCount, std::int64_t{1}, std::int64_t{3}}) {
    const Values theirs =
        through_opencv(folder.file("m.onnx"), graph, {chips.begin(), chips.begin() + count * kChip}, count);
    for (std::int64_t i = 0; i < count; ++i) {
      const double value = cosine(ours, theirs, static_cast<std::size_t>(i * kDim), kDim);
      RecordProperty(std::to_string(i), std::to_string(value));
      EXPECT_GT(value, GetParam().least);
      EXPECT_LT(value, 1 - 1e-7) << "eight bits round";
    }
  }
  const std::string bytes = read_text_file(folder.file("m.onnx"));
  EXPECT_THAT(bytes, HasSubstr("int8"));
  EXPECT_LT(static_cast<double>(bytes.size()),
            0.5 * static_cast<double>(read_text_file(folder.file("f.onnx")).size()));
}

}  // namespace
}  // namespace aface
