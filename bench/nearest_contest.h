#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/nearest/neighbour_index.h"

namespace aface::bench {

// One of those who search among prototypes that drift.
class Contestant {
 public:
  virtual ~Contestant() = default;
  virtual std::string name() const = 0;
  virtual void build(RowMatrix rows) = 0;
  virtual void update(Span<const std::int32_t> ids, RowMatrix rows) = 0;
  virtual std::vector<std::int32_t> search(RowMatrix queries, std::size_t count) const = 0;  // ids [queries, count]
  // More costs time and finds more: 0, 1, ... up to effort_count() - 1.
  virtual void set_effort(std::size_t level) = 0;
  virtual std::size_t effort_count() const = 0;
  virtual std::string setting() const = 0;
};

struct Changes {
  std::vector<std::int32_t> ids;
  std::vector<float> rows;
};

// The course that every contestant runs: per step queries near prototypes, and prototypes that an optimiser moved.
struct Course {
  std::size_t dim = 512;
  std::size_t queries = 256;
  std::size_t count = 32;
  std::vector<float> start;                  // prototypes before the first step
  std::vector<float> tuning;                 // queries that settings are chosen with
  std::vector<Changes> changes;              // of each step
  std::vector<std::vector<float>> asked;     // queries of each step, after its changes

  RowMatrix rows() const { return {start.data(), start.size() / dim, dim}; }
  RowMatrix tuning_queries() const { return {tuning.data(), queries, dim}; }
  RowMatrix queries_of(std::size_t step) const { return {asked[step].data(), queries, dim}; }
  RowMatrix rows_of(std::size_t step) const { return {changes[step].rows.data(), changes[step].ids.size(), dim}; }
};

struct CourseOptions {
  std::size_t rows = 200000;
  std::size_t steps = 50;
  std::size_t changed = 1000;
  double drift = 0.02;  // of a changed prototype, radians a step: about a gradient step at learning rate 0.1
  double query_cosine = 0.7;
  bool flat = false;
};

Course make_course(const CourseOptions& options);
// The prototypes after steps [0, count).
std::vector<float> rows_after(const Course& course, std::size_t count);

double recall_of(const std::vector<std::int32_t>& found, const std::vector<std::int32_t>& truth, std::size_t count);

std::vector<std::unique_ptr<Contestant>> faiss_contestants(std::size_t rows, int threads);

}  // namespace aface::bench
