#include "aface/mining/queue_feedback.h"

#include <algorithm>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/inner_products.h"
#include "aface/mining/queue_rules.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

constexpr std::int64_t kRowBlock = 256;        // rows of 512 values: half a MB, in the second cache while all owners pass
constexpr std::size_t kParallelValues = 1 << 20;  // under so many values to multiply threads cost more than they save

// A prototype whose similarity to the owner is wanted: it outscored a sample, or is an active entry of the queue.
struct Compared {
  std::int32_t column = 0;
  bool is_rival = false;
  float similarity = 0;
};

struct Owner {
  std::int64_t identity = 0;
  std::vector<Compared> compared;  // ascending, no repeats
};

void check_feedback(const ScoreFeedback& feedback) {
  AFACE_CHECK(feedback.rivals != nullptr && feedback.rivals->batch() == feedback.identities.size(),
              "rivals of {} samples for {}", feedback.rivals != nullptr ? feedback.rivals->batch() : 0,
              feedback.identities.size());
  AFACE_CHECK(feedback.prototypes.rows == feedback.active_ids.size(), "{} prototypes for {} active ids",
              feedback.prototypes.rows, feedback.active_ids.size());
  AFACE_CHECK(feedback.inverse_lengths.size() == feedback.active_ids.size(), "{} lengths for {} active ids",
              feedback.inverse_lengths.size(), feedback.active_ids.size());
}

// Samples of one owner side by side, as [begin, end) places in `samples`.
struct SamplesByOwner {
  std::vector<std::size_t> samples;
  std::vector<std::size_t> begins;
};

SamplesByOwner group(Span<const std::int64_t> identities) {
  SamplesByOwner groups;
  groups.samples.resize(identities.size());
  std::iota(groups.samples.begin(), groups.samples.end(), std::size_t{0});
  std::stable_sort(groups.samples.begin(), groups.samples.end(),
                   [&](std::size_t a, std::size_t b) { return identities[a] < identities[b]; });
  for (std::size_t i = 0; i < groups.samples.size(); ++i) {
    if (i == 0 || identities[groups.samples[i]] != identities[groups.samples[i - 1]]) groups.begins.push_back(i);
  }
  groups.begins.push_back(groups.samples.size());
  return groups;
}

Owner owner_of(const ScoreFeedback& feedback, Span<const std::size_t> samples, Span<const Entry> queue) {
  Owner owner;
  owner.identity = feedback.identities[samples[0]];
  const std::int64_t own = place_of(feedback.active_ids, owner.identity);  // -1: on another rank

  // Every sample's rivals ascend, and so do the active entries once sorted: merging is cheaper than sorting anew.
  // Of an entry that is a rival too, the rival stays.
  const auto before = [](const Compared& a, const Compared& b) {
    return a.column != b.column ? a.column < b.column : a.is_rival > b.is_rival;
  };
  const auto merge_from = [&](std::size_t end_of_first) {
    const auto middle = owner.compared.begin() + static_cast<std::ptrdiff_t>(end_of_first);
    std::inplace_merge(owner.compared.begin(), middle, owner.compared.end(), before);
  };
  const Rivals& rivals = *feedback.rivals;
  for (const std::size_t sample : samples) {
    const std::size_t known = owner.compared.size();
    for (std::size_t i = rivals.begins[sample]; i < rivals.begins[sample + 1]; ++i) {
      const std::int32_t column = rivals.columns[i];
      AFACE_CHECK(column >= 0 && static_cast<std::size_t>(column) < feedback.active_ids.size(),
                  "rival in column {} of {}", column, feedback.active_ids.size());
      if (column != own) owner.compared.push_back({column, true, 0});
    }
    merge_from(known);
  }
  const std::size_t rivals_end = owner.compared.size();
  for (const Entry& entry : queue) {
    const std::int64_t column = place_of(feedback.active_ids, entry.id);
    if (column >= 0) owner.compared.push_back({static_cast<std::int32_t>(column), false, 0});
  }
  std::sort(owner.compared.begin() + static_cast<std::ptrdiff_t>(rivals_end), owner.compared.end(), before);
  merge_from(rivals_end);
  const auto same = [](const Compared& a, const Compared& b) { return a.column == b.column; };
  owner.compared.erase(std::unique(owner.compared.begin(), owner.compared.end(), same), owner.compared.end());
  return owner;
}

// Similarities of all pairs whose other side is among the rows [first, last).
void compare(const ScoreFeedback& feedback, const OwnerRows& owner_rows, std::int64_t first, std::int64_t last,
             std::vector<Owner>& owners) {
  const RowMatrix rows = feedback.prototypes;
  const auto under = [](const Compared& pair, std::int64_t column) { return pair.column < column; };
  for (std::size_t own = 0; own < owners.size(); ++own) {
    Owner& owner = owners[own];
    auto pair = std::lower_bound(owner.compared.begin(), owner.compared.end(), first, under);
    for (; pair != owner.compared.end() && pair->column < last; ++pair) {
      const auto other = static_cast<std::size_t>(pair->column);
      pair->similarity = inner_product(owner_rows.rows.row(own), rows.row(other), rows.dim) *
                         owner_rows.inverse_lengths[own] * feedback.inverse_lengths[other];
    }
  }
}

}  // namespace

QueueUpdate update_of(const OwnerPairs& owner, Span<const Entry> old, double threshold, std::int64_t longest) {
  QueueUpdate update;
  update.owner = owner.owner;
  std::vector<char> was_there(owner.pairs.size());
  for (Entry entry : old) {
    const auto pair = std::lower_bound(owner.pairs.begin(), owner.pairs.end(), entry,
                                       [](const Entry& a, const Entry& b) { return a.id < b.id; });
    if (pair != owner.pairs.end() && pair->id == entry.id) {
      was_there[static_cast<std::size_t>(pair - owner.pairs.begin())] = 1;
      entry.similarity = pair->similarity;
      entry.admitted |= pair->admitted;
    }
    if (holds(entry.similarity, threshold)) update.queue.push_back(entry);
  }
  const std::vector<Entry> stayed = update.queue;
  for (std::size_t i = 0; i < owner.pairs.size(); ++i) {
    const Entry& pair = owner.pairs[i];
    if (pair.admitted != 0 && was_there[i] == 0 && holds(pair.similarity, threshold)) update.queue.push_back(pair);
  }
  const std::size_t before_cut = update.queue.size();
  sort_and_cut(update.queue, longest);

  // Who was cut: an old entry counts as popped, an arrival as never admitted.
  std::int64_t kept_old = static_cast<std::int64_t>(stayed.size());
  if (before_cut > update.queue.size() && !update.queue.empty()) {
    const Entry last = update.queue.back();
    kept_old = std::count_if(stayed.begin(), stayed.end(), [&](const Entry& e) { return !more_similar(last, e); });
  }
  update.admitted = static_cast<std::int64_t>(update.queue.size()) - kept_old;
  update.popped = static_cast<std::int64_t>(old.size()) - kept_old;
  return update;
}

std::vector<OwnerPairs> pairs_from(const ScoreFeedback& feedback, const QueueOf& queue_of, const OwnerRows& owner_rows,
                                   int threads) {
  check_feedback(feedback);
  const SamplesByOwner groups = group(feedback.identities);
  const std::size_t count = groups.begins.size() - 1;
  AFACE_CHECK(owner_rows.rows.rows == count && owner_rows.inverse_lengths.size() == count, "{} rows for {} owners",
              owner_rows.rows.rows, count);
  const auto for_all = [&](int on, const auto& body) {
    parallel_for(static_cast<std::int64_t>(count), 8, on, [&](std::int64_t first, std::int64_t last) {
      for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) body(i);
    });
  };

  std::size_t listed = feedback.rivals->columns.size();
  for (std::size_t i = 0; i < count; ++i) listed += queue_of(feedback.identities[groups.samples[groups.begins[i]]]).size();
  const int on = listed * feedback.prototypes.dim >= kParallelValues ? threads : 1;

  std::vector<Owner> owners(count);
  for_all(on, [&](std::size_t i) {
    const Span<const std::size_t> samples(groups.samples.data() + groups.begins[i],
                                          groups.begins[i + 1] - groups.begins[i]);
    owners[i] = owner_of(feedback, samples, queue_of(feedback.identities[samples[0]]));
  });
  parallel_for(static_cast<std::int64_t>(feedback.active_ids.size()), kRowBlock, on,
               [&](std::int64_t first, std::int64_t last) { compare(feedback, owner_rows, first, last, owners); });
  std::vector<OwnerPairs> result(count);
  for_all(on, [&](std::size_t i) {
    result[i].owner = owners[i].identity;
    for (const Compared& pair : owners[i].compared) {
      result[i].pairs.push_back(
          make_entry(feedback.active_ids[static_cast<std::size_t>(pair.column)], pair.is_rival, pair.similarity));
    }
  });
  return result;
}

std::vector<QueueUpdate> updates_from(const ScoreFeedback& feedback, const QueueOf& queue_of, double threshold,
                                      std::int64_t longest, int threads) {
  std::vector<std::int64_t> owners(feedback.identities.begin(), feedback.identities.end());
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  const std::size_t dim = feedback.prototypes.dim;
  std::vector<float> rows(owners.size() * dim), inverse_lengths(owners.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const std::int64_t column = place_of(feedback.active_ids, owners[i]);
    AFACE_CHECK(column >= 0, "identity {} is in the batch but not active", owners[i]);
    std::copy_n(feedback.prototypes.row(static_cast<std::size_t>(column)), dim, rows.data() + i * dim);
    inverse_lengths[i] = feedback.inverse_lengths[static_cast<std::size_t>(column)];
  }
  const OwnerRows owner_rows = {{rows.data(), owners.size(), dim}, inverse_lengths};
  std::vector<QueueUpdate> updates;
  for (const OwnerPairs& owner : pairs_from(feedback, queue_of, owner_rows, threads)) {
    updates.push_back(update_of(owner, queue_of(owner.owner), threshold, longest));
  }
  return updates;
}

}  // namespace aface
