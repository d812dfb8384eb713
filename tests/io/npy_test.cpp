#include "aface/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/random.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string temp_path(const std::string& name) {
  static const test::TempDir folder;
  return folder.file(name);
}

template <class Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// A .npy file put together by hand, so that the reader is not tested against our own writer only.
std::string npy_bytes(int version, const std::string& dictionary, const std::string& data) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  const auto size = static_cast<std::uint32_t>(dictionary.size());
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(size >> (8 * i) & 0xff);
  return bytes + dictionary + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

NpyMatrix read_bytes(const std::string& bytes) {
  const std::string path = temp_path("bytes.npy");
  write_file_atomically(path, bytes);
  return read_npy_matrix(path);
}

TEST(Npy, WrittenMatrixReadsBackBitForBit) {
  Random random(1);
  std::vector<float> values(3 * 70001);
  for (float& value : values) value = static_cast<float>(random.normal());
  const std::string path = temp_path("round.npy");
  write_npy_matrix(path, {values.data(), 70001, 3});
  const NpyMatrix matrix = read_npy_matrix(path);
  EXPECT_EQ(matrix.rows, 70001);
  EXPECT_EQ(matrix.dim, 3);
  EXPECT_EQ(matrix.values, values);
}

TEST(Npy, WritesTheHeaderThatNumPyWrites) {
  const std::vector<float> values = {1.0f, 2.0f};
  const std::string path = temp_path("header.npy");
  write_npy_matrix(path, {values.data(), 1, 2});
  const std::string bytes = read_text_file(path);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(bytes.substr(10, 59), "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_EQ(bytes.size(), 128u + 8u);
}

TEST(Npy, ReadsDoubleAndFormatTwo) {
  const std::string header = "{\"shape\": (2,1,), 'fortran_order':False,'descr':'<f8'}\n";
  const NpyMatrix matrix = read_bytes(npy_bytes(2, header, bytes_of<double>({0.5, -1e300})));
  EXPECT_EQ(matrix.rows, 2);
  EXPECT_EQ(matrix.values[0], 0.5f);
  EXPECT_TRUE(std::isinf(matrix.values[1]));
}

TEST(Npy, ReadsHalfPrecisionExactly) {
  // 1, -2, 65504 (largest), 2^-24 (smallest subnormal), 2^-14 (smallest normal), -0, 0.333251953125
  const std::vector<std::uint16_t> halves = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400,
                                             0x8000, 0x3555, 0x7c00, 0x7e00};
  const std::string header = "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 9), }";
  const NpyMatrix matrix = read_bytes(npy_bytes(1, header, bytes_of(halves)));
  const std::vector<float> first(matrix.values.begin(), matrix.values.begin() + 7);
  EXPECT_THAT(first, ElementsAre(1.0f, -2.0f, 65504.0f, std::ldexp(1.0f, -24), std::ldexp(1.0f, -14), -0.0f,
                                 0.333251953125f));
  EXPECT_TRUE(std::signbit(matrix.values[5]));
  EXPECT_TRUE(std::isinf(matrix.values[7]));
  EXPECT_TRUE(std::isnan(matrix.values[8]));
}

TEST(Npy, ReadsColumnsOfEveryTypeIntoRows) {
  const std::string header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
  EXPECT_THAT(read_bytes(npy_bytes(1, header, bytes_of<float>({1, 4, 2, 5, 3, 6}))).values,
              ElementsAre(1, 2, 3, 4, 5, 6));
  const std::string half = "{'descr': '<f2', 'fortran_order': True, 'shape': (1, 2), }";
  EXPECT_THAT(read_bytes(npy_bytes(1, half, bytes_of<std::uint16_t>({0x3c00, 0xc000}))).values,
              ElementsAre(1, -2));

  // More columns than one block takes, and not a multiple of it.
  constexpr int kRows = 5, kDim = 37;
  std::vector<double> columns;
  std::vector<float> rows(kRows * kDim);
  for (int k = 0; k < kDim; ++k) {
    for (int i = 0; i < kRows; ++i) {
      columns.push_back(100 * i + k);
      rows[static_cast<std::size_t>(i * kDim + k)] = static_cast<float>(100 * i + k);
    }
  }
  const std::string wide = "{'descr': '<f8', 'fortran_order': True, 'shape': (5, 37), }";
  EXPECT_EQ(read_bytes(npy_bytes(1, wide, bytes_of(columns))).values, rows);
}

TEST(Npy, HeaderTellsWhereTheValuesLie) {
  const std::string header = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }";
  const std::string path = temp_path("mapped.npy");
  write_file_atomically(path, npy_bytes(2, header, bytes_of<float>({1, 2})));
  const NpyHeader read = read_npy_matrix_header(path);
  EXPECT_TRUE(read.fortran_order);
  EXPECT_THAT(read.shape, ElementsAre(1, 2));
  EXPECT_EQ(read.data_offset, 12 + header.size());
}

TEST(Npy, EveryTruncationIsAFormatError) {
  const std::string whole = npy_bytes(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
                                      bytes_of<float>({1, 2, 3, 4}));
  ASSERT_EQ(read_bytes(whole).values.size(), 4u);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    try {
      read_bytes(whole.substr(0, size));
      FAIL() << "accepted " << size << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << size << ": " << error.what();
    }
  }
  EXPECT_THROW(read_bytes(whole + "x"), Error);
}

TEST(Npy, RefusesWhatItCannotRead) {
  const auto message = [](const std::string& dictionary) {
    return error_of([&] { read_bytes(npy_bytes(1, dictionary, std::string(16, '\0'))); });
  };
  EXPECT_THAT(message("{'descr': '<\n!', 'fortran_order': False, 'shape': (2, 2), }"), HasSubstr("type '<?!'"));
  EXPECT_THAT(message("{'a\nb': '<f4'}"), HasSubstr("unknown entry 'a?b'"));
  EXPECT_THAT(message("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }"),
              HasSubstr("'>f4' is big-endian"));
  EXPECT_THAT(message("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }"),
              HasSubstr("'<i4' (expected"));
  EXPECT_THAT(message("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"), HasSubstr("shape (4)"));
  EXPECT_THAT(message("{'descr': '<f4', 'fortran_order': False, }"), HasSubstr("missing"));
  EXPECT_THAT(message("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2), }"),
              HasSubstr("structured"));
  EXPECT_THAT(message("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -2), }"),
              HasSubstr("expected a size"));
  EXPECT_THAT(message("{'descr"), HasSubstr("closing quote"));
  EXPECT_THAT(message(""), HasSubstr("expected '{'"));
  EXPECT_THAT(error_of([] { read_npy_matrix("/nowhere/e.npy"); }), HasSubstr("/nowhere/e.npy"));
}

TEST(Npy, HugeShapesAreRefusedBeforeMemoryIsTaken) {
  for (const char* shape :
       {"(9223372036854775807, 9223372036854775807)", "(4611686018427387905, 4)", "(2305843009213693952, 8)",
        "(99999999999999999999, 1)", "(1000000000000, 512)"}) {
    const std::string header =
        std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + ", }";
    EXPECT_NE(error_of([&] { read_bytes(npy_bytes(1, header, std::string(16, '\0'))); }), "") << shape;
  }
}

TEST(Npy, EmptyMatrixIsKept) {
  const NpyMatrix matrix =
      read_bytes(npy_bytes(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 512), }", ""));
  EXPECT_EQ(matrix.rows, 0);
  EXPECT_EQ(matrix.dim, 512);
}

}  // namespace
}  // namespace aface
