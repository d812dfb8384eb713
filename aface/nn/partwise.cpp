#include "aface/nn/partwise.h"

#include <ATen/Functions.h>
#include <torch/autograd.h>

#include <array>

#include "aface/core/random.h"
#include "aface/nn/batch_scope.h"
#include "aface/nn/dense_conv.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Convolution {
  std::vector<std::int64_t> stride, padding, dilation;
  std::int64_t groups = 1;

  explicit Convolution(const torch::nn::Conv2dImpl& conv)
      : stride(conv.options.stride()->begin(), conv.options.stride()->end()),
        dilation(conv.options.dilation()->begin(), conv.options.dilation()->end()),
        groups(conv.options.groups()) {
    const std::array<std::int64_t, 2>& given = **if_holds<torch::ExpandingArray<2>>(conv.options.padding());
    padding.assign(given.begin(), given.end());
  }
  explicit Convolution(const AutogradContext& context)
      : stride(context.saved_data.at("stride").toIntVector()),
        padding(context.saved_data.at("padding").toIntVector()),
        dilation(context.saved_data.at("dilation").toIntVector()),
        groups(context.saved_data.at("groups").toInt()) {}

  void keep(AutogradContext& context) const {
    context.saved_data["stride"] = stride;
    context.saved_data["padding"] = padding;
    context.saved_data["dilation"] = dilation;
    context.saved_data["groups"] = groups;
  }
};

c10::optional<Tensor> if_defined(const Tensor& tensor) {
  return tensor.defined() ? c10::optional<Tensor>(tensor) : c10::nullopt;
}

class PartwiseConvolution : public torch::autograd::Function<PartwiseConvolution> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const c10::optional<Tensor>& bias, const Convolution& shape, int parts) {
    context->save_for_backward({x, weight, bias.value_or(Tensor())});
    context->saved_data["parts"] = parts;
    shape.keep(*context);
    std::vector<Tensor> outputs;
    for (const Tensor& part : parts_of(x, parts)) {
      outputs.push_back(at::convolution(part, weight, bias, shape.stride, shape.padding, shape.dilation,
                                        /*transposed=*/false, {0, 0}, shape.groups));
    }
    return at::cat(outputs);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const Convolution shape(*context);
    const auto parts = static_cast<int>(context->saved_data["parts"].toInt());
    const std::vector<Tensor> x_parts = parts_of(x, parts);
    const std::vector<Tensor> y_parts = parts_of(gradients[0].contiguous(x.suggest_memory_format()), parts);
    const std::array<bool, 3> wanted = {context->needs_input_grad(0), true, bias.defined()};
    const at::OptionalIntArrayRef bias_shape = bias.defined() ? at::OptionalIntArrayRef(bias.sizes()) : c10::nullopt;
    std::vector<Tensor> of_x, of_weight, of_bias;
    for (std::size_t i = 0; i < x_parts.size(); ++i) {
      const auto [dx, dw, db] = at::convolution_backward(
          y_parts[i], x_parts[i], weight, bias_shape, shape.stride, shape.padding, shape.dilation,
          /*transposed=*/false, {0, 0}, shape.groups, wanted);
      if (wanted[0]) of_x.push_back(dx);
      of_weight.push_back(dw);
      if (wanted[2]) of_bias.push_back(db);
    }
    return {wanted[0] ? at::cat(of_x) : Tensor(), sum_in_pairs(of_weight), wanted[2] ? sum_in_pairs(of_bias) : Tensor(),
            {}, {}};
  }
};

class PartwiseProduct : public torch::autograd::Function<PartwiseProduct> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const c10::optional<Tensor>& bias, int parts) {
    context->save_for_backward({x, weight});
    context->saved_data["parts"] = parts;
    context->saved_data["has_bias"] = bias.has_value();
    std::vector<Tensor> outputs;
    for (const Tensor& part : parts_of(x, parts)) outputs.push_back(at::linear(part, weight, bias));
    return at::cat(outputs);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const auto parts = static_cast<int>(context->saved_data["parts"].toInt());
    const bool wants_x = context->needs_input_grad(0), has_bias = context->saved_data["has_bias"].toBool();
    const std::vector<Tensor> x_parts = parts_of(x, parts), y_parts = parts_of(gradients[0].contiguous(), parts);
    std::vector<Tensor> of_x, of_weight, of_bias;
    for (std::size_t i = 0; i < x_parts.size(); ++i) {
      if (wants_x) of_x.push_back(y_parts[i].mm(weight));
      of_weight.push_back(y_parts[i].t().mm(x_parts[i]));
      if (has_bias) of_bias.push_back(y_parts[i].sum(0));
    }
    return {wants_x ? at::cat(of_x) : Tensor(), sum_in_pairs(of_weight), has_bias ? sum_in_pairs(of_bias) : Tensor(), {}};
  }
};

bool works_in_parts(const torch::nn::Module& layer, const Tensor& x) {
  return batch_scope().parts > 0 && layer.is_training() && at::GradMode::is_enabled() &&
         !are_plain_operations_wanted() && !is_autocast_on(x.device().type());
}

}  // namespace

Tensor convolve(torch::nn::Conv2d& conv, const Tensor& x) {
  if (can_convolve_densely(conv, x)) return convolve_densely(conv, x);
  if (!works_in_parts(*conv, x)) return conv(x);
  return PartwiseConvolution::apply(x, conv->weight, if_defined(conv->bias), Convolution(*conv),
                                    batch_scope().parts);
}

Tensor multiply(torch::nn::Linear& linear, const Tensor& x) {
  if (!works_in_parts(*linear, x)) return linear(x);
  return PartwiseProduct::apply(x, linear->weight, if_defined(linear->bias), batch_scope().parts);
}

Tensor drop_out(torch::nn::Dropout& dropout, const Tensor& x) {
  const double rate = dropout->options.p();
  if (!dropout->is_training() || rate == 0) return x;
  const auto number =
      static_cast<std::uint64_t>(at::empty({}, x.options().dtype(at::kLong)).random_().item<std::int64_t>());
  const at::Tensor kept = at::empty({x.size(0), x.numel() / x.size(0)}, at::kByte);
  std::uint8_t* out = kept.data_ptr<std::uint8_t>();
  // Four draws of 16 bits out of one number: the rate is kept to 1 / 65536.
  const auto limit = static_cast<std::uint64_t>(rate * 65536 + 0.5);
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    Random random(number, static_cast<std::uint64_t>(batch_scope().first_row + row));
    for (std::int64_t i = 0; i < kept.size(1);) {
      std::uint64_t bits = random.next();
      for (int draw = 0; draw < 4 && i < kept.size(1); ++draw, ++i, bits >>= 16) *out++ = (bits & 0xFFFF) >= limit ? 1 : 0;
    }
  }
  return x * (kept.view(x.sizes()).to(x.device(), x.scalar_type()) / (1 - static_cast<double>(limit) / 65536));
}

}  // namespace aface
