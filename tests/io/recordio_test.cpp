#include "aface/io/recordio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aface/core/file.h"
#include "aface/core/random.h"
#include "aface/io/image_record.h"
#include "aface/io/record_index.h"
#include "tests/support/expect_error.h"
#include "tests/support/hex.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Bytes = std::vector<unsigned char>;

// Label 3, id 7, body "abc".
const std::string kScalar = test::from_hex(
    "0a 23 d7 ce 1b 00 00 00 00 00 00 00 00 00 40 40 07 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 61 62 "
    "63 00");
// Labels 4 and 6, id 0, id2 1.
const std::string kRange = test::from_hex(
    "0a 23 d7 ce 20 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 "
    "80 40 00 00 "
    "c0 40");
const std::string kMagic = test::from_hex("0a 23 d7 ce");

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(Span<const unsigned char> bytes) { return {bytes.begin(), bytes.end()}; }

// All records, front to back.
std::vector<std::string> records_of(const std::string& file) {
  const Bytes bytes = bytes_of(file);
  std::vector<std::string> records;
  Bytes joined;
  for (std::uint64_t at = 0; at < bytes.size();) {
    const RecordView view = read_record(bytes, at, joined, "x.rec");
    records.push_back(text_of(view.payload));
    at = view.end;
  }
  return records;
}

std::string written(const std::vector<std::string>& payloads) {
  const test::TempDir dir;
  const std::string path = dir.file("x.rec");
  FileWriter file(path);
  for (const std::string& payload : payloads) write_record(file, bytes_of(payload));
  file.commit();
  return read_text_file(path);
}

std::string part(std::uint32_t flag, const std::string& payload) {
  const std::uint32_t word = flag << 29 | static_cast<std::uint32_t>(payload.size());
  std::string bytes = kMagic + std::string(reinterpret_cast<const char*>(&word), sizeof word) + payload;
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

std::string format_error(const std::string& file) {
  return test::error_of(ErrorKind::kFormat, [&] { records_of(file); });
}

TEST(RecordIo, TheFieldsVectorsAreReadAndWritten) {
  const std::vector<std::string> records = records_of(kScalar + kRange);
  ASSERT_THAT(records, SizeIs(2));
  const Bytes scalar = bytes_of(records[0]);
  const ImageRecord image = parse_image_record(scalar, "x.rec", 0);
  EXPECT_EQ(image.flag, 0u);
  EXPECT_EQ(image.first_label(), 3.0f);
  EXPECT_EQ(image.id, 7u);
  EXPECT_EQ(image.id2, 0u);
  EXPECT_EQ(text_of(image.body), "abc");
  EXPECT_FALSE(image.is_range());
  const Bytes second = bytes_of(records[1]);
  const ImageRecord range = parse_image_record(second, "x.rec", 0);
  EXPECT_TRUE(range.is_range());
  EXPECT_EQ(range.flag, 2u);
  EXPECT_EQ(range.id2, 1u);
  EXPECT_EQ(range.more_label(0), 4.0f);
  EXPECT_EQ(range.more_label(1), 6.0f);

  Bytes payload;
  append_image_header(payload, {3.0f}, 7, 0);
  const std::string first = text_of(payload) + "abc";
  payload.clear();
  append_image_header(payload, {4.0f, 6.0f}, 0, 1);
  EXPECT_EQ(written({first, text_of(payload)}), kScalar + kRange);
}

TEST(RecordIo, OlderPackersWriteTwoLabelsAndTheFirstIsTheIdentity) {
  Bytes payload;
  append_image_header(payload, {12.0f, 1.0f}, 5, 0);
  payload.push_back('x');
  const ImageRecord image = parse_image_record(payload, "x.rec", 0);
  EXPECT_EQ(image.first_label(), 12.0f);
  EXPECT_FALSE(image.is_range());
  EXPECT_EQ(text_of(image.body), "x");
}

TEST(RecordIo, TheMagicInsideARecordSplitsItAndIsPutBack) {
  const std::string payload = "abcd" + kMagic + "efgh" + kMagic + "ij";
  EXPECT_EQ(written({payload}), part(1, "abcd") + part(2, "efgh") + part(3, "ij"));
  EXPECT_THAT(records_of(written({payload})), testing::ElementsAre(payload));
  EXPECT_EQ(written({kMagic}), part(1, "") + part(3, ""));
  EXPECT_THAT(records_of(part(1, "") + part(3, "")), testing::ElementsAre(kMagic));
  // At an address that is no multiple of four it is a payload like any other.
  EXPECT_EQ(written({"a" + kMagic}), part(0, "a" + kMagic));
}

TEST(RecordIo, RandomRecordsFullOfMagicsComeBack) {
  Random random(3);
  std::vector<std::string> payloads;
  for (int i = 0; i < 300; ++i) {
    std::string payload;
    for (std::int64_t piece = random.below(8); piece > 0; --piece) {
      payload += random.chance(0.5) ? kMagic : std::string(static_cast<std::size_t>(random.below(7)), 'x');
    }
    payloads.push_back(payload);
  }
  EXPECT_EQ(records_of(written(payloads)), payloads);
}

TEST(RecordIo, EveryCutGivesAnErrorWithFileAndOffset) {
  const std::string whole = kScalar + written({"abcd" + kMagic + "efgh" + kMagic + "ij"}) + kRange;
  const std::size_t first_end = kScalar.size(), second_end = whole.size() - kRange.size();
  for (std::size_t length = 1; length < whole.size(); ++length) {
    if (length == first_end || length == second_end) continue;  // whole files of fewer records
    EXPECT_THAT(format_error(whole.substr(0, length)), AllOf(HasSubstr("x.rec@"), HasSubstr("cut short")))
        << length;
  }
  EXPECT_THAT(format_error(whole.substr(0, first_end + 5)),
              HasSubstr("x.rec@36: a record needs 8 bytes, 5 are left"));
}

TEST(RecordIo, WhatIsNoRecordIsNamedWithItsOffset) {
  EXPECT_THAT(format_error(kScalar + "\xff\xd8\xff\xe0 JFIF"),
              HasSubstr("x.rec@36: no record begins here (expected 0xced7230a, got 0xe0ffd8ff)"));
  EXPECT_THAT(format_error(part(2, "abcd")), HasSubstr("a part of a record (flag 2)"));
  EXPECT_THAT(format_error(part(3, "abcd")), HasSubstr("(flag 3)"));
  EXPECT_THAT(format_error(part(5, "abcd")), HasSubstr("(flag 5)"));
  EXPECT_THAT(format_error(part(1, "abcd") + part(0, "efgh")),
              HasSubstr("x.rec@12: flag 0 inside the split record that begins at 0"));
  EXPECT_THAT(format_error(part(1, "abcd")), HasSubstr("x.rec@12: a record needs 8 bytes, 0 are left"));
  EXPECT_THAT(format_error(kMagic + test::from_hex("ff ff ff 1f 00")),
              HasSubstr("x.rec@0: the record says 536870912 bytes, 1 are left"));
  Bytes joined;
  const Bytes bytes = bytes_of(kScalar);
  for (const std::uint64_t offset :
       {std::uint64_t{36}, std::uint64_t{1} << 62, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_THROW(read_record(bytes, offset, joined, "x.rec"), Error);
  }
}

TEST(RecordIo, LabelsThatARecordDoesNotHoldAreRefused) {
  Bytes payload;
  append_image_header(payload, {4.0f, 6.0f}, 0, 1);
  for (const unsigned char flag : {3, 255}) {
    payload[0] = payload[3] = flag;
    EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { parse_image_record(payload, "x.rec", 40); }),
                HasSubstr("x.rec@40: the record says"));
  }
  payload.resize(23);
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { parse_image_record(payload, "x.rec", 40); }),
              HasSubstr("x.rec@40: a record of 23 bytes is no image"));
}

TEST(RecordIndexFile, LinesInAnyOrder) {
  const std::vector<RecordPlace> places = parse_record_index("1\t0\n7\t44\r\n0\t88\n", "x.idx");
  ASSERT_THAT(places, SizeIs(3));
  EXPECT_EQ(places[1].key, 7u);
  EXPECT_EQ(places[1].offset, 44u);
  EXPECT_EQ(places[2].key, 0u);
  EXPECT_THAT(parse_record_index("", "x.idx"), SizeIs(0));
  EXPECT_EQ(record_index_path("a/train.rec"), "a/train.idx");
}

TEST(RecordIndexFile, DamageIsNamedWithItsOffset) {
  const auto message = [](const std::string& text) {
    return test::error_of(ErrorKind::kFormat, [&] { parse_record_index(text, "x.idx"); });
  };
  EXPECT_THAT(message("1\t0\n2 44\n"), HasSubstr("x.idx@4: expected a line key<TAB>offset"));
  EXPECT_THAT(message("1\t0\n-2\t44\n"), HasSubstr("x.idx@4"));
  EXPECT_THAT(message("1\t99999999999999999999999\n"), HasSubstr("x.idx@0"));
  EXPECT_THAT(message("1\t0x\n"), HasSubstr("x.idx@0"));
  EXPECT_THAT(message("1\t0\n\n"), HasSubstr("x.idx@4"));
  EXPECT_THAT(message("1\t0\n1\t44\n"), HasSubstr("key 1 comes twice"));
  const std::string whole = "1\t0\n2\t44\n3\t88\n";
  for (std::size_t length = 1; length < whole.size(); ++length) {
    if (whole[length - 1] == '\n') continue;
    EXPECT_THAT(message(whole.substr(0, length)), HasSubstr("x.idx@")) << length;
  }
}

}  // namespace
}  // namespace aface
