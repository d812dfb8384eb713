#include "aface/gallery/gallery.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "tests/gallery/people.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kDim = 48;  // 192 bytes a row

struct GalleryFile : ::testing::Test {
  Gallery make() const { return Gallery::open_or_create(path, {"model-a", kDim}); }
  TempDir dir;
  std::string path = dir.file("people.gallery");
};

std::map<std::string, std::vector<std::vector<float>>> content_of(Gallery& gallery) {
  std::map<std::string, std::vector<std::vector<float>>> content;
  gallery.read_after(0, 0, nullptr, [&](const GalleryRow& row, const float* embedding) {
    content[row.name].emplace_back(embedding, embedding + gallery.model().dim);
  });
  return content;
}

TEST_F(GalleryFile, WhatIsEnrolledComesBackBitForBitInAnotherProcessToo) {
  // More than one block of 64 rows.
  constexpr std::size_t kLong = 1024;
  std::map<std::string, std::vector<std::vector<float>>> expected;
  {
    Gallery gallery = Gallery::open_or_create(path, {"model-a", kLong});
    std::vector<Person> people;
    std::vector<Enrolment> all;
    for (std::uint64_t number = 0; number < 90; ++number) {
      people.push_back(make_person(number, 1 + number % 3, kLong));
      expected[people.back().name] = people.back().rows;
    }
    for (const Person& person : people) {
      for (const Enrolment& enrolment : person.enrolments()) all.push_back(enrolment);
    }
    const EnrolReport report = gallery.enrol(all);
    EXPECT_EQ(report.added, 180);
    EXPECT_EQ(report.new_identities, 90);
  }
  Gallery gallery = Gallery::open(path);
  EXPECT_EQ(gallery.model().digest, "model-a");
  EXPECT_EQ(gallery.model().dim, kLong);
  EXPECT_EQ(gallery.counts().identities, 90);
  EXPECT_EQ(gallery.counts().photos, 180);
  EXPECT_TRUE(content_of(gallery) == expected);
  EXPECT_NO_THROW(gallery.check());
}

TEST_F(GalleryFile, OnlyItsOwnerMayReadIt) {
  make().enrol(make_person(1, 1, kDim).enrolments());
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(GalleryFile, AKnownPhotoIsNotEnrolledTwice) {
  Gallery gallery = make();
  Person person = make_person(1, 2, kDim);
  gallery.enrol(person.enrolments());
  const Person more = make_person(1, 3, kDim);
  const EnrolReport report = gallery.enrol(more.enrolments());
  EXPECT_EQ(report.added, 1);
  EXPECT_EQ(report.known, 2);
  EXPECT_EQ(report.new_identities, 0);
  std::vector<std::string> sources;
  for (const GalleryPhoto& photo : gallery.photos(person.name)) sources.push_back(photo.source);
  EXPECT_THAT(sources, ElementsAre("folder/1_0.jpg", "folder/1_1.jpg", "folder/1_2.jpg"));
  EXPECT_EQ(gallery.photos(person.name)[0].digest, hex_text(sha256("folder/1_0.jpg", 14)));
}

TEST_F(GalleryFile, APhotoOfSomebodyElseIsRefusedAndNothingOfTheCallStays) {
  Gallery gallery = make();
  gallery.enrol(make_person(1, 1, kDim).enrolments());
  const Person fresh = make_person(2, 2, kDim);
  Person thief = make_person(1, 1, kDim);
  thief.name = "thief";
  std::vector<Enrolment> call = fresh.enrolments();
  call.push_back(thief.enrolments()[0]);
  const auto before = gallery.state();
  const std::string message = error_of(ErrorKind::kData, [&] { gallery.enrol(call); });
  EXPECT_THAT(message, HasSubstr("person of number 1000001"));
  EXPECT_THAT(message, HasSubstr("thief"));
  EXPECT_EQ(gallery.counts().photos, 1);
  EXPECT_EQ(gallery.state().version, before.version);
  EXPECT_FALSE(has_trace(bytes_of_gallery(path), fresh.rows[0]));
}

TEST_F(GalleryFile, UnusableEmbeddingsAndNamesAreRefused) {
  Gallery gallery = make();
  const auto refuse = [&](ErrorKind kind, const Person& person, const std::string& part) {
    EXPECT_THAT(error_of(kind, [&] { gallery.enrol(person.enrolments()); }), HasSubstr(part));
  };
  Person person = make_person(1, 1, kDim);
  person.rows[0][3] = NAN;
  refuse(ErrorKind::kNumeric, person, "folder/1_0.jpg");
  person = make_person(1, 1, kDim);
  for (float& value : person.rows[0]) value *= 1.01F;
  refuse(ErrorKind::kNumeric, person, "length 1.01");
  std::fill(person.rows[0].begin(), person.rows[0].end(), 0.0F);
  refuse(ErrorKind::kNumeric, person, "length 0");
  refuse(ErrorKind::kData, make_person(1, 1, kDim + 1), "49 values (the gallery holds 48)");
  person = make_person(1, 1, kDim);
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string(201, 'x'), std::string("a\0b", 3)}) {
    person.name = name;
    refuse(ErrorKind::kData, person, "cannot be a person's name");
  }
  EXPECT_EQ(gallery.counts().photos, 0);
}

TEST_F(GalleryFile, BelongsToOneModel) {
  make().enrol(make_person(1, 1, kDim).enrolments());
  const auto refuse = [&](const GalleryModel& model) {
    return error_of(ErrorKind::kData, [&] { Gallery::open_or_create(path, model); });
  };
  EXPECT_THAT(refuse({"model-b", kDim}), HasSubstr("model-b"));
  EXPECT_THAT(refuse({"model-b", kDim}), HasSubstr("model-a"));
  EXPECT_THAT(refuse({"model-a", kDim + 1}), HasSubstr("49"));
  error_of(ErrorKind::kData, [&] { Gallery::open_or_create(dir.file("other"), {"", kDim}); });
  EXPECT_FALSE(std::filesystem::exists(dir.file("other")));
  EXPECT_EQ(make().counts().photos, 1);
}

TEST_F(GalleryFile, NamesAreSortedAndUnknownOnesNamed) {
  Gallery gallery = make();
  for (const std::uint64_t number : {7, 3, 5}) gallery.enrol(make_person(number, number, kDim).enrolments());
  std::vector<std::string> names;
  for (const GalleryIdentity& identity : gallery.identities()) {
    names.push_back(identity.name + " " + std::to_string(identity.photos));
  }
  EXPECT_THAT(names, ElementsAre("person of number 1000003 3", "person of number 1000005 5",
                                 "person of number 1000007 7"));
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { gallery.remove("nobody"); }), HasSubstr("'nobody'"));
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { gallery.photos("nobody"); }), HasSubstr("'nobody'"));
}

// People come and go for a while, so that pages split, merge and are used again.
TEST_F(GalleryFile, WhoIsRemovedLeavesNoTraceInAnyFile) {
  Gallery gallery = make();
  Random random(5);
  std::vector<std::uint64_t> enrolled;
  std::uint64_t next = 0;
  std::set<std::uint64_t> gone;
  for (int round = 0; round < 150; ++round) {
    if (enrolled.size() < 20 || random.chance(0.5)) {
      gallery.enrol(make_person(next, 1 + static_cast<std::size_t>(random.below(4)), kDim).enrolments());
      enrolled.push_back(next++);
      continue;
    }
    const auto place = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(enrolled.size())));
    const std::uint64_t number = enrolled[place];
    enrolled.erase(enrolled.begin() + static_cast<std::ptrdiff_t>(place));
    const Person person = make_person(number, 4, kDim);
    const std::string before = bytes_of_gallery(path);
    ASSERT_TRUE(has_trace(before, person.rows[0])) << "the test looks for the wrong bytes";
    gallery.remove(person.name);
    gone.insert(number);
    const std::string after = bytes_of_gallery(path);
    for (const std::vector<float>& row : person.rows)
      ASSERT_FALSE(has_trace(after, row)) << "round " << round;
  }
  ASSERT_GT(gone.size(), 40u);
  const std::string bytes = bytes_of_gallery(path);
  std::size_t names = 0, digests = 0;
  for (const std::uint64_t number : gone) {
    const Person person = make_person(number, 4, kDim);
    names += bytes.find(person.name) != std::string::npos;
    for (const Enrolment& photo : person.enrolments()) {
      EXPECT_FALSE(has_trace(bytes, person.rows[0]));
      digests += bytes.find(std::string(photo.photo.begin(), photo.photo.end())) != std::string::npos;
    }
  }
  EXPECT_EQ(names, 0u);
  EXPECT_EQ(digests, 0u);
  for (const std::uint64_t number : enrolled)
    EXPECT_TRUE(has_trace(bytes, make_person(number, 1, kDim).rows[0]));
  EXPECT_NO_THROW(gallery.check());
}

TEST_F(GalleryFile, SlotsOfRemovedPeopleAreUsedAgain) {
  Gallery gallery = make();
  for (std::uint64_t number = 0; number < 50; ++number)
    gallery.enrol(make_person(number, 1, kDim).enrolments());
  const auto size = std::filesystem::file_size(path);
  for (std::uint64_t number = 0; number < 100; ++number) {
    gallery.remove(make_person(number, 1, kDim).name);
    gallery.enrol(make_person(number + 50, 1, kDim).enrolments());
  }
  EXPECT_EQ(gallery.counts().photos, 50);
  EXPECT_LE(std::filesystem::file_size(path), size + 16384);
}

TEST_F(GalleryFile, ADamagedEmbeddingIsNamed) {
  const Person person = make_person(3, 1, kDim);
  make().enrol(person.enrolments());
  std::string bytes = bytes_of_file(path);
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(person.rows[0].data()), 16));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 5] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  Gallery gallery = Gallery::open(path);
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { content_of(gallery); }), HasSubstr(person.name));
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { gallery.check(); }), HasSubstr("damaged"));
}

TEST_F(GalleryFile, ReadersSeeWholeCallsWhileOneWrites) {
  constexpr int kPhotos = 5, kPeople = 60;
  make();
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Gallery gallery = Gallery::open(path);
      std::size_t last = 0;
      while (!done) {
        const auto content = content_of(gallery);
        for (const auto& [name, rows] : content) EXPECT_EQ(rows.size(), std::size_t{kPhotos}) << name;
        EXPECT_GE(content.size(), last);
        last = content.size();
        ++reads;
      }
    });
  }
  Gallery writer = make();
  for (std::uint64_t number = 0; number < kPeople; ++number) {
    writer.enrol(make_person(number, kPhotos, kDim).enrolments());
  }
  while (reads < 20) std::this_thread::yield();
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(writer.counts().photos, kPhotos * kPeople);
}

TEST_F(GalleryFile, ReadsWhatCameAfterAndWhoIsStillThere) {
  Gallery gallery = make();
  for (std::uint64_t number = 0; number < 4; ++number)
    gallery.enrol(make_person(number, 2, kDim).enrolments());
  std::int64_t last = 0;
  const auto see = [&](const GalleryRow& row, const float*) { last = std::max(last, row.photo); };
  std::vector<std::int64_t> ids;
  const Gallery::State first = gallery.read_after(0, 0, &ids, see);
  EXPECT_TRUE(ids.empty()) << "nobody was removed";
  gallery.remove(make_person(1, 2, kDim).name);
  gallery.enrol(make_person(9, 2, kDim).enrolments());
  std::vector<std::string> came;
  const std::int64_t before = last;
  gallery.read_after(before, first.removals, &ids, [&](const GalleryRow& row, const float* embedding) {
    see(row, embedding);
    came.push_back(row.name);
  });
  EXPECT_THAT(came, ElementsAre(make_person(9, 1, kDim).name, make_person(9, 1, kDim).name));
  EXPECT_EQ(ids.size(), 8u);
  EXPECT_GT(last, before) << "ids are not used twice";
}

}  // namespace
}  // namespace aface::test
