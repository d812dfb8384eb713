#include "aface/head/tensor_prototypes.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 23, kDim = 6;

at::Tensor normal(Random& random, std::int64_t rows) {
  at::Tensor t = at::empty({rows, kDim}, at::kDouble);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = random.normal();
  return t;
}

std::vector<std::int64_t> draw_ids(Random& random, double share) {
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < kIdentities; ++id) {
    if (random.chance(id == 7 ? 0.01 : share)) ids.push_back(id);  // one identity is hardly ever active
  }
  if (ids.empty()) ids.push_back(random.below(kIdentities));
  return ids;
}

std::vector<std::int64_t> everyone() {
  std::vector<std::int64_t> ids(kIdentities);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

// Gives `rows` the gradient g by the loss (rows * g).sum().
void backward_with(const at::Tensor& rows, const at::Tensor& g) { (rows * g).sum().backward(); }

// One run of `steps` on the table, and the same on a dense matrix by the textbook loop.
class SparseAndDense {
 public:
  SparseAndDense(PrototypeOptions options, at::ScalarType type, std::uint64_t seed)
      : options_(options), random_(seed), table_(kIdentities, kDim, seed, options, at::kCPU, type) {
    weight_ = table_.rows().to(at::kDouble);
    velocity_ = at::zeros({kIdentities, kDim}, at::kDouble);
  }

  void run(int steps, double share) {
    for (int i = 0; i < steps; ++i) {
      const std::vector<std::int64_t> ids = share >= 1 ? everyone() : draw_ids(random_, share);
      const at::Tensor index = at::tensor(ids, at::kLong);
      const double rate = 0.2 * (1 + std::cos(0.3 * step_++)) / 2;
      const at::Tensor rows = table_.activate(ids);
      EXPECT_LT((rows.detach().to(at::kDouble) - weight_.index_select(0, index)).abs().max().item<double>(), tolerance_);
      const at::Tensor g = normal(random_, static_cast<std::int64_t>(ids.size()));
      backward_with(rows, g.to(rows.scalar_type()));
      table_.step(rate);

      at::Tensor full = at::zeros({kIdentities, kDim}, at::kDouble);
      full.index_copy_(0, index, g);
      velocity_ = velocity_ * options_.momentum + full + weight_ * options_.weight_decay;
      weight_ = weight_ - velocity_ * rate;
    }
  }

  double difference() { return (table_.rows().to(at::kDouble) - weight_).abs().max().item<double>(); }
  TensorPrototypes& table() { return table_; }
  void set_tolerance(double tolerance) { tolerance_ = tolerance; }

 private:
  PrototypeOptions options_;
  Random random_;
  TensorPrototypes table_;
  at::Tensor weight_, velocity_;
  int step_ = 0;
  double tolerance_ = 1e-12;
};

class TensorPrototypesTest : public ::testing::Test {
 protected:
  TensorPrototypesTest() { at::set_num_threads(1); }
};

TEST_F(TensorPrototypesTest, SparseRunEqualsDenseSgd) {
  for (const double momentum : {0.0, 0.9}) {
    for (const double decay : {0.0, 5e-4, 0.05}) {
      for (const double share : {0.1, 0.5, 1.0}) {
        PrototypeOptions options;
        options.momentum = momentum;
        options.weight_decay = decay;
        SparseAndDense both(options, at::kDouble, 5);
        both.run(150, share);
        EXPECT_LT(both.difference(), 1e-12) << momentum << ' ' << decay << ' ' << share;
        both.run(20, 1.0);  // from sparse to dense and back
        both.run(40, share);
        EXPECT_LT(both.difference(), 1e-12) << momentum << ' ' << decay << ' ' << share;
      }
    }
  }
}

TEST_F(TensorPrototypesTest, FloatTableStaysWithinFloatRounding) {
  SparseAndDense both(PrototypeOptions(), at::kFloat, 6);
  both.set_tolerance(2e-5);
  both.run(300, 0.2);
  EXPECT_LT(both.difference(), 2e-5);
}

TEST_F(TensorPrototypesTest, LookingAtTheTableDoesNotChangeTheRun) {
  SparseAndDense quiet(PrototypeOptions(), at::kDouble, 7), watched(PrototypeOptions(), at::kDouble, 7);
  for (int i = 0; i < 10; ++i) {
    quiet.run(7, 0.2);
    watched.run(7, 0.2);
    std::vector<float> units(kIdentities * kDim);
    watched.table().unit_rows(0, kIdentities, units.data());
    watched.table().activate(std::vector<std::int64_t>{3});
  }
  EXPECT_LT((quiet.table().rows() - watched.table().rows()).abs().max().item<double>(), 1e-13);
  EXPECT_EQ(quiet.table().stalest_age(), watched.table().stalest_age());
}

TEST_F(TensorPrototypesTest, RestoredRunGoesOnBitForBit) {
  SparseAndDense all(PrototypeOptions(), at::kFloat, 8);
  all.set_tolerance(1e-5);
  all.run(50, 0.2);
  NamedArrays state;
  all.table().save(state);
  TensorPrototypes resumed(kIdentities, kDim, 99, PrototypeOptions(), at::kCPU);
  resumed.restore(state);
  Random random(3);
  for (int i = 0; i < 30; ++i) {
    const std::vector<std::int64_t> ids = draw_ids(random, 0.2);
    const at::Tensor g = normal(random, static_cast<std::int64_t>(ids.size())).to(at::kFloat);
    for (TensorPrototypes* table : {&all.table(), &resumed}) {
      backward_with(table->activate(ids), g);
      table->step(0.05);
    }
  }
  EXPECT_EQ(resumed.stalest_age(), all.table().stalest_age());
  EXPECT_TRUE(resumed.rows().equal(all.table().rows()));
}

TEST_F(TensorPrototypesTest, UnfittingStateIsRefused) {
  TensorPrototypes table(kIdentities, kDim, 1, PrototypeOptions(), at::kCPU);
  NamedArrays good;
  table.save(good);
  const auto refused = [&](const std::function<void(NamedArrays&)>& damage) {
    NamedArrays state = good;
    damage(state);
    try {
      table.restore(state);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kFormat;
    }
    return false;
  };
  EXPECT_TRUE(refused([](NamedArrays& s) { s.arrays.erase("prototypes.velocity"); }));
  EXPECT_TRUE(refused([](NamedArrays& s) { s.arrays["prototypes.weight"].shape = {kDim, kIdentities}; }));
  EXPECT_TRUE(refused([](NamedArrays& s) { s.arrays["prototypes.weight"].type = DataType::kFloat64; }));
  EXPECT_TRUE(refused([](NamedArrays& s) { s.put_scalar<std::int64_t>("prototypes.steps", 9); }));
  EXPECT_FALSE(refused([](NamedArrays&) {}));
}

TEST_F(TensorPrototypesTest, AgesCountFromTheLastGradient) {
  TensorPrototypes table(3, kDim, 1, PrototypeOptions(), at::kCPU);
  EXPECT_EQ(table.share_never_active(), 1);
  const auto step_with = [&](std::vector<std::int64_t> ids) {
    table.activate(ids).sum().backward();
    table.step(0.1);
  };
  step_with({0, 1});
  step_with({1});
  EXPECT_EQ(table.stalest_age(), 2);  // identity 2, never active
  EXPECT_NEAR(table.share_never_active(), 1.0 / 3, 1e-15);
  step_with({1, 2});
  EXPECT_EQ(table.stalest_age(), 2);  // identity 0, active in the first of three steps
  EXPECT_EQ(table.share_never_active(), 0);
}

// The two tables start from the same draws, take the same steps and understand each other's states.
TEST_F(TensorPrototypesTest, FlatTableIsTheSame) {
  const auto flat = make_flat_prototypes(kIdentities, kDim, 4, PrototypeOptions());
  TensorPrototypes tensor(kIdentities, kDim, 4, PrototypeOptions(), at::kCPU);
  Random random(2);
  const auto expect_same = [&](double tolerance) {
    std::vector<float> a(kIdentities * kDim), b(a.size()), some(2 * kDim);
    flat->unit_rows(0, kIdentities, a.data());
    tensor.unit_rows(0, kIdentities, b.data());
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance);
    tensor.unit_rows(std::vector<std::int64_t>{2, 22}, some.data());
    EXPECT_TRUE(std::equal(some.begin(), some.begin() + kDim, b.begin() + 2 * kDim));
    EXPECT_TRUE(std::equal(some.begin() + kDim, some.end(), b.begin() + 22 * kDim));
  };
  expect_same(1e-7);
  const auto run = [&] {
    for (int i = 0; i < 60; ++i) {
      const std::vector<std::int64_t> ids = i % 20 == 10 ? everyone() : draw_ids(random, 0.2);
      const at::Tensor g = normal(random, static_cast<std::int64_t>(ids.size())).to(at::kFloat);
      const at::Tensor rows = flat->activate(ids);
      EXPECT_FALSE(rows.requires_grad());
      EXPECT_LT((rows - tensor.activate(ids).detach()).abs().max().item<double>(), 2e-5);
      flat->step(0.05, [&](std::size_t first, std::size_t count, float* out) {
        std::copy_n(g.data_ptr<float>() + first * kDim, count * kDim, out);
      });
      backward_with(tensor.activate(ids), g);
      tensor.step(0.05);
    }
  };
  run();
  expect_same(2e-5);
  NamedArrays state;
  flat->save(state);
  tensor.restore(state);
  expect_same(1e-6);
  run();
  tensor.save(state);
  flat->restore(state);
  expect_same(1e-6);
}

TEST_F(TensorPrototypesTest, WrongUseIsCaught) {
  TensorPrototypes table(kIdentities, kDim, 1, PrototypeOptions(), at::kCPU);
  for (const std::vector<std::int64_t>& ids :
       std::vector<std::vector<std::int64_t>>{{-1, 2}, {2, 2}, {3, 1}, {0, kIdentities}}) {
    EXPECT_THROW(table.activate(ids), Error);
  }
  table.activate(everyone());
  EXPECT_THROW(table.step(0.1), Error);
}

}  // namespace
}  // namespace aface
