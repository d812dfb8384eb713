#include "aface/recognise/embedding_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/io/npy.h"
#include "aface/io/text_list.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using testing::HasSubstr;

Face some_face() {
  Face face;
  face.box = {1.5, 2, 30, 40.126};
  face.score = 0.87654;
  for (std::size_t k = 0; k < 5; ++k) face.landmarks[k] = {double(k), k + 0.25};
  return face;
}

const std::vector<float> kFirst = {0.1f, -2.5e-8f, 3}, kSecond = {1, 2, 16777217.0f};

void write_two(EmbeddingWriter& writer) {
  writer.add({"a/b.jpg", 1, some_face(), kFirst});
  writer.add({"c \"d\".png", 1, std::nullopt, kSecond});
}

TEST(EmbeddingWriter, NpyHasTheRowsAndTheListTheirNames) {
  const test::TempDir dir;
  const auto writer = make_npy_writer(dir.file("e.npy"), dir.file("e.txt"), 3);
  write_two(*writer);
  EXPECT_FALSE(std::filesystem::exists(dir.file("e.txt"))) << "not before it is whole";
  writer->finish();
  EXPECT_EQ(writer->rows(), 2);
  const NpyMatrix matrix = read_npy_matrix(dir.file("e.npy"));
  EXPECT_EQ(matrix.rows, 2);
  EXPECT_EQ(matrix.values, (std::vector<float>{0.1f, -2.5e-8f, 3, 1, 2, 16777217.0f}));
  EXPECT_EQ(read_text_file(dir.file("e.txt")), "a/b.jpg\t1\t1.50\t2.00\t30.00\t40.13\t0.8765\nc \"d\".png\n");
  EXPECT_EQ(read_text_list(dir.file("e.txt"))[0], "a/b.jpg") << "as other commands read it";
}

TEST(EmbeddingWriter, JsonLinesHoldTheVeryNumbers) {
  const test::TempDir dir;
  const auto writer = make_jsonl_writer(dir.file("e.jsonl"), "abc123");
  write_two(*writer);
  writer->finish();
  const std::vector<std::string> lines = split_lines(read_text_file(dir.file("e.jsonl")));
  ASSERT_EQ(lines.size(), 2u);
  const auto first = nlohmann::json::parse(lines[0]), second = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(first["path"], "a/b.jpg");
  EXPECT_EQ(first["face"], 1);
  EXPECT_EQ(first["box"], nlohmann::json::parse("[1.5, 2, 30, 40.13]"));
  EXPECT_EQ(first["score"], 0.8765);
  EXPECT_EQ(first["landmarks"][4], nlohmann::json::parse("[4, 4.25]"));
  EXPECT_EQ(first["model"], "abc123");
  EXPECT_EQ(first["embedding"].get<std::vector<float>>(), kFirst);
  EXPECT_EQ(second["path"], "c \"d\".png");
  EXPECT_FALSE(second.contains("box"));
  EXPECT_EQ(second["embedding"].get<std::vector<float>>(), kSecond);
}

TEST(EmbeddingWriter, NothingStaysOfWhatWasNotFinished) {
  const test::TempDir dir;
  write_two(*make_npy_writer(dir.file("e.npy"), dir.file("e.txt"), 3));
  write_two(*make_jsonl_writer(dir.file("e.jsonl"), "x"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  const auto writer = make_npy_writer(dir.file("e.npy"), dir.file("e.txt"), 3);
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [&] {
                               writer->add({"a\tb", 1, std::nullopt, kFirst});
                             }),
              HasSubstr("cannot stand in a list"));
}

}  // namespace
}  // namespace aface
