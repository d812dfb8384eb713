#include "aface/prototype/prototype_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

#include "aface/core/error.h"
#include "aface/core/random.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

// More than two blocks of gradient, rows of a length that vectors do not divide.
constexpr std::int64_t kIdentities = 2500, kDim = 13;

std::vector<std::int64_t> everyone() {
  std::vector<std::int64_t> ids(kIdentities);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

std::vector<std::int64_t> draw_ids(Random& random, double share) {
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < kIdentities; ++id) {
    if (random.chance(id == 7 ? 0.01 : share)) ids.push_back(id);  // one identity is hardly ever active
  }
  return ids;
}

// d loss / d row of one step, by identity: independent of which rows are active and of the blocks.
float gradient_of(std::int64_t step, std::int64_t id, std::int64_t j) {
  return static_cast<float>(std::sin(static_cast<double>(step * 31 + id * 7 + j * j)));
}

RowGradient gradients(std::int64_t step, const std::vector<std::int64_t>& ids) {
  return [step, &ids](std::size_t first, std::size_t count, float* out) {
    for (std::size_t i = first; i < first + count; ++i) {
      for (std::int64_t j = 0; j < kDim; ++j) *out++ = gradient_of(step, ids[i], j);
    }
  };
}

double rate_of(std::int64_t step) { return 0.1 * (1 + std::cos(0.3 * static_cast<double>(step))); }

std::vector<float> all_rows(const PrototypeTable& table) {
  std::vector<float> rows(static_cast<std::size_t>(table.num_identities() * table.dim()));
  table.rows(0, table.num_identities(), rows.data());
  return rows;
}

// Steps first ... last - 1 with `share` of the identities active.
void run(PrototypeTable& table, std::int64_t first, std::int64_t last, double share) {
  for (std::int64_t step = first; step < last; ++step) {
    Random random(9, static_cast<std::uint64_t>(step));
    const std::vector<std::int64_t> ids = share >= 1 ? everyone() : draw_ids(random, share);
    table.activate(ids);
    table.step(rate_of(step), gradients(step, ids));
  }
}

PrototypeTable make_table(int threads = 1, const std::string& folder = "") {
  PrototypeOptions options;
  options.threads = threads;
  options.folder = folder;
  return PrototypeTable(kIdentities, kDim, 5, options);
}

TEST(PrototypeTable, SparseRunEqualsTheDenseTextbookLoopInDouble) {
  for (const double momentum : {0.0, 0.9}) {
    for (const double decay : {0.0, 5e-4, 0.05}) {
      PrototypeOptions options;
      options.momentum = momentum;
      options.weight_decay = decay;
      PrototypeTable table(kIdentities, kDim, 5, options);
      const std::vector<float> start = all_rows(table);
      std::vector<double> w(start.begin(), start.end()), v(w.size());
      for (std::int64_t step = 0; step < 60; ++step) {
        Random random(9, static_cast<std::uint64_t>(step));
        const std::vector<std::int64_t> ids = step % 20 == 19 ? everyone() : draw_ids(random, 0.1);
        const RowMatrix rows = table.activate(ids);
        std::vector<double> g(w.size());
        for (std::size_t i = 0; i < ids.size(); ++i) {
          for (std::int64_t j = 0; j < kDim; ++j) {
            const auto at = static_cast<std::size_t>(ids[i] * kDim + j);
            ASSERT_NEAR(rows.row(i)[j], w[at], 1e-5) << step << ' ' << ids[i];
            g[at] = gradient_of(step, ids[i], j);
          }
        }
        table.step(rate_of(step), gradients(step, ids));
        for (std::size_t at = 0; at < w.size(); ++at) {
          v[at] = momentum * v[at] + g[at] + decay * w[at];
          w[at] -= rate_of(step) * v[at];
        }
      }
      const std::vector<float> end = all_rows(table);
      for (std::size_t at = 0; at < w.size(); ++at) ASSERT_NEAR(end[at], w[at], 1e-5) << momentum << ' ' << decay;
    }
  }
}

TEST(PrototypeTable, AnyNumberOfThreadsAndAFileGiveTheSameBits) {
  const test::TempDir folder;
  PrototypeTable one = make_table(1), four = make_table(4), filed = make_table(2, folder.path());
  for (PrototypeTable* table : {&one, &four, &filed}) {
    run(*table, 0, 30, 0.6);
    run(*table, 30, 32, 1.0);
    run(*table, 32, 40, 0.1);
  }
  EXPECT_EQ(all_rows(one), all_rows(four));
  EXPECT_EQ(all_rows(one), all_rows(filed));
}

TEST(PrototypeTable, LookingAtItDoesNotChangeTheRun) {
  PrototypeTable quiet = make_table(), watched = make_table();
  for (std::int64_t step = 0; step < 30; step += 3) {
    run(quiet, step, step + 3, 0.2);
    run(watched, step, step + 3, 0.2);
    all_rows(watched);
    watched.activate(std::vector<std::int64_t>{1, 5});
  }
  EXPECT_EQ(all_rows(quiet), all_rows(watched));
}

TEST(PrototypeTable, UnitRowsPointWhereTheRowsPoint) {
  PrototypeTable table = make_table();
  run(table, 0, 12, 0.2);
  const std::vector<float> raw = all_rows(table);
  std::vector<float> block(100 * kDim), some(2 * kDim);
  table.unit_rows(200, 100, block.data());
  table.unit_rows(std::vector<std::int64_t>{203, 299}, some.data());
  for (std::size_t i = 0; i < 100; ++i) {
    double length = 0, dot = 0, squares = 0;
    for (std::size_t j = 0; j < kDim; ++j) {
      const double unit = block[i * kDim + j], row = raw[(200 + i) * kDim + j];
      length += unit * unit;
      dot += unit * row;
      squares += row * row;
    }
    EXPECT_NEAR(length, 1, 1e-6);
    EXPECT_NEAR(dot / std::sqrt(squares), 1, 1e-6);
  }
  EXPECT_TRUE(std::equal(some.begin(), some.begin() + kDim, block.begin() + 3 * kDim));
  EXPECT_TRUE(std::equal(some.begin() + kDim, some.end(), block.begin() + 99 * kDim));
}

TEST(PrototypeTable, RestoredRunGoesOnBitForBit) {
  PrototypeTable whole = make_table();
  run(whole, 0, 50, 0.2);
  NamedArrays state;
  whole.save(state);
  state.own_all();
  run(whole, 50, 70, 0.2);

  PrototypeTable resumed(kIdentities, kDim, 99, PrototypeOptions());
  resumed.restore(state);
  run(resumed, 50, 70, 0.2);
  EXPECT_EQ(all_rows(resumed), all_rows(whole));
  EXPECT_EQ(resumed.stalest_age(), whole.stalest_age());
  EXPECT_EQ(resumed.share_never_active(), whole.share_never_active());
}

TEST(PrototypeTable, UnfittingStateIsRefusedAndChangesNothing) {
  PrototypeTable table = make_table();
  run(table, 0, 5, 0.2);
  NamedArrays good;
  table.save(good);
  good.own_all();
  const std::vector<float> before = all_rows(table);
  const auto refused = [&](const std::function<void(NamedArrays&)>& damage) {
    NamedArrays state = good;
    damage(state);
    try {
      table.restore(state);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kFormat;
    }
    return false;
  };
  EXPECT_TRUE(refused([](NamedArrays& s) { s.arrays.erase("prototypes.velocity"); }));
  EXPECT_TRUE(refused([](NamedArrays& s) { s.arrays["prototypes.weight"].shape = {kDim, kIdentities}; }));
  EXPECT_TRUE(refused([](NamedArrays& s) { s.arrays["prototypes.velocity"].type = DataType::kInt32; }));
  EXPECT_TRUE(refused([](NamedArrays& s) { s.put_scalar<std::int64_t>("prototypes.steps", 1); }));
  EXPECT_EQ(all_rows(table), before);
  EXPECT_FALSE(refused([](NamedArrays&) {}));
}

// Past the longest history all rows are caught up, so that memory and time a step stay bounded.
TEST(PrototypeTable, ManyThousandStepsAreExactAndBounded) {
  PrototypeOptions options;
  options.threads = 1;
  PrototypeTable table(3, 2, 1, options);
  std::vector<float> rows(6);
  table.rows(0, 3, rows.data());
  const float start = rows[4];
  double w = start, v = 0;
  const RowGradient none = [](std::size_t, std::size_t count, float* out) { std::fill(out, out + 2 * count, 0.0F); };
  const std::int64_t steps = LazyDecay::kLongestHistory + 5000;
  for (std::int64_t step = 0; step < steps; ++step) {
    table.activate(std::vector<std::int64_t>{0});
    table.step(0.01, none);
    v = options.momentum * v + options.weight_decay * w;
    w -= 0.01 * v;
  }
  table.rows(0, 3, rows.data());
  EXPECT_LT(w / start, 0.1);  // far from where it started
  EXPECT_NEAR(rows[4] / w, 1, 1e-5);
  EXPECT_EQ(table.stalest_age(), steps);
  NamedArrays state;
  table.save(state);
  EXPECT_LE(state.get<double>("prototypes.rates").size(), static_cast<std::size_t>(LazyDecay::kLongestHistory));
}

TEST(PrototypeTable, StartIsNormalAndSeeded) {
  PrototypeOptions options;
  const PrototypeTable a(2000, 64, 1, options), b(2000, 64, 1, options), c(2000, 64, 2, options);
  const std::vector<float> rows = all_rows(a);
  EXPECT_EQ(rows, all_rows(b));
  EXPECT_NE(rows, all_rows(c));
  double sum = 0, squares = 0;
  for (const double x : rows) {
    sum += x * 8;
    squares += x * x * 64;
  }
  const double count = 2000 * 64;
  EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2 / count));
}

TEST(PrototypeTable, ATableBeyondMemoryIsRefusedBeforeItIsTouched) {
  try {
    const PrototypeTable table(1'000'000'000, 100'000, 1, PrototypeOptions());
    FAIL() << "accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(text.find("1000000000 identities x 100000 values need 800 TB"), std::string::npos) << text;
    EXPECT_NE(text.find("optimizer.prototype_storage"), std::string::npos) << text;
  }
}

TEST(PrototypeTable, WrongUseIsCaught) {
  PrototypeTable table = make_table();
  for (const std::vector<std::int64_t>& ids :
       std::vector<std::vector<std::int64_t>>{{-1, 2}, {2, 2}, {3, 1}, {0, kIdentities}}) {
    EXPECT_THROW(table.activate(ids), Error);
  }
  EXPECT_EQ(table.activate(std::vector<std::int64_t>()).rows, 0u) << "as on a rank none of whose identities is active";
  table.activate(everyone());
  EXPECT_THROW(table.step(0.1, RowGradient()), Error);
}

}  // namespace
}  // namespace aface
