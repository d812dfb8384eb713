// SIGKILL at random moments of enrolling and removing: what is left opens, holds whole people only, and
// nothing of those who were removed. AFACE_KILLS=500 kills so often (60 otherwise), AFACE_KILL_SEED=N at
// other moments.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "aface/core/error.h"
#include "aface/gallery/gallery.h"
#include "tests/gallery/people.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

constexpr std::size_t kDim = 64, kPhotos = 3;  // those of enrol_until_killed

int number_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : otherwise;
}

bool has_journal(const std::string& path) { return std::filesystem::exists(path + "-journal"); }

struct Kill {
  bool happened = false;
  bool in_transaction = false;
};

// A random moment after a few people were added or removed, half of them while a transaction is open; now and
// then after the start, which is mostly before there is anything. How long a person takes is measured on the
// way, so that a busy machine does not change what the kills hit.
Kill run_and_kill(const std::string& path, const std::string& what, int people, Random& random) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point when) {
    return std::chrono::duration<double>(Clock::now() - when).count();
  };
  const TempDir dir;
  const std::string progress = dir.write("progress", "");
  const auto start = Clock::now();
  const bool from_start = random.chance(0.15), aimed = random.chance(0.5);
  const auto wanted = static_cast<std::uintmax_t>(random.below(8));
  const double part = random.uniform();
  double seconds_a_person = 0.02;
  std::optional<Clock::time_point> begun, reached;
  RunOptions options;
  options.kill_when = [&] {
    if (from_start) return seconds_since(start) > 0.02 * part;
    if (!begun && has_journal(path)) begun = Clock::now();
    const std::uintmax_t done = std::filesystem::file_size(progress);
    if (!begun || done < wanted) return false;
    if (!reached) {
      reached = Clock::now();
      if (done > 0) seconds_a_person = seconds_since(*begun) / static_cast<double>(done);
    }
    return seconds_since(*reached) > part * seconds_a_person && (!aimed || has_journal(path));
  };
  const RunResult result =
      run_program(AFACE_ENROLLER, {path, what, std::to_string(people), progress}, options);
  Kill kill;
  kill.happened = result.exit_code == 128 + SIGKILL;
  EXPECT_TRUE(kill.happened || result.exit_code == 0) << result.err;
  kill.in_transaction = has_journal(path);
  return kill;
}

// Names of those who are in the gallery, each of them checked to be whole.
std::set<std::string> whole_people(const std::string& path, int people) {
  std::set<std::string> names;
  Gallery gallery = Gallery::open(path);
  EXPECT_NO_THROW(gallery.check());
  std::map<std::string, std::set<std::vector<float>>> rows;
  gallery.read_after(0, 0, nullptr, [&](const GalleryRow& row, const float* embedding) {
    rows[row.name].emplace(embedding, embedding + kDim);
  });
  for (int number = 0; number < people; ++number) {
    const Person person = make_person(static_cast<std::uint64_t>(number), kPhotos, kDim);
    const auto found = rows.find(person.name);
    if (found == rows.end()) continue;
    EXPECT_TRUE(found->second == std::set<std::vector<float>>(person.rows.begin(), person.rows.end()))
        << person.name;
    EXPECT_EQ(gallery.photos(person.name).size(), kPhotos);
    names.insert(person.name);
  }
  EXPECT_EQ(names.size(), rows.size());
  EXPECT_EQ(gallery.identities().size(), rows.size());
  return names;
}

void expect_no_trace_of_others(const std::string& path, const std::set<std::string>& names, int people) {
  const std::string bytes = bytes_of_gallery(path);
  for (int number = 0; number < people; ++number) {
    const Person person = make_person(static_cast<std::uint64_t>(number), kPhotos, kDim);
    if (names.count(person.name) > 0) continue;
    for (const std::vector<float>& row : person.rows) EXPECT_FALSE(has_trace(bytes, row)) << person.name;
  }
}

// The first people in one call.
std::size_t enrol_many(const std::string& path, std::uint64_t count) {
  std::vector<Person> people;
  std::vector<Enrolment> all;
  for (std::uint64_t number = 0; number < count; ++number)
    people.push_back(make_person(number, kPhotos, kDim));
  for (const Person& person : people) {
    for (const Enrolment& enrolment : person.enrolments()) all.push_back(enrolment);
  }
  Gallery::open_or_create(path, {"model-a", kDim}).enrol(all);
  return people.size();
}

TEST(GalleryKill, WholeEnrolmentsOnlyAndNoTraceOfTheRemoved) {
  const int wanted = number_from("AFACE_KILLS", 60);
  constexpr int kPeople = 400;
  Random random(static_cast<std::uint64_t>(number_from("AFACE_KILL_SEED", 1)));
  const TempDir dir;
  int kills = 0, in_transaction = 0, grown = 0, shrunk = 0, rounds = 0;
  std::string path = dir.file("0.gallery");
  for (std::size_t before = 0; kills < wanted && !::testing::Test::HasFailure(); ++rounds) {
    if (!std::filesystem::exists(path)) before = rounds % 24 == 0 ? 0 : enrol_many(path, 200);
    const bool enrols = before < 20 || (before < kPeople - 20 && random.chance(0.5));
    const Kill kill = run_and_kill(path, enrols ? "enrol" : "remove", kPeople, random);
    kills += kill.happened;
    in_transaction += kill.in_transaction;
    if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0)
      continue;  // before the first word
    const bool was_whole = !has_journal(path);
    std::set<std::string> names;
    try {
      // What was done when the kill came has left nothing in the files even before somebody opens them.
      const std::string untouched = was_whole ? bytes_of_gallery(path) : "";
      names = whole_people(path, kPeople);
      if (was_whole) {
        EXPECT_TRUE(bytes_of_gallery(path) == untouched) << "opening changed a whole file";
      }
    } catch (const Error& error) {
      // Killed while the very first transaction made the tables: the next enrolment makes them.
      EXPECT_THAT(error.what(), ::testing::HasSubstr("an empty file"));
      EXPECT_EQ(before, 0u);
      continue;
    }
    if (!enrols) expect_no_trace_of_others(path, names, kPeople);
    if (enrols) {
      EXPECT_GE(names.size(), before);
      grown += names.size() > before;
    } else {
      EXPECT_LE(names.size(), before);
      shrunk += names.size() < before;
    }
    before = names.size();
    if (rounds % 12 == 11)
      path =
          dir.file(std::to_string(rounds) + ".gallery");  // from the start, the making of the file included
  }
  std::printf("%d kills, %d of them in a transaction; %d times people were added, %d times removed\n", kills,
              in_transaction, grown, shrunk);
  EXPECT_GE(in_transaction, wanted / 10) << "too few kills hit a transaction to say anything";
  EXPECT_GE(grown, wanted / 10);
  EXPECT_GE(shrunk, wanted / 10);
}

}  // namespace
}  // namespace aface::test
