#include "aface/mining/feature_query_selector.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/random_state.h"
#include "aface/mining/index_choice.h"
#include "aface/mining/selector_state.h"

namespace aface {
namespace {

constexpr char kLastRebuild[] = "miner.last_rebuild";

}  // namespace

FeatureQuerySelector::FeatureQuerySelector(const MinerOptions& options, std::int64_t num_identities,
                                           std::uint64_t seed, int threads)
    : budget_(options.budget),
      index_options_(index_options_of(options, seed, threads)),
      active_(num_identities),
      random_(seed),
      rhythm_(options.rebuild_steps),
      follows_(options.index != "graph") {}  // replacing a row of a graph costs more than inserting one

void FeatureQuerySelector::rebuild(std::int64_t step, const UnitRows& prototypes) {
  AFACE_CHECK(prototypes.count == active_.num_identities(), "{} prototypes for {} identities", prototypes.count,
              active_.num_identities());
  index_ = make_neighbour_index(index_options_, static_cast<std::size_t>(prototypes.count));
  index_->build(blocks_of(prototypes));
  rhythm_.done(step);
}

void FeatureQuerySelector::rows_changed(Span<const std::int64_t> ids, const UnitRows& prototypes) {
  if (!follows_ || index_ == nullptr) return;
  const std::vector<std::int32_t> places(ids.begin(), ids.end());
  const auto dim = static_cast<std::size_t>(prototypes.dim);
  changed_rows_.resize(ids.size() * dim);
  prototypes.read_rows(ids, changed_rows_.data());
  index_->update(places, {changed_rows_.data(), ids.size(), dim});
}

std::vector<std::int64_t> FeatureQuerySelector::select(const SelectionRequest& request) {
  AFACE_CHECK(index_ != nullptr, "select() before rebuild()");
  const std::size_t batch = request.identities.size();
  AFACE_CHECK(request.unit_embeddings.rows == batch, "{} embeddings for {} samples", request.unit_embeddings.rows, batch);
  active_.insert_own(request.identities, budget_);

  std::vector<std::int32_t> found;
  if (batch > 0) found = index_->search(request.unit_embeddings, static_cast<std::size_t>(budget_) / batch + 1).ids;
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  found.erase(std::remove_if(found.begin(), found.end(),
                             [&](std::int32_t id) { return id == NeighbourLists::kNone || active_.contains(id); }),
              found.end());
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, budget_ - active_.size()));
  if (found.size() > room) {
    random_.shuffle(found);
    found.resize(room);
  }
  for (const std::int32_t id : found) active_.insert(id);
  active_.fill_at_random(budget_, random_);
  return active_.take();
}

void FeatureQuerySelector::save(NamedArrays& state) const {
  put_selector_header(state, "feature_query", active_.num_identities());
  put_random(state, "miner.random", random_);
  if (index_ == nullptr) return;
  state.put_scalar<std::int64_t>(kLastRebuild, rhythm_.last());
  index_->save(state);
}

void FeatureQuerySelector::restore(const NamedArrays& state) {
  check_selector_header(state, "feature_query", active_.num_identities());
  const Random::State generator = get_random(state, "miner.random");
  std::unique_ptr<NeighbourIndex> index;
  std::int64_t last_rebuild = -1;
  if (state.has(kLastRebuild)) {
    last_rebuild = state.get_scalar<std::int64_t>(kLastRebuild);
    index = make_neighbour_index(index_options_, static_cast<std::size_t>(active_.num_identities()));
    index->restore(state);
    if (static_cast<std::int64_t>(index->size()) != active_.num_identities()) {
      throw Error(ErrorKind::kFormat, fmt::format("neighbour index: {} rows for {} identities; use an earlier checkpoint",
                                                  index->size(), active_.num_identities()));
    }
  }
  random_.set_state(generator);
  index_ = std::move(index);
  rhythm_.set_last(last_rebuild);
}

}  // namespace aface
