// Latency of a network in use: our engine and OpenCV's DNN on the same exported file.
// bench/peers/inference_ort.py does the same for ONNX Runtime, bench/peers/compare_inference.sh all three in
// turns.
//   inference_bench make KIND MODEL ONNX              a network with random weights, 112 px, 512 numbers
//   inference_bench run ours|opencv FILE BATCH THREADS SECONDS     milliseconds a batch: median and fastest
#include <fmt/core.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <opencv2/core/utility.hpp>
#include <string>
#include <vector>

#include "aface/core/stopwatch.h"
#include "aface/engine/engine.h"
#include "aface/graph/graph.h"
#include "aface/model/model_file.h"
#include "aface/nn/backbone.h"
#include "aface/nn/model_file.h"
#include "aface/onnx_export/onnx_file.h"
#include "aface/onnx_export/opencv_network.h"
#include "aface/recognise/model_writer.h"

namespace aface {
namespace {

constexpr std::int64_t kSize = 112, kDim = 512;

void make(const std::string& kind, const std::string& model_path, const std::string& onnx) {
  torch::manual_seed(1);
  BackboneOptions options;
  options.kind = kind;
  const auto net = make_backbone(options);
  const torch::NoGradGuard no_grad;
  net->forward(torch::rand({2, 3, kSize, kSize}) * 2 - 1);
  NamedArrays arrays;
  save_module(*net, "", arrays);
  write_whole_model(model_path, arrays, card_for(options));
  const Model model = read_model(model_path);
  write_onnx(onnx, make_graph(model.card.network, model.network), model);
}

void run(const std::string& engine_name, const std::string& path, std::int64_t batch, int threads,
         double seconds) {
  std::vector<float> chips(static_cast<std::size_t>(batch * 3 * kSize * kSize)),
      rows(static_cast<std::size_t>(batch * kDim));
  for (std::size_t i = 0; i < chips.size(); ++i) chips[i] = static_cast<float>(i * 7919 % 256) / 127.5F - 1;
  std::function<void()> pass;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<OpenCvNetwork> opencv;
  if (engine_name == "ours") {
    const Model model = read_model(path);
    engine = std::make_unique<Engine>(make_graph(model.card.network, model.network), threads);
    pass = [&] { engine->run(chips.data(), batch, rows.data()); };
  } else {
    cv::setNumThreads(threads);
    opencv = std::make_unique<OpenCvNetwork>(path);
    pass = [&] { opencv->run(chips.data(), batch, kSize, rows.data(), kDim); };
  }
  for (int i = 0; i < 2; ++i) pass();
  std::vector<double> laps;
  Stopwatch watch;
  for (double sum = 0; sum < 1000 * seconds || laps.size() < 3; sum += laps.back()) {
    pass();
    laps.push_back(watch.lap_ms());
  }
  std::sort(laps.begin(), laps.end());
  fmt::print("{:<7} batch {:>2}, {} threads: {:9.2f} ms median, {:9.2f} fastest, {} runs\n", engine_name,
             batch, threads, laps[laps.size() / 2], laps[0], laps.size());
}

}  // namespace
}  // namespace aface

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && words[0] == "make") {
    aface::make(words[1], words[2], words[3]);
  } else if (words.size() == 6 && words[0] == "run") {
    aface::run(words[1], words[2], std::atoi(words[3].c_str()), std::atoi(words[4].c_str()),
               std::atof(words[5].c_str()));
  } else {
    fmt::print(stderr, "see the head of inference_bench.cpp\n");
    return 2;
  }
}
