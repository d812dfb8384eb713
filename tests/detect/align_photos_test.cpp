#include "aface/detect/align_photos.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "aface/core/file.h"
#include "aface/data/photo_writer.h"
#include "aface/image/align.h"
#include "aface/io/column_list.h"
#include "tests/data/data_set_fixture.h"
#include "tests/detect/placed_faces.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::as_text;
using test::error_of;
using test::TempDir;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
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

class AlignPhotos : public testing::Test {
 protected:
  AlignPhotos() {
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

TEST_F(AlignPhotos, ChipsKeepTheRelativePathsAndAreWhereTheLandmarksSay) {
  list(row("a/1.png", 20, 30) + row("b.c/d/2.PNG", 50, 0) + row("./top.png", 0, 0));
  const AlignReport report = align_photos(options_);
  EXPECT_EQ(report.written, 3);
  EXPECT_EQ(report.left_out, 0);
  const Image chip = read_image(options_.out + "/a/1.png").value();
  ASSERT_EQ(chip.width, 112);
  EXPECT_EQ(chip.at(5, 9)[0], 25);
  EXPECT_EQ(chip.at(5, 9)[1], 39);
  EXPECT_EQ(read_image(options_.out + "/b.c/d/2.png").value().at(0, 0)[0], 50);
  EXPECT_EQ(read_image(options_.out + "/top.png").value().at(111, 111)[1], 111);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.out))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 3u + 2u) << "no temporary file stays behind";
}

TEST_F(AlignPhotos, SizeAndJpegQualityAreTaken) {
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

TEST_F(AlignPhotos, MissingPhotoStopsBeforeAnythingIsWrittenOrIsSkipped) {
  list(row("a/1.png", 20, 30) + row("a/9.png", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kData),
              AllOf(HasSubstr("landmarks.txt:2: a/9.png: is not a file"), HasSubstr("1 of 2")));
  EXPECT_FALSE(std::filesystem::exists(options_.out));
  options_.on_bad_image = "skip";
  const AlignReport report = align_photos(options_);
  EXPECT_EQ(report.written, 1);
  EXPECT_EQ(report.left_out, 1);
}

TEST_F(AlignPhotos, DamagedPhotosAndDegenerateLandmarksAreNamedOrSkipped) {
  dir_.write("photos/bad.jpg", "no picture");
  list(row("a/1.png", 0, 0) + row("bad.jpg", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kFormat), HasSubstr("bad.jpg: neither JPEG nor PNG"));
  list(row("a/1.png", 0, 0) + "top.png\t5\t5\t5\t5\t5\t5\t5\t5\t5\t5\n");
  EXPECT_THAT(failure(ErrorKind::kData),
              HasSubstr("landmarks.txt:2: top.png: the five landmarks are one point"));
  options_.on_bad_image = "skip";
  EXPECT_EQ(align_photos(options_).left_out, 1);
  list(row("bad.jpg", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kData), HasSubstr("none of the 1 photos gave a chip (the first: "));
}

TEST_F(AlignPhotos, NothingIsWrittenOutsideTheOutputFolderOrOverThePhotos) {
  list(row("../a.png", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kFormat), HasSubstr("does not lie below"));
  list(row("a/1.png", 0, 0));
  options_.out = dir_.path() + "/chips/../photos/";
  EXPECT_THAT(failure(ErrorKind::kUsage), HasSubstr("overwrite the photos"));
}

TEST_F(AlignPhotos, TwoPhotosMustNotGiveOneChip) {
  dir_.write("photos/a/1.jpg", as_text(encode_jpeg(ruler(200), 90)));
  list(row("a/1.png", 0, 0) + row("a/1.jpg", 0, 0));
  EXPECT_THAT(failure(ErrorKind::kData), HasSubstr("landmarks.txt:2: a/1.jpg: would overwrite the chip of"));
}

TEST_F(AlignPhotos, TheIndexNamesEveryChip) {
  list(row("top.png", 0, 0) + row("a/1.png", 20, 30) + "b.c/d/2.PNG\t5\t5\t5\t5\t5\t5\t5\t5\t5\t5\n");
  options_.on_bad_image = "skip";
  (void)align_photos(options_);
  const ColumnList index =
      read_columns(options_.out + "/chips.tsv", {"chip", "photo", "face", "score", "x1", "y5"});
  ASSERT_EQ(index.rows.size(), 2u);
  EXPECT_EQ(index.text(0, 0), "top.png") << "in the order of the list";
  EXPECT_EQ(index.text(1, 0), "a/1.png");
  EXPECT_EQ(index.text(1, 3), "") << "given landmarks have no score";
  EXPECT_NEAR(index.number(1, 4), chip_template(112)[0].x + 20, 0.006);
  EXPECT_NEAR(index.number(1, 5), chip_template(112)[4].y + 30, 0.006);
  const ColumnList left_out = read_columns(options_.out + "/left_out.tsv", {"photo", "reason"});
  ASSERT_EQ(left_out.rows.size(), 1u);
  EXPECT_EQ(left_out.text(0, 0), "b.c/d/2.PNG");
  EXPECT_EQ(left_out.text(0, 1), "the five landmarks are one point");
}

// Photos in which a made network finds, where they are blue, a large and a small face.
class AlignFound : public testing::Test {
 protected:
  static constexpr int kWidth = 64, kHeight = 96;

  AlignFound() {
    Face large, small;
    large.box = {3, 20, 40, 50};
    small.box = {30, 60, 15, 15};
    for (std::size_t k = 0; k < 5; ++k) {
      const Point p = chip_template(56)[k];
      large.landmarks[k] = {p.x + 3, p.y + 20};
      small.landmarks[k] = {p.x + 5, p.y + 40};
    }
    large.score = 1;
    small.score = 0.8;
    options_.detector = dir_.write("yunet.onnx", test::network_with_faces({large, small}, kWidth, kHeight));
    options_.images = dir_.path() + "/photos";
    options_.out = dir_.path() + "/chips";
    options_.format = "png";
    options_.size_px = 56;
    options_.threads = 2;
    put("b/two.png", 255);
    put("b/one.png", 215);  // where the small face scores 0.8 x 215 / 255
    put("a/none.jpg", 0);
    put("c.d/two.JPG", 255);
  }
  void put(const std::string& name, int blue) {
    Image photo(kWidth, kHeight);
    for (std::size_t i = 0; i < photo.pixels.size(); ++i)
      photo.pixels[i] = static_cast<std::uint8_t>(i % 3 == 2 ? blue : i / 3 % 64);
    dir_.write("photos/" + name,
               as_text(name.back() == 'g' && name[0] == 'b' ? encode_png(photo) : encode_jpeg(photo, 100)));
  }
  std::vector<std::string> column(const std::string& file, const std::string& name) const {
    const ColumnList table = read_columns(options_.out + "/" + file, {name});
    std::vector<std::string> values;
    for (std::size_t i = 0; i < table.rows.size(); ++i) values.push_back(table.text(i, 0));
    return values;
  }
  std::string failure(ErrorKind kind) {
    return error_of(kind, [&] { (void)align_photos(options_); });
  }

  TempDir dir_;
  AlignOptions options_;
};

TEST_F(AlignFound, TheLargestFaceOfEveryPhotoInTheirOrder) {
  const AlignReport report = align_photos(options_);
  EXPECT_EQ(report.photos, 4);
  EXPECT_EQ(report.written, 3);
  EXPECT_EQ(report.left_out, 1);
  EXPECT_THAT(column("chips.tsv", "chip"), ElementsAre("b/one.png", "b/two.png", "c.d/two.png"));
  EXPECT_THAT(column("chips.tsv", "photo"), ElementsAre("b/one.png", "b/two.png", "c.d/two.JPG"));
  EXPECT_THAT(column("chips.tsv", "score"), ElementsAre("0.8431", "1.0000", testing::StartsWith("0.99")));
  EXPECT_THAT(column("left_out.tsv", "photo"), ElementsAre("a/none.jpg"));
  EXPECT_THAT(column("left_out.tsv", "reason"), ElementsAre("no face was found"));
  const Image chip = read_image(options_.out + "/b/two.png").value();
  EXPECT_EQ(chip.width, 56);
  EXPECT_NEAR(chip.at(10, 10)[0], 13, 1);
}

TEST_F(AlignFound, AllFacesAreNumberedBySize) {
  options_.many = "all";
  const AlignReport report = align_photos(options_);
  EXPECT_EQ(report.written, 5);
  EXPECT_THAT(column("chips.tsv", "chip"),
              ElementsAre("b/one_1.png", "b/two_1.png", "b/two_2.png", "c.d/two_1.png", "c.d/two_2.png"));
  EXPECT_THAT(column("chips.tsv", "face"), ElementsAre("1", "1", "2", "1", "2"));
  EXPECT_TRUE(file_exists(options_.out + "/b/two_2.png"));
}

TEST_F(AlignFound, PhotosWithNoneOrTooManyFollowTheRules) {
  options_.many = "refuse";
  EXPECT_EQ(align_photos(options_).written, 1);
  EXPECT_THAT(column("left_out.tsv", "reason"),
              ElementsAre("no face was found", "2 faces were found (expected one)",
                          "2 faces were found (expected one)"));
  options_.none = "fail";
  options_.threads = 1;
  EXPECT_THAT(failure(ErrorKind::kData), HasSubstr("photos/a/none.jpg: no face was found"));
  options_.many = "largest";
  options_.none = "centre-crop";
  EXPECT_EQ(align_photos(options_).written, 4);
  EXPECT_THAT(column("chips.tsv", "x1"), Contains(""));
  EXPECT_THAT(column("left_out.tsv", "photo"), testing::IsEmpty());
}

TEST_F(AlignFound, UnreadablePhotosStopOrAreListed) {
  dir_.write("photos/b/aaa.jpg", "no picture");
  EXPECT_THAT(failure(ErrorKind::kFormat), HasSubstr("b/aaa.jpg: neither JPEG nor PNG"));
  options_.on_bad_image = "skip";
  EXPECT_EQ(align_photos(options_).left_out, 2);
  EXPECT_THAT(column("left_out.tsv", "reason"),
              ElementsAre("no face was found", HasSubstr("neither JPEG nor PNG by its first bytes")));
}

TEST_F(AlignFound, AListSaysWhichAndInWhichOrder) {
  options_.list = dir_.write("list.txt", "c.d/two.JPG\nb/one.png\tAnn\n");
  EXPECT_EQ(align_photos(options_).written, 2);
  EXPECT_THAT(column("chips.tsv", "photo"), ElementsAre("c.d/two.JPG", "b/one.png"));
  dir_.write("list.txt", "b/one.png\nb/lost.png\n");
  EXPECT_THAT(failure(ErrorKind::kData), AllOf(HasSubstr("b/lost.png: is not a file"), HasSubstr("1 of 2")));
  dir_.write("list.txt", "../photos/b/one.png\n");
  EXPECT_THAT(failure(ErrorKind::kData), HasSubstr("does not lie below"));
  dir_.write("list.txt", "b/one.png\nb/one.png\n");
  EXPECT_THAT(failure(ErrorKind::kData), HasSubstr("would overwrite the chip of"));
}

TEST_F(AlignFound, PackedPhotosAreTakenToo) {
  PhotoWriterOptions packed;
  packed.kind = "rec";
  packed.path = dir_.file("faces.rec");
  packed.identity_names = {"0"};
  const auto writer = make_photo_writer(packed);
  for (const char* name : {"/b/two.png", "/a/none.jpg", "/b/one.png"})
    writer->add(0, read_binary_file(options_.images + name), name);
  (void)writer->finish();
  options_.images = packed.path;
  EXPECT_EQ(align_photos(options_).written, 2);
  EXPECT_THAT(column("chips.tsv", "chip"), ElementsAre("#1.png", "#3.png"));
  EXPECT_THAT(column("left_out.tsv", "photo"), ElementsAre("#2"));
}

TEST_F(AlignFound, WrongUseIsSaid) {
  options_.out = options_.images + "/chips";
  EXPECT_THAT(failure(ErrorKind::kUsage), HasSubstr("lies among the photos"));
  options_.out = dir_.path() + "/chips";
  options_.landmarks = dir_.file("l.txt");
  EXPECT_THAT(failure(ErrorKind::kUsage), HasSubstr("either the list of the landmarks or a detector"));
  options_.landmarks = "";
  options_.none = "guess";
  EXPECT_THAT(failure(ErrorKind::kUsage), HasSubstr("'guess'"));
  options_.none = "skip";
  options_.many = "guess";
  EXPECT_THAT(failure(ErrorKind::kUsage), HasSubstr("'guess'"));
  options_.many = "all";
  options_.images = dir_.file("nowhere");
  EXPECT_THAT(failure(ErrorKind::kIo), HasSubstr("nowhere: no such folder or file"));
}

TEST_F(AlignPhotos, OptionsAreCheckedFirst) {
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
