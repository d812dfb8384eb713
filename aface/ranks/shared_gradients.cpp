#include "aface/ranks/shared_gradients.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

#include "aface/core/check.h"

namespace aface {

struct SharedGradients::Bucket {
  at::Tensor values;  // flat
  std::size_t parameters = 0, missing = 0;
  std::unique_ptr<Communicator::Pending> pending;
};

SharedGradients::SharedGradients(const std::vector<at::Tensor>& parameters, Communicator& ranks,
                                 Communicator::Adding adding, std::int64_t bucket_bytes)
    : ranks_(ranks), adding_(adding) {
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    if (parameter->requires_grad()) parameters_.push_back(*parameter);
  }
  AFACE_CHECK(!parameters_.empty(), "no parameters");
  std::vector<std::int64_t> begins;  // of each parameter in its bucket, values
  std::vector<std::int64_t> lengths;
  for (const at::Tensor& parameter : parameters_) {
    const bool fits = !lengths.empty() && lengths.back() * parameter.element_size() + parameter.nbytes() <=
                                              static_cast<std::size_t>(bucket_bytes);
    const bool alike = !lengths.empty() && parameter.scalar_type() == buckets_.back().values.scalar_type();
    if (!fits || !alike) {
      buckets_.emplace_back();
      buckets_.back().values =
          at::zeros({0}, parameter.options().requires_grad(false));  // knows type and device
      lengths.push_back(0);
    }
    begins.push_back(lengths.back());
    bucket_of_.push_back(buckets_.size() - 1);
    ++buckets_.back().parameters;
    lengths.back() += parameter.numel();
  }
  for (std::size_t b = 0; b < buckets_.size(); ++b)
    buckets_[b].values = at::zeros({lengths[b]}, buckets_[b].values.options());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& parameter = parameters_[i];
    AFACE_CHECK(parameter.is_non_overlapping_and_dense(), "a parameter with gaps");
    // Laid out in memory as the parameter is.
    views_.push_back(
        buckets_[bucket_of_[i]].values.as_strided(parameter.sizes(), parameter.strides(), begins[i]));
    hooks_.push_back(
        parameters_[i].register_hook([this, i](const at::Tensor& gradient) { take(i, gradient); }));
  }
  arrived_.assign(parameters_.size(), 0);
}

SharedGradients::~SharedGradients() {
  for (std::size_t i = 0; i < hooks_.size(); ++i) parameters_[i].remove_hook(hooks_[i]);
}

void SharedGradients::start() {
  for (const at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  for (Bucket& bucket : buckets_) bucket.missing = bucket.parameters;
  std::fill(arrived_.begin(), arrived_.end(), 0);
  sent_ = 0;
}

void SharedGradients::take(std::size_t parameter, const at::Tensor& gradient) {
  if (arrived_[parameter] != 0 || sent_ > bucket_of_[parameter]) return;  // not between start() and finish()
  {
    const at::NoGradGuard no_grad;
    views_[parameter].copy_(gradient);
  }
  arrived_[parameter] = 1;
  --buckets_[bucket_of_[parameter]].missing;
  send_complete_buckets();
}

void SharedGradients::send_complete_buckets() {
  for (; sent_ < buckets_.size() && buckets_[sent_].missing == 0; ++sent_) {
    buckets_[sent_].pending = ranks_.start_sum(buckets_[sent_].values, "the network's gradients", adding_);
  }
}

void SharedGradients::finish() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (arrived_[i] != 0) continue;
    views_[i].zero_();
    arrived_[i] = 1;
    --buckets_[bucket_of_[i]].missing;
  }
  send_complete_buckets();
  for (Bucket& bucket : buckets_) {
    bucket.pending->wait();
    bucket.pending.reset();
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].mutable_grad() = views_[i];
}

}  // namespace aface
