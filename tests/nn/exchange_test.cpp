// Weights travel between this library and PyTorch: exchange/exchange.py defines the same nets with Python modules.
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <string>

#include "aface/io/safetensors.h"
#include "aface/nn/model_file.h"
#include "aface/tensor/tensor_arrays.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

TEST(Exchange, PyTorchAndWeGiveTheSameEmbeddingsFromEachOthersFiles) {
  test::TempDir folder;
  const auto python = [&](const std::string& task) {
    return test::run_program(AFACE_PYTHON, {AFACE_EXCHANGE_SCRIPT, task, folder.path()});
  };
  const test::RunResult made = python("make");
  if (made.exit_code == 77) GTEST_SKIP() << AFACE_PYTHON << " has no PyTorch (Debian: python3-torch)";
  ASSERT_EQ(made.exit_code, 0) << made.err;

  torch::NoGradGuard no_grad;
  for (const std::string name : {"iresnet18", "mobilefacenet", "small_resnet"}) {
    SCOPED_TRACE(name);
    BackboneOptions options;
    options.kind = name;
    options.input_size = 32;
    options.embedding_dim = 24;
    options.width = 8;
    const auto net = load_model(folder.file(name + ".weights"), options);
    net->eval();
    const NamedArrays io = read_safetensors(folder.file(name + ".io"));
    const torch::Tensor expected = to_tensor(io.at("embeddings"));
    const torch::Tensor got = net->forward(to_tensor(io.at("chips")));
    EXPECT_LT((got - expected).abs().max().item<float>(), 1e-4F);
    EXPECT_GT(expected.std().item<float>(), 0.1F);  // so 1e-4 means something
    save_model(folder.file(name + ".ours"), *net);
  }
  const test::RunResult checked = python("check");
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace aface
