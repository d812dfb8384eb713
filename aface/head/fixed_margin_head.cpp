#include "aface/head/fixed_margin_head.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include "aface/head/classification.h"
#include "aface/head/margin_table.h"

namespace aface {

FixedMarginHead::FixedMarginHead(const HeadOptions& options, Margin margin)
    : options_(options), margin_(margin), last_margin_(margin_at(0)) {}

double FixedMarginHead::margin_at(std::int64_t step) const {
  return margin_.none + warm_up_share(options_, step) * (margin_.value - margin_.none);
}

HeadOutput FixedMarginHead::forward(const HeadInput& input) {
  check_input(input);
  last_margin_ = margin_at(input.step);
  const at::Tensor own_margins = at::full({input.targets.size(0)}, last_margin_, at::kDouble);
  return classify(input, {margin_.function, own_margins}, options_);
}

void FixedMarginHead::update(std::int64_t /*step*/, double /*learning_rate_share*/) {}

at::Tensor FixedMarginHead::margins() const { return at::empty({0}, at::kFloat); }

void FixedMarginHead::save(NamedArrays& state) const { state.metadata["head.kind"] = options_.kind; }

void FixedMarginHead::restore(const NamedArrays& state) { require_kind(state, options_.kind); }

std::map<std::string, double> FixedMarginHead::report() const { return {{"margin", last_margin_}}; }

}  // namespace aface
