#include "bench/nearest_contest.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "bench/prototype_rows.h"

namespace aface::bench {
namespace {

std::vector<float> queries_near(RowMatrix rows, std::size_t count, double cosine, Random& random) {
  std::vector<float> queries(count * rows.dim);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rows.rows)));
    unit_row_near(rows.row(row), rows.dim, cosine, random, queries.data() + i * rows.dim);
  }
  return queries;
}

void apply(const Changes& changes, std::size_t dim, std::vector<float>& rows) {
  for (std::size_t i = 0; i < changes.ids.size(); ++i) {
    std::copy_n(changes.rows.data() + i * dim, dim, rows.data() + static_cast<std::size_t>(changes.ids[i]) * dim);
  }
}

}  // namespace

Course make_course(const CourseOptions& options) {
  Course course;
  course.start = prototype_rows(options.rows, course.dim, options.flat, 1);
  std::vector<float> now = course.start;
  const RowMatrix view{now.data(), options.rows, course.dim};
  Random random(7);
  course.tuning = queries_near(view, course.queries, options.query_cosine, random);
  for (std::size_t step = 0; step < options.steps; ++step) {
    std::set<std::int32_t> chosen;
    while (chosen.size() < std::min(options.changed, options.rows)) {
      chosen.insert(static_cast<std::int32_t>(random.below(static_cast<std::int64_t>(options.rows))));
    }
    Changes changes;
    changes.ids.assign(chosen.begin(), chosen.end());
    changes.rows.resize(changes.ids.size() * course.dim);
    for (std::size_t i = 0; i < changes.ids.size(); ++i) {
      unit_row_near(view.row(static_cast<std::size_t>(changes.ids[i])), course.dim, std::cos(options.drift), random,
                    changes.rows.data() + i * course.dim);
    }
    apply(changes, course.dim, now);
    course.changes.push_back(std::move(changes));
    course.asked.push_back(queries_near(view, course.queries, options.query_cosine, random));
  }
  return course;
}

std::vector<float> rows_after(const Course& course, std::size_t count) {
  std::vector<float> rows = course.start;
  for (std::size_t step = 0; step < count; ++step) apply(course.changes[step], course.dim, rows);
  return rows;
}

double recall_of(const std::vector<std::int32_t>& found, const std::vector<std::int32_t>& truth, std::size_t count) {
  std::size_t hits = 0;
  for (std::size_t begin = 0; begin < truth.size(); begin += count) {
    const auto first = static_cast<std::ptrdiff_t>(begin), last = static_cast<std::ptrdiff_t>(begin + count);
    const std::set<std::int32_t> wanted(truth.begin() + first, truth.begin() + last);
    for (auto id = found.begin() + first; id != found.begin() + last; ++id) hits += wanted.count(*id);
  }
  return static_cast<double>(hits) / static_cast<double>(truth.size());
}

}  // namespace aface::bench
