#pragma once

#include "aface/head/head.h"
#include "aface/head/margins.h"

namespace aface {

// One margin for all identities, not learnt: softmax, cosface, arcface, sphereface.
class FixedMarginHead : public Head {
 public:
  struct Margin {
    MarginFunction function = cosine_margin;
    double none = 0;   // the value that leaves the cosine as it is
    double value = 0;  // after warm-up
  };
  FixedMarginHead(const HeadOptions& options, Margin margin);

  HeadOutput forward(const HeadInput& input) override;
  void update(std::int64_t step, double learning_rate_share) override;
  at::Tensor margins() const override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override;

 private:
  // Grows linearly from `none` at step 0 to `value` at step margin_warmup_steps.
  double margin_at(std::int64_t step) const;

  HeadOptions options_;
  Margin margin_;
  double last_margin_;  // of the last forward(), for report()
};

}  // namespace aface
