// Forward and backward of the networks in training mode, channels last, float32. Arguments: batch, threads.
// Set MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456, as the program
// does for itself: else each step maps and unmaps its big tensors.
#include <benchmark/benchmark.h>
#include <torch/utils.h>

#include <string>

#include "aface/nn/backbone.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

void forward_backward(benchmark::State& state, const std::string& kind, std::int64_t size) {
  set_torch_threads(static_cast<int>(state.range(1)));
  BackboneOptions options;
  options.kind = kind;
  options.input_size = size;
  options.width = 24;
  const auto net = make_backbone(options);
  to_channels_last(*net);
  const std::int64_t batch = state.range(0);
  const torch::Tensor chips = torch::rand({batch, 3, size, size}).contiguous(at::MemoryFormat::ChannelsLast);
  const torch::Tensor direction = torch::randn({batch, options.embedding_dim});
  for (auto _ : state) net->forward(chips).backward(direction);
  state.SetItemsProcessed(state.iterations() * batch);
}

BENCHMARK_CAPTURE(forward_backward, iresnet18_112, std::string("iresnet18"), 112)->Args({32, 2})->UseRealTime();
BENCHMARK_CAPTURE(forward_backward, mobilefacenet_112, std::string("mobilefacenet"), 112)->Args({32, 2})->UseRealTime();
BENCHMARK_CAPTURE(forward_backward, small_resnet_64, std::string("small_resnet"), 64)->Args({64, 2})->UseRealTime();

}  // namespace
}  // namespace aface
