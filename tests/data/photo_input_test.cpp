#include "aface/data/photo_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aface/core/file.h"
#include "aface/core/file_writer.h"
#include "aface/data/photo_writer.h"
#include "aface/io/tar.h"
#include "aface/io/verification_bin.h"
#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<unsigned char> grey(int value) {
  const std::string png = test::plain_png(static_cast<std::uint8_t>(value), 1);
  return {png.begin(), png.end()};
}

struct Photos : ::testing::Test {
  void put(const std::string& name, int value) { dir.write(name, test::plain_png(static_cast<std::uint8_t>(value), 1)); }
  static std::vector<std::string> names(const PhotoInput& input) {
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < input.count; ++i) all.push_back(input.photos->photo_name(i));
    return all;
  }
  static std::vector<int> greys(const PhotoInput& input) {
    std::vector<int> all;
    PhotoBuffers buffers;
    for (std::int64_t i = 0; i < input.count; ++i) {
      const auto bytes = input.photos->encoded(i, buffers);
      all.push_back(decode_image(bytes.value(), "p").value().pixels[0]);
      EXPECT_EQ(input.photos->read(i, buffers).value().pixels[0], all.back());
    }
    return all;
  }
  TempDir dir;
};

TEST_F(Photos, OfAFolderAtAnyDepthByPath) {
  put("in/b.png", 1);
  put("in/a/c.JPEG", 2);
  put("in/a/a/d.png", 3);
  dir.write("in/notes.txt", "no photo");
  const PhotoInput input = open_photos(dir.file("in"));
  EXPECT_THAT(names(input), ElementsAre("a/a/d.png", "a/c.JPEG", "b.png"));
  EXPECT_THAT(greys(input), ElementsAre(3, 2, 1));
}

TEST_F(Photos, OfAListInItsOrder) {
  put("in/a.png", 1);
  put("in/b.png", 2);
  const std::string list =
      dir.write("list.tsv", "b.png\tBea\na.png\tAnn\nb.png\tBea\n" + dir.file("in/a.png") + "\n");
  const PhotoInput input = open_photos(dir.file("in"), list);
  EXPECT_THAT(greys(input), ElementsAre(2, 1, 2, 1)) << "absolute paths stand as they are";
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { (void)open_photos(dir.file("no"), list); }),
              HasSubstr("no such folder"));
  const std::string absolute = dir.write("absolute.txt", dir.file("in/b.png") + "\n");
  EXPECT_THAT(greys(open_photos("", absolute)), ElementsAre(2));
}

TEST_F(Photos, OneFile) {
  put("in/b.png", 7);
  const PhotoInput input = open_photos(dir.file("in/b.png"));
  EXPECT_THAT(names(input), ElementsAre("b.png"));
  EXPECT_THAT(greys(input), ElementsAre(7));
}

TEST_F(Photos, OfPackedFilesInTheirOrder) {
  for (const char* kind : {"rec", "tar"}) {
    PhotoWriterOptions options;
    options.kind = kind;
    options.path = dir.file(std::string("faces.") + kind);
    options.identity_names = {"x", "y"};
    const auto writer = make_photo_writer(options);
    writer->add(0, grey(5), "p");
    writer->add(0, grey(6), "p");
    writer->add(1, grey(4), "p");
    (void)writer->finish();
  }
  EXPECT_THAT(greys(open_photos(dir.file("faces.rec"))), ElementsAre(5, 6, 4));
  EXPECT_THAT(greys(open_photos(dir.file("faces-000000.tar"))), ElementsAre(5, 6, 4));
}

TEST_F(Photos, OfAnArchiveWithoutLabelsByTheNamesInIt) {
  {
    FileWriter archive(dir.file("photos.tar"));
    for (const auto& [name, value] : {std::pair("b.png", 5), std::pair("a/c.png", 6), std::pair("a/c.jpg", 4)})
      write_tar_member(archive, name, grey(value));
    write_tar_end(archive);
    archive.commit();
  }
  const PhotoInput input = open_photos(dir.file("photos.tar"));
  EXPECT_THAT(names(input), ElementsAre("photos.tar/b.png", "photos.tar/a/c.png", "photos.tar/a/c.jpg"));
  EXPECT_THAT(greys(input), ElementsAre(5, 6, 4));
}

TEST_F(Photos, OfAVerificationSet) {
  const std::vector<std::vector<unsigned char>> pictures = {grey(1), grey(2), grey(3), grey(4)};
  write_verification_bin(dir.file("set.bin"), {1, 0},
                         [&](std::size_t i) { return Span<const unsigned char>(pictures[i]); });
  const PhotoInput input = open_photos(dir.file("set.bin"));
  EXPECT_THAT(names(input), ElementsAre("set.bin#0", "set.bin#1", "set.bin#2", "set.bin#3"));
  EXPECT_THAT(greys(input), ElementsAre(1, 2, 3, 4));
}

TEST_F(Photos, WhatIsNotThereIsSaid) {
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { (void)open_photos(dir.file("none")); }),
              HasSubstr("no such folder or file"));
  dir.write("empty/readme", "");
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { (void)open_photos(dir.file("empty")); }),
              HasSubstr("no images"));
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { (void)open_photos(dir.write("bad.bin", "x")); }),
              HasSubstr("bad.bin"));
}

}  // namespace
}  // namespace aface
