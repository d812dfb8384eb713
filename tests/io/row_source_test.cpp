#include "aface/io/row_source.h"

#include <gmock/gmock.h>

#include <cstring>

#include "aface/io/npy.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::error_of;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> read_all(const RowSource& source, std::size_t begin, std::size_t end) {
  std::vector<float> buffer;
  const RowMatrix rows = source.read(begin, end, buffer);
  EXPECT_EQ(rows.rows, end - begin);
  return {rows.data, rows.data + rows.rows * rows.dim};
}

std::string feature_bytes(const std::vector<float>& values) {
  const std::int32_t header[4] = {static_cast<std::int32_t>(values.size()), 1, 4, 5};
  std::string bytes(sizeof header + values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, values.data(), values.size() * sizeof(float));
  return bytes;
}

TEST(RowSource, AMappedMatrixGivesItsRows) {
  const TempDir dir;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  write_npy_matrix(dir.file("m.npy"), {values.data(), 3, 2});
  const auto source = open_npy_rows(dir.file("m.npy"));
  EXPECT_EQ(source->rows(), 3U);
  EXPECT_EQ(source->dim(), 2U);
  EXPECT_THAT(read_all(*source, 1, 3), ElementsAre(3, 4, 5, 6));
}

// Written by hand: numpy's Fortran order keeps columns together, '<f8' are doubles.
TEST(RowSource, OtherFormsOfAMatrixGiveTheSameRows) {
  const TempDir dir;
  const auto npy = [&](const std::string& name, const std::string& descr, const std::string& fortran,
                       const auto& values) {
    std::string header = "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': (3, 2), }";
    header.resize(117, ' ');
    header += '\n';
    std::string bytes = std::string("\x93NUMPY\x01\x00", 8) + char(header.size()) + '\0' + header;
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
    return dir.write(name, bytes);
  };
  const auto columns = open_npy_rows(npy("f.npy", "<f4", "True", std::vector<float>{1, 3, 5, 2, 4, 6}));
  EXPECT_THAT(read_all(*columns, 0, 3), ElementsAre(1, 2, 3, 4, 5, 6));
  const auto doubles = open_npy_rows(npy("d.npy", "<f8", "False", std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(read_all(*doubles, 1, 2), ElementsAre(3, 4));
}

TEST(RowSource, AFolderOfFeatureFilesGivesARowEach) {
  const TempDir dir;
  dir.write("a/1.jpg_net.bin", feature_bytes({1, 2}));
  dir.write("b/2.jpg_net.bin", feature_bytes({3, 4}));
  const auto source = open_feature_folder(dir.path(), {"a/1.jpg", "b/2.jpg"}, "_net.bin");
  EXPECT_EQ(source->dim(), 2U);
  EXPECT_THAT(read_all(*source, 0, 2), ElementsAre(1, 2, 3, 4));
}

TEST(RowSource, MixedLengthsMissingAndTruncatedFilesAreNamed) {
  const TempDir dir;
  dir.write("1.bin", feature_bytes({1, 2}));
  dir.write("2.bin", feature_bytes({1, 2, 3}));
  dir.write("3.bin", feature_bytes({1, 2}).substr(0, 21));
  std::vector<float> buffer;
  const auto source = open_feature_folder(dir.path(), {"1", "2", "3", "4"}, ".bin");
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { source->read(1, 2, buffer); }),
              HasSubstr("2.bin: 3 values but"));
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { source->read(2, 3, buffer); }), HasSubstr("3.bin"));
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { source->read(3, 4, buffer); }), HasSubstr("4.bin"));
}

TEST(RowSource, SelectedRowsComeInTheOrderAskedFor) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto all = std::make_shared<MemoryRows>(RowMatrix{values.data(), 3, 2});
  const auto source = select_rows(all, {2, 0});
  EXPECT_EQ(source->rows(), 2U);
  EXPECT_THAT(read_all(*source, 0, 2), ElementsAre(5, 6, 1, 2));
}

}  // namespace
}  // namespace aface
