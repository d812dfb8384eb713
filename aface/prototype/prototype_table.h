#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"
#include "aface/kernel/row_gradient.h"
#include "aface/prototype/flat_rows.h"
#include "aface/prototype/lazy_decay.h"

namespace aface {

struct PrototypeOptions {
  double momentum = 0.9;
  double weight_decay = 5e-4;
  std::string folder;  // empty: in memory; else where the files lie that hold the table
  std::int64_t first_identity = 0;  // of all of a run that is spread over ranks: row i starts as identity first + i does
  int threads = 0;     // 0: all cores; bits do not depend on it
};

// The draws that rows start from: N(0, 1) / sqrt(dim), of a generator seeded by `seed` and the row alone.
void draw_prototype(std::uint64_t seed, std::int64_t row, std::int64_t dim, double* out);

// The [num_identities, dim] float32 matrix of class weights with its own SGD:
//   v <- momentum v + g + weight_decay w,   w <- w - rate v   (torch.optim.SGD, dampening 0)
// for every row and step, but rows outside the active set are not touched: their missing steps (g = 0) are applied
// exactly when the row is next used (see lazy_decay.h). So a sparse run equals the dense one in which the other rows get
// gradient 0, and a step costs time and memory traffic by its active rows alone. With weight decay a row that stays away
// for many more than (1 - momentum) / (rate weight_decay) steps shrinks much, and its next gradient, which goes as
// 1 / |w|, moves it far. One owner; const members may be called by several threads at once while no other is.
class PrototypeTable {
 public:
  // Throws Error{kUsage} when the table would not fit into memory, Error{kIo} when the folder's disk cannot hold it.
  PrototypeTable(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, PrototypeOptions options);

  std::int64_t num_identities() const { return weight_.rows(); }
  std::int64_t dim() const { return weight_.dim(); }

  // The rows as they are now, [ids.size(), dim]; ids ascending, no repeats, maybe none. Valid until step(), activate() or restore().
  // With all ids it is the table itself, else a gathered copy.
  RowMatrix activate(Span<const std::int64_t> ids);

  // One optimiser step at `rate` for the whole table: the activated rows get their gradient ([active, dim], asked for by
  // blocks of kGradientBlock rows from several threads), the others are only remembered as one step older.
  void step(double rate, const RowGradient& gradient);

  // Rows as they are now, without changing the table; unit rows have length 1, or 0 where a row has no direction.
  void unit_rows(std::int64_t first, std::int64_t count, float* out) const;  // of a block, out [count, dim]
  void unit_rows(Span<const std::int64_t> ids, float* out) const;            // out [ids.size(), dim]
  void rows(std::int64_t first, std::int64_t count, float* out) const;       // raw

  // See LazyDecay.
  std::int64_t stalest_age() const { return decay_.stalest_age(); }
  double share_never_active() const { return decay_.share_never_active(); }

  // Everything, rows that are behind included, so that a restored run goes on bit for bit. Under "prototypes.*". The
  // large arrays of `state` are views of the table: valid until it changes.
  void save(NamedArrays& state) const;
  void restore(const NamedArrays& state);  // throws Error{kFormat} when the shape differs

 private:
  void fill(std::uint64_t seed);
  // The row with all its steps, into out [dim].
  void read_row(std::int64_t row, float* out) const;
  void unit_row(std::int64_t row, float* out) const;
  void catch_up_all();
  void step_rows(double rate, std::int64_t begin, std::int64_t end, const float* gradient);

  PrototypeOptions options_;
  FlatRows weight_, velocity_;  // [num_identities, dim], each row with the steps that decay_ says
  LazyDecay decay_;

  // Between activate() and step():
  std::vector<std::int64_t> active_ids_;
  std::vector<float> active_weight_;  // [active, dim] gathered rows; unused when all are active
};

}  // namespace aface
