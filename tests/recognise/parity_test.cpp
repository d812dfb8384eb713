#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "aface/engine/engine.h"
#include "aface/graph/graph.h"
#include "tests/recognise/networks.h"

namespace aface {
namespace {

using test::arrays_of;
using test::used_network;

double inner(const float* a, const float* b, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double cosine(const float* a, const float* b, std::int64_t dim) {
  return inner(a, b, dim) / std::sqrt(inner(a, a, dim) * inner(b, b, dim));
}

torch::Tensor forward(Backbone& net, const torch::Tensor& chips) {
  const torch::NoGradGuard no_grad;
  return net.forward(chips).contiguous();
}

struct Case {
  std::string kind;
  std::int64_t size, dim, width;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.kind; }

class Parity : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(
    Backbones, Parity,
    ::testing::Values(Case{"iresnet18", 112, 512, 8}, Case{"iresnet34", 32, 64, 8},
                      Case{"iresnet50", 48, 32, 8}, Case{"iresnet100", 32, 24, 8},
                      Case{"mobilefacenet", 112, 512, 8}, Case{"mobilefacenet", 48, 30, 8},
                      Case{"small_resnet", 112, 128, 32}, Case{"small_resnet", 64, 24, 6},
                      Case{"tiny_cnn", 64, 24, 5}, Case{"tiny_cnn", 16, 6, 4}),
    [](const auto& info) {
      return info.param.kind + "_" + std::to_string(info.param.size) + "_" + std::to_string(info.param.width);
    });

TEST_P(Parity, TheEngineGivesWhatTheNetworkGives) {
  const Case& c = GetParam();
  const auto net = used_network(c.kind, c.size, c.dim, c.width);
  const torch::Tensor chips = torch::rand({11, 3, c.size, c.size}) * 2 - 1;
  const torch::Tensor expected = forward(*net, chips);
  for (const int threads : {1, 2}) {
    const Engine engine(make_graph(net->options(), arrays_of(*net)), threads);
    ASSERT_EQ(engine.dim(), c.dim);
    for (const std::int64_t count : {1, 11}) {  // 11: pieces of 8, 2 and 1, or 4, 4, 2 and 1
      std::vector<float> rows(static_cast<std::size_t>(count * c.dim), NAN);
      engine.run(chips.data_ptr<float>(), count, rows.data());
      std::fill(rows.begin(), rows.end(), NAN);
      engine.run(chips.data_ptr<float>(), count,
                 rows.data());  // by other threads than those that made the plans
      for (std::int64_t i = 0; i < count; ++i) {
        const float* wanted = expected.data_ptr<float>() + i * c.dim;
        EXPECT_GT(cosine(rows.data() + i * c.dim, wanted, c.dim), 1 - 1e-7) << "chip " << i;
        const double length = torch::norm(expected[i]).item<double>();
        EXPECT_NEAR(std::sqrt(inner(rows.data() + i * c.dim, rows.data() + i * c.dim, c.dim)), length,
                    1e-3 * length);
      }
    }
  }
}

TEST(Engine, ManyCallersGetWhatOneGets) {
  const auto net = used_network("mobilefacenet", 32, 16);
  const Engine engine(make_graph(net->options(), arrays_of(*net)), 2);
  const torch::Tensor chips = torch::rand({8, 3, 32, 32}) * 2 - 1;
  std::vector<float> alone(8 * 16);
  engine.run(chips.data_ptr<float>(), 8, alone.data());
  std::vector<std::vector<float>> rows(4, std::vector<float>(8 * 16));
  std::vector<std::thread> callers;
  for (auto& out : rows) {
    callers.emplace_back([&] {
      for (int i = 0; i < 5; ++i) engine.run(chips.data_ptr<float>(), 8, out.data());
    });
  }
  for (auto& caller : callers) caller.join();
  for (const auto& out : rows) EXPECT_EQ(out, alone);
}

}  // namespace
}  // namespace aface
