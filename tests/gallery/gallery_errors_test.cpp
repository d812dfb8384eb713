// Files that are no galleries, damaged, newer, locked, without room or not to be written to.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "aface/gallery/gallery.h"
#include "tests/gallery/people.h"
#include "tests/support/expect_error.h"
#include "tests/support/small_disk.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr std::size_t kDim = 32;
const GalleryModel kModel = {"model-a", kDim};

// What a stranger does to the file.
class OtherProgram {
 public:
  explicit OtherProgram(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK);
  }
  ~OtherProgram() { sqlite3_close(handle_); }
  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle_);
  }

 private:
  sqlite3* handle_ = nullptr;
};

struct GalleryErrors : ::testing::Test {
  std::string open_error(ErrorKind kind) const {
    return error_of(kind, [&] { Gallery::open(path); });
  }
  void fill(std::uint64_t people) const {
    Gallery gallery = Gallery::open_or_create(path, kModel);
    for (std::uint64_t number = 0; number < people; ++number)
      gallery.enrol(make_person(number, 2, kDim).enrolments());
  }
  TempDir dir;
  std::string path = dir.file("people.gallery");
};

TEST_F(GalleryErrors, WhatIsNoGalleryIsSaid) {
  EXPECT_THAT(open_error(ErrorKind::kIo), AnyOf(HasSubstr("check the path")));
  EXPECT_FALSE(std::filesystem::exists(path)) << "a look must not make a file";
  dir.write("people.gallery", std::string(3000, 'x'));
  EXPECT_THAT(open_error(ErrorKind::kFormat), HasSubstr("not a gallery"));
  error_of(ErrorKind::kFormat, [&] { Gallery::open_or_create(path, kModel); });
  EXPECT_EQ(bytes_of_file(path), std::string(3000, 'x')) << "somebody else's file is left alone";
  dir.write("people.gallery", "");
  EXPECT_THAT(open_error(ErrorKind::kFormat), HasSubstr("empty file"));
  EXPECT_NO_THROW(Gallery::open_or_create(path, kModel));

  path = dir.file("other.db");
  OtherProgram(path).run("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  EXPECT_THAT(open_error(ErrorKind::kFormat), HasSubstr("an SQLite file, but not a gallery"));
  error_of(ErrorKind::kFormat, [&] { Gallery::open_or_create(path, kModel); });
  path = dir.path();
  open_error(ErrorKind::kIo);
  path = dir.file("no/such/folder/g");
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { Gallery::open_or_create(path, kModel); }),
              HasSubstr("No such file"));
}

TEST_F(GalleryErrors, ANewerGalleryIsRefusedAndLeftAlone) {
  fill(1);
  OtherProgram(path).run("PRAGMA user_version = 2");
  const std::string before = bytes_of_file(path);
  EXPECT_THAT(open_error(ErrorKind::kFormat), HasSubstr("version 2"));
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { Gallery::open_or_create(path, kModel); }),
              HasSubstr("version 2"));
  EXPECT_EQ(bytes_of_file(path), before);
}

// Every outcome is an error that names the file, or answers that are all there: never a crash, never a wrong
// embedding.
TEST_F(GalleryErrors, EveryTruncatedPrefixAndScatteredDamageIsFoundOrHarmless) {
  fill(6);
  const std::string whole = bytes_of_file(path);
  Random random(3);
  int errors = 0;
  std::size_t shortest_harmless = whole.size();
  const auto look = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      Gallery gallery = Gallery::open(path);
      gallery.check();
      std::size_t rows = 0;
      gallery.read_after(0, 0, nullptr, [&](const GalleryRow& row, const float* embedding) {
        ++rows;
        double squares = 0;
        for (std::size_t i = 0; i < gallery.model().dim; ++i)
          squares += double(embedding[i]) * double(embedding[i]);
        EXPECT_NEAR(squares, 1, 1e-3) << row.name;
      });
      gallery.identities();
      gallery.counts();
      EXPECT_EQ(rows, 12u);
      shortest_harmless = std::min(shortest_harmless, bytes.size());
    } catch (const Error& error) {
      ++errors;
      EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(path));
    }
  };
  for (std::size_t size = 0; size < whole.size(); size += 4096 - 7) look(whole.substr(0, size));
  EXPECT_GT(shortest_harmless, whole.size() - 8192) << "only zeros of the last page may go unseen";
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 40; ++i) {
      // Half of it where the tables are.
      const std::size_t most = i % 2 == 0 ? bytes.size() : 90000;
      bytes[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(most)))] ^=
          static_cast<char>(1 + random.below(255));
    }
    look(bytes);
  }
  EXPECT_GT(errors, 100);
}

TEST_F(GalleryErrors, AWriterWaitsForAnotherAndThenSaysSo) {
  fill(1);
  OtherProgram other(path);
  other.run("BEGIN IMMEDIATE");
  GalleryOptions options;
  options.wait_ms = 50;
  Gallery gallery = Gallery::open(path, options);
  EXPECT_EQ(gallery.counts().photos, 2) << "readers are not held up";
  const Person person = make_person(7, 1, kDim);
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { gallery.enrol(person.enrolments()); }),
              HasSubstr("another program is at work"));
  other.run("ROLLBACK");
  EXPECT_EQ(gallery.enrol(person.enrolments()).added, 1);
}

TEST_F(GalleryErrors, AFullDiskLeavesTheGalleryAsItWas) {
  const SmallDisk disk(dir.file("disk"), "2m");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs here";
  dir.write("disk/filler", std::string(300000, 'x'));
  path = dir.file("disk/people.gallery");
  constexpr std::size_t kLong = 2048;
  std::int64_t enrolled = 0;
  {
    Gallery gallery = Gallery::open_or_create(path, {"model-a", kLong});
    const std::string message = error_of(ErrorKind::kIo, [&] {
      for (std::uint64_t number = 0; number < 1000; ++number, ++enrolled)
        gallery.enrol(make_person(number, 1, kLong).enrolments());
    });
    EXPECT_THAT(message, HasSubstr("disk is full"));
    EXPECT_EQ(gallery.counts().photos, enrolled) << "the same object goes on";
  }
  ASSERT_GT(enrolled, 10);
  Gallery gallery = Gallery::open(path);
  EXPECT_NO_THROW(gallery.check());
  EXPECT_EQ(gallery.counts().photos, enrolled);
  // A removal needs room for its journal.
  std::filesystem::remove(dir.file("disk/filler"));
  EXPECT_EQ(gallery.remove(make_person(0, 1, kLong).name), 1);
  EXPECT_EQ(gallery.enrol(make_person(5000, 1, kLong).enrolments()).added, 1)
      << "in the place that became free";
}

TEST_F(GalleryErrors, AReadOnlyFolderCanBeReadAndIsNamedByWriters) {
  const SmallDisk disk(dir.file("disk"), "2m");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs here";
  path = dir.file("disk/people.gallery");
  fill(2);
  ASSERT_TRUE(disk.make_read_only());
  Gallery gallery = Gallery::open(path);
  EXPECT_EQ(gallery.counts().photos, 4);
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { gallery.remove(make_person(0, 1, kDim).name); }),
              HasSubstr("cannot be written to"));
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { gallery.enrol(make_person(9, 1, kDim).enrolments()); }),
              HasSubstr("cannot be written to"));
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { Gallery::open_or_create(dir.file("disk/new"), kModel); }),
              HasSubstr("Read-only file system"));
}

}  // namespace
}  // namespace aface::test
