#include "aface/data/chip_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "aface/core/file.h"
#include "aface/image/align.h"
#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::as_text;
using test::error_of;
using test::TempDir;
using testing::AllOf;
using testing::HasSubstr;

// Every pixel tells where it is: red is x, green is y.
Image ruler(int size_px) {
  Image image(size_px, size_px);
  for (int y = 0; y < size_px; ++y) {
    for (int x = 0; x < size_px; ++x) {
      image.at(x, y)[0] = static_cast<std::uint8_t>(x);
      image.at(x, y)[1] = static_cast<std::uint8_t>(y);
    }
  }
  return image;
}

// The row of a photo whose chip is its window with this upper left corner.
std::string row(const std::string& path, int x, int y) {
  std::ostringstream text;
  text << path;
  text.precision(12);
  for (const auto& p : chip_template(112)) text << '\t' << p.x + x << '\t' << p.y + y;
  return text.str() + "\n";
}

class ChipWriter : public testing::Test {
 protected:
  ChipWriter() {
    options_.images = dir_.path() + "/photos";
    options_.landmarks = dir_.file("landmarks.txt");
    options_.out = dir_.path() + "/chips";
    options_.format = "png";
    options_.threads = 2;
    for (const char* name : {"photos/a/1.png", "photos/b.c/d/2.PNG", "photos/top.png"}) {
      dir_.write(name, as_text(encode_png(ruler(200))));
    }
  }
  void list(const std::string& text) { dir_.write("landmarks.txt", text); }
  std::string failure(ErrorKind kind) {
    return error_of(kind, [&] { (void)align_photos(options_); });
  }

  TempDir dir_;
  AlignOptions options_;
};

TEST_F(ChipWriter, ChipsKeepTheRelativePathsAndAreWhereTheLandmarksSay) {
  list(row("a/1.png", 20, 30) + row("b.c/d/2.PNG", 50, 0) + row("./top.png", 0, 0));
  const AlignReport report = align_photos(options_);
  EXPECT_EQ(report.written, 3);
  EXPECT_EQ(report.bad, 0);
  const Image chip = read_image(options_.out + "/a/1.png").value();
  ASSERT_EQ(chip.width, 112);
  EXPECT_EQ(chip.at(5, 9)[0], 25);
  EXPECT_EQ(chip.at(5, 9)[1], 39);
  EXPECT_EQ(read_image(options_.out + "/b.c/d/2.png").value().at(0, 0)[0], 50);
  EXPECT_EQ(read_image(options_.out + "/top.png").value().at(111, 111)[1], 111);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.out))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 3u) << "no temporary file stays behind";
}

TEST_F(ChipWriter, SizeAndJpegQualityAreTaken) {
  list(row("a/1.png", 20, 30));
  options_.format = "jpg";
  options_.size_px = 64;
  options_.quality = 95;
  (void)align_photos(options_);
  const std::string path = options_.out + "/a/1.jpg";
  EXPECT_EQ(read_image(path).value().width, 64);
  const auto fine = read_binary_file(path);
  (void)align_photos(options_);
  EXPECT_EQ(read_binary_file(path), fine) << "a second run writes the same bytes";
  options_.quality = 20;
  (void)align_photos(options_);
  EXPECT_LT(read_binary_file(path).size(), fine.size());
}

TEST_F(ChipWriter, MissingPhotoStopsBeforeAnythingIsWrittenOrIsSkipped) {
  list(row("a/1.png", 20, 30) + row("a/9.png", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kData),
              AllOf(HasSubstr("landmarks.txt:2: 'a/9.png' is not a file"), HasSubstr("1 of 2")));
  EXPECT_FALSE(std::filesystem::exists(options_.out));
  options_.on_bad_image = "skip";
  const AlignReport report = align_photos(options_);
  EXPECT_EQ(report.written, 1);
  EXPECT_EQ(report.bad, 1);
}

TEST_F(ChipWriter, DamagedPhotosAndDegenerateLandmarksAreNamedOrSkipped) {
  dir_.write("photos/bad.jpg", "no picture");
  list(row("a/1.png", 0, 0) + row("bad.jpg", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kFormat), HasSubstr("bad.jpg: neither JPEG nor PNG"));
  list(row("a/1.png", 0, 0) + "top.png\t5\t5\t5\t5\t5\t5\t5\t5\t5\t5\n");
  EXPECT_THAT(failure(ErrorKind::kData),
              HasSubstr("landmarks.txt:2: top.png: the five landmarks are one point"));
  options_.on_bad_image = "skip";
  EXPECT_EQ(align_photos(options_).bad, 1);
  list(row("bad.jpg", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kData), HasSubstr("none of the 1 listed photos"));
}

TEST_F(ChipWriter, NothingIsWrittenOutsideTheOutputFolderOrOverThePhotos) {
  list(row("../a.png", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kFormat), HasSubstr("does not lie below"));
  list(row("a/1.png", 0, 0));
  options_.out = dir_.path() + "/chips/../photos/";
  EXPECT_THAT(failure(ErrorKind::kUsage), HasSubstr("overwrite the photos"));
}

TEST_F(ChipWriter, TwoPhotosMustNotGiveOneChip) {
  dir_.write("photos/a/1.jpg", as_text(encode_jpeg(ruler(200), 90)));
  list(row("a/1.png", 0, 0) + row("a/1.jpg", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kData),
              HasSubstr("landmarks.txt:2: 'a/1.jpg' would overwrite the chip of line 1"));
}

TEST_F(ChipWriter, OptionsAreCheckedFirst) {
  const auto with = [&](const auto& change) {
    AlignOptions options = options_;
    change(options);
    return error_of(ErrorKind::kUsage, [&] { (void)align_photos(options); });
  };
  EXPECT_THAT(with([](AlignOptions& o) { o.size_px = 8; }), HasSubstr("chip size 8"));
  EXPECT_THAT(with([](AlignOptions& o) { o.format = "bmp"; }), HasSubstr("'bmp'"));
  EXPECT_THAT(with([](AlignOptions& o) { o.quality = 0; }), HasSubstr("quality 0"));
  EXPECT_THAT(with([](AlignOptions& o) { o.on_bad_image = "drop"; }), HasSubstr("'drop'"));
  options_.images = dir_.file("none");
  EXPECT_THAT(failure(ErrorKind::kIo), HasSubstr("none: no such folder"));
}

}  // namespace
}  // namespace aface
