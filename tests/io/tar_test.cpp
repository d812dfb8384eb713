#include "aface/io/tar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>

#include "aface/core/file.h"
#include "aface/io/tar_shards.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Bytes = std::vector<unsigned char>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// name=content of every member.
std::vector<std::string> members_of(const std::string& archive) {
  const Bytes bytes = bytes_of(archive);
  std::vector<std::string> members;
  for (const TarMember& member : list_tar(bytes, "x.tar")) {
    members.push_back(member.name + "=" + archive.substr(member.offset, member.size));
  }
  return members;
}

std::string format_error(const std::string& archive) {
  return test::error_of(ErrorKind::kFormat, [&] { members_of(archive); });
}

std::string written(const std::vector<std::pair<std::string, std::string>>& files) {
  const test::TempDir dir;
  FileWriter archive(dir.file("x.tar"));
  for (const auto& [name, content] : files) write_tar_member(archive, name, bytes_of(content));
  write_tar_end(archive);
  archive.commit();
  return read_text_file(dir.file("x.tar"));
}

// One header block as POSIX lays it out, then the content.
std::string member(const std::string& name, char type, const std::string& content,
                   const std::string& prefix = "", const std::string& size = "") {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { block.replace(at, text.size(), text); };
  put(0, name);
  put(124, size.empty() ? fmt::format("{:011o}", content.size()) : size);
  put(156, std::string(1, type));
  put(257, std::string("ustar\0"
                       "00",
                       8));
  put(345, prefix);
  put(148, "        ");
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return block + content + std::string((512 - content.size() % 512) % 512, '\0');
}
const std::string kEnd(1024, '\0');

TEST(Tar, WhatIsWrittenIsReadHereAndByTarItself) {
  const std::string long_name = "folder/" + std::string(150, 'n') + ".jpg";
  const std::string archive = written({{"a.jpg", "one"}, {"b.cls", ""}, {long_name, std::string(513, 'x')}});
  EXPECT_EQ(archive.size() % 10240, 0u);
  EXPECT_THAT(members_of(archive),
              ElementsAre("a.jpg=one", "b.cls=", long_name + "=" + std::string(513, 'x')));
  if (std::system("tar --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no tar here";
  const test::TempDir dir;
  dir.write("x.tar", archive);
  ASSERT_EQ(std::system(("tar -C " + dir.path() + " -xf " + dir.file("x.tar")).c_str()), 0);
  EXPECT_EQ(read_text_file(dir.file("a.jpg")), "one");
  EXPECT_EQ(read_text_file(dir.file(long_name)), std::string(513, 'x'));
}

TEST(Tar, ReadsWhatTarAndPythonWrite) {
  const test::TempDir dir;
  const std::string name = "d/" + std::string(80, 'l') + "/" + std::string(60, 'm') + ".jpg";
  dir.write("in/" + name, "content");
  for (const char* format : {"ustar", "gnu", "pax"}) {
    const std::string command =
        std::string("tar --format=") + format + " -C " + dir.file("in") + " -cf " + dir.file("x.tar") + " d";
    if (std::system((command + " 2> /dev/null").c_str()) != 0) GTEST_SKIP() << "no GNU tar here";
    EXPECT_THAT(members_of(read_text_file(dir.file("x.tar"))), ElementsAre(name + "=content")) << format;
  }
  if (std::system("python3 -c '' 2> /dev/null") != 0) GTEST_SKIP() << "no python3 here";
  const std::string script = dir.write("t.py", R"(
import io, sys, tarfile
with tarfile.open(sys.argv[1], 'w') as t:
    for name in ('k.jpg', '\u00e4' * 80 + '.cls'):
        info = tarfile.TarInfo(name)
        info.size, info.mtime = 3, 1234.5
        t.addfile(info, io.BytesIO(b'abc'))
)");
  ASSERT_EQ(std::system(("python3 " + script + " " + dir.file("y.tar")).c_str()), 0);
  std::string umlauts;
  for (int i = 0; i < 80; ++i) umlauts += "ä";
  EXPECT_THAT(members_of(read_text_file(dir.file("y.tar"))), ElementsAre("k.jpg=abc", umlauts + ".cls=abc"));
}

TEST(Tar, HeadersByHand) {
  const std::string binary_size = "\x80" + std::string(10, '\0') + "\x03";
  const std::string archive =
      member("folder", '5', "") + member("a", '0', "abc") + member("b", '\0', "de", "in/side") +
      member("link", '2', "") + member("c", '7', "xyz", "", binary_size) + kEnd +
      member("PaxHeader", 'x', "12 path=new\n10 size=2\n") + member("old", '0', "hi", "", "00000000077") +
      member("PaxGlobal", 'g', "12 path=all\n") + member("d", '0', "", "", "         0 ") + kEnd;
  EXPECT_THAT(members_of(archive), ElementsAre("a=abc", "in/side/b=de", "c=xyz", "new=hi", "d="));
  EXPECT_THAT(members_of(kEnd), ElementsAre());
}

TEST(Tar, EveryCutIsAnErrorWithItsOffset) {
  const std::string archive = member(std::string(90, 'n'), 'L', "long") + member("a", '0', "abc") +
                              member("b", '0', "") + std::string(512, '\0');
  EXPECT_THAT(members_of(archive), ElementsAre("long=abc", "b="));
  for (std::size_t length = 1; length < archive.size(); ++length) {
    EXPECT_THAT(format_error(archive.substr(0, length)), HasSubstr("x.tar@")) << length;
  }
}

TEST(Tar, DamageIsNamed) {
  std::string flipped = member("a", '0', "abc") + kEnd;
  flipped[3] = 'x';
  EXPECT_THAT(format_error(flipped), HasSubstr("x.tar@0: no header of a file (its checksum is wrong)"));
  EXPECT_THAT(format_error(member("a", '0', "abc", "", "77777777777") + kEnd),
              HasSubstr("the file says 8589934591 bytes"));
  EXPECT_THAT(format_error(member("a", '0', "abc", "", "\xff" + std::string(10, '\xff') + "\xff") + kEnd),
              HasSubstr("the file says"));
  EXPECT_THAT(format_error(member("a", '0', "abc", "", "\x80" + std::string(11, '\xff')) + kEnd),
              HasSubstr("the file says"));
  EXPECT_THAT(format_error(member("a", 'S', "abc") + kEnd), HasSubstr("sparse"));
  EXPECT_THAT(format_error(member("p", 'x', "99 path=new\n") + kEnd), HasSubstr("wrong length"));
  EXPECT_THAT(format_error(member("p", 'x', "3 a") + kEnd), HasSubstr("wrong length"));
  EXPECT_THAT(format_error(member("p", 'x', "18446744073709551616 a=b\n") + kEnd), HasSubstr("wrong length"));
  EXPECT_THAT(format_error(member("p", 'x', "9 size=x\n") + kEnd), AllOf(HasSubstr("wrong")));
  EXPECT_THAT(format_error(member("p", 'x', "29 size=18446744073709551615\n") + member("a", '0', "b") + kEnd),
              HasSubstr("x.tar@"));
  EXPECT_THAT(format_error(member("l", 'L', "name") + kEnd), HasSubstr("a long name is for"));
  EXPECT_THAT(format_error(member("l", 'L', std::string(70000, 'n')) + kEnd),
              HasSubstr("a name of 70000 bytes"));
}

TEST(TarShards, WebDatasetsNamesAreOnePhotoAKey) {
  const test::TempDir dir;
  dir.write("s-0.tar", member("d/1.jpg", '0', "one") + member("d/1.cls", '0', "10\n") +
                           member("d/2.json", '0', "{\"label\": 9}") +
                           member("d/2.seg.png", '0', "not the picture") + member("d/2.PNG", '0', "two") +
                           member("readme.txt", '0', "hello") + kEnd);
  dir.write("s-1.tar", member("3.cls", '0', "9") + member("3.jpeg", '0', "three") + kEnd);
  for (const std::string& place : {dir.path(), dir.file("s.tar")}) {
    const TarShards shards(place);
    ASSERT_EQ(shards.num_images(), 3);
    std::vector<std::string> photos;
    for (std::int64_t i = 0; i < 3; ++i) {
      const auto image = shards.image(i);
      photos.push_back(shards.name(i) + " " +
                       shards.identity_names()[static_cast<std::size_t>(shards.identity(i))] + " " +
                       std::string(image.begin(), image.end()));
    }
    EXPECT_THAT(photos, ElementsAre("s-0.tar/d/1 10 one", "s-0.tar/d/2 9 two", "s-1.tar/3 9 three"));
    EXPECT_THAT(shards.identity_names(), ElementsAre("9", "10"));
  }
  EXPECT_EQ(TarShards(dir.file("s-1.tar")).num_images(), 1);
}

TEST(TarShards, LabelsMayBeNames) {
  const test::TempDir dir;
  dir.write("x.tar", member("1.jpg", '0', "a") + member("1.cls", '0', "n2") + member("2.jpg", '0', "b") +
                         member("2.json", '0', "{\"cls\": \"10\"}") + kEnd);
  const TarShards shards(dir.file("x.tar"));
  EXPECT_THAT(shards.identity_names(), ElementsAre("10", "n2"));
  EXPECT_EQ(shards.identity(0), 1);
}

TEST(TarShards, WithoutLabelsEveryPictureIsAPhoto) {
  const test::TempDir dir;
  dir.write("p-0.tar", member("./b/2.jpg", '0', "two") + member("b/1.jpg", '0', "old") +
                           member("b/1.tidy.PNG", '0', "tidy") + member("notes.txt", '0', "no") +
                           member("b/._1.jpg", '0', "no") + member("b/1.png", '0', "one") +
                           member("/c.jpeg", '0', "c") + member("b/1.jpg", '0', "new") + kEnd);
  dir.write("p-1.tar", member("b/1.jpg", '0', "other") + member("b/1.cls", '0', "7") + kEnd);
  const TarShards shards(dir.path(), TarLabels::kIgnored);
  std::vector<std::string> photos;
  for (std::int64_t i = 0; i < shards.num_images(); ++i) {
    const auto image = shards.image(i);
    photos.push_back(shards.name(i) + " " + std::string(image.begin(), image.end()));
  }
  EXPECT_THAT(photos, ElementsAre("p-0.tar/b/2.jpg two", "p-0.tar/b/1.tidy.PNG tidy", "p-0.tar/b/1.png one",
                                  "p-0.tar//c.jpeg c", "p-0.tar/b/1.jpg new", "p-1.tar/b/1.jpg other"));
  EXPECT_TRUE(shards.identity_names().empty());
  dir.write("none/x.tar", member("notes.txt", '0', "no") + kEnd);
  EXPECT_THAT(
      test::error_of(ErrorKind::kData, [&] { TarShards none(dir.file("none"), TarLabels::kIgnored); }),
      HasSubstr("no photos (expected files .jpg"));
}

TEST(TarShards, ShardsAreBoundedAndComeBack) {
  const test::TempDir dir;
  TarShardWriter writer(dir.file("faces.tar"), 20480);
  for (int i = 0; i < 9; ++i)
    writer.add(i / 4, "jpg", bytes_of(std::string(1500, static_cast<char>('a' + i))));
  writer.add(2, "png", bytes_of(std::string(30000, 'z')));
  writer.finish({"Ann", "Bo", "Cy"});
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    files.push_back(entry.path().filename());
    if (files.back() != "faces-000002.tar") {
      EXPECT_LE(entry.file_size(), 20480u) << files.back();
    }
  }
  EXPECT_THAT(files, testing::UnorderedElementsAre("faces-000000.tar", "faces-000001.tar", "faces-000002.tar",
                                                   "faces.identities"));
  const TarShards shards(dir.file("faces.tar"));
  ASSERT_EQ(shards.num_images(), 10);
  EXPECT_THAT(shards.identity_names(), ElementsAre("Ann", "Bo", "Cy"));
  for (std::int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(shards.identity(i), i / 4);
    EXPECT_EQ(shards.image(i).size(), 1500u);
    EXPECT_EQ(shards.image(i)[1499], 'a' + i);
  }
}

TEST(TarShards, MistakesAreNamed) {
  const test::TempDir dir;
  const auto data_error = [&](const std::string& archive) {
    const std::string path = dir.write("x.tar", archive);
    return test::error_of(ErrorKind::kData, [&] { TarShards shards(path); });
  };
  EXPECT_THAT(data_error(member("1.jpg", '0', "a") + kEnd), HasSubstr("x.tar@512: 1.jpg has no label"));
  EXPECT_THAT(data_error(member("1.jpg", '0', "a") + member("1.json", '0', "{\"label\": -1}") + kEnd),
              HasSubstr("has no label"));
  EXPECT_THAT(data_error(member("1.jpg", '0', "a") + member("1.json", '0', "{\"label\"") + kEnd),
              HasSubstr("has no label"));
  EXPECT_THAT(data_error(member("1.jpg", '0', "a") + member("1.png", '0', "a") + kEnd),
              HasSubstr("second picture"));
  EXPECT_THAT(data_error(member("a\nb.jpg", '0', "a") + kEnd), HasSubstr("a?b.jpg has no label"));
  EXPECT_THAT(data_error(member("1.cls", '0', "a") + kEnd), HasSubstr("no photos"));
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { TarShards shards(dir.file("none.tar")); }),
              HasSubstr("no such archive"));
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { TarShards shards(dir.file("no/ne.tar")); }),
              HasSubstr("no such archive"));
  const test::TempDir empty;
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { TarShards shards(empty.path()); }), HasSubstr(".tar"));
}

TEST(TarShards, NothingIsLeftOfAFailedWriter) {
  const test::TempDir dir;
  {
    TarShardWriter writer(dir.file("x.tar"), 20480);
    for (int i = 0; i < 3; ++i) writer.add(0, "jpg", bytes_of(std::string(15000, 'x')));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace aface
