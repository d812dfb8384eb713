#include "aface/kernel/depthwise_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/random.h"
#include "tests/kernel/slices_on_threads.h"

namespace aface {
namespace {

using test::on_threads;

std::vector<float> draws(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(to_float(from_float<Bf16>(static_cast<float>(random.normal()))));
  return values;
}

// What goes in; values that bfloat16 holds, so that both storages start from the same numbers.
struct Case {
  DepthwiseShape shape;
  std::vector<float> x, weight, dy;
};

Case make_case(const DepthwiseShape& shape) {
  const std::int64_t inputs = shape.batch * shape.height * shape.width * shape.channels;
  const std::int64_t outputs = shape.batch * shape.out_height() * shape.out_width() * shape.channels;
  return {shape, draws(inputs, 1), draws(shape.channels * shape.group * 9, 2), draws(outputs, 3)};
}

// visit(output, input, weight) for every product of the convolution.
template <class Visit>
void for_each_product(const DepthwiseShape& shape, const Visit& visit) {
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    for (std::int64_t row = 0; row < shape.out_height(); ++row) {
      for (std::int64_t column = 0; column < shape.out_width(); ++column) {
        for (std::int64_t to = 0; to < shape.channels; ++to) {
          for (std::int64_t j = 0; j < shape.group; ++j) {
            for (std::int64_t tap = 0; tap < 9; ++tap) {
              const std::int64_t r = row * shape.stride - 1 + tap / 3,
                                 c = column * shape.stride - 1 + tap % 3;
              if (r < 0 || r >= shape.height || c < 0 || c >= shape.width) continue;
              const std::int64_t from = to / shape.group * shape.group + j;
              visit(static_cast<std::size_t>(
                        ((b * shape.out_height() + row) * shape.out_width() + column) * shape.channels + to),
                    static_cast<std::size_t>(((b * shape.height + r) * shape.width + c) * shape.channels +
                                             from),
                    static_cast<std::size_t>((to * shape.group + j) * 9 + tap));
            }
          }
        }
      }
    }
  }
}

struct Outcome {
  std::vector<double> y, dx, dw;
};

// By the definition, in float64.
Outcome plain(const Case& in) {
  Outcome out = {std::vector<double>(in.dy.size()), std::vector<double>(in.x.size()),
                 std::vector<double>(in.weight.size())};
  for_each_product(in.shape, [&](std::size_t o, std::size_t i, std::size_t w) {
    const double x = in.x[i], weight = in.weight[w], dy = in.dy[o];
    out.y[o] += x * weight;
    out.dx[i] += dy * weight;
    out.dw[w] += dy * x;
  });
  return out;
}

template <class Value>
struct KernelOutcome {
  std::vector<Value> y, dx;
  std::vector<float> dw;
};

template <class Value>
KernelOutcome<Value> run_kernel(const Case& in, int threads) {
  const auto stored = [](const std::vector<float>& values) {
    std::vector<Value> result;
    for (const float value : values) result.push_back(from_float<Value>(value));
    return result;
  };
  const std::vector<Value> x = stored(in.x), dy = stored(in.dy);
  const Value nan = from_float<Value>(std::nanf(""));
  KernelOutcome<Value> out = {std::vector<Value>(dy.size(), nan), std::vector<Value>(x.size(), nan),
                              std::vector<float>(in.weight.size(), std::nanf(""))};
  depthwise_forward(in.shape, x.data(), in.weight.data(), out.y.data(), on_threads(threads));
  depthwise_input_gradient(in.shape, dy.data(), in.weight.data(), out.dx.data(), on_threads(threads));
  depthwise_weight_gradient(in.shape, x.data(), dy.data(), out.dw.data(), on_threads(threads));
  return out;
}

std::vector<DepthwiseShape> many_shapes() {
  std::vector<DepthwiseShape> shapes;
  for (const std::int64_t stride : {1, 2}) {
    for (const std::int64_t group : {1, 2}) {
      for (const std::int64_t channels : {2, 6, 32, 70}) {
        for (const auto& [height, width] :
             {std::pair(1, 1), {2, 1}, {1, 2}, {3, 4}, {5, 9}, {8, 7}, {14, 14}}) {
          shapes.push_back({3, height, width, channels, stride, group});
        }
      }
    }
  }
  return shapes;
}

std::string text(const DepthwiseShape& shape) {
  return std::to_string(shape.height) + " x " + std::to_string(shape.width) + " x " +
         std::to_string(shape.channels) + " stride " + std::to_string(shape.stride) + " group " +
         std::to_string(shape.group);
}

TEST(DepthwiseConv, IsTheDefinitionForEveryShape) {
  for (const DepthwiseShape& shape : many_shapes()) {
    const Case in = make_case(shape);
    const Outcome expected = plain(in);
    const KernelOutcome<float> out = run_kernel<float>(in, 1);
    const auto expect_near = [&](const std::vector<float>& values, const std::vector<double>& exact,
                                 const char* name) {
      for (std::size_t i = 0; i < exact.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(values[i]), exact[i], 5e-5) << name << " of " << text(shape);
      }
    };
    expect_near(out.y, expected.y, "y");
    expect_near(out.dx, expected.dx, "dx");
    expect_near(out.dw, expected.dw, "dw");
  }
}

TEST(DepthwiseConv, Bfloat16IsStorageOnly) {
  for (const DepthwiseShape& shape : many_shapes()) {
    const Case in = make_case(shape);
    const KernelOutcome<float> exact = run_kernel<float>(in, 1);
    const KernelOutcome<Bf16> out = run_kernel<Bf16>(in, 1);
    for (std::size_t i = 0; i < exact.y.size(); ++i) {
      ASSERT_EQ(out.y[i].bits, from_float<Bf16>(exact.y[i]).bits) << text(shape);
    }
    for (std::size_t i = 0; i < exact.dx.size(); ++i) {
      ASSERT_EQ(out.dx[i].bits, from_float<Bf16>(exact.dx[i]).bits) << text(shape);
    }
    ASSERT_EQ(out.dw, exact.dw) << text(shape);
  }
}

TEST(DepthwiseConv, HasTheSameBitsOnAnyNumberOfThreads) {
  for (const std::int64_t stride : {1, 2}) {
    const Case in = make_case({5, 40, 37, 48, stride, 2});  // several slices
    const KernelOutcome<float> one = run_kernel<float>(in, 1);
    for (const int threads : {2, 3}) {
      const KernelOutcome<float> other = run_kernel<float>(in, threads);
      EXPECT_EQ(one.y, other.y);
      EXPECT_EQ(one.dx, other.dx);
      EXPECT_EQ(one.dw, other.dw);
    }
  }
}

TEST(DepthwiseConv, OtherStridesAndGroupsAreRefused) {
  std::vector<float> values(9 * 4 * 4);
  EXPECT_THROW(depthwise_forward<float>({1, 2, 2, 4, 3, 1}, values.data(), values.data(), values.data(),
                                        on_threads(1)),
               Error);
  EXPECT_THROW(depthwise_forward<float>({1, 2, 2, 3, 1, 2}, values.data(), values.data(), values.data(),
                                        on_threads(1)),
               Error);
}

}  // namespace
}  // namespace aface
