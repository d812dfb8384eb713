#include "aface/data/convert.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "aface/core/file.h"
#include "aface/data/face_dataset.h"
#include "aface/data/verification_folder.h"
#include "aface/io/verification_bin.h"
#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "identity: bytes" of all photos, in the order of the set.
std::vector<std::string> content_of(const std::string& kind, const std::string& path) {
  DataOptions options;
  options.source = kind;
  options.root = path;
  const FaceDataset set = load_dataset(options, 1);
  std::vector<std::string> photos;
  PhotoBuffers buffers;
  for (std::int64_t i = 0; i < set.num_samples(); ++i) {
    const auto bytes = set.photos->encoded(i, buffers);
    photos.push_back(set.photos->identity_name(set.identity_of(i)) + ": " +
                     std::string(bytes.value().begin(), bytes.value().end()));
  }
  return photos;
}

ConvertReport convert(const std::string& from, const std::string& from_path, const std::string& to,
                      const std::string& to_path, bool is_plain = false) {
  ConvertOptions options;
  options.from.source = from;
  options.from.root = from_path;
  options.to = to;
  options.to_path = to_path;
  options.is_plain = is_plain;
  options.shard_bytes = 20480;
  return convert_photos(options);
}

// Three identities; one photo begins with RecordIO's magic at a multiple of four, so that it is split.
class Convert : public testing::Test {
 protected:
  Convert() {
    for (const char* name : {"Ann", "Bo", "10"}) {
      for (int i = 0; i < 3; ++i) {
        const std::string jpeg =
            std::string("\xff\xd8\xff\xe0") + name + std::to_string(i) + std::string(4000, 'x');
        dir_.write(std::string("faces/") + name + "/p" + std::to_string(i) + ".jpg", jpeg);
      }
    }
    dir_.write("faces/Bo/q.png", std::string("\x89PNG\x0a\x23\xd7\xce") + test::plain_png(3));
    content_ = content_of("folder", faces());
  }
  std::string faces() const { return dir_.file("faces"); }

  TempDir dir_;
  std::vector<std::string> content_;
};

TEST_F(Convert, EveryFormHoldsTheSamePhotosInTheSameOrder) {
  ASSERT_EQ(content_.size(), 10u);
  for (const bool is_plain : {false, true}) {
    const std::string path = dir_.file(is_plain ? "plain.rec" : "train.rec");
    const ConvertReport report = convert("folder", faces(), "rec", path, is_plain);
    EXPECT_EQ(report.images, 10);
    EXPECT_EQ(report.identities, 3);
    EXPECT_EQ(content_of("rec", path), content_);
  }
  EXPECT_TRUE(file_exists(dir_.file("property")));
  convert("rec", dir_.file("train.rec"), "tar", dir_.file("faces.tar"));
  EXPECT_TRUE(file_exists(dir_.file("faces-000002.tar"))) << "20,480 bytes a shard";
  EXPECT_EQ(content_of("tar", dir_.file("faces.tar")), content_);
  convert("tar", dir_.file("faces.tar"), "folder", dir_.file("back/"));
  std::vector<std::string> back = content_of("folder", dir_.file("back"));
  for (std::string& photo : back) {
    if (photo.rfind("0000010: ", 0) == 0)
      photo.erase(0, 5);  // numbers are padded, so that folders sort as labels
  }
  EXPECT_EQ(back, content_);
  convert("folder", dir_.file("back"), "rec", dir_.file("again.rec"));
  EXPECT_EQ(content_of("rec", dir_.file("again.rec")), content_of("folder", dir_.file("back")));
}

TEST_F(Convert, NumberedIdentitiesKeepTheirLabels) {
  const TempDir dir;
  for (int person = 0; person < 12; ++person) {
    dir.write("faces/" + std::to_string(100 + person) + "/1.jpg", "\xff\xd8\xff" + std::to_string(person));
  }
  convert("folder", dir.file("faces"), "rec", dir.file("a.rec"));
  fs::remove(dir.file("a.identities"));  // as a .rec of others has none
  const std::vector<std::string> before = content_of("rec", dir.file("a.rec"));
  EXPECT_EQ(before[10],
            "10: \xff\xd8\xff"
            "10");
  convert("rec", dir.file("a.rec"), "folder", dir.file("b"));
  convert("folder", dir.file("b"), "rec", dir.file("c.rec"));
  fs::remove(dir.file("c.identities"));
  EXPECT_EQ(content_of("rec", dir.file("c.rec")), before);
}

TEST_F(Convert, AListNamesTheFilesOfAFolder) {
  convert("folder", faces(), "list", dir_.file("faces.tsv"));
  EXPECT_THAT(read_text_file(dir_.file("faces.tsv")), testing::StartsWith("10/p0.jpg\t10\n10/p1.jpg\t10\n"));
  ConvertOptions options;
  options.from.source = "list";
  options.from.root = faces();
  options.from.list = dir_.file("faces.tsv");
  options.to = "rec";
  options.to_path = dir_.file("x.rec");
  convert_photos(options);
  EXPECT_EQ(content_of("rec", dir_.file("x.rec")), content_);
  EXPECT_THAT(
      error_of(ErrorKind::kUsage, [&] { convert("rec", dir_.file("x.rec"), "list", dir_.file("y.tsv")); }),
      HasSubstr("convert to a folder first"));
}

TEST_F(Convert, NothingIsOverwrittenAndNothingIsLeftOfAFailure) {
  const auto files_in = [](const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path().filename());
    return files;
  };
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { convert("folder", faces(), "folder", faces()); }),
              HasSubstr("is there already"));
  const TempDir out;
  dir_.write("faces/Zoe/1.jpg", "no picture");
  for (const char* kind : {"folder", "tar"}) {
    EXPECT_THAT(error_of(ErrorKind::kData, [&] { convert("folder", faces(), kind, out.file("x")); }),
                HasSubstr("Zoe/1.jpg: neither JPEG nor PNG"));
    EXPECT_THAT(files_in(out.path()), IsEmpty()) << kind;
  }
  dir_.write("faces/Zoe/1.jpg", "");
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { convert("folder", faces(), "rec", out.file("x.rec")); }),
              HasSubstr("Zoe/1.jpg: the photo has no bytes"));
  EXPECT_THAT(files_in(out.path()), IsEmpty());
}

TEST_F(Convert, IdentitiesThatCannotBeFoldersAreNamed) {
  dir_.write("l.tsv", "Ann/p0.jpg\ta/b\nBo/p0.jpg\tBo\n");
  ConvertOptions options;
  options.from.source = "list";
  options.from.root = faces();
  options.from.list = dir_.file("l.tsv");
  options.to = "folder";
  options.to_path = dir_.file("out");
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { convert_photos(options); }),
              HasSubstr("the identity 'a/b' cannot be a folder"));
  dir_.write("l.tsv", "Ann/p0.jpg\t..\nBo/p0.jpg\tBo\n");
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { convert_photos(options); }),
              HasSubstr("the identity '..' cannot be a folder"));
  dir_.write("l.tsv", "Ann/p0.jpg\t7\nBo/p0.jpg\t0000007\n");
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { convert_photos(options); }), HasSubstr("there twice"));
}

TEST_F(Convert, AFullDiskIsAnErrorThatNamesTheFile) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  fs::create_symlink("/dev/full", dir_.file("y.rec.tmp-" + std::to_string(::getpid())));
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { convert("folder", faces(), "rec", dir_.file("y.rec")); }),
              testing::AllOf(HasSubstr("y.rec: cannot write (No space left on device)"),
                             HasSubstr("free some space")));
  EXPECT_FALSE(fs::exists(dir_.file("y.rec")));
  EXPECT_FALSE(fs::exists(dir_.file("y.idx")));
}

std::string write_bin(const TempDir& dir) {
  const std::vector<std::string> images = {
      "\xff\xd8\xff"
      "a",
      "\x89PNG b",
      "\xff\xd8\xff"
      "a",
      "\xff\xd8\xff"
      "c",
      "\xff\xd8\xff"
      "d",
      "\xff\xd8\xff"
      "e",
      "\xff\xd8\xff"
      "f",
      "\xff\xd8\xff"
      "a"};
  std::vector<unsigned char> bytes;
  write_verification_bin(dir.file("set.bin"), {1, 0, 1, 0}, [&](std::size_t i) {
    bytes.assign(images[i].begin(), images[i].end());
    return Span<const unsigned char>(bytes);
  });
  return dir.file("set.bin");
}

TEST(VerificationFolder, ThereAndBackIsTheSameFile) {
  const TempDir dir;
  const std::string bin = write_bin(dir);
  const VerificationCopy copy = unpack_verification_bin(bin, dir.file("set"));
  EXPECT_EQ(copy.pairs, 4);
  EXPECT_EQ(copy.pictures, 6);
  EXPECT_EQ(read_text_file(dir.file("set/pairs.txt")),
            "images/000000.jpg\timages/000001.png\t1\nimages/000000.jpg\timages/000002.jpg\t0\n"
            "images/000003.jpg\timages/000004.jpg\t1\nimages/000005.jpg\timages/000000.jpg\t0\n");
  pack_verification_bin(dir.file("set"), dir.file("set/pairs.txt"), dir.file("back.bin"));
  EXPECT_EQ(read_text_file(dir.file("back.bin")), read_text_file(bin));
}

TEST(VerificationFolder, MistakesAreNamedAndLeaveNothing) {
  const TempDir dir;
  const std::string bin = write_bin(dir);
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { unpack_verification_bin(bin, dir.path()); }),
              HasSubstr("is there already"));
  EXPECT_THAT(
      error_of(ErrorKind::kIo, [&] { unpack_verification_bin(dir.file("none.bin"), dir.file("set")); }),
      HasSubstr("none.bin"));
  dir.write("p/pairs.txt", "a.jpg\tb.jpg\t1\na.jpg\tb.jpg\t0\na.jpg\tb.jpg\t1\na.jpg\tb.jpg\t0\n");
  dir.write("p/a.jpg", "\xff\xd8\xff");
  EXPECT_THAT(
      error_of(ErrorKind::kIo,
               [&] { pack_verification_bin(dir.file("p"), dir.file("p/pairs.txt"), dir.file("p.bin")); }),
      HasSubstr("p/b.jpg: cannot open"));
  dir.write("p/b.jpg", "text");
  EXPECT_THAT(
      error_of(ErrorKind::kData,
               [&] { pack_verification_bin(dir.file("p"), dir.file("p/pairs.txt"), dir.file("p.bin")); }),
      HasSubstr("p/b.jpg: neither JPEG nor PNG"));
  EXPECT_FALSE(fs::exists(dir.file("p.bin")));
  EXPECT_FALSE(fs::exists(dir.file("set")));
}

TEST(SourceOf, GoesByNameAndContent) {
  const TempDir dir;
  dir.write("shards/a-000000.tar", "");
  EXPECT_EQ(source_of("a/train.rec"), "rec");
  EXPECT_EQ(source_of("a/faces.tar"), "tar");
  EXPECT_EQ(source_of(dir.file("shards")), "tar");
  EXPECT_EQ(source_of(dir.path()), "folder");
  EXPECT_EQ(source_of(dir.file("none")), "folder");
}

}  // namespace
}  // namespace aface
