#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "aface/gallery/gallery.h"
#include "aface/gallery/row_store.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

struct GallerySearchOptions {
  // Photos from which on an approximate index is used, once prepare() has built it; below, and until then,
  // answers are exact.
  std::int64_t approximate_above = 1'000'000;
  IndexOptions index;  // kind "graph" (HNSW) or "inverted", and the effort that searches begin with
  // In [0, 1): share of new photos of enrolled people for which the index must find the same best person as
  // the exact search. prepare() measures it and doubles the effort until it is reached; an index that would
  // have to look at too much for it is not used. 0: nothing is measured, the effort stays.
  double recall_target = 0.99;
  int threads = 0;  // 0: all cores

  GallerySearchOptions() {
    index.kind = "inverted";
    index.parallel_build = true;
  }
};

// A person who may be on the probe.
struct IdentityMatch {
  std::int64_t identity = 0;
  std::string name;
  float score = 0;         // cosine of the probe and the most similar of the person's photos
  std::int64_t photo = 0;  // id of that photo
};

enum class SearchMethod { kAuto, kExact };

// What prepare() learned of the approximate index.
struct Approximation {
  std::int64_t effort = 0;  // NeighbourIndex::set_search_effort()
  // Share of `probes` looks at enrolled people (recall_probes.h) for which it finds the best person; nothing
  // without a target.
  std::optional<double> recall;
  std::size_t probes = 0;
  bool is_used = false;  // no: the target is out of reach, and answers stay exact
};

// In one line, for logs.
std::string describe(const Approximation& about);

// What an approximate search found of what the exact one finds.
struct SearchRecall {
  double first = 0;  // share of probes whose best person is the same
  double all = 0;    // share of the exact answer's people that the approximate one has
};

// The rows of a gallery in memory (5 dim bytes a photo), following its file, and searches among them. The
// score of a person is the maximum over the person's photos. Any number of threads may search while one
// follows or prepares.
class GalleryIndex {
 public:
  // Reads the whole gallery. Errors are those of Gallery.
  GalleryIndex(const std::string& path, const GallerySearchOptions& options,
               const GalleryOptions& file_options = {});
  ~GalleryIndex();

  // Takes over what others wrote since; true if there was something.
  bool follow();
  // Builds the approximate index if the gallery is large enough and there is none, or one fifth of the photos
  // came or went since; true if it did. Searches and follow() go on meanwhile.
  bool prepare();
  // Of the index that is there; nothing before there is one.
  std::optional<Approximation> approximation() const;
  bool is_approximate() const;  // answers come from the index
  // The index is used, with this effort, whatever prepare() found; nothing happens where there is none.
  void set_effort(std::int64_t effort);

  const GalleryModel& model() const { return model_; }
  GalleryCounts counts() const;

  // Up to `count` people for each probe [probes, dim] of length 1, best first, equal scores by the earlier
  // photo. Throws Error{kNumeric} for a probe without direction.
  std::vector<std::vector<IdentityMatch>> search(RowMatrix probes, std::size_t count,
                                                 SearchMethod method = SearchMethod::kAuto) const;
  // The named person's score; nothing if nobody has this name.
  std::optional<IdentityMatch> score(const std::string& name, const float* probe) const;
  // The embeddings of the named person's photos [photos, dim]; empty if nobody has this name.
  std::vector<float> rows_of(const std::string& name) const;

 private:
  struct Person {
    std::int64_t id = 0;
    std::string name;
    std::int64_t photos = 0;
  };
  struct Indexed {
    Approximation about;
    std::unique_ptr<NeighbourIndex> index;
    std::vector<std::int64_t> photos;  // of each row
    std::int64_t last_photo = 0;
    // Photos that came later, in the order of `recent`, and how many went.
    RowStore recent;
    std::vector<std::int64_t> recent_photos;
    std::size_t gone = 0;
    explicit Indexed(std::size_t dim) : recent(dim) {}
  };

  // Photos for each probe by falling score, at most `count`.
  struct Candidate {
    float score = 0;
    std::int32_t row = 0;
  };
  using Candidates = std::vector<std::vector<Candidate>>;
  using Answers = std::vector<std::vector<IdentityMatch>>;

  void take(const GalleryRow& row, const float* embedding);
  void drop(std::int64_t photo);
  Candidates exact_candidates(RowMatrix probes, std::size_t count) const;
  Candidates approximate_candidates(const Indexed& indexed, RowMatrix probes, std::size_t count) const;
  std::vector<IdentityMatch> people_of(std::vector<Candidate>& candidates, std::size_t count) const;
  // By the index, or exactly where it is null. The caller holds mutex_.
  Answers answers(const Indexed* indexed, RowMatrix probes, std::size_t count) const;
  // The best people, some probes at a time, so that nobody waits long for mutex_.
  Answers best_people(const Indexed* indexed, RowMatrix probes) const;
  // Chooses the effort of an index of these rows and says whether it is to be used.
  void reach_target(Indexed& fresh, RowMatrix rows, Span<const std::int32_t> person_of_row) const;

  GallerySearchOptions options_;
  GalleryModel model_;
  mutable std::mutex file_mutex_;  // held by follow()
  Gallery file_;

  mutable std::shared_mutex mutex_;  // of all below
  Gallery::State state_{-1, -1};
  std::int64_t last_photo_ = 0;
  RowStore rows_;
  std::vector<std::int64_t> photos_;         // id of each row's photo
  std::vector<std::int32_t> person_of_row_;  // index into people_
  std::vector<Person> people_;               // those without photos are free places
  std::vector<std::int32_t> free_people_;
  std::unordered_map<std::int64_t, std::int32_t> row_of_photo_, person_of_identity_;
  std::unordered_map<std::string, std::int32_t> person_of_name_;
  std::unique_ptr<Indexed> indexed_;
  std::mutex prepare_mutex_;  // held by prepare()
};

SearchRecall recall_of(const std::vector<std::vector<IdentityMatch>>& approximate,
                       const std::vector<std::vector<IdentityMatch>>& exact);

}  // namespace aface
