#include "aface/io/record_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <limits>

#include "aface/core/file.h"
#include "aface/io/record_index.h"
#include "aface/io/record_set_writer.h"
#include "aface/io/recordio.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Bytes = std::vector<unsigned char>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<std::string> images_of(const RecordSet& set) {
  std::vector<std::string> images;
  Bytes joined;
  for (std::int64_t i = 0; i < set.num_images(); ++i) {
    const auto image = set.image(i, joined);
    images.emplace_back(image.begin(), image.end());
  }
  return images;
}

std::vector<std::int64_t> labels_of(const RecordSet& set) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < set.num_images(); ++i) labels.push_back(set.label(i));
  return labels;
}

std::vector<std::uint64_t> keys_of(const RecordSet& set) {
  std::vector<std::uint64_t> keys;
  for (std::int64_t i = 0; i < set.num_images(); ++i) keys.push_back(set.key(i));
  return keys;
}

std::string only_remark(const RecordSet& set) {
  EXPECT_EQ(set.remarks().size(), 1u);
  return set.remarks().empty() ? "" : set.remarks()[0];
}

// A file put together record by record, for what our writer would not write.
class HandMade {
 public:
  explicit HandMade(const test::TempDir& dir, const std::string& name = "hand.rec") : file_(dir.file(name)) {}
  HandMade& record(std::uint64_t key, const std::vector<float>& labels, const std::string& body,
                   std::uint64_t id) {
    index_ += std::to_string(key) + "\t" + std::to_string(file_.offset()) + "\n";
    Bytes payload;
    append_image_header(payload, labels, id, 0);
    payload.insert(payload.end(), body.begin(), body.end());
    write_record(file_, payload);
    return *this;
  }
  HandMade& record(std::uint64_t key, const std::vector<float>& labels, const std::string& body) {
    return record(key, labels, body, key);
  }
  std::string finish() {
    file_.commit();
    write_file_atomically(record_index_path(file_.path()), index_);
    return file_.path();
  }

 private:
  FileWriter file_;
  std::string index_;
};

// Two identities with three images and one.
std::string write_faces(const test::TempDir& dir, RecordLayout layout,
                        const std::vector<std::string>& names = {}) {
  RecordSetWriter writer(dir.file("faces.rec"), layout);
  for (const char* image : {"one", "\x0a\x23\xd7\xce in front", "three"}) writer.add(0, bytes_of(image));
  writer.add(1, bytes_of("four"));
  writer.finish(112, 96, names);
  return dir.file("faces.rec");
}

TEST(RecordSet, BothLayoutsHoldTheSameImages) {
  for (const RecordLayout layout : {RecordLayout::kInsightface, RecordLayout::kPlain}) {
    const test::TempDir dir;
    const RecordSet set(write_faces(dir, layout));
    EXPECT_THAT(images_of(set), ElementsAre("one", "\x0a\x23\xd7\xce in front", "three", "four"));
    EXPECT_THAT(labels_of(set), ElementsAre(0, 0, 0, 1));
    EXPECT_THAT(set.remarks(), IsEmpty());
    EXPECT_EQ(set.identity_name(1), "1");
    EXPECT_EQ(read_text_file(dir.file("faces.property")), "2,112,96\n");
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
      EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
    }
  }
}

TEST(RecordSet, ImagesAreViewsOfTheMapAndOnlySplitOnesAreCopied) {
  const test::TempDir dir;
  const RecordSet set(write_faces(dir, RecordLayout::kInsightface));
  Bytes joined;
  const unsigned char* first = set.image(0, joined).data();
  const unsigned char* third = set.image(2, joined).data();
  EXPECT_EQ(joined.capacity(), 0u);
  EXPECT_EQ(third - first, static_cast<std::ptrdiff_t>(set.offset(2) - set.offset(0)));
  EXPECT_EQ(set.image(0, joined).data(), first);
  (void)set.image(1, joined);
  const unsigned char* const storage = joined.data();
  const auto split = set.image(1, joined);
  EXPECT_EQ(joined.data(), storage) << "the buffer is used again";
  EXPECT_GE(split.data(), storage);
  EXPECT_LE(split.end(), storage + joined.size());
}

TEST(RecordSet, TheInsightfaceLayoutIsWrittenRecordByRecord) {
  const test::TempDir dir;
  const std::string path = write_faces(dir, RecordLayout::kInsightface);
  const Bytes file = read_binary_file(path);
  std::vector<ImageRecord> records;
  std::vector<std::uint64_t> offsets;
  std::deque<Bytes> joined;
  for (std::uint64_t at = 0; at < file.size();) {
    const RecordView view = read_record(file, at, joined.emplace_back(), path);
    records.push_back(parse_image_record(view.payload, path, at));
    offsets.push_back(at);
    at = view.end;
  }
  ASSERT_EQ(records.size(), 7u);
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_EQ(records[i].id, i + 1);
  EXPECT_THAT((std::vector<float>{records[4].more_label(0), records[4].more_label(1)}), ElementsAre(1, 4));
  EXPECT_THAT((std::vector<float>{records[5].more_label(0), records[5].more_label(1)}), ElementsAre(4, 5));
  EXPECT_EQ(records[6].id, 0u);
  EXPECT_EQ(records[6].id2, 1u);
  EXPECT_THAT((std::vector<float>{records[6].more_label(0), records[6].more_label(1)}), ElementsAre(5, 7));
  std::string index;
  for (std::size_t i = 0; i < 7; ++i)
    index += std::to_string((i + 1) % 7) + "\t" + std::to_string(offsets[i]) + "\n";
  EXPECT_EQ(read_text_file(dir.file("faces.idx")), index);
}

TEST(RecordSet, NamesOfIdentitiesLieBesideTheFile) {
  const test::TempDir dir;
  const RecordSet set(write_faces(dir, RecordLayout::kInsightface, {"Ann Lee", "Bo"}));
  EXPECT_EQ(set.identity_name(0), "Ann Lee");
  EXPECT_EQ(set.identity_name(1), "Bo");
  const RecordSet again(write_faces(dir, RecordLayout::kInsightface));
  EXPECT_EQ(again.identity_name(0), "0") << "names of the set that was there before";
}

TEST(RecordSet, AMissingIndexIsMadeUpByAScan) {
  for (const RecordLayout layout : {RecordLayout::kInsightface, RecordLayout::kPlain}) {
    const test::TempDir dir;
    const std::string path = write_faces(dir, layout);
    const RecordSet with_index(path);
    std::filesystem::remove(dir.file("faces.idx"));
    const RecordSet set(path);
    EXPECT_EQ(images_of(set), images_of(with_index));
    EXPECT_EQ(labels_of(set), labels_of(with_index));
    EXPECT_EQ(keys_of(set), keys_of(with_index));
    EXPECT_THAT(only_remark(set), HasSubstr("faces.idx is not there"));
  }
}

TEST(RecordSet, AnIndexCutAnywhereIsMadeUpByAScan) {
  const test::TempDir dir;
  const std::string path = write_faces(dir, RecordLayout::kInsightface);
  const std::string whole = read_text_file(dir.file("faces.idx"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    dir.write("faces.idx", whole.substr(0, length));
    const RecordSet set(path);
    EXPECT_THAT(images_of(set), ElementsAre("one", "\x0a\x23\xd7\xce in front", "three", "four")) << length;
    EXPECT_THAT(only_remark(set), HasSubstr("does not fit")) << length;
  }
}

TEST(RecordSet, TheIndexOfAnotherFileIsFoundOut) {
  const test::TempDir dir;
  const std::string path = write_faces(dir, RecordLayout::kPlain);
  HandMade other(dir, "other.rec");
  for (std::uint64_t key = 0; key < 4; ++key) other.record(key, {0}, "another length " + std::to_string(key));
  other.finish();
  std::filesystem::copy_file(dir.file("other.idx"), dir.file("faces.idx"),
                             std::filesystem::copy_options::overwrite_existing);
  const RecordSet set(path);
  EXPECT_THAT(only_remark(set), AllOf(HasSubstr("faces.idx does not fit"), HasSubstr("faces.rec")));
  EXPECT_THAT(labels_of(set), ElementsAre(0, 0, 0, 1));
  // An entry that points into the middle of a record.
  dir.write("faces.idx", "0\t0\n1\t4\n");
  EXPECT_THAT(only_remark(RecordSet(path)), HasSubstr("does not fit"));
}

TEST(RecordSet, AFileCutAnywhereIsAnErrorOrSaysSo) {
  const test::TempDir dir;
  const std::string path = write_faces(dir, RecordLayout::kInsightface);
  const std::string whole = read_text_file(path);
  std::vector<std::size_t> ends;
  for (const RecordPlace& place : read_record_index(dir.file("faces.idx"))) ends.push_back(place.offset);
  for (const bool has_index : {true, false}) {
    if (!has_index) std::filesystem::remove(dir.file("faces.idx"));
    for (std::size_t length = 0; length < whole.size(); ++length) {
      dir.write("faces.rec", whole.substr(0, length));
      const bool is_whole_record = std::find(ends.begin(), ends.end(), length) != ends.end();
      if (length == 0) {
        EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { RecordSet set(path); }),
                    HasSubstr("no images in 0 bytes"));
      } else if (is_whole_record) {  // all that is left to tell are index, ranges and property file
        EXPECT_THAT(RecordSet(path).remarks(), Not(IsEmpty())) << length;
        if (length >= ends[5] || length <= ends[2]) {
          EXPECT_GE(RecordSet(path).remarks().size(), 2u) << length;
        }
      } else {
        EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { RecordSet set(path); }), HasSubstr("faces.rec@"))
            << length;
      }
    }
  }
}

TEST(RecordSet, KeysBeyondWhatFloat32HoldsAreFoundByScan) {
  // Ranges from 16777219 and to 16777221, which float32 rounds to 16777220 both.
  const test::TempDir dir;
  HandMade file(dir);
  for (std::uint64_t key = 16777214; key < 16777219; ++key)
    file.record(key, {key < 16777217 ? 0.f : 1.f}, "image " + std::to_string(key));
  file.record(16777219, {16777214.f, 16777217.f}, "").record(16777220, {16777217.f, 16777219.f}, "");
  file.record(0, {16777219.f, 16777221.f}, "");
  const RecordSet set(file.finish());
  EXPECT_THAT(keys_of(set), ElementsAre(16777214, 16777215, 16777216, 16777217, 16777218));
  EXPECT_THAT(labels_of(set), ElementsAre(0, 0, 0, 1, 1));
  EXPECT_THAT(only_remark(set), AllOf(HasSubstr("say"), HasSubstr("16777219 to 16777220"),
                                      HasSubstr("float32 is exact below 2^24")));
}

TEST(RecordSet, RangesThatDoNotFitAreToldAndImagesKept) {
  const test::TempDir dir;
  HandMade file(dir);
  file.record(1, {0}, "a")
      .record(2, {1}, "b")
      .record(3, {1, 2}, "")
      .record(4, {2, 3}, "")
      .record(0, {2, 4}, "");
  const RecordSet set(file.finish());
  EXPECT_EQ(set.num_images(), 2);
  EXPECT_THAT(only_remark(set),
              AllOf(HasSubstr("keys 2 to 3, they stand at 3 to 4"), HasSubstr("changed or cut short")));
  HandMade late(dir, "late.rec");
  late.record(1, {0}, "a").record(2, {1, 2}, "").record(3, {1}, "b").record(0, {2, 4}, "");
  const RecordSet late_set(late.finish());
  EXPECT_EQ(late_set.num_images(), 2);
  EXPECT_THAT(only_remark(late_set), HasSubstr("images follow the first range at key 2"));
}

TEST(RecordSet, ShuffledFilesKeepOldIdsAndRepeatedIdsBecomePositions) {
  const test::TempDir dir;
  HandMade file(dir);
  file.record(0, {1}, "a", 9).record(1, {0}, "b", 4).record(2, {0}, "c", 9);
  const std::string path = file.finish();
  EXPECT_THAT(images_of(RecordSet(path)), ElementsAre("a", "b", "c"));
  std::filesystem::remove(dir.file("hand.idx"));
  const RecordSet set(path);
  EXPECT_THAT(keys_of(set), ElementsAre(0, 1, 2));
  EXPECT_THAT(images_of(set), ElementsAre("a", "b", "c"));
}

TEST(RecordSet, LabelsThatAreNoIdentityAreErrorsWithTheirPlace) {
  for (const float label :
       {-1.0f, 0.5f, std::nanf(""), std::numeric_limits<float>::infinity(), 16777216.0f, 1e30f}) {
    const test::TempDir dir;
    HandMade file(dir);
    file.record(0, {0}, "abcd").record(1, {label}, "b");
    const std::string path = file.finish();
    EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { RecordSet set(path); }),
                HasSubstr("hand.rec@36: label "))
        << label;
  }
  const test::TempDir dir;
  HandMade file(dir);
  file.record(0, {16777215.0f}, "a").record(1, {3.0f, 1.0f}, "b");
  EXPECT_THAT(labels_of(RecordSet(file.finish())), ElementsAre(16777215, 3));
}

TEST(RecordSet, OtherFilesAreRefused) {
  const test::TempDir dir;
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { RecordSet set(dir.file("none.rec")); }),
              HasSubstr("none.rec: cannot open"));
  const std::string text = dir.write("text.rec", "a picture.jpg\n");
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { RecordSet set(text); }),
              HasSubstr("text.rec@0: no record begins here"));
  const std::string ranges = HandMade(dir, "ranges.rec").record(0, {1, 1}, "").finish();
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { RecordSet set(ranges); }), HasSubstr("no images"));
}

TEST(RecordSet, APropertyFileThatDisagreesIsTold) {
  const test::TempDir dir;
  const std::string path = write_faces(dir, RecordLayout::kInsightface);
  dir.write("faces.property", "3,112,112\n");
  EXPECT_THAT(only_remark(RecordSet(path)), HasSubstr("says 3 identities, the largest label is 1"));
  dir.write("faces.property", "many\n");
  EXPECT_THAT(only_remark(RecordSet(path)), HasSubstr("faces.property: expected a first line"));
}

TEST(RecordPropertyFile, IsOneLineOfThreeNumbers) {
  EXPECT_EQ(record_property_path("set/train.rec"), "set/property");
  EXPECT_EQ(record_property_path("set/faces.rec"), "set/faces.property");
  const auto property = parse_record_property("85742,112,96\n12\nshuffled\n", "property");
  EXPECT_EQ(property.num_classes, 85742);
  EXPECT_EQ(property.height, 112);
  EXPECT_EQ(property.width, 96);
  for (const char* text :
       {"", "1", "1,2", "1,2,", "0,112,112", "1,-2,3", "1 2 3", "99999999999999999999,1,1"}) {
    EXPECT_THROW(parse_record_property(text, "property"), Error) << text;
  }
}

TEST(RecordSetWriter, NothingIsLeftOfAFailedOne) {
  const test::TempDir dir;
  {
    RecordSetWriter writer(dir.file("x.rec"), RecordLayout::kPlain);
    writer.add(0, bytes_of("image"));
    EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { writer.add(0, {}); }), HasSubstr("has no bytes"));
  }
  {
    RecordSetWriter writer(dir.file("y.rec"), RecordLayout::kPlain);
    EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { writer.finish(1, 1, {}); }),
                HasSubstr("no images to write"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  EXPECT_THAT(test::error_of(ErrorKind::kIo,
                             [&] { RecordSetWriter writer(dir.file("no/x.rec"), RecordLayout::kPlain); }),
              HasSubstr("x.rec: cannot create"));
}

}  // namespace
}  // namespace aface
