#include "aface/gallery/gallery_index.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <thread>

#include "aface/kernel/inner_products.h"
#include "tests/gallery/people.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kDim = 32;

struct GalleryIndexTest : ::testing::Test {
  void enrol(std::uint64_t number, std::size_t photos) {
    people[number] = make_person(number, photos, kDim);
    gallery.enrol(people[number].enrolments());
  }
  // In one transaction: each waits for the disk.
  void enrol_people(std::uint64_t first, std::uint64_t last, std::size_t photos) {
    std::vector<Enrolment> all;
    for (std::uint64_t number = first; number < last; ++number) {
      if (people.count(number) > 0) continue;
      people[number] = make_person(number, photos, kDim);
      for (const Enrolment& enrolment : people[number].enrolments()) all.push_back(enrolment);
    }
    gallery.enrol(all);
  }
  void remove(std::uint64_t number) {
    gallery.remove(people[number].name);
    people.erase(number);
  }
  std::vector<float> probes(std::size_t count, std::uint64_t seed) const {
    std::vector<float> rows;
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<float> row = unit_row(seed + i, kDim);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }
  // The rule in words: a person's score is the maximum over the photos.
  std::vector<std::pair<std::string, float>> brute_force(const float* probe, std::size_t count) const {
    std::vector<std::pair<std::string, float>> all;
    for (const auto& [number, person] : people) {
      float best = -2;
      for (const auto& row : person.rows) best = std::max(best, inner_product(probe, row.data(), kDim));
      all.emplace_back(person.name, best);
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    all.resize(std::min(count, all.size()));
    return all;
  }
  void expect_exact(const GalleryIndex& index, std::uint64_t seed,
                    SearchMethod method = SearchMethod::kAuto) const {
    const std::vector<float> rows = probes(20, seed);
    for (const std::size_t count : {1, 5, 1000}) {
      const auto found = index.search({rows.data(), 20, kDim}, count, method);
      for (std::size_t q = 0; q < 20; ++q) {
        const auto expected = brute_force(rows.data() + q * kDim, count);
        ASSERT_EQ(found[q].size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
          EXPECT_EQ(found[q][i].name, expected[i].first);
          EXPECT_EQ(found[q][i].score, expected[i].second);
        }
      }
    }
  }

  static void expect_not_found(const GalleryIndex& index, const std::vector<float>& probe,
                               const std::string& name) {
    const auto answers = index.search({probe.data(), 1, kDim}, 20);
    for (const IdentityMatch& match : answers[0]) EXPECT_NE(match.name, name);
  }

  TempDir dir;
  std::string path = dir.file("g");
  Gallery gallery = Gallery::open_or_create(path, {"model-a", kDim});
  std::map<std::uint64_t, Person> people;
};

TEST_F(GalleryIndexTest, FindsPeopleByTheBestOfTheirPhotosAsBruteForceDoes) {
  // Some have so many photos that they fill the front of the list.
  for (std::uint64_t number = 0; number < 60; ++number) enrol(number, number % 10 == 0 ? 50 : 1 + number % 3);
  const GalleryIndex index(path, {});
  EXPECT_EQ(index.counts().identities, 60);
  expect_exact(index, 500);
  const std::vector<float> probe = unit_row(501, kDim);
  for (const auto& [number, person] : people) {
    float best = -2;
    for (const auto& row : person.rows) best = std::max(best, inner_product(probe.data(), row.data(), kDim));
    EXPECT_EQ(index.score(person.name, probe.data())->score, best);
  }
  EXPECT_FALSE(index.score("nobody", probe.data()).has_value());
}

TEST_F(GalleryIndexTest, FollowsWhatOthersWrite) {
  GalleryIndex index(path, {});
  expect_exact(index, 1);
  Random random(2);
  std::uint64_t next = 0;
  for (int round = 0; round < 40; ++round) {
    for (std::int64_t i = random.below(4); i > 0; --i)
      enrol(next++, 1 + static_cast<std::size_t>(random.below(3)));
    if (random.chance(0.3) && !people.empty()) {
      const auto victim = std::next(people.begin(), random.below(static_cast<std::int64_t>(people.size())));
      const std::uint64_t number = victim->first;
      remove(number);
      if (random.chance(0.5)) enrol(number, 2);  // back again under the same name
    }
    index.follow();
    EXPECT_FALSE(index.follow()) << "nothing new";
    EXPECT_EQ(index.counts().identities, static_cast<std::int64_t>(people.size()));
    expect_exact(index, 100 + static_cast<std::uint64_t>(round));
  }
}

TEST_F(GalleryIndexTest, AnApproximateIndexFollowsTooAndItsRecallCanBeMeasured) {
  enrol_people(0, 900, 1);
  for (const std::string kind : {"graph", "inverted"}) {
    GallerySearchOptions options;
    options.approximate_above = 1180;
    options.index.kind = kind;
    GalleryIndex index(path, options);
    EXPECT_FALSE(index.prepare()) << "900 photos are few";
    EXPECT_FALSE(index.is_approximate());
    enrol_people(900, 1200, 1);
    index.follow();
    EXPECT_TRUE(index.prepare());
    EXPECT_TRUE(index.is_approximate());
    EXPECT_FALSE(index.prepare()) << "it is fresh";

    const std::vector<float> rows = probes(100, 7000);
    const RowMatrix view{rows.data(), 100, kDim};
    const auto exact = index.search(view, 10, SearchMethod::kExact);
    const SearchRecall recall = recall_of(index.search(view, 10), exact);
    EXPECT_GT(recall.all, 0.5) << kind;
    EXPECT_LE(recall.all, 1.0);
    EXPECT_EQ(recall_of(exact, exact).all, 1);
    EXPECT_EQ(recall_of(exact, exact).first, 1);
    expect_exact(index, 1, SearchMethod::kExact);

    // Who came later is found, who went is not, before the index is built anew.
    enrol(5000, 2);
    remove(3);
    index.follow();
    const auto late = index.search({people[5000].rows[1].data(), 1, kDim}, 3);
    EXPECT_EQ(late[0][0].name, people[5000].name);
    const Person gone = make_person(3, 1, kDim);
    expect_not_found(index, gone.rows[0], gone.name);
    remove(5000);
    enrol(3, 1);
    index.follow();
    expect_not_found(index, unit_row(5000001, kDim), make_person(5000, 1, kDim).name);
    EXPECT_EQ(index.search({gone.rows[0].data(), 1, kDim}, 1)[0][0].name, gone.name);
    for (std::uint64_t number = 900; number < 930; ++number) remove(number);
    index.follow();
    EXPECT_FALSE(index.prepare()) << "too small again: what is there serves on";
    EXPECT_TRUE(index.is_approximate());
  }
}

// Looks at enrolled people that have nothing to do with those that the target is measured with.
TEST_F(GalleryIndexTest, TheEffortGrowsUntilTheRecallTargetIsReached) {
  enrol_people(0, 4000, 1);
  const std::size_t looks = 200;
  std::vector<float> rows;
  for (std::uint64_t i = 0; i < looks; ++i) {
    const std::vector<float> noise = unit_row(90000 + i, kDim);
    const std::vector<float>& row = people[i * 19].rows[0];
    double squares = 0;
    for (std::size_t k = 0; k < kDim; ++k) {
      rows.push_back(0.6F * row[k] + 0.8F * noise[k]);
      squares += double(rows.back()) * double(rows.back());
    }
    for (std::size_t k = 0; k < kDim; ++k)
      rows[rows.size() - kDim + k] /= static_cast<float>(std::sqrt(squares));
  }
  const RowMatrix view{rows.data(), looks, kDim};
  for (const std::string kind : {"graph", "inverted"}) {
    GallerySearchOptions options;
    options.approximate_above = 1;
    options.index.kind = kind;
    options.index.probes = 1;
    options.index.graph_search_effort = 1;
    options.threads = 1;
    const auto recall_with = [&](double target, Approximation& about) {
      options.recall_target = target;
      GalleryIndex index(path, options);
      EXPECT_FALSE(index.approximation().has_value());
      EXPECT_TRUE(index.prepare());
      about = index.approximation().value();
      EXPECT_TRUE(about.is_used);
      return recall_of(index.search(view, 1), index.search(view, 1, SearchMethod::kExact)).first;
    };
    Approximation alone, aimed;
    const double before = recall_with(0, alone), after = recall_with(0.95, aimed);
    EXPECT_FALSE(alone.recall.has_value());
    EXPECT_EQ(alone.effort, 1);
    EXPECT_GT(aimed.effort, 1) << kind;
    EXPECT_GE(aimed.recall.value(), 0.95);
    EXPECT_GE(after, 0.9) << kind << ", whose measure is worth something for other probes";
    EXPECT_LT(before, 0.9) << kind;
  }
}

TEST_F(GalleryIndexTest, AnIndexThatCannotReachTheTargetIsNotUsed) {
  enrol_people(0, 3000, 1);
  GallerySearchOptions options;
  options.approximate_above = 1;
  options.index.kind = "graph";
  options.index.graph_links = 2;
  options.index.graph_build_effort = 2;
  options.index.graph_search_effort = 1;
  options.recall_target = 0.9999;
  GalleryIndex index(path, options);
  EXPECT_TRUE(index.prepare());
  const Approximation about = index.approximation().value();
  EXPECT_FALSE(about.is_used);
  EXPECT_LT(about.recall.value(), 0.9999);
  EXPECT_THAT(describe(about), HasSubstr("answers stay exact"));
  EXPECT_FALSE(index.is_approximate());
  expect_exact(index, 3);
  EXPECT_FALSE(index.prepare()) << "and is not built again and again";
  index.set_effort(5);
  EXPECT_TRUE(index.is_approximate());
}

TEST_F(GalleryIndexTest, SearchesGoOnWhileItFollowsAndPrepares) {
  enrol_people(0, 300, 1);
  GallerySearchOptions options;
  options.approximate_above = 200;
  options.threads = 1;
  GalleryIndex index(path, options);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      const std::vector<float> row = people.at(static_cast<std::uint64_t>(i)).rows[0];
      while (!done)
        EXPECT_EQ(index.search({row.data(), 1, kDim}, 1, SearchMethod::kExact)[0][0].name,
                  make_person(i, 1, kDim).name);
    });
  }
  Gallery writer = Gallery::open(path);
  for (std::uint64_t number = 400; number < 440; ++number) {
    writer.enrol(make_person(number, 1, kDim).enrolments());
    index.follow();
    if (number % 8 == 0) index.prepare();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(index.counts().identities, 340);
}

TEST_F(GalleryIndexTest, ADamagedAdditionIsRefusedAndWhatWasThereStays) {
  enrol(1, 1);
  enrol(2, 1);
  GalleryIndex index(path, {});
  enrol(3, 1);
  enrol(4, 1);
  const std::vector<float> bad = people[4].rows[0];
  std::string bytes = bytes_of_file(path);
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(bad.data()), 16));
  ASSERT_NE(at, std::string::npos);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(bytes[at] ^ 1));
  file.close();
  for (int again = 0; again < 2; ++again) {
    EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { index.follow(); }), HasSubstr(people[4].name));
    EXPECT_EQ(index.counts().photos, 2);
  }
  people.erase(3);
  people.erase(4);
  expect_exact(index, 9);
}

TEST_F(GalleryIndexTest, AProbeWithoutDirectionIsRefused) {
  enrol(1, 1);
  const GalleryIndex index(path, {});
  std::vector<float> probe(kDim, 0.0F);
  error_of(ErrorKind::kNumeric, [&] { index.search({probe.data(), 1, kDim}, 1); });
  probe[0] = NAN;
  error_of(ErrorKind::kNumeric, [&] { index.search({probe.data(), 1, kDim}, 1); });
}

}  // namespace
}  // namespace aface::test
