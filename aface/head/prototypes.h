#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"

namespace aface {

struct PrototypeOptions {
  double momentum = 0.9;
  double weight_decay = 5e-4;
};

// The [num_identities, dim] matrix of class weights with its own SGD:
//   v <- momentum v + g + weight_decay w,   w <- w - rate v   (torch.optim.SGD, dampening 0)
// for every row and step, but rows outside the active set are not touched: their missing steps (g = 0) are a linear
// recurrence in (w, v), applied exactly when the row is next used. So a sparse run equals the dense one in which the
// other rows get gradient 0. With weight decay a row that stays away for many more than (1 - momentum) / (rate
// weight_decay) steps shrinks much, and its next gradient, which goes as 1 / |w|, moves it far. One owner; not for use from several threads at once.
class PrototypeTable {
 public:
  // Rows start as N(0, 1) / sqrt(dim) draws of a generator seeded by `seed` (the same on every device).
  PrototypeTable(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, PrototypeOptions options,
                 at::Device device, at::ScalarType type = at::kFloat);

  std::int64_t num_identities() const { return weight_.size(0); }
  std::int64_t dim() const { return weight_.size(1); }

  // Brings the rows up to date and returns them, [ids.size(), dim], requiring grad; ids ascending, no repeats.
  // Backward fills its grad(); step() reads that. Valid until step(): with all ids it is the table itself, no copy.
  at::Tensor activate(Span<const std::int64_t> ids);

  // One optimiser step at `rate` for the whole table: the activated rows get their gradient, the others are only
  // remembered as one step older.
  void step(double rate);

  // Unit rows of the whole table, [num_identities, dim], detached copy on the CPU, contiguous float32.
  // Rows that are behind are caught up first.
  at::Tensor unit_rows();

  // Steps since the stalest row was last active (never active: since the start), and the share of rows never active.
  std::int64_t stalest_age() const;
  double share_never_active() const;

  // Raw rows by identity, caught up, a copy on the CPU; for tests and carrying prototypes into another run.
  at::Tensor rows();

  // Everything, rows that are behind included, so that a restored run goes on bit for bit. Under "prototypes.*".
  void save(NamedArrays& state) const;
  void restore(const NamedArrays& state);  // throws Error{kFormat} when the shape differs

 private:
  // One or more steps without gradient: (w, v) <- (ww w + wv v, vw w + vv v).
  struct Decay {
    double ww = 1, wv = 0, vw = 0, vv = 1;
  };
  // by_age[a] is the product of the last `a` steps, for a = 0 .. oldest.
  std::vector<Decay> decay_by_age(std::int64_t oldest) const;
  // Applies the missing steps of `ids` to their rows, [ids.size(), dim] each, in place.
  void catch_up(at::Tensor weight, at::Tensor velocity, Span<const std::int64_t> ids) const;
  void catch_up_all();

  PrototypeOptions options_;
  at::Tensor weight_, velocity_;  // [num_identities, dim]
  std::int64_t steps_ = 0;        // taken so far
  std::vector<double> rates_;     // of the last rates_.size() steps, as far back as the stalest row needs
  std::vector<std::int64_t> fresh_until_;  // [num_identities] steps that are applied to the row
  std::vector<std::int64_t> last_active_;  // [num_identities] steps_ after its last step with gradient; 0: never

  // Between activate() and step():
  std::vector<std::int64_t> active_ids_;
  at::Tensor active_index_;     // the same on the device; undefined when all rows are active
  at::Tensor active_weight_;    // leaf handed out
  at::Tensor active_velocity_;
};

}  // namespace aface
