#include "aface/nearest/neighbour_descent.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/eight_bit_products.h"
#include "aface/nearest/best_rows.h"

namespace aface {
namespace {

constexpr std::int64_t kOwnersAtOnce = 256;
constexpr std::size_t kAtOnce = 32;  // rows that are brought together for a product

// Whose lists a row is in.
class Admirers {
 public:
  explicit Admirers(const NeighbourLists& lists) : begins_(lists.queries + 1), admirers_() {
    for (const std::int32_t id : lists.ids) {
      if (id != NeighbourLists::kNone) ++begins_[static_cast<std::size_t>(id) + 1];
    }
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    admirers_.resize(begins_.back());
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    for (std::size_t i = 0; i < lists.queries; ++i) {
      for (std::size_t k = 0; k < lists.count; ++k) {
        const std::int32_t id = lists.ids_of(i)[k];
        if (id == NeighbourLists::kNone) continue;
        admirers_[next[static_cast<std::size_t>(id)]++] = {lists.similarities_of(i)[k], static_cast<std::int32_t>(i)};
      }
    }
  }

  // The nearest `most` of them, in any order.
  void nearest_of(std::int32_t row, std::size_t most, std::vector<ScoredId>& into) const {
    const auto at = static_cast<std::size_t>(row);
    into.assign(admirers_.begin() + static_cast<std::ptrdiff_t>(begins_[at]),
                admirers_.begin() + static_cast<std::ptrdiff_t>(begins_[at + 1]));
    if (into.size() <= most) return;
    std::nth_element(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(most), into.end(), ranks_before);
    into.resize(most);
  }

 private:
  std::vector<std::size_t> begins_;  // [rows + 1] into admirers_
  std::vector<ScoredId> admirers_;
};

// The candidates of one row after the other.
class Descent {
 public:
  Descent(const NeighbourLists& lists, const Admirers& admirers, const CodedRows& rows)
      : lists_(lists), admirers_(admirers), rows_(rows), seen_by_(lists.queries, kNobody),
        gathered_(kAtOnce * rows.stride), probe_(rows.stride) {}

  std::vector<ScoredId> nearest_of(std::int32_t owner) {
    candidates_.clear();
    for (const std::int32_t id : lists_.ids_of(static_cast<std::size_t>(owner))) add(owner, id);
    admirers_.nearest_of(owner, lists_.count, admirers_of_owner_);
    for (const ScoredId& admirer : admirers_of_owner_) add(owner, admirer.id);
    const std::size_t known = candidates_.size();
    for (std::size_t i = 0; i < known; ++i) {
      for (const std::int32_t id : lists_.ids_of(static_cast<std::size_t>(candidates_[i]))) add(owner, id);
    }
    const CodedRows::Row own = rows_.row(owner);
    for (std::size_t d = 0; d < rows_.stride; ++d) probe_[d] = static_cast<std::uint8_t>(own.values[d] + kCodeShift);
    BestRows best;
    for (std::size_t first = 0; first < candidates_.size(); first += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, candidates_.size() - first);
      prefetch(first + kAtOnce);
      score(own, first, count);
      best.add(scores_, candidates_.data() + first, count, lists_.count);
    }
    return best.ranked(lists_.count);
  }

 private:
  static constexpr std::int32_t kNobody = -1;

  void add(std::int32_t owner, std::int32_t id) {
    if (id == NeighbourLists::kNone || seen_by_[static_cast<std::size_t>(id)] == owner) return;
    seen_by_[static_cast<std::size_t>(id)] = owner;
    candidates_.push_back(id);
  }

  // Candidates lie anywhere: the next ones are on their way while these are compared.
  void prefetch(std::size_t first) const {
    constexpr std::size_t kLine = 64;
    for (std::size_t i = first; i < std::min(first + kAtOnce, candidates_.size()); ++i) {
      const std::int8_t* values = rows_.row(candidates_[i]).values;
      for (std::size_t at = 0; at < rows_.stride; at += kLine) __builtin_prefetch(values + at);
    }
  }

  void score(const CodedRows::Row& own, std::size_t first, std::size_t count) {
    float scale[kAtOnce];
    std::int32_t offset[kAtOnce], products[kAtOnce];
    for (std::size_t i = 0; i < count; ++i) {
      const CodedRows::Row row = rows_.row(candidates_[first + i]);
      std::memcpy(gathered_.data() + i * rows_.stride, row.values, rows_.stride);
      scale[i] = row.scale;
      offset[i] = row.offset;
    }
    eight_bit_kernel().products(probe_.data(), 1, gathered_.data(), (count + 3) / 4 * 4, rows_.stride, products);
    for (std::size_t i = 0; i < count; ++i) scores_[i] = static_cast<float>(products[i] - offset[i]) * (scale[i] * own.scale);
  }

  const NeighbourLists& lists_;
  const Admirers& admirers_;
  const CodedRows& rows_;
  std::vector<std::int32_t> seen_by_;  // [rows] the last owner that has the row among its candidates
  std::vector<std::int32_t> candidates_;
  std::vector<ScoredId> admirers_of_owner_;
  std::vector<std::int8_t> gathered_;
  std::vector<std::uint8_t> probe_;
  float scores_[kAtOnce] = {};
};

}  // namespace

NeighbourLists descended(const NeighbourLists& lists, const CodedRows& rows, int threads,
                         const std::function<void()>& give_up) {
  AFACE_CHECK(lists.queries == rows.rows, "{} lists for {} rows", lists.queries, rows.rows);
  NeighbourLists result = no_neighbours(lists.queries, lists.count);
  if (result.ids.empty()) return result;
  if (threads <= 0) threads = hardware_threads();
  const Admirers admirers(lists);
  // As many long stretches as threads, because a Descent remembers every row.
  const auto count = static_cast<std::int64_t>(lists.queries), share = (count + threads - 1) / threads;
  parallel_for(count, share, threads, [&](std::int64_t begin, std::int64_t end) {
    Descent descent(lists, admirers, rows);
    for (std::int64_t owner = begin; owner < end; ++owner) {
      if (give_up && owner % kOwnersAtOnce == 0) give_up();
      const std::vector<ScoredId> nearest = descent.nearest_of(static_cast<std::int32_t>(owner));
      const std::size_t at = static_cast<std::size_t>(owner) * result.count;
      for (std::size_t i = 0; i < nearest.size(); ++i) {
        result.ids[at + i] = nearest[i].id;
        result.similarities[at + i] = nearest[i].score;
      }
    }
  });
  return result;
}

}  // namespace aface
