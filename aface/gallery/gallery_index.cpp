#include "aface/gallery/gallery_index.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "aface/core/check.h"
#include "aface/gallery/recall_probes.h"
#include "aface/kernel/inner_products.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr std::size_t kStaleShare = 5;            // one fifth of the photos changed
constexpr std::size_t kMostCandidates = 1 << 12;  // that an approximate index is asked for

// How a target is measured.
constexpr std::size_t kLooks = 512;       // their standard error at a recall of 0.95: 0.01
constexpr std::size_t kLooksAtOnce = 16;  // while others wait
constexpr double kLookCosine = 0.55;      // to the photos of the person, in the mean
constexpr std::uint64_t kLookSeed = 1;
// Effort is not doubled beyond this share of the photos (rows that a graph keeps in view, lists of an
// inverted file): about there the exact search is no slower.
constexpr std::size_t kMostEffortShare = 256;
constexpr std::int64_t kAlwaysAllowed = 64;

}  // namespace

std::string describe(const Approximation& about) {
  std::string text = fmt::format("approximate index, effort {}", about.effort);
  if (about.recall) {
    text += fmt::format(", finds {:.1f} % of the best people (of {} looks at enrolled ones)",
                        100 * *about.recall, about.probes);
  }
  return about.is_used
             ? text
             : text +
                   "; that is below the target, so answers stay exact: take another kind of index, or "
                   "a lower target";
}

GalleryIndex::GalleryIndex(const std::string& path, const GallerySearchOptions& options,
                           const GalleryOptions& file_options)
    : options_(options), file_(Gallery::open(path, file_options)), rows_(file_.model().dim) {
  model_ = file_.model();
  options_.index.threads = options.threads;
  follow();
}

GalleryIndex::~GalleryIndex() = default;

bool GalleryIndex::follow() {
  const std::lock_guard<std::mutex> file_lock(file_mutex_);
  if (file_.state().version == state_.version) return false;  // only this function changes state_
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::int64_t> ids, taken;
  Gallery::State now;
  try {
    now = file_.read_after(last_photo_, state_.removals, &ids,
                           [&](const GalleryRow& row, const float* embedding) {
                             take(row, embedding);
                             taken.push_back(row.photo);
                           });
  } catch (...) {
    for (const std::int64_t photo : taken) drop(photo);
    throw;
  }
  if (now.removals != state_.removals) {
    std::vector<std::int64_t> gone;
    for (const std::int64_t photo : photos_) {
      if (!std::binary_search(ids.begin(), ids.end(), photo)) gone.push_back(photo);
    }
    for (const std::int64_t photo : gone) drop(photo);
  }
  for (const std::int64_t photo : taken) last_photo_ = std::max(last_photo_, photo);
  state_ = now;
  return true;
}

void GalleryIndex::take(const GalleryRow& row, const float* embedding) {
  const auto [place, is_new] = person_of_identity_.try_emplace(row.identity, -1);
  if (is_new) {
    if (free_people_.empty()) {
      free_people_.push_back(static_cast<std::int32_t>(people_.size()));
      people_.emplace_back();
    }
    place->second = free_people_.back();
    free_people_.pop_back();
    people_[static_cast<std::size_t>(place->second)] = {row.identity, row.name, 0};
    person_of_name_[row.name] = place->second;
  }
  ++people_[static_cast<std::size_t>(place->second)].photos;
  row_of_photo_[row.photo] = static_cast<std::int32_t>(rows_.size());
  rows_.append(embedding);
  photos_.push_back(row.photo);
  person_of_row_.push_back(place->second);
  if (indexed_) {
    indexed_->recent.append(embedding);
    indexed_->recent_photos.push_back(row.photo);
  }
}

void GalleryIndex::drop(std::int64_t photo) {
  const auto found = row_of_photo_.find(photo);
  AFACE_CHECK(found != row_of_photo_.end(), "photo {} is not in memory", photo);
  const auto row = static_cast<std::size_t>(found->second);
  const std::int32_t person = person_of_row_[row];
  row_of_photo_.erase(found);
  rows_.remove(row);
  if (row + 1 != photos_.size()) {
    photos_[row] = photos_.back();
    person_of_row_[row] = person_of_row_.back();
    row_of_photo_[photos_[row]] = static_cast<std::int32_t>(row);
  }
  photos_.pop_back();
  person_of_row_.pop_back();
  Person& owner = people_[static_cast<std::size_t>(person)];
  if (--owner.photos == 0) {
    person_of_identity_.erase(owner.id);
    // Somebody may have been enrolled anew under the name of a person who went.
    if (const auto named = person_of_name_.find(owner.name);
        named != person_of_name_.end() && named->second == person) {
      person_of_name_.erase(named);
    }
    owner = {};
    free_people_.push_back(person);
  }
  if (!indexed_) return;
  std::vector<std::int64_t>& recent = indexed_->recent_photos;
  if (const auto place = std::find(recent.begin(), recent.end(), photo); place != recent.end()) {
    indexed_->recent.remove(static_cast<std::size_t>(place - recent.begin()));
    *place = recent.back();
    recent.pop_back();
  } else {
    ++indexed_->gone;
  }
}

bool GalleryIndex::prepare() {
  const std::unique_lock<std::mutex> prepare_lock(prepare_mutex_, std::try_to_lock);
  if (!prepare_lock.owns_lock()) return false;
  auto fresh = std::make_unique<Indexed>(model_.dim);
  {
    std::vector<float> snapshot;
    std::vector<std::int32_t> person_of_row;
    {
      const std::shared_lock<std::shared_mutex> lock(mutex_);
      if (static_cast<std::int64_t>(rows_.size()) < options_.approximate_above || rows_.size() == 0)
        return false;
      if (indexed_ && kStaleShare * (indexed_->recent.size() + indexed_->gone) < rows_.size()) return false;
      snapshot.reserve(rows_.size() * model_.dim);
      for (std::size_t i = 0; i < rows_.size(); ++i)
        snapshot.insert(snapshot.end(), rows_.row(i), rows_.row(i) + model_.dim);
      fresh->photos = photos_;
      person_of_row = person_of_row_;
    }
    const RowMatrix rows{snapshot.data(), fresh->photos.size(), model_.dim};
    fresh->index = make_neighbour_index(options_.index, rows.rows);
    fresh->index->build(rows);
    reach_target(*fresh, rows, person_of_row);
  }
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  std::size_t still_there = 0;
  std::vector<std::int64_t> known = fresh->photos;
  std::sort(known.begin(), known.end());
  for (std::size_t i = 0; i < photos_.size(); ++i) {
    if (std::binary_search(known.begin(), known.end(), photos_[i])) {
      ++still_there;
      continue;
    }
    fresh->recent.append(rows_.row(i));
    fresh->recent_photos.push_back(photos_[i]);
  }
  fresh->gone = known.size() - still_there;
  indexed_ = std::move(fresh);
  return true;
}

void GalleryIndex::reach_target(Indexed& fresh, RowMatrix rows,
                                Span<const std::int32_t> person_of_row) const {
  const bool is_graph = options_.index.kind == "graph";
  Approximation& about = fresh.about;
  about.effort = is_graph ? options_.index.graph_search_effort : options_.index.probes;
  about.is_used = true;
  if (options_.recall_target <= 0) return;
  const std::vector<float> looks = looks_at(rows, person_of_row, kLooks, kLookCosine, kLookSeed);
  const RowMatrix probes{looks.data(), kLooks, rows.dim};
  const Answers exact = best_people(nullptr, probes);
  const auto most = std::max(kAlwaysAllowed, static_cast<std::int64_t>(rows.rows / kMostEffortShare));
  about.probes = kLooks;
  for (;; about.effort = std::min(2 * about.effort, most)) {
    fresh.index->set_search_effort(about.effort);
    about.recall = recall_of(best_people(&fresh, probes), exact).first;
    about.is_used = *about.recall >= options_.recall_target;
    if (about.is_used || about.effort >= most) return;
  }
}

GalleryIndex::Answers GalleryIndex::best_people(const Indexed* indexed, RowMatrix probes) const {
  Answers all;
  for (std::size_t first = 0; first < probes.rows; first += kLooksAtOnce) {
    if (options_.index.give_up) options_.index.give_up();
    const RowMatrix some{probes.row(first), std::min(kLooksAtOnce, probes.rows - first), probes.dim};
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    for (std::vector<IdentityMatch>& answer : answers(indexed, some, 1)) all.push_back(std::move(answer));
  }
  return all;
}

std::optional<Approximation> GalleryIndex::approximation() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  if (!indexed_) return std::nullopt;
  return indexed_->about;
}

bool GalleryIndex::is_approximate() const {
  const std::optional<Approximation> about = approximation();
  return about && about->is_used;
}

void GalleryIndex::set_effort(std::int64_t effort) {
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  if (!indexed_) return;
  indexed_->index->set_search_effort(effort);
  indexed_->about = {};
  indexed_->about.effort = effort;
  indexed_->about.is_used = true;
}

GalleryCounts GalleryIndex::counts() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return {static_cast<std::int64_t>(people_.size() - free_people_.size()),
          static_cast<std::int64_t>(rows_.size())};
}

GalleryIndex::Candidates GalleryIndex::exact_candidates(RowMatrix probes, std::size_t count) const {
  const NeighbourLists found = rows_.search(probes, count, options_.threads);
  Candidates candidates(probes.rows);
  for (std::size_t q = 0; q < probes.rows; ++q) {
    for (std::size_t i = 0; i < found.count; ++i) {
      candidates[q].push_back({found.similarities_of(q)[i], found.ids_of(q)[i]});
    }
  }
  return candidates;
}

GalleryIndex::Candidates GalleryIndex::approximate_candidates(const Indexed& indexed, RowMatrix probes,
                                                              std::size_t count) const {
  const NeighbourLists old = indexed.index->search(probes, count);
  const NeighbourLists recent = indexed.recent.search(probes, count, options_.threads);
  Candidates candidates(probes.rows);
  const auto add = [&](std::size_t q, std::int64_t photo) {
    const auto row = row_of_photo_.find(photo);
    if (row == row_of_photo_.end()) return;  // went since the index was built
    // The true cosine, whatever the index computes with.
    const float score =
        inner_product(probes.row(q), rows_.row(static_cast<std::size_t>(row->second)), model_.dim);
    candidates[q].push_back({score, row->second});
  };
  for (std::size_t q = 0; q < probes.rows; ++q) {
    for (const std::int32_t id : old.ids_of(q)) {
      if (id != NeighbourLists::kNone) add(q, indexed.photos[static_cast<std::size_t>(id)]);
    }
    for (const std::int32_t id : recent.ids_of(q))
      add(q, indexed.recent_photos[static_cast<std::size_t>(id)]);
  }
  return candidates;
}

std::vector<IdentityMatch> GalleryIndex::people_of(std::vector<Candidate>& candidates,
                                                   std::size_t count) const {
  std::sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return photos_[static_cast<std::size_t>(a.row)] < photos_[static_cast<std::size_t>(b.row)];
  });
  std::vector<IdentityMatch> people;
  for (const Candidate& candidate : candidates) {
    if (people.size() == count) break;
    const auto row = static_cast<std::size_t>(candidate.row);
    const Person& person = people_[static_cast<std::size_t>(person_of_row_[row])];
    const bool is_known = std::any_of(people.begin(), people.end(), [&](const IdentityMatch& match) {
      return match.identity == person.id;
    });
    if (!is_known) people.push_back({person.id, person.name, candidate.score, photos_[row]});
  }
  return people;
}

std::vector<std::vector<IdentityMatch>> GalleryIndex::search(RowMatrix probes, std::size_t count,
                                                             SearchMethod method) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const bool is_approximate = method == SearchMethod::kAuto && indexed_ && indexed_->about.is_used;
  return answers(is_approximate ? indexed_.get() : nullptr, probes, count);
}

GalleryIndex::Answers GalleryIndex::answers(const Indexed* indexed, RowMatrix probes,
                                            std::size_t count) const {
  Answers answers(probes.rows);
  if (probes.rows == 0 || count == 0) return answers;
  check_unit_rows(probes, {}, "probe", options_.threads);
  AFACE_CHECK(probes.dim == model_.dim, "probes of {} values in a gallery of {}", probes.dim, model_.dim);
  const std::size_t people = std::min(count, people_.size() - free_people_.size());
  const std::size_t most = indexed == nullptr ? rows_.size() : std::min(rows_.size(), kMostCandidates);

  // The best photos may be of fewer people than are wanted: those probes are asked again for more photos.
  std::vector<std::size_t> pending(probes.rows);
  for (std::size_t q = 0; q < probes.rows; ++q) pending[q] = q;
  std::vector<float> gathered;
  for (std::size_t photos = std::min(most, 2 * people + 8); !pending.empty() && photos > 0;
       photos = std::min(most, 4 * photos)) {
    RowMatrix asked = probes;
    if (pending.size() != probes.rows) {
      gathered.clear();
      for (const std::size_t q : pending)
        gathered.insert(gathered.end(), probes.row(q), probes.row(q) + probes.dim);
      asked = {gathered.data(), pending.size(), probes.dim};
    }
    Candidates candidates = indexed == nullptr ? exact_candidates(asked, photos)
                                               : approximate_candidates(*indexed, asked, photos);
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      answers[pending[i]] = people_of(candidates[i], people);
      if (answers[pending[i]].size() < people && photos < most) left.push_back(pending[i]);
    }
    pending = std::move(left);
  }
  return answers;
}

std::optional<IdentityMatch> GalleryIndex::score(const std::string& name, const float* probe) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const auto person = person_of_name_.find(name);
  if (person == person_of_name_.end()) return std::nullopt;
  check_unit_rows({probe, 1, model_.dim}, {}, "probe", 1);
  std::vector<Candidate> candidates;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (person_of_row_[row] != person->second) continue;
    candidates.push_back({inner_product(probe, rows_.row(row), model_.dim), static_cast<std::int32_t>(row)});
  }
  return people_of(candidates, 1).front();
}

std::vector<float> GalleryIndex::rows_of(const std::string& name) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  std::vector<float> rows;
  const auto person = person_of_name_.find(name);
  if (person == person_of_name_.end()) return rows;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (person_of_row_[row] == person->second)
      rows.insert(rows.end(), rows_.row(row), rows_.row(row) + model_.dim);
  }
  return rows;
}

SearchRecall recall_of(const std::vector<std::vector<IdentityMatch>>& approximate,
                       const std::vector<std::vector<IdentityMatch>>& exact) {
  SearchRecall recall;
  std::size_t found = 0, wanted = 0, first = 0;
  for (std::size_t q = 0; q < exact.size(); ++q) {
    wanted += exact[q].size();
    for (const IdentityMatch& match : exact[q]) {
      found += static_cast<std::size_t>(
          std::any_of(approximate[q].begin(), approximate[q].end(),
                      [&](const IdentityMatch& other) { return other.identity == match.identity; }));
    }
    first += static_cast<std::size_t>(
        exact[q].empty() ||
        (!approximate[q].empty() && approximate[q].front().identity == exact[q].front().identity));
  }
  recall.first = exact.empty() ? 1 : static_cast<double>(first) / static_cast<double>(exact.size());
  recall.all = wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
  return recall;
}

}  // namespace aface
