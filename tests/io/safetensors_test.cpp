#include "aface/io/safetensors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "aface/core/file.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string with_size(const std::string& header, const std::string& data, std::uint64_t size) {
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i) file[static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i));
  return file + header + data;
}
std::string file_of(const std::string& header, const std::string& data) {
  return with_size(header, data, header.size());
}

NamedArrays example() {
  NamedArrays state;
  state.put<float>("b.weight", {1, -2, 3.5F, 0, 5, 6}, {2, 3});
  state.put<std::int64_t>("count", {7}, {1});
  state.arrays["scalar"] = {DataType::kInt64, {}, std::vector<unsigned char>{9, 0, 0, 0, 0, 0, 0, 0}};
  state.arrays["half"] = {DataType::kFloat16, {3}, std::vector<unsigned char>{0, 0x3c, 0, 0x40, 0, 0x42}};
  state.arrays["none"] = {DataType::kFloat32, {0, 4}, {}};
  state.put<std::uint8_t>("a", {255, 0, 1});
  state.metadata["note"] = "\"quoted\" \xc3\xa4 {}";
  return state;
}

class Safetensors : public ::testing::Test {
 protected:
  NamedArrays read(const std::string& content) {
    std::filesystem::remove(folder_.file("f"));  // writing over a file in place makes some file systems flush
    return read_safetensors(folder_.write("f", content));
  }
  void expect_refused(const std::string& content, const std::string& words) {
    EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { read(content); }),
                AllOf(HasSubstr(folder_.file("f")), HasSubstr(words)));
  }
  test::TempDir folder_;
};

TEST_F(Safetensors, RoundTripKeepsTypesShapesBytesAndMetadata) {
  const NamedArrays state = example();
  write_safetensors(folder_.file("f"), state);
  const NamedArrays back = read_safetensors(folder_.file("f"));
  EXPECT_EQ(back.metadata, state.metadata);
  EXPECT_EQ(read_safetensors_metadata(folder_.file("f")), state.metadata);
  ASSERT_EQ(back.arrays.size(), state.arrays.size());
  for (const auto& [name, array] : state.arrays) {
    EXPECT_EQ(back.at(name).type, array.type) << name;
    EXPECT_EQ(back.at(name).shape, array.shape) << name;
    EXPECT_EQ(back.at(name).bytes, array.bytes) << name;
  }
}

TEST_F(Safetensors, ReadsAFileTypedByHand) {
  const NamedArrays state = read(file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                         R"("__metadata__":{"by":"hand"}}  )",
                                         std::string("\x00\x00\x80\x3f\x00\x00\x00\xbf", 8)));
  EXPECT_EQ(state.get<float>("w"), (std::vector<float>{1.0F, -0.5F}));
  EXPECT_EQ(state.text("by"), "hand");
}

TEST_F(Safetensors, WritesTheBytesOfTheFormat) {
  NamedArrays state;
  state.put<float>("w", {1.0F});
  state.put<std::uint64_t>("n", {2});
  write_safetensors(folder_.file("f"), state);
  // Wide types first; blanks fill the header up to a multiple of 8.
  std::string header = R"({"n":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},)"
                       R"("w":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(read_text_file(folder_.file("f")),
            file_of(header, std::string("\x02\0\0\0\0\0\0\0", 8) + std::string("\0\0\x80\x3f", 4)));
}

TEST_F(Safetensors, EveryTruncationIsAFormatError) {
  write_safetensors(folder_.file("whole"), example());
  const std::string whole = read_text_file(folder_.file("whole"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    expect_refused(whole.substr(0, size), "not a valid safetensors file");
  }
  expect_refused(whole + "x", "bytes of data");
}

TEST_F(Safetensors, LargeArraysStayInTheFileUntilTheyAreAskedFor) {
  NamedArrays state;
  std::vector<std::int32_t> values(5 << 20);  // 20 MiB
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * 2654435761U);
  NamedArray viewed;
  viewed.type = DataType::kInt32;
  viewed.shape = {static_cast<std::int64_t>(values.size())};
  viewed.bytes = ArrayBytes::view(values.data(), values.size() * 4);
  state.arrays["large"] = viewed;
  const std::string path = folder_.file("large");
  write_safetensors(path, state);
  NamedArrays back = read_safetensors(path);
  std::filesystem::rename(path, folder_.file("elsewhere"));
  std::int32_t some[3];
  back.at("large").bytes.read(4 * 3'000'000, sizeof some, some);
  EXPECT_EQ(some[2], values[3'000'002]);
  write_safetensors(path, back);  // from file to file
  EXPECT_TRUE(read_safetensors(path).at("large").bytes == viewed.bytes);

  std::filesystem::resize_file(folder_.file("elsewhere"), 10 << 20);
  try {
    back.own_all();
    FAIL() << "read past the end";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo) << error.what();
  }
  EXPECT_THROW(back.at("large").bytes.read(20 << 20, 1, some), Error);
}

// The format has no checksum, so a changed letter of a name or of the metadata cannot be seen. All else must be: what
// is accepted has the same arrays with the same bytes, each under its own or a changed name.
TEST_F(Safetensors, AFlippedHeaderByteIsRefusedOrChangesOnlyText) {
  const NamedArrays state = example();
  write_safetensors(folder_.file("whole"), state);
  const std::string whole = read_text_file(folder_.file("whole"));
  std::size_t header_size = 0;
  for (int i = 7; i >= 0; --i) header_size = header_size * 256 + static_cast<unsigned char>(whole[static_cast<std::size_t>(i)]);
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < 8 + header_size; ++at) {
    for (const int flip : {0x01, 0x04, 0x20, 0x80, 0xff}) {
      SCOPED_TRACE(std::to_string(at) + " ^ " + std::to_string(flip));
      std::string broken = whole;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      ++tried;
      try {
        const NamedArrays back = read(broken);
        ASSERT_GE(at, 8U);  // no flip of the size passes
        ASSERT_EQ(back.arrays.size(), state.arrays.size());
        std::multiset<std::vector<unsigned char>> expected, got;
        for (const auto& item : state.arrays) expected.insert(item.second.bytes.to_vector());
        for (const auto& item : back.arrays) got.insert(item.second.bytes.to_vector());
        ASSERT_EQ(got, expected);
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, tried * 3 / 4);
}

TEST_F(Safetensors, RefusesImpossibleHeaders) {
  const std::string eight(8, '\0');
  const auto one = [](const std::string& body) { return R"({"w":{)" + body + "}}"; };
  expect_refused(file_of(R"([1,2])", ""), "no JSON object");
  expect_refused(file_of("{", ""), "not JSON");
  expect_refused(file_of("{\"\xff\":1}", ""), "not JSON");
  expect_refused(file_of(std::string(1000, '['), ""), "nested too deeply");
  expect_refused(with_size("{}", "", 3), "announces a header of 3 bytes");
  expect_refused(with_size("{}", "", ~std::uint64_t{0}), "announces a header");
  expect_refused(file_of(R"({"__metadata__":{"a":1}})", ""), "no text");
  expect_refused(file_of(R"({"__metadata__":[]})", ""), "no JSON object");
  expect_refused(file_of(R"({"__metadata__":{"a":"1","a":"2"}})", ""), "appears twice");
  expect_refused(file_of(R"({"x\ny":1})", ""), "x?y");  // what is shown of a file stays on one line
  expect_refused(file_of(one(R"("dtype":"F32","shape":[2])"), eight), "needs exactly");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1)"), eight), "needs exactly");
  expect_refused(file_of(one(R"("dtype":32,"shape":[2],"data_offsets":[0,8])"), eight), "needs exactly");
  expect_refused(file_of(one(R"("dtype":"F31","shape":[2],"data_offsets":[0,8])"), eight), "'F31'");
  expect_refused(file_of(one(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"), eight), "list of numbers");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), eight), "list of numbers");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), eight), "list of numbers");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), eight), "data_offsets");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"), eight), "list of numbers");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), eight), "impossible data_offsets");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[3],"data_offsets":[0,12])"), eight), "truncated");
  expect_refused(file_of(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"), eight), "its shape needs 4");
  // 2^62 * 4 wraps to 0, which the offsets [0, 0] would match.
  expect_refused(file_of(one(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])"), ""), "impossible shape");
  expect_refused(file_of(one(R"("dtype":"U8","shape":[18446744073709551615,0],"data_offsets":[0,0])"), ""), "impossible shape");
}

TEST_F(Safetensors, RefusesOverlapsGapsLeftoversAndDoubledNames) {
  const auto two = [](const std::string& name, const std::string& first, const std::string& second) {
    return file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first + R"(},")" + name +
                       R"(":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                   "12345678");
  };
  EXPECT_EQ(read(two("b", "[4,8]", "[0,4]")).get<std::uint8_t>("a"), (std::vector<std::uint8_t>{'5', '6', '7', '8'}));
  expect_refused(two("b", "[0,4]", "[2,6]"), "overlap");
  expect_refused(two("b", "[0,4]", "[0,4]"), "overlap");
  expect_refused(two("b", "[1,5]", "[4,8]"), "gap");
  expect_refused(two("a", "[0,4]", "[4,8]"), "appears twice");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "12345678"), "4 of 8 bytes");
}

TEST_F(Safetensors, MissingFilesAndFoldersAreIoErrors) {
  for (const std::string& path : {folder_.file("nothing"), folder_.path()}) {
    test::error_of(ErrorKind::kIo, [&] { read_safetensors(path); });
  }
}

TEST_F(Safetensors, AFailedWriteLeavesTheOldFile) {
  write_safetensors(folder_.file("f"), example());
  const std::string before = read_text_file(folder_.file("f"));
  NamedArrays bad = example();
  bad.metadata["latin"] = "\xe4";
  test::error_of(ErrorKind::kUsage, [&] { write_safetensors(folder_.file("f"), bad); });
  bad = example();
  bad.arrays["a"].shape = {4};  // 3 bytes
  test::error_of(ErrorKind::kInternal, [&] { write_safetensors(folder_.file("f"), bad); });
  EXPECT_EQ(read_text_file(folder_.file("f")), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(Safetensors, EveryDamagedByteOfAFileWithAChecksumIsSeen) {
  const std::string path = folder_.file("checked");
  write_safetensors(path, example(), FileChecksum::kWritten);
  EXPECT_NO_THROW(verify_safetensors(path));
  NamedArrays back = read_safetensors(path);
  EXPECT_EQ(back.metadata.at("checksum").size(), 16U);
  back.metadata.erase("checksum");
  EXPECT_EQ(back.metadata, example().metadata);
  EXPECT_TRUE(back.at("b.weight").bytes == example().at("b.weight").bytes);

  const std::string good = read_text_file(path);
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ (1 << byte % 8));
    const std::string damaged = folder_.write("damaged", bad);
    EXPECT_THROW(verify_safetensors(damaged), Error) << byte;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    const std::string cut = folder_.write("cut", good.substr(0, size));
    EXPECT_THROW(verify_safetensors(cut), Error) << size;
  }
  EXPECT_THROW(verify_safetensors(folder_.write("longer", good + "x")), Error);
}

TEST_F(Safetensors, AFileWithoutAChecksumIsNotCalledGood) {
  write_safetensors(folder_.file("f"), example());
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { verify_safetensors(folder_.file("f")); }), HasSubstr("has no checksum"));
}

TEST_F(Safetensors, AChecksumOfAFileReadIsNotTakenOver) {
  const std::string first = folder_.file("first"), second = folder_.file("second");
  write_safetensors(first, example(), FileChecksum::kWritten);
  NamedArrays changed = read_safetensors(first);
  changed.put<float>("b.weight", {1, 2}, {2});
  write_safetensors(second, changed, FileChecksum::kWritten);
  EXPECT_NO_THROW(verify_safetensors(second));
  write_safetensors(second, changed);
  EXPECT_EQ(read_safetensors_metadata(second).count("checksum"), 0U);
}

}  // namespace
}  // namespace aface
