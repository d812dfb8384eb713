#include "aface/head/plain_classification.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "aface/core/check.h"
#include "aface/kernel/unusable_row.h"

namespace aface {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// [rows, 1]
at::Tensor lengths_of(const at::Tensor& rows, UnusableRow::Kind kind) {
  at::Tensor lengths = rows.norm(2, {1}, /*keepdim=*/true);
  const at::Tensor usable = lengths.gt(0).logical_and(at::isfinite(lengths)).squeeze(1);
  if (!usable.all().item<bool>()) {
    const std::int64_t bad = at::nonzero(usable.logical_not())[0][0].item<std::int64_t>();
    const at::Tensor row = rows[bad].to(at::kCPU, at::kFloat).contiguous();
    throw UnusableRow(kind, static_cast<std::size_t>(bad), fmt::format("row {}", bad), row.data_ptr<float>(),
                      static_cast<std::size_t>(row.numel()));
  }
  return lengths;
}

// What both passes work on.
struct Pair {
  at::Tensor units;                     // [batch, dim]
  at::Tensor prototypes, lengths;       // [active, dim], [active, 1]
  at::Tensor targets;                   // [batch]
  std::int64_t chunk = 1;

  at::Tensor unit_chunk(std::int64_t first) const { return part(prototypes, first) / part(lengths, first); }
  at::Tensor part(const at::Tensor& rows, std::int64_t first) const {
    return rows.narrow(0, first, std::min(chunk, rows.size(0) - first));
  }
  // Samples whose own column lies in the chunk, and where in it.
  std::pair<at::Tensor, at::Tensor> own_in(std::int64_t first, std::int64_t count) const {
    const at::Tensor samples = at::nonzero(targets.ge(first).logical_and(targets.lt(first + count))).squeeze(1);
    return {samples, targets.index_select(0, samples) - first};
  }
};

// Calls visit(first, cosines, unit rows) for each chunk of prototypes.
template <class Visit>
void for_each_chunk(const Pair& pair, Visit&& visit) {
  for (std::int64_t first = 0; first < pair.prototypes.size(0); first += pair.chunk) {
    const at::Tensor rows = pair.unit_chunk(first);
    visit(first, pair.units.mm(rows.t()), rows);
  }
}

// Rivals found chunk by chunk.
class RivalCollector {
 public:
  explicit RivalCollector(std::int64_t batch) : of_sample_(static_cast<std::size_t>(batch)) {}

  void add(std::int64_t first, const at::Tensor& cosines, const at::Tensor& is_rival) {
    const at::Tensor places = at::nonzero(is_rival).to(at::kCPU).contiguous();
    const at::Tensor scores = cosines.masked_select(is_rival).to(at::kCPU, at::kFloat).contiguous();
    for (std::int64_t k = 0; k < places.size(0); ++k) {
      const std::int64_t* place = places.data_ptr<std::int64_t>() + 2 * k;
      of_sample_[static_cast<std::size_t>(place[0])].emplace_back(static_cast<std::int32_t>(first + place[1]),
                                                                  scores.data_ptr<float>()[k]);
    }
  }

  Rivals take() {
    Rivals rivals;
    rivals.begins.push_back(0);
    for (const auto& found : of_sample_) {
      for (const auto& [column, cosine] : found) {
        rivals.columns.push_back(column);
        rivals.cosines.push_back(cosine);
      }
      rivals.begins.push_back(rivals.columns.size());
    }
    return rivals;
  }

 private:
  std::vector<std::vector<std::pair<std::int32_t, float>>> of_sample_;
};

struct OwnTerms {
  at::Tensor values, d_cosine, d_margin;  // [batch], float64 on the CPU
};

OwnTerms apply_margins(const at::Tensor& own_cosines, const OwnMargins& margins) {
  const at::Tensor own = own_cosines.to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor given = margins.values.detach().contiguous();
  const OwnTerms terms = {at::empty_like(own), at::empty_like(own), at::empty_like(own)};
  const double floor = angle_floor_of(own_cosines.scalar_type());
  for (std::int64_t i = 0; i < own.size(0); ++i) {
    const MarginedCosine m = margins.function(own.data_ptr<double>()[i], given.data_ptr<double>()[i], floor);
    terms.values.data_ptr<double>()[i] = m.value;
    terms.d_cosine.data_ptr<double>()[i] = m.d_cosine;
    terms.d_margin.data_ptr<double>()[i] = m.d_margin;
  }
  return terms;
}

// Everything that the forward pass finds out.
struct Scores {
  Pair pair;
  at::Tensor embedding_lengths;                 // [batch, 1]
  at::Tensor own_cosines, own_logs, log_total;  // [batch]; own_logs: log p
  at::Tensor correct;                           // [batch]
  OwnTerms own;
  Rivals rivals;
};

// [batch] of float64 on the CPU, made the sum (or what else) over ranks.
template <class Join>
at::Tensor joined(const at::Tensor& values, const Join& join) {
  const at::Tensor on_cpu = values.to(at::kCPU, at::kDouble).contiguous().clone();
  join(Span<double>(on_cpu.data_ptr<double>(), static_cast<std::size_t>(on_cpu.numel())));
  return on_cpu;
}

// One rank has the own prototype of each sample, the others add 0: sums are exact.
at::Tensor own_cosines_of(const Pair& pair, AcrossRanks* ranks) {
  const auto [samples, columns] = pair.own_in(0, pair.prototypes.size(0));
  const at::Tensor rows = pair.prototypes.index_select(0, columns) / pair.lengths.index_select(0, columns);
  const at::Tensor found = (pair.units.index_select(0, samples) * rows).sum(1);
  if (ranks == nullptr) return found;
  const at::Tensor all = at::zeros({pair.units.size(0)}, found.options()).index_copy(0, samples, found);
  return joined(all, [&](Span<double> values) { ranks->sum(values); }).to(all.device(), all.scalar_type());
}

void take_margins_of_owners(const at::Tensor& targets, AcrossRanks& ranks, OwnTerms& own) {
  const at::Tensor elsewhere = targets.lt(0).to(at::kCPU);
  for (const at::Tensor& term : {own.values, own.d_margin}) term.masked_fill_(elsewhere, 0);
  own.values = joined(own.values, [&](Span<double> values) { ranks.sum(values); });
}

void join_ranks(AcrossRanks& ranks, at::Tensor& log_others, at::Tensor& correct) {
  const auto sum = [&](Span<double> values) { ranks.sum(values); };
  const at::Tensor here = log_others.to(at::kCPU, at::kDouble);
  const at::Tensor top = joined(here, [&](Span<double> values) { ranks.highest(values); });
  const at::Tensor total = joined((here - top).exp().nan_to_num(0), sum);  // -inf everywhere: nothing to add
  log_others = (top + total.log()).to(log_others.device(), log_others.scalar_type());
  const at::Tensor wrong = joined(correct.logical_not(), sum);
  correct = wrong.eq(0).to(correct.device());
}

// Of several ranks all throw when one finds an unusable row.
void find_lengths(const at::Tensor& embeddings, Scores& s, AcrossRanks* ranks) {
  std::optional<UnusableRow> unusable;
  try {
    s.embedding_lengths = lengths_of(embeddings, UnusableRow::Kind::kEmbedding);
    s.pair.lengths = lengths_of(s.pair.prototypes, UnusableRow::Kind::kPrototype);
  } catch (const UnusableRow& row) {
    if (ranks == nullptr) throw;
    unusable = row;
  }
  if (ranks == nullptr) return;
  std::vector<double> found = {unusable ? 1.0 : 0.0};
  ranks->sum(found);
  if (unusable) throw *unusable;
  if (found[0] > 0) throw UnusableRow::of_another_rank();
}

Scores score(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options) {
  const at::NoGradGuard no_grad;
  Scores s;
  const at::Tensor x = input.embeddings.detach();
  s.pair.prototypes = input.prototypes.detach();
  find_lengths(x, s, input.ranks);
  s.pair.units = x / s.embedding_lengths;
  s.pair.targets = input.targets;
  s.pair.chunk = options.plain_chunk;
  s.own_cosines = own_cosines_of(s.pair, input.ranks);
  s.own = apply_margins(s.own_cosines, margins);
  if (input.ranks != nullptr) take_margins_of_owners(input.targets, *input.ranks, s.own);

  // Products of two unit rows are off by about this much; a twin of the own prototype is no rival.
  const double rounding = 4 * (x.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                              : static_cast<double>(std::numeric_limits<float>::epsilon()));
  const at::Tensor bar = (s.own_cosines + rounding).unsqueeze(1);
  const double none = -std::numeric_limits<double>::infinity();
  at::Tensor log_others = at::full(s.own_cosines.sizes(), none, s.own_cosines.options());
  s.correct = at::ones(s.own_cosines.sizes(), s.own_cosines.options().dtype(at::kBool));
  RivalCollector rivals(x.size(0));
  for_each_chunk(s.pair, [&](std::int64_t first, at::Tensor cosines, const at::Tensor&) {
    const auto [samples, columns] = s.pair.own_in(first, cosines.size(1));
    cosines.index_put_({samples, columns}, at::full({}, none, cosines.options()));
    const at::Tensor is_rival = cosines.gt(bar);
    s.correct.logical_and_(is_rival.any(1).logical_not());
    if (input.want_rivals) rivals.add(first, cosines, is_rival);
    log_others = at::logaddexp(log_others, at::logsumexp(cosines * options.logit_scale, {1}));
  });
  s.rivals = rivals.take();
  if (input.ranks != nullptr) join_ranks(*input.ranks, log_others, s.correct);
  const at::Tensor own_logits = (s.own.values * options.logit_scale).to(s.own_cosines.options());
  s.log_total = at::logaddexp(own_logits, log_others);
  s.own_logs = own_logits - s.log_total;
  return s;
}

struct PlainMarginSoftmax : Function<PlainMarginSoftmax> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& /*embeddings*/, const at::Tensor& /*prototypes*/,
                            const at::Tensor& /*margins*/, const Scores& s, double logit_scale) {
    context->save_for_backward({s.pair.units, s.pair.prototypes, s.pair.lengths, s.pair.targets, s.embedding_lengths,
                                s.own_logs, s.log_total, s.own.d_cosine, s.own.d_margin});
    context->saved_data["scale"] = logit_scale;
    context->saved_data["chunk"] = s.pair.chunk;
    return s.own_logs.mean().neg();
  }

  // C = U V^T with unit rows U = X / |X| and V = Y / |Y|. From G = d loss / d C,
  //   d/dX = (G V - sum_j(G * C) U) / |X|,   d/dY = (G^T U - sum_i(G * C) V) / |Y|.
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    Pair pair;
    pair.units = saved[0], pair.prototypes = saved[1], pair.lengths = saved[2], pair.targets = saved[3];
    pair.chunk = context->saved_data["chunk"].toInt();
    const at::Tensor &x_lengths = saved[4], &own_logs = saved[5], &log_total = saved[6], &d_cosine = saved[7],
                     &d_margin = saved[8];
    const double scale = context->saved_data["scale"].toDouble();
    const at::Tensor factor = gradients[0] * (scale / static_cast<double>(pair.units.size(0)));
    // p - 1 by expm1: no digits lost when p is close to 1.
    const at::Tensor own = own_logs.to(at::kDouble).expm1() * factor;
    const at::Tensor own_g = (own * d_cosine.to(own.device())).to(pair.units.scalar_type());

    variable_list result(5);
    at::Tensor along = at::zeros_like(x_lengths), for_x, for_y;
    if (context->needs_input_grad(0)) for_x = at::zeros_like(pair.units);
    if (context->needs_input_grad(1)) for_y = at::empty_like(pair.prototypes);
    for_each_chunk(pair, [&](std::int64_t first, const at::Tensor& cosines, const at::Tensor& rows) {
      at::Tensor g = (cosines * scale - log_total.unsqueeze(1)).exp_().mul_(factor);
      const auto [samples, columns] = pair.own_in(first, cosines.size(1));
      g.index_put_({samples, columns}, own_g.index_select(0, samples));
      const at::Tensor g_along = g * cosines;
      if (for_x.defined()) {
        for_x.addmm_(g, rows);
        along.add_(g_along.sum(1, /*keepdim=*/true));
      }
      if (for_y.defined()) {
        at::Tensor part = pair.part(for_y, first);
        part.copy_(g.t().mm(pair.units).addcmul_(rows, g_along.sum(0).unsqueeze(1), -1).div_(pair.part(pair.lengths, first)));
      }
    });
    if (for_x.defined()) result[0] = for_x.addcmul_(pair.units, along, -1).div_(x_lengths);
    result[1] = for_y;
    if (context->needs_input_grad(2)) result[2] = own.to(at::kCPU) * d_margin;
    return result;
  }
};

}  // namespace

HeadOutput plain_classification(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options) {
  Scores s = score(input, margins, options);
  // Autograd fills a gradient only for what requires it; blocks are then read from that.
  at::Tensor prototypes = input.prototypes;
  const bool by_blocks = input.embeddings.requires_grad() && !prototypes.requires_grad();
  if (by_blocks) prototypes = prototypes.detach().requires_grad_(true);
  HeadOutput output;
  output.loss = PlainMarginSoftmax::apply(input.embeddings, prototypes, margins.values, s, options.logit_scale);
  output.own_cosine = s.own_cosines;
  output.own_probability = s.own_logs.exp();
  output.correct = s.correct;
  if (input.want_rivals) {
    output.rivals = std::move(s.rivals);
    const at::Tensor inverse = s.pair.lengths.reciprocal().to(at::kCPU, at::kFloat).contiguous();
    output.inverse_lengths.assign(inverse.data_ptr<float>(), inverse.data_ptr<float>() + inverse.numel());
  }
  if (by_blocks) {
    output.prototype_gradient = [prototypes](std::size_t first, std::size_t count, float* out) {
      AFACE_CHECK(prototypes.grad().defined(), "prototype gradient before backward()");
      const at::Tensor block = prototypes.grad()
                                   .narrow(0, static_cast<std::int64_t>(first), static_cast<std::int64_t>(count))
                                   .to(at::kCPU, at::kFloat)
                                   .contiguous();
      std::copy_n(block.data_ptr<float>(), block.numel(), out);
    };
  }
  return output;
}

}  // namespace aface
